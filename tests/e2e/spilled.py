"""Every place where a secret of a running stack could have been left: what holds which of them."""

import contextlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from tickloom.flink_rest import FlinkRest

OWN = "secrets.env"
COMMANDS = (["doctor"], ["stack", "status"], ["stack", "logs", "taskmanager"], ["stack", "logs", "kafka"])
JOB = ("", "/plan", "/config", "/exceptions?maxExceptions=20", "/jobmanager/config", "/jobmanager/environment")


def found(home: Path, url: str, secrets: Iterable[str]) -> list[str]:
    """Places, of all those, that hold one of the secrets."""
    wanted = [secret.encode() for secret in secrets]
    places = [*files(home), *answers(url), *command_lines(), *printed()]
    assert len(places) > 100
    return [name for name, text in places if any(secret in text for secret in wanted)]


def files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the state folder but the one that is made to hold them: logs, configurations, data, checkpoints."""
    for path in home.rglob("*"):
        if path.is_file() and path.name != OWN:
            with contextlib.suppress(FileNotFoundError):  # a checkpoint may go meanwhile
                yield str(path), path.read_bytes()


def answers(url: str) -> Iterator[tuple[str, bytes]]:
    """What Flink's REST interface tells of the cluster and of every job, and the logs that it serves."""
    paths = ["/config", "/jobmanager/config", "/jobmanager/environment", "/jobmanager/thread-dump", "/taskmanagers"]
    paths += [f"/jobs/{job}{part}" for job in FlinkRest(url).jobs() for part in JOB]
    for path in paths:
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(url + path, timeout=30) as answer:
            yield path, answer.read()


def command_lines() -> Iterator[tuple[str, bytes]]:
    """What `ps` shows to every user of this machine."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        yield f"process {process.pid}", " ".join(process.info["cmdline"] or []).encode()


def printed() -> Iterator[tuple[str, bytes]]:
    """What our own commands print."""
    for words in COMMANDS:
        command = [sys.executable, "-c", "from tickloom.cli import main; main()", *words]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.stdout, words
        yield " ".join(words), done.stdout + done.stderr
