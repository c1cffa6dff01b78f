"""A run: stack, job, feed; faults from a seed, each at its phase; then the verdict.

In: seed, number of faults, records. Out: an Outcome, whether it is good or not.
"""

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import TickloomError
from schemas.settings import PROJECT, settings, state_dir, store_url
from tests.chaos import oracle, reference
from tests.chaos.arena import INTERVAL, SETTINGS, Arena, Stuck
from tests.chaos.disk import Disk
from tests.chaos.faults import KILLS, SHORTAGES, STOPS, Fault, Toothless
from tests.chaos.faults_around import more_partitions, offered
from tests.chaos.monitor import Monitor
from tests.chaos.phases import PHASES
from tests.chaos.proxy import Proxy
from tests.chaos.trades import SECOND, Market, actions
from tests.oracles.world import as_table
from tickloom.stack import control
from tickloom.stack.supervise import supervised

TRIES = 3
"""Of a fault that has no proof that it bit; if none has one, the run is invalid."""
ONCE: dict[str, Fault] = {"more partitions": more_partitions}


@dataclass
class Outcome:
    """What a run came to."""

    market: Market
    faults: list[tuple[str, str, str, float]] = field(default_factory=list)
    """Kind, phase, evidence, seconds to the first new committed output."""
    problems: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    records: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def plan(arena: Arena, number: int, kinds: dict[str, Fault]) -> list[tuple[str, Fault, str]]:
    """Kinds and phases: each kind in turn, in a drawn order, so that none is left out; the once-kinds in the middle."""
    found: list[tuple[str, Fault, str]] = []
    while len(found) < number:
        names = list(kinds)
        arena.random.shuffle(names)
        found += [(each, kinds[each], "any") for each in names]
    found = found[:number]
    phases = list(PHASES)
    found = [(name, fault, arena.random.choice(phases) if name in KILLS else "any") for name, fault, _ in found]
    for name, fault in ONCE.items():
        if number > len(kinds):
            found[number // 2] = (name, fault, "any")
    return found


def run(
    market: Market, number: int, only: list[str] | None = None, seconds: float = 0, parallelism: int = 2
) -> Outcome:
    """All of it, in the state folder that is in force, which is empty at the end of a good run."""
    outcome, begun = Outcome(market), time.time()
    with prepared(market, parallelism) as arena:
        kinds = KILLS | STOPS | SHORTAGES | offered(arena.disk)
        try:
            arena.start()
            arena.settle()
            for name, fault, phase in plan(arena, number, {k: v for k, v in kinds.items() if not only or k in only}):
                _strike(arena, outcome, name, fault, phase)
            arena.until(lambda: time.time() > arena.begun + seconds, "the end of the time", seconds + 60)
            report = arena.end()
            outcome.records = sum(report["sent"].values())
            judge(arena, outcome, report)
        except (Stuck, Toothless, TickloomError, AssertionError) as error:
            outcome.problems.append(f"{type(error).__name__}: {error}")
        finally:
            arena.kill()
        if not outcome.problems or outcome.faults:
            _heard(arena.monitor, outcome)
    outcome.seconds = time.time() - begun
    return outcome


def _heard(monitor: Monitor, outcome: Outcome) -> None:
    """What the readers saw meanwhile."""
    outcome.problems += monitor.problems
    outcome.problems += [f"lost or doubled: {topic} {key.decode()}" for _, topic, key in monitor.gaps]
    outcome.problems += [f"alarm: {topic} {key.decode()}" for _, topic, key in monitor.alarms]
    outcome.compared.update(monitor.seen)


def _strike(arena: Arena, outcome: Outcome, name: str, fault: Fault, phase: str) -> None:
    if arena.fed():
        raise Toothless(f"the feed has ended before {name}")
    for left in reversed(range(TRIES)):
        when = PHASES[phase](arena)
        since = time.time()
        try:
            evidence = fault(arena)
            seconds = arena.recover(since)
        except Toothless as error:
            arena.note(f"{name}, {when}: toothless: {error}")
            if not left:
                outcome.problems.append(f"no proof: {name}, {when}: {error}")
        except (Stuck, OSError) as error:  # the run is invalid; what else it shows is worth the time
            arena.note(f"{name}, {when}: {error}")
            outcome.problems.append(f"{name}, {when}: {error}")
            break
        else:
            outcome.faults.append((name, phase, evidence, seconds))
            arena.note(f"{len(outcome.faults)} {name}, {when}: {evidence}; new output after {seconds:.1f} s")
            break
        finally:
            arena.settle()


def judge(arena: Arena, outcome: Outcome, report: dict[str, Any]) -> None:
    """The oracle's findings about all that is committed; the job is drained before, so that amendments have come."""
    found, at, market = oracle.Findings(), settings().kafka.bootstrap, arena.market
    late = oracle.check_letters(market, arena.schema_id, at, found)
    oracle.check_late(market, late, int(settings().state.horizon_bars) * SECOND, found)
    oracle.check_bars(market, oracle.bars(at, found, INTERVAL), late, found)
    for topic in ("market.bar.v1", "feature.frame.v1", "market.price.v1.dlq", "market.price.v1.late.dlq"):
        oracle.check_serials(at, topic, found)
    for topic in ("market.bar.v1.dlq", "feature.frame.v1.dlq"):
        found.problems += [f"alarm: {topic}: {letter.reason}" for letter in oracle.letters(at, topic, found)]
    happened = actions(market)[: report["sent"].get("actions", 0)]
    wanted = reference.check_features(INTERVAL, as_table(happened), found)
    reference.check_store(arena.store_url, INTERVAL, wanted, found)
    outcome.problems += found.problems
    outcome.compared.update(found.compared)


@contextmanager
def private(keep: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A state folder of its own in force, gone at the end unless it is to be kept."""
    home, before = Path(tempfile.mkdtemp(prefix="tickloom-chaos-")), os.environ.get("TICKLOOM_HOME")
    os.environ["TICKLOOM_HOME"] = str(home)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(PROJECT / ".tickloom" / "numba"))
    settings.cache_clear()
    try:
        yield home
    finally:
        os.environ.pop("TICKLOOM_HOME")
        os.environ |= {"TICKLOOM_HOME": before} if before else {}
        settings.cache_clear()
        if not keep():
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def prepared(market: Market, parallelism: int) -> Iterator[Arena]:
    """Stack, proxies, disk; all gone at the end."""
    os.environ.update(SETTINGS)
    settings.cache_clear()
    disk = Disk.mount(state_dir() / "flink" / "checkpoints", state_dir() / "disk.img")
    try:
        control.up(auto_ports=True, brokers=3, high_availability=True, taskmanagers=2)
        ports, direct = settings().stack.ports, store_url()
        redis, registry = (Proxy(each, getattr(ports, each)) for each in ("redis", "registry"))
        os.environ["TICKLOOM_STORE__URL"] = f"redis://127.0.0.1:{redis.port}/0"
        os.environ["TICKLOOM_REGISTRY__URL"] = f"http://127.0.0.1:{registry.port}/apis/ccompat/v7"
        settings.cache_clear()
        with supervised(print):
            yield Arena(market, parallelism, redis, registry, direct, disk)
    finally:
        for name in ("TICKLOOM_STORE__URL", "TICKLOOM_REGISTRY__URL", *SETTINGS):
            os.environ.pop(name, None)
        control.down()
        if disk:
            disk.unmount()
        settings.cache_clear()
