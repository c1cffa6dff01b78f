"""Real processes (sleep), no servers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tickloom.stack import process

SLEEP = ["sleep", "60"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[process.Place]:
    """A state folder; what was started in it is stopped at the end."""
    place = process.Place(tmp_path)
    yield place
    process.stop(place, place.names())


def test_start_find_and_stop(place: process.Place) -> None:
    process.launch(place, "nap", SLEEP, dict(os.environ))
    found = process.leader(place, "nap")
    assert found
    assert found.cmdline() == SLEEP
    assert os.getsid(found.pid) != os.getsid(0), "a closed terminal must not end it"
    assert place.names() == ["nap"]
    process.stop(place, ["nap"])
    assert process.leader(place, "nap") is None
    assert _gone(found)
    assert place.names() == []


def test_a_killed_one_is_gone_at_once(place: process.Place) -> None:
    process.launch(place, "nap", SLEEP, dict(os.environ))
    found = process.leader(place, "nap")
    assert found
    found.kill()
    _until(lambda: process.leader(place, "nap") is None)
    assert place.names() == ["nap"], "it was not stopped by us"


def test_a_reused_process_id_is_not_ours(place: process.Place) -> None:
    with subprocess.Popen(SLEEP) as stranger:
        place.pid_file("nap").parent.mkdir()
        place.pid_file("nap").write_text(f"{stranger.pid} 0.0")
        assert process.leader(place, "nap") is None
        process.stop(place, ["nap"])
        assert stranger.poll() is None, "a stranger was stopped"
        stranger.kill()


def test_another_stacks_process_of_the_same_name_is_left_alone(place: process.Place, tmp_path: Path) -> None:
    other = process.Place(tmp_path / "other")
    other.home.mkdir()
    process.launch(other, "nap", SLEEP, dict(os.environ))
    process.launch(place, "nap", SLEEP, dict(os.environ))
    process.stop(place, ["nap"])
    assert process.leader(other, "nap")
    process.stop(other, ["nap"])
    assert process.leader(other, "nap") is None


def test_the_worker_of_a_killed_parent_is_stopped(place: process.Place) -> None:
    process.launch(place, "parent", ["sh", "-c", "sleep 60 & wait"], dict(os.environ))
    parent = process.leader(place, "parent")
    assert parent
    worker = _child(parent)
    os.kill(parent.pid, signal.SIGKILL)
    assert not _gone(worker)
    process.stop(place, ["parent"])
    assert _gone(worker)


def test_what_ignores_the_request_is_killed_after_the_grace(
    place: process.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process.launch(place, "deaf", [sys.executable, "-c", deaf], dict(os.environ))
    _until(lambda: "deaf" in place.log("deaf").read_text())
    process.stop(place, ["deaf"])
    assert process.leader(place, "deaf") is None


def test_the_log_holds_this_start_only(place: process.Place) -> None:
    for word in ("first", "second"):
        process.launch(place, "echo", ["sh", "-c", f"echo {word}; echo $WORD >&2"], {**os.environ, "WORD": "err"})
        _until(lambda: process.leader(place, "echo") is None)
    assert place.log("echo").read_text() == "second\nerr\n"
    assert place.log("echo").with_suffix(".log.1").read_text() == "first\nerr\n"


def _child(parent: psutil.Process) -> psutil.Process:
    _until(lambda: bool(parent.children()))
    return parent.children()[0]


def _gone(found: psutil.Process) -> bool:
    return not found.is_running() or found.status() == psutil.STATUS_ZOMBIE


def _until(true: object) -> None:
    deadline = time.monotonic() + 5
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)
