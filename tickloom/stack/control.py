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
from pydantic import ValidationError

from schemas.errors import StackError, nearest
from schemas.sections import Stack
from schemas.settings import parse_duration, settings, stack_file, state_dir
from tickloom.stack import causes, ports, process, render, security
from tickloom.stack.components import Component, components
from tickloom.stack.environment import environment

DATA = ("kafka", "registry", "redis", "zookeeper", "flink", "logs", "run", "security", "online.db*", "registry.db")
LEADERSHIP = ("zookeeper", "flink/ha")
"""What the JobManager would take jobs from again: gone once the stack was stopped, not when it was killed."""
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
    auto_ports: bool = False,
    tell: Callable[[str], None] = lambda line: None,
    **wanted: int | bool | str | None,
) -> None:
    """Start what does not run (of these components, else of all) and wait until each answers; safe to repeat.

    wanted: `brokers`, `secure`, `high_availability`, `taskmanagers`, `profile`; None: as the settings say.
    """
    place = process.Place(state_dir())
    with alone(place):
        _choose(place, {key: value for key, value in wanted.items() if value is not None}, auto_ports)
        chosen = _select(names)
        missing = [each for each in chosen if not process.leader(place, each.name)]
        process.stop(place, [each.name for each in missing])  # workers that their parent left behind
        for each in missing:
            ports.demand_free(each.name, each.ports)
        with ThreadPoolExecutor(len(chosen)) as pool:
            started = [pool.submit(_bring, place, each, each in missing, tell) for each in chosen]
        for future in started:
            future.result()


def down(names: tuple[str, ...] = (), *, wipe: bool = False) -> list[str]:
    """Stop these components, else all; `wipe` also deletes their data. Names what was stopped."""
    place = process.Place(state_dir())
    with alone(place):
        stopped = [name for name in place.names() if not names or name in names]
        process.stop(place, stopped)
        if not place.names():
            stack_file().unlink(missing_ok=True)
            settings.cache_clear()
            _delete(place, LEADERSHIP)
        if wipe:
            _delete(place, DATA)
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


def _choose(place: process.Place, wanted: dict[str, int | bool | str], auto_ports: bool) -> None:
    """Write stack.toml: what an earlier start of this folder chose stays while any of its servers runs."""
    settings.cache_clear()
    chosen = settings().stack
    try:
        asked = Stack.model_validate(chosen.model_dump() | wanted)
    except ValidationError as error:
        raise StackError(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from error
    render.profile(asked.profile)
    if not any(process.leader(place, name) for name in place.names()):
        _write_choice(asked.model_copy(update={"ports": ports.choose()}) if auto_ports else asked)
    elif asked != chosen:
        key = next(key for key in wanted if getattr(asked, key) != getattr(chosen, key))
        hint = "tickloom stack down first" + (", with --wipe" if key == "brokers" else "")
        raise StackError(f"the stack runs with {key} = {getattr(chosen, key)}", where=str(stack_file()), hint=hint)
    if settings().stack.secure:
        security.make()


def _write_choice(stack: Stack) -> None:
    chosen = stack.ports
    bootstrap = ",".join(f"{ports.HOST}:{chosen.kafka + 2 * index}" for index in range(stack.brokers))
    content: dict[str, dict[str, object]] = {
        "kafka": {"bootstrap": bootstrap, "security_protocol": "PLAINTEXT"},
        "registry": {"url": f"http://{ports.HOST}:{chosen.registry}/apis/ccompat/v7"},
        "stack": stack.model_dump(exclude={"timeout"}),
    }
    if shutil.which("redis-server"):
        content["store"] = {"url": f"redis://{ports.HOST}:{chosen.redis}/0"}
    if stack.secure:
        parts = security.chosen(ports.HOST, chosen.redis)
        content |= {section: content[section] | parts[section] for section in content.keys() & parts}
    for section, values in render.profile_settings(stack.profile).items():
        content[section] = content.get(section, {}) | values
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
        env = security.confined(each.name, {**environment(), **each.env})
        process.launch(place, each.name, each.command(), env)
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
def alone(place: process.Place, *, wait: bool = True) -> Iterator[None]:
    """One command at a time changes a stack; BlockingIOError if another does and this one shall not `wait`."""
    place.home.mkdir(parents=True, exist_ok=True)
    with (place.home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def _delete(place: process.Place, names: tuple[str, ...]) -> None:
    for path in (path for name in names for path in place.home.glob(name)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
