"""The job of jobs/features.py as tasks, its checkpoints and restarts; and where the operators' surroundings are put in.

A checkpoint is complete when every task has handed its state over; then each sink is told. A failure of any task takes
all of them back to the last complete checkpoint.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import cache
from operator import itemgetter
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from jobs.runtime import committed, shards
from jobs.runtime.dead_letters import DeadLetters
from jobs.stages import bars, cross_section, decode, indicators, store, write
from schemas.errors import SchemaError
from schemas.loader import text
from schemas.settings import settings
from schemas.wire import decode as decode_one
from tests.simulation import small
from tests.simulation.flink import Edge, Keyed, Metrics, Task
from tests.simulation.kafka import Broker, Unreachable
from tests.simulation.market import ACTION, DEAD, IDS, PRICE, Market
from tests.simulation.stages import Actions, Blocks, Sink, Source, by_name
from tests.simulation.store import MemoryStore, Server
from udfs import decode as decoding
from udfs.plan import Plan

WRITTEN = {write.BAR: 11, write.FEATURE: 12, write.REQUEST: 13}
NAMES = {number: name for name, number in (IDS | WRITTEN).items()}


@cache
def schema(number: int) -> Any:
    """What a registry would say."""
    if number not in NAMES:
        raise SchemaError(f"no schema has the id {number}")
    return json.loads(text(NAMES[number]))


@cache
def decoder(topic: str, columns: tuple[str, ...]) -> decoding.Decoder:
    """One for all worlds: it keeps nothing of what it decodes."""
    return decoding.Decoder(topic, schema, columns)


PLANS: dict[str, Plan] = {}


def plan(interval: str, features: Any, calendar: str) -> Plan:
    """One for all worlds: it keeps nothing of what it steps."""
    if interval not in PLANS:
        PLANS[interval] = Plan(interval, features, calendar)
    return PLANS[interval]


class Surroundings:
    """Clock, broker and store of the world that runs now; what the operators reach for instead of the real ones."""

    def __init__(self, random: Random, market: Market, timeout_ms: int = 600_000) -> None:
        self.random, self.market, self.now_ms = random, market, 1_700_000_000_000
        self.grown = not market.added_ms
        self.broker, self.server = Broker(self.clock, timeout_ms), Server(self.clock)

    def clock(self) -> int:
        """Milliseconds."""
        return self.now_ms

    def records(self, topic: str, *_: str) -> Iterator[dict[str, Any]]:
        """Of jobs/runtime/committed.py."""
        if self.broker.down:
            raise Unreachable
        found = list(self.broker.committed())
        return (decode_one(record.value, schema) for _, record in found if record.topic == topic)

    @contextmanager
    def put_in(self) -> Iterator[None]:
        """For as long as the context, our operators meet this world."""
        clock = SimpleNamespace(time_ns=lambda: self.now_ms * 1_000_000)
        with ExitStack() as stack:
            for module in (shards, store, write):
                stack.enter_context(patch.object(module, "time", clock))
            stack.enter_context(patch.object(store, "open_store", lambda _: MemoryStore(self.server)))
            stack.enter_context(patch.object(committed, "records", self.records))
            stack.enter_context(patch.object(decode, "Decoder", lambda topic, _, columns: decoder(topic, columns)))
            stack.enter_context(patch.object(decode, "Lookup", lambda _: schema))
            stack.enter_context(patch.object(indicators, "Plan", plan))
            stack.enter_context(patch.object(indicators, "chosen", lambda **_: small.ROWS))
            for module in (indicators, store):  # a world's settings are this process's, but for the horizon
                stack.enter_context(patch.object(module, "adopt", lambda _: None))
            stack.enter_context(patch.object(cross_section.CrossSection, "open", shards.Shards.open))  # compiles only
            yield


class Job:
    """All tasks of one attempt, and what outlives it: the last complete checkpoint."""

    def __init__(self, world: Surroundings, parallelism: int, horizon_bars: int) -> None:
        self.world, self.parallelism, config = world, parallelism, settings()
        state = config.state.model_copy(update={"horizon_bars": horizon_bars})
        self.config = config.model_copy(update={"state": state})
        self.attempt, self.number = 0, 0
        self.writer = store.WriteVectors("", self.config)
        self.complete: dict[str, list[Any]] = {}
        self.pending: dict[str, dict[int, Any]] | None = None
        self.tasks: list[Task] = []
        self.restart()

    def restart(self) -> None:
        """New tasks, from the last complete checkpoint."""
        self.attempt, self.pending, self.notified = self.attempt + 1, None, False
        self.tasks = self._build()
        self.stages = by_name(self.tasks)
        for name, tasks in self.stages.items():
            for task in tasks:
                task.acknowledge = self._acknowledge
                task.restore(self.complete.get(name, []), _belongs(task.index, len(tasks)))
        # what a world asks at every step
        self.workers = [task for task in self.tasks if not isinstance(task, Source | Actions)]
        self.sources: list[Source] = self.stages["source"]  # type: ignore[assignment]
        self.readers: list[Source | Actions] = [*self.sources, *self.stages["actions"]]  # type: ignore[list-item]
        self.sinks: list[Sink] = self.stages["sink"]  # type: ignore[assignment]
        self.sinks[0].settle(self.complete.get("sink", []), [each.now for each in self.sinks])

    def trigger(self) -> None:
        """Begin a checkpoint: a barrier from each source."""
        self.number += 1
        self.pending = {name: {} for name in self.stages}
        for task in self.readers:
            task.barrier(self.number)

    def _acknowledge(self, task: Task, number: int, state: Any) -> None:
        if self.pending is not None and number == self.number:
            self.pending[task.name][task.index] = state

    def finished(self) -> bool:
        """Whether all tasks have handed their state over."""
        return self.pending is not None and sum(map(len, self.pending.values())) == len(self.tasks)

    def finish(self) -> None:
        """The checkpoint is complete: from now on it is what a restart begins with."""
        assert self.pending is not None
        self.complete = {name: [of[i] for i in sorted(of)] for name, of in self.pending.items()}
        self.pending = None

    def notify(self) -> None:
        """Tell the sinks that it is complete."""
        self.notified = True
        for sink, held in zip(self.sinks, self.complete["sink"], strict=False):
            sink.notify(held)

    def _build(self) -> list[Task]:
        n, world, config = range(self.parallelism), self.world, self.config
        price, action = (DeadLetters(topic, IDS[DEAD]) for topic in (PRICE, ACTION))
        one, around = [small.INTERVAL], (world.market, world.random)
        of_prices = decode.DecodePrices("", price, small.SHARDS, small.BLOCK_MS * 1000, small.GAP_US)
        of_actions = decode.DecodeActions("", action, small.SHARDS)
        for each in (of_prices, of_actions):
            each.open(_CONTEXT)
        sources = [Source(i, *around, grown=world.grown) for i in n]
        actions = Actions(*around, of_actions)
        blocks = [Blocks(i, of_prices, world.clock) for i in n]
        made = [self._keyed("bars", i, bars.Bars(small.INTERVAL, config, price, action)) for i in n]
        rows = [self._keyed("indicators", i, indicators.Indicators(one, config), copy(self.writer)) for i in n]
        crossed = [self._keyed("cross", i, cross_section.CrossSection(one, config), copy(self.writer)) for i in n]
        encode = write.Encode(WRITTEN, small.INTERVAL, score=False)
        sinks = [Sink(i, encode, world.broker, self.attempt) for i in n]
        for source in sources:
            source.edges = [Edge(blocks, lambda row: 0 if row[0] else row[4] % small.LANES)]
        for targets, senders in ((made, [*blocks, actions]), (rows, made)):
            for sender in senders:
                sender.edges = [Edge(targets, itemgetter(0))]
        for task in rows:
            task.edges = [CopiesEdge(crossed, crossed[0].function), Edge([sinks[task.index]], lambda _: 0)]
        for task in crossed:
            task.edges = [Edge([sinks[task.index]], lambda _: 0)]
        return [*sources, actions, *blocks, *made, *rows, *crossed, *sinks]

    def _keyed(self, name: str, index: int, function: Any, chained: Any = None) -> Keyed:
        function.numbers = {number: number for number in range(small.SHARDS)}
        return Keyed(name, index, function, self.world.clock, chained)


class CopiesEdge(Edge):
    """To the cross-section: what it hears, a copy for each of its keys."""

    def __init__(self, targets: list[Any], crossing: Any) -> None:
        super().__init__(targets, lambda row: int(row[0]))
        self.crossing = crossing

    def row(self, row: Any) -> None:
        if row[1] in cross_section.HEARD:
            for copy in self.crossing.copies(row):
                super().row(copy)


class _Context:
    def get_metric_group(self) -> Metrics:
        return Metrics()

    get_metrics_group = get_metric_group


_CONTEXT = _Context()


def _belongs(index: int, count: int) -> Callable[[int], bool]:
    """Which keys, or partitions, an instance has."""
    return lambda key: key % count == index
