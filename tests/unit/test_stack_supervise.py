"""The supervisor, with real processes of one line in place of Kafka and the rest."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.settings import settings
from tickloom.stack import control, process, supervise
from tickloom.stack.components import Component

NAP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
DIES = ["sh", "-c", "echo 'java.lang.OutOfMemoryError: Java heap space'; exit 1"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, list[str]]]:
    """Components of a stack in a folder of its own, by name; a test may change a command."""
    found = {"a": NAP, "b": NAP}

    def components() -> list[Component]:
        return [Component(name, "", (), lambda name=name: found[name], lambda: True) for name in found]

    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    monkeypatch.setattr(control, "components", components)
    monkeypatch.setattr(supervise, "components", components)
    settings.cache_clear()
    yield found
    control.down()
    settings.cache_clear()


@pytest.fixture
def place(tmp_path: Path) -> process.Place:
    """The stack's folder."""
    return process.Place(tmp_path)


def test_what_was_killed_runs_again_and_the_other_is_left_alone(
    commands: dict[str, list[str]], place: process.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE_S", 0.01)
    control.up(auto_ports=True)
    before = {name: pid(place, name) for name in "ab"}
    told: list[str] = []
    with supervise.supervised(told.append):
        os.kill(before["a"], 9)
        until(lambda: pid(place, "a") not in {0, before["a"]})
    assert pid(place, "b") == before["b"]
    assert [line.split(" ", 1)[1][:6] for line in told] == ["a died", "a star"]
    os.kill(pid(place, "a"), 9)
    time.sleep(4 * supervise.POLL_S)
    assert not pid(place, "a"), "started after the supervisor had ended"


def test_the_rests_of_a_killed_one_are_ended_first(commands: dict[str, list[str]], place: process.Place) -> None:
    commands["a"] = ["sh", "-c", "sleep 60 & wait"]
    control.up(auto_ports=True)
    until(lambda: len(process.family(place, ["a"])) == 2)
    rest = next(each for each in process.family(place, ["a"]) if each.pid != pid(place, "a"))
    os.kill(pid(place, "a"), 9)
    until(lambda: not pid(place, "a"))
    assert rest.is_running()
    supervisor = supervise.Supervisor(print)
    until(lambda: supervisor.look() is None and bool(pid(place, "a")))
    assert rest not in process.family(place, ["a"])


def test_what_was_stopped_stays_down(commands: dict[str, list[str]], place: process.Place) -> None:
    control.up(auto_ports=True)
    control.down(("a",))
    told: list[str] = []
    supervise.Supervisor(told.append).look()
    assert (told, pid(place, "a"), bool(pid(place, "b"))) == ([], 0, True)


def test_while_another_command_changes_the_stack_nothing_is_started(
    commands: dict[str, list[str]], place: process.Place
) -> None:
    control.up(auto_ports=True)
    os.kill(pid(place, "a"), 9)
    until(lambda: not pid(place, "a"))
    told: list[str] = []
    with control.alone(place):
        supervise.Supervisor(told.append).look()
    assert (told, pid(place, "a")) == ([], 0)


def test_pauses_grow_for_one_that_dies_at_once_and_end_when_it_has_settled(
    commands: dict[str, list[str]], place: process.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.up(auto_ports=True)
    commands["a"] = DIES
    clock = [time.time()]
    monkeypatch.setattr(supervise.time, "time", lambda: clock[0])
    os.kill(pid(place, "a"), 9)
    told: list[str] = []
    supervisor = supervise.Supervisor(told.append)
    for _ in range(8):
        until(lambda: not pid(place, "a"))
        supervisor.look()  # notices the death
        clock[0] += supervisor.watched["a"].pause_s
        supervisor.look()  # starts it again
    pauses = [line.rpartition("again in ")[2] for line in told if "again in" in line]
    assert pauses == ["1 s", "2 s", "4 s", "8 s", "16 s", "32 s", "60 s", "60 s"]
    assert "out of memory" in told[-2]
    commands["a"] = NAP
    until(lambda: not pid(place, "a"))
    clock[0] += supervise.LONGEST_PAUSE_S
    supervisor.look()
    clock[0] += supervise.LONGEST_PAUSE_S
    supervisor.look()
    until(lambda: bool(pid(place, "a")))
    supervisor.look()
    clock[0] += supervise.SETTLED_S + 1
    os.kill(pid(place, "a"), 9)
    until(lambda: not pid(place, "a"))
    supervisor.look()
    assert told[-2].endswith("again in 0 s")


def pid(place: process.Place, name: str) -> int:
    found = process.leader(place, name)
    return found.pid if found else 0


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
