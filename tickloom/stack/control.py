"""Start, stop and look at the whole stack.

In: the settings and what the state folder says is running. Out: servers that answer, or a StackError with the
component, the cause and the last lines of its log. What was chosen is written to stack.toml, which every later command
of the same state folder reads. Must not know: what the components are.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import tomli_w

from schemas.errors import StackError, nearest
from schemas.settings import Ports, parse_duration, settings, stack_file, state_dir
from tickloom.stack import causes, ports, process
from tickloom.stack.components import Component, components
from tickloom.stack.environment import environment

DATA = ("kafka", "registry", "redis", "flink", "logs", "run", "online.db*", "registry.db")
POLL_S = 0.1


@dataclass(frozen=True)
class Row:
    """A component as it is now."""

    name: str
    state: str
    """`up`, `silent` (runs but does not answer) or `down`."""
    pid: int | None
    address: str


def up(
    names: tuple[str, ...] = (),
    *,
    brokers: int | None = None,
    auto_ports: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Start what does not run (of these components, else of all) and wait until each answers; safe to repeat."""
    place = process.Place(state_dir())
    with _alone(place):
        _choose(place, brokers, auto_ports)
        wanted = _select(names)
        missing = [each for each in wanted if not process.leader(place, each.name)]
        process.stop(place, [each.name for each in missing])  # workers that their parent left behind
        for each in missing:
            ports.demand_free(each.name, each.ports)
        with ThreadPoolExecutor(len(wanted)) as pool:
            started = [pool.submit(_bring, place, each, each in missing, tell) for each in wanted]
        for future in started:
            future.result()


def down(names: tuple[str, ...] = (), *, wipe: bool = False) -> list[str]:
    """Stop these components, else all; `wipe` also deletes their data. Names what was stopped."""
    place = process.Place(state_dir())
    with _alone(place):
        stopped = [name for name in place.names() if not names or name in names]
        process.stop(place, stopped)
        if not place.names():
            stack_file().unlink(missing_ok=True)
            settings.cache_clear()
        if wipe:
            _wipe(place)
    return stopped


def status() -> list[Row]:
    """Every component, and whether it answers."""
    place = process.Place(state_dir())
    every = components()
    with ThreadPoolExecutor(len(every)) as pool:
        return list(pool.map(lambda each: _row(place, each), every))


def _row(place: process.Place, each: Component) -> Row:
    found = process.leader(place, each.name)
    state = "down" if not found else "up" if each.healthy() else "silent"
    return Row(each.name, state, found.pid if found else None, each.address)


def _choose(place: process.Place, brokers: int | None, auto_ports: bool) -> None:
    """Write stack.toml: what an earlier start of this folder chose stays while any of its servers runs."""
    if not any(process.leader(place, name) for name in place.names()):
        chosen = settings().stack
        _write_addresses(ports.choose() if auto_ports else chosen.ports, brokers or chosen.brokers)
    elif brokers not in {None, settings().stack.brokers}:
        raise StackError("the stack runs with another number of brokers", hint="tickloom stack down --wipe first")


def _write_addresses(chosen: Ports, brokers: int) -> None:
    bootstrap = ",".join(f"{ports.HOST}:{chosen.kafka + 2 * index}" for index in range(brokers))
    content: dict[str, dict[str, object]] = {
        "kafka": {"bootstrap": bootstrap},
        "registry": {"url": f"http://{ports.HOST}:{chosen.registry}/apis/ccompat/v7"},
        "stack": {"brokers": brokers, "ports": chosen.model_dump()},
    }
    if shutil.which("redis-server"):
        content["store"] = {"url": f"redis://{ports.HOST}:{chosen.redis}/0"}
    stack_file().write_text(tomli_w.dumps(content), "utf-8")
    settings.cache_clear()


def _select(names: tuple[str, ...]) -> list[Component]:
    known = {each.name: each for each in components()}
    for name in names:
        if name not in known:
            raise StackError(f"no component named {name!r}", hint=nearest(name, known))
    return [each for each in known.values() if not names or each.name in names]


def _bring(place: process.Place, each: Component, start: bool, tell: Callable[[str], None]) -> None:
    begun = time.monotonic()
    if start:
        process.launch(place, each.name, each.command(), {**environment(), **each.env})
    deadline = begun + parse_duration(settings().stack.timeout) / 1e6
    while not each.healthy():
        if not process.leader(place, each.name):
            raise _failure(place, each, "ended while it started")
        if time.monotonic() > deadline:
            raise _failure(place, each, f"does not answer after {settings().stack.timeout}")
        time.sleep(POLL_S)
    each.then()
    tell(f"{each.name:12} {each.address or 'registered':45} {time.monotonic() - begun:5.1f} s")


def _failure(place: process.Place, each: Component, what: str) -> StackError:
    log = causes.read(place.log(each.name))
    cause, remedy = causes.explain(log)
    return StackError(
        f"{each.name} {what}" + (f": {cause}" if cause else ""),
        where=f"{place.log(each.name)}\n{causes.last(causes.essence(log))}",
        hint=remedy or f"tickloom stack logs {each.name}",
    )


@contextmanager
def _alone(place: process.Place) -> Iterator[None]:
    """One command at a time changes a stack."""
    place.home.mkdir(parents=True, exist_ok=True)
    with (place.home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wipe(place: process.Place) -> None:
    for path in (path for name in DATA for path in place.home.glob(name)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
