"""The `python` that Flink runs for its workers: hands its arguments to the warm one, or is an ordinary python.

In: arguments, environment and streams of a python; TICKLOOM_WARM, the socket of the warm one. Out: its exit status.
Imports little, for it starts each time. Must not know: what is run.
"""
# ruff: noqa: PTH109, PTH119, PTH120 -- pathlib takes longer to import than all else here

import json
import os
import signal
import socket
import sys
from contextlib import suppress

KINDS = ("-c", "-m")


def main() -> None:
    """Ask the warm python; be an ordinary one when there is none, or when it cannot do what is asked."""
    path, argv = os.environ.get("TICKLOOM_WARM", ""), sys.argv[1:]
    if path and len(argv) > 1 and argv[0] in KINDS:
        with suppress(OSError):
            sys.exit(ask(path, argv))
    os.execv(sys.executable, [sys.executable, *argv])


def ask(path: str, argv: list[str]) -> int:
    """Exit status of the python that the warm one became; OSError if it was not even asked."""
    cwd = os.getcwd()
    link = socket.socket(socket.AF_UNIX)
    os.chdir(os.path.dirname(path))  # the name of a socket may be no longer than 107 bytes
    try:
        link.connect(os.path.basename(path))
    finally:
        os.chdir(cwd)
    request = json.dumps({"argv": argv, "env": dict(os.environ), "cwd": cwd}).encode() + b"\n"
    sent = socket.send_fds(link, [request], [0, 1, 2])
    status = b""
    with suppress(OSError):  # it died: what was asked may have begun, and must not begin twice
        link.sendall(request[sent:])
        status = link.recv(1)
    return status[0] if status else 128 + signal.SIGKILL


if __name__ == "__main__":
    main()
