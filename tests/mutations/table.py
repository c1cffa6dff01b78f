"""Planted bugs: each a small patch of our own code or, where the thing is Flink's, Kafka's or Redis's, of its model.

`python -m tests.mutations` runs each under the simulation until the checker catches it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np

from jobs.runtime.shards import Shards
from jobs.stages.bars import Bars
from jobs.stages.decode import DecodePrices
from jobs.stages.write import Encode
from tests.simulation import flink
from tests.simulation.flink import BARRIER, Keyed, Task
from tests.simulation.kafka import Record
from tests.simulation.small import BLOCK_MS, LATENESS_MS
from tests.simulation.stages import Sink, Source
from tests.simulation.store import UNCOUNTED, MemoryStore, Server
from tests.simulation.world import World
from udfs import bar_log, tick_shard
from udfs.bar_log import BarLog
from udfs.intervals import Intervals
from udfs.log import Log
from udfs.plan import Plan
from udfs.tick_shard import TickShard
from udfs.ticks import TRADE, Ticks
from udfs.vector import HEADER_BYTES, stamp

CRASHES = ("crash", "crash under a barrier", "crash before commit", "crash in commit", "crash in restore")
FORGETS = ("store wiped", "store rolled back")


@dataclass(frozen=True)
class Mutant:
    """A bug, where it is planted, and the faults under which it is to be seen (all, if none are named).

    control: one of the issue's negative controls, which the real stack has, too.
    """

    name: str
    where: str
    plant: Callable[[], AbstractContextManager[Any]]
    kinds: tuple[str, ...] = ()
    control: bool = False
    timeout_ms: int = 600_000


def instead(of: Any, name: str, make: Callable[[Any], Any]) -> Callable[[], AbstractContextManager[Any]]:
    """A method or function replaced by what `make` makes of it."""
    return lambda: patch.object(of, name, make(getattr(of, name)))


def _at_once(_: Any) -> Any:
    def put(self: Sink, record: Record) -> None:
        transaction = self.broker.begin("at least once")
        self.broker.append(transaction, record)
        self.broker.commit(transaction)

    return put


def _on_ticks(change: Callable[[Ticks], Ticks]) -> Callable[[Any], Any]:
    """What is built, or accepted, is changed before."""
    return lambda original: lambda first, *others: original(change(first), *others)


def _each_its_own(ticks: Ticks) -> Ticks:
    _, first = np.unique(ticks.trade_id, return_index=True)
    again = (ticks.kind == TRADE) & ~np.isin(np.arange(len(ticks)), first)
    return replace(ticks, trade_id=ticks.trade_id + again * np.arange(len(ticks), dtype="u8"))


def _accepting(change: Callable[[Ticks], Ticks]) -> Callable[[Any], Any]:
    return lambda original: lambda self, ticks, packed=b"": original(self, change(ticks))


def _shuffled(original: Any) -> Any:
    def by_shard(self: Any, *of: Any) -> Iterator[Any]:
        for shard, ticks, rows in original(self, *of):
            yield shard, replace(ticks, event_time=np.roll(ticks.event_time, 1)), rows

    return by_shard


def _without(kind: str) -> Callable[[Any], Any]:
    """A function of rows that lets some pass unseen."""
    return lambda original: lambda self, *of: iter(()) if _row(of)[1].endswith(kind) else original(self, *of)


def _row(of: Any) -> Any:
    return next(each for each in of if hasattr(each, "as_dict"))


@contextmanager
def _two_steps() -> Iterator[None]:
    """Compare now, set some steps later: a pause between GET and SET, longer for some writers than for others."""
    waiting: list[tuple[int, Server, Any, bytes]] = []

    def set_later(self: Server, key: Any, vector: bytes) -> int:
        old = self.vectors.get(key)
        if old is not None and stamp(vector)[:3] <= stamp(old)[:3]:
            return 0
        waiting.append((stamp(vector).fence % 7 * 10, self, key, vector))
        return 1

    def step(self: World) -> bool:
        more = original(self)
        due = [each for each in waiting if each[0] <= 0 or not more]
        waiting[:] = [(left - 1, *of) for left, *of in waiting if left > 0 and more]  # type: ignore[misc]
        for _, server, key, vector in due:
            server.put(key, vector)
        if not more:
            self.reader.look()
        return more

    original = World.step
    with patch.object(Server, "set", set_later), patch.object(World, "step", step):
        yield


def _halves(original: Any) -> Any:
    def put(self: Server, key: Any, vector: bytes) -> None:
        old = self.vectors.get(key)
        original(self, key, vector if old is None else vector[:HEADER_BYTES] + old[HEADER_BYTES:])

    return put


def _too_kind(original: Any) -> Any:
    def rule(self: Source, partition: int, offset: int, message: Any) -> Any:
        late, end, *more = original(self, partition, offset, message)
        return end - 1 <= self.newest[partition] - LATENESS_MS - BLOCK_MS and late, end, *more

    return rule


def _unaligned(_: Any) -> Any:
    def take(self: Task, channel: Any) -> None:
        kind, what = channel.queue[0]
        if kind != BARRIER:
            return original(self, channel)
        channel.queue.popleft()
        if what > getattr(self, "passed_barrier", 0):
            self.passed_barrier = what  # type: ignore[attr-defined]
            self.barrier(what)
        return None

    original = flink.Task.take
    return take


def _unkept(prefix: str) -> Callable[[Any], Any]:
    """Keys of a log that are not in its store."""

    def make(original: Any) -> Any:
        def put(self: Log, key: str, value: bytes) -> None:
            original(self, key, value)
            if key.startswith(prefix):
                del self._store[key]

        return put

    return make


def _untimed(original: Any) -> Any:
    def restore(self: Keyed, states: Any, mine: Any) -> None:
        original(self, states, mine)
        self.event_timers.clear()
        self.clock_timers.clear()

    return restore


def _not_after_a_close(original: Any) -> Any:
    def await_turn(self: Any, shard: Any, timers: Any) -> None:
        if not timers.firing:
            original(self, shard, timers)

    return await_turn


def _rounded(original: Any) -> Any:
    return lambda self, end, names, state: original(self, end, names, state.astype("f4").astype("f8"))


def _inclusive(original: Any) -> Any:
    def between(self: BarLog, after: int, until: int) -> list[int]:
        return [end for end in self.times if after <= end <= until]

    return between


def _by_time(original: Any) -> Any:
    def set_newer(self: Server, key: Any, vector: bytes) -> int:
        old = self.vectors.get(key)
        return (
            0 if old is not None and stamp(old).event_time >= stamp(vector).event_time else original(self, key, vector)
        )

    return set_newer


def _one_fence(_: Any) -> Any:
    def fence(self: MemoryStore, project: str, view: str, shard: str) -> int:
        self.server.shards.setdefault((project, view, shard), (1, 0))
        return 1

    return fence


def _no_turns(original: Any) -> Any:
    return lambda self, shard, fence, turn: original(self, shard, fence, UNCOUNTED)


MUTANTS = (
    Mutant("at-least-once sink", "model of KafkaSink", instead(Sink, "put", _at_once), CRASHES, control=True),
    Mutant("transactions of 5 s", "setting of the sink", nullcontext, (*CRASHES, "broker unreachable"), control=True,
           timeout_ms=5000),
    Mutant("shuffled event time", "DecodePrices", instead(DecodePrices, "_by_shard", _shuffled), control=True),
    Mutant("dropped amendment", "TickShard.accept",
           instead(TickShard, "accept", _accepting(lambda ticks: ticks.take(ticks.kind == TRADE))), control=True),
    Mutant("no dedup", "bars.build", instead(tick_shard, "build", _on_ticks(_each_its_own))),
    Mutant("trades by time only", "bars.build",
           instead(tick_shard, "build", _on_ticks(lambda ticks: replace(ticks, sequence=np.arange(len(ticks)))))),
    Mutant("vectors by time only", "model of tickloom_write", instead(Server, "set", _by_time)),
    Mutant("compare, then set", "model of tickloom_write", _two_steps, ("zombie", "crash")),
    Mutant("half a vector", "model of tickloom_write", instead(Server, "put", _halves)),
    Mutant("silent late drop", "Bars.take", instead(Bars, "take", _without("late"))),
    Mutant("late by one block more", "rule of read.py", instead(Source, "rule", _too_kind)),
    Mutant("bar end inclusive", "TickShard.accept",
           instead(TickShard, "accept", _accepting(lambda ticks: replace(ticks, event_time=ticks.event_time - 1)))),
    Mutant("replay from the anchor's own bar", "BarLog.between", instead(BarLog, "between", _inclusive)),
    Mutant("no fence", "model of tickloom_fence", instead(MemoryStore, "fence", _one_fence), (*CRASHES, "zombie")),
    Mutant("loss of the store unnoticed", "model of tickloom_write", instead(Server, "check", _no_turns),
           FORGETS),
    Mutant("float32 state", "BarLog.put_anchor", instead(BarLog, "put_anchor", _rounded)),
    Mutant("lost amendment", "Intervals.amend", instead(Intervals, "amend", lambda real: lambda self: real(self)[:0])),
    Mutant("wrong degree", "Plan.factors", instead(Plan, "factors", lambda real: lambda *of: 1 / real(*of))),
    Mutant("unsorted replay", "BarLog.put", lambda: patch.object(bar_log, "insort", list.append)),
    Mutant("revisions begin anew", "BarLog.amendment", instead(BarLog, "amendment", lambda _: lambda *_: 1)),
    Mutant("swallowed dead letter", "Encode", instead(Encode, "flat_map", _without(".dlq"))),
    Mutant("forgotten rebuild", "Log: no d/", instead(Log, "__setitem__", _unkept("d/")), CRASHES),
    Mutant("orphan transaction", "model of KafkaSink", instead(Sink, "settle", lambda _: lambda *_: None), CRASHES),
    Mutant("barriers that do not wait", "model of Flink", instead(Task, "take", _unaligned), CRASHES),
    Mutant("partition found late", "way of adding one", instead(Source, "held", lambda _: lambda *_: False)),
    Mutant("no turn after a close", "Shards.on_timer", instead(Shards, "_await_turn", _not_after_a_close)),
    Mutant("timers left out", "model of Flink", instead(Keyed, "restore", _untimed), CRASHES),
)  # fmt: skip
