"""A Python that has imported what every worker needs, and forks into one when it is asked: no import, no wait.

In: a request on a socket of the state folder: arguments, environment and folder of a `python …` that Flink wants to
run, and its three standard streams. Out: a process that does what that python would do, and its exit status. A worker
imports for some seven seconds of a core otherwise, each time a job restarts. Each TaskManager has one of its own, which
dies with it, as a worker dies with this. Must not know: our own code, which may be another in the next job.
"""

import ctypes
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    "pyflink.fn_execution.beam.beam_sdk_worker_main,numba,pandas,pyarrow.parquet,confluent_kafka,fastavro,redis,"
    "pydantic_settings,httpx"
)
ROOM = "room-for-the-command-line-of-a-worker:" + 512 * "."
"""An argument to start this with: a worker writes its own arguments over it, so that `ps` shows what it is."""
SET_DEATH_SIGNAL = 1
ARGUMENTS = slice(45, 47)
"""Of /proc/<pid>/stat behind the name in brackets: first byte of the arguments, and the one after the last."""


@dataclass
class Request:
    """What a python was started with."""

    argv: list[str]
    env: dict[str, str]
    cwd: str


def die_with_parent() -> None:
    """Be killed when the parent ends, however it ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent has ended")


def serve(path: Path, libraries: list[str]) -> Request:
    """Answer requests for ever; returns in the forked process, with what it was asked for."""
    door = listen(path)  # whoever asks early waits
    for name in libraries:
        with suppress(ImportError):
            import_module(name)
    wake, bell = socket.socketpair()
    for each in (wake, bell):
        each.setblocking(False)
    signal.set_wakeup_fd(bell.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    guests: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([door, wake, *guests.values()], [], [])
        if wake in ready:
            wake.recv(1024)
            bury(guests)
        for pid, guest in list(guests.items()):
            if guest in ready and not guest.recv(1):  # whoever waited for the worker is gone
                os.kill(pid, signal.SIGKILL)
                guests.pop(pid).close()
        if door in ready:
            guest = door.accept()[0]
            with suppress(OSError, ValueError):
                request, streams = receive(guest)
                if not (pid := os.fork()):
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for each in (door, wake, bell, guest, *guests.values()):
                        each.close()
                    take(streams)
                    return request
                guests[pid] = guest
                for stream in streams:
                    os.close(stream)


def listen(path: Path) -> socket.socket:
    """A socket of this path for this user only, whose folder may have a long name."""
    os.chdir(path.parent)
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    os.umask(0o077)
    door.bind(path.name)
    door.listen()
    return door


def bury(guests: dict[int, socket.socket]) -> None:
    """Tell whoever waits how its worker ended."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if guest := guests.pop(ended[0], None):
                with suppress(OSError):
                    guest.send(bytes([os.waitstatus_to_exitcode(ended[1]) & 0xFF]))
                guest.close()


def receive(guest: socket.socket) -> tuple[Request, list[int]]:
    """A request and the streams that came with it."""
    guest.settimeout(5)
    data, streams, _, _ = socket.recv_fds(guest, 1 << 20, 3)
    while not data.endswith(b"\n"):
        if not (more := guest.recv(1 << 20)):
            raise OSError("the request ended early")
        data += more
    return Request(**json.loads(data)), streams


def take(streams: list[int]) -> None:
    """Make these the standard streams."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)


def become(request: Request) -> None:
    """Be the python that was asked for: `-c code` or `-m module`, in its environment and folder."""
    die_with_parent()
    os.umask(0o022)
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    kind, what, *rest = request.argv
    show([sys.executable, *request.argv])
    paths = [path for path in request.env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [request.cwd if kind == "-m" else "", *paths]
    sys.argv = ["-c" if kind == "-c" else what, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 -- this is python -c


def show(argv: list[str]) -> None:
    """Write other arguments over those that this process was started with; one without a NUL at the end is a title."""
    fields = Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()
    first, last = map(int, fields[ARGUMENTS])
    title = " ".join(argv).encode()[: last - first - 2]
    ctypes.memmove(first, title.ljust(last - first - 1, b"\0") + b".", last - first)


if __name__ == "__main__":
    die_with_parent()
    become(serve(Path(sys.argv[1]), sys.argv[2].split(",")))
