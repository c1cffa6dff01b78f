"""The whole of up, status and down with servers of three lines in place of Kafka and the rest."""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from schemas.errors import StackError
from schemas.settings import settings, stack_file
from tickloom.stack import control, process
from tickloom.stack.components import Component
from tickloom.stack.ports import taken

SERVER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
BROKEN = "raise SystemExit('java.net.BindException: Address already in use')"


def server(name: str, port: int, code: str = SERVER, then: Callable[[], object] = Component.then) -> Component:
    command = [sys.executable, "-S", "-c", code, str(port)]
    return Component(name, f"127.0.0.1:{port}", (port,), lambda: command, partial(taken, port), then=then)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[process.Place]:
    """A state folder; what was started in it is stopped at the end."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    settings.cache_clear()
    yield process.Place(tmp_path)
    control.down()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two components, a and b, at the ports that the settings give Flink and Redis; what follows the start of a."""
    followed: list[str] = []

    def components() -> list[Component]:
        ports = settings().stack.ports
        return [server("a", ports.flink, then=lambda: followed.append("a")), server("b", ports.redis)]

    monkeypatch.setattr(control, "components", components)
    return followed


def states() -> dict[str, str]:
    return {row.name: row.state for row in control.status()}


def test_up_twice_then_down(two: list[str], place: process.Place) -> None:
    told: list[str] = []
    control.up(auto_ports=True, tell=told.append)
    chosen, pids = settings().stack.ports, [row.pid for row in control.status()]
    assert states() == {"a": "up", "b": "up"}
    assert sorted(line.split()[0] for line in told) == ["a", "b"]
    control.up()  # without --ports: what runs keeps its ports and processes
    assert (settings().stack.ports, [row.pid for row in control.status()]) == (chosen, pids)
    assert two == ["a", "a"]
    assert control.down() == ["a", "b"]
    assert not stack_file().exists()
    assert not taken(chosen.flink)


def test_a_killed_one_alone_is_started_again(two: list[str], place: process.Place) -> None:
    control.up(auto_ports=True)
    before = {row.name: row.pid for row in control.status()}
    found = process.leader(place, "b")
    assert found
    found.kill()
    while process.leader(place, "b"):
        time.sleep(0.01)
    assert states() == {"a": "up", "b": "down"}
    control.up()
    after = {row.name: row.pid for row in control.status()}
    assert after["a"] == before["a"]
    assert after["b"] not in {None, before["b"]}


def test_one_component_by_name(two: list[str]) -> None:
    control.up(auto_ports=True)
    assert control.down(("a",)) == ["a"]
    assert states() == {"a": "down", "b": "up"}
    assert stack_file().exists(), "b still needs its address"
    control.up(("a",))
    assert states() == {"a": "up", "b": "up"}
    with pytest.raises(StackError, match="no component named 'c'"):
        control.up(("c",))


def test_a_failure_shows_component_cause_and_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "components", lambda: [server("bad", settings().stack.ports.flink, BROKEN)])
    with pytest.raises(StackError) as caught:
        control.up(auto_ports=True)
    said = str(caught.value)
    assert said.startswith("bad ended while it started: a port is taken")
    assert "BindException" in said
    assert "logs/bad.log" in said


def test_silence_ends_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_STACK__TIMEOUT", "300ms")
    monkeypatch.setattr(
        control, "components", lambda: [server("mute", settings().stack.ports.flink, "import time; time.sleep(60)")]
    )
    with pytest.raises(StackError, match="mute does not answer after 300ms"):
        control.up(auto_ports=True)
    assert states() == {"mute": "silent"}


def test_another_number_of_brokers_needs_an_empty_stack(two: list[str]) -> None:
    control.up(auto_ports=True)
    with pytest.raises(StackError, match="--wipe"):
        control.up(brokers=3)
    control.up(brokers=1)


def test_what_was_chosen_is_kept_until_all_is_down(two: list[str]) -> None:
    control.up(auto_ports=True, high_availability=True, taskmanagers=2)
    control.up(high_availability=True)
    kept = settings().stack
    assert (kept.high_availability, kept.taskmanagers, kept.brokers) == (True, 2, 1)
    with pytest.raises(StackError, match="the stack runs with taskmanagers = 2"):
        control.up(taskmanagers=3)
    control.down()
    settings.cache_clear()
    assert settings().stack.taskmanagers == 1


def test_a_profile_has_settings_of_ours_too(two: list[str]) -> None:
    plain = settings().actions.idle_timeout
    control.up(auto_ports=True, profile="low-latency")
    assert settings().actions.idle_timeout == "200ms" != plain
    control.down()
    settings.cache_clear()
    assert settings().actions.idle_timeout == plain


@pytest.mark.parametrize(
    ("wanted", "said"),
    [({"brokers": 2}, "brokers: Input should be 1 or 3"), ({"profile": "low"}, "no profile 'low'"), ({"x": 1}, "x: ")],
)
def test_a_choice_that_is_none_is_refused(wanted: dict[str, int | str], said: str, two: list[str]) -> None:
    with pytest.raises(StackError, match=said):
        control.up(auto_ports=True, **wanted)
    assert states() == {"a": "down", "b": "down"}


def test_down_forgets_who_led_and_a_kill_does_not(two: list[str], place: process.Place) -> None:
    for name in ("zookeeper", "flink/ha", "flink/checkpoints"):
        (place.home / name).mkdir(parents=True)
    control.up(auto_ports=True)
    control.down(("a",))
    assert (place.home / "zookeeper").exists()
    found = process.leader(place, "b")
    assert found
    found.kill()
    control.up()
    assert (place.home / "zookeeper").exists()
    control.down()
    assert {path.name for path in (place.home / "flink").iterdir()} == {"checkpoints"}
    assert not (place.home / "zookeeper").exists()


def test_wipe_deletes_data_and_nothing_else(two: list[str], place: process.Place) -> None:
    for name in ("kafka", "mine"):
        (place.home / name).mkdir()
    control.up(auto_ports=True)
    control.down(wipe=True)
    assert {path.name for path in place.home.iterdir()} == {"lock", "mine"}
