"""The warm Python, which has imported a small library here, and the `python` that asks it: real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tickloom.stack import render, warm

PYTHON = [sys.executable, "-I", "-S", str(render.WORKER)]


@contextmanager
def serving(folder: Path) -> Iterator[psutil.Process]:
    """A warm Python with its socket in this folder."""
    command = [
        sys.executable,
        "-P",
        str(Path(warm.__file__)),
        str(folder / "warm"),
        "decimal,no_such_module",
        warm.ROOM,
    ]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, "MARK": "of the server"}) as started:
        try:
            until((folder / "warm").exists)
            yield psutil.Process(started.pid)
        finally:
            started.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psutil.Process]:
    """A warm Python in a folder with a name longer than a socket's may be."""
    with serving(tmp_path_factory.mktemp("x" * 120)) as found:
        yield found


def start(server: psutil.Process | None, *argv: str, **env: str) -> subprocess.Popen[str]:
    warm_s = {"TICKLOOM_WARM": str(Path(server.cwd()) / "warm")} if server else {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*PYTHON, *argv], env={**os.environ, **env, **warm_s}, text=True, **pipes)  # type: ignore[call-overload, no-any-return]


def run(server: psutil.Process | None, *argv: str, said: str = "", **env: str) -> tuple[int, str, str]:
    with start(server, *argv, **env) as started:
        out, err = started.communicate(said, timeout=60)
    return started.returncode, out, err


def test_it_is_the_python_that_was_asked_for(server: psutil.Process, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import sys; print(__name__, sys.argv[1:], input()); sys.exit(3)")
    asked = ("-m", "mine", "a b")
    for either in (server, None):
        assert run(either, *asked, said="in", PYTHONPATH=str(tmp_path)) == (3, "__main__ ['a b'] in\n", "")
    code = (
        "import os, sys; print(os.getcwd(), os.environ['WORD'], sys.argv, sys.path[0] == '', 'decimal' in sys.modules)"
    )
    expected = f"{Path.cwd()} x ['-c', 'y'] True "
    assert run(server, "-c", code, "y", WORD="x") == (0, f"{expected}True\n", "")
    assert run(None, "-c", code, "y", WORD="x") == (0, f"{expected}False\n", "")


def test_an_error_ends_it_as_it_ends_a_python(server: psutil.Process) -> None:
    for either in (server, None):
        status, out, err = run(either, "-c", "print('before', flush=True); 1 / 0")
        assert (status, out) == (1, "before\n")
        assert err.endswith("ZeroDivisionError: division by zero\n")


def test_others_see_its_own_arguments_and_the_mark_of_the_server(server: psutil.Process) -> None:
    with start(server, "-c", "input()", "argument") as started:
        found = child(server, "argument")
        assert found.cmdline() == [sys.executable, "-c", "input()", "argument"]
        assert found.environ()["MARK"] == "of the server"
        started.communicate("\n")


@pytest.mark.parametrize("victim", ["worker", "launcher"])
def test_worker_and_launcher_end_together(victim: str, server: psutil.Process) -> None:
    with start(server, "-c", "input()", victim) as started:
        found = child(server, victim)
        os.kill(found.pid if victim == "worker" else started.pid, signal.SIGKILL)
        status = started.wait(60)
        assert status == (256 - 9 if victim == "worker" else -9)
        until(lambda: not found.is_running())
        assert server.is_running()


def test_workers_die_with_the_server_and_without_one_python_is_as_ever(tmp_path: Path) -> None:
    with serving(tmp_path) as server, start(server, "-c", "input()", "orphan") as started:
        found = child(server, "orphan")
        server.kill()
        assert started.wait(60) == 128 + 9
        until(lambda: not found.is_running())
    assert run(None, "-c", "print(1)", TICKLOOM_WARM=str(tmp_path / "warm")) == (0, "1\n", ""), "nobody listens there"


def child(server: psutil.Process, argument: str) -> psutil.Process:
    found: list[psutil.Process] = []

    def there() -> bool:
        found[:] = [each for each in server.children() if each.cmdline()[-1:] == [argument]]
        return bool(found)

    until(there)
    return found[0]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
