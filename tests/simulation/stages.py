"""The ends of the job that are not ours: the source with its rule of late, the windows of blocks, Kafka's sink.

They are models of jobs/stages/read.py (which is SQL) and of the Kafka connector; between them run our own functions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pyflink.common import Row

from tests.simulation.flink import LOWEST, States, Task
from tests.simulation.kafka import Broker, Record, Transaction
from tests.simulation.market import Market, Message
from tests.simulation.small import BLOCK_MS, LANES, LATENESS_MS

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- Flink's times have no zone
GATHER_MS, IDLE_AFTER = 100, 3


class Source(Task):
    """Reads its partitions; says of each record whether it is late: its block ends before its partition's newest time.

    State: the next offset of each partition, and its newest record time, which is keyed by partition. The watermarks of
    the partitions are no state: after a restore they begin anew.
    """

    name = "source"

    def __init__(self, index: int, market: Market, random: Random, *, grown: bool) -> None:
        super().__init__(index)
        self.market, self.random = market, random
        self.new_ms = 0 if grown else market.added_ms
        self.offsets: dict[int, int] = {}
        self.newest: dict[int, int] = {}
        self.marks: dict[int, int] = {}

    def left(self) -> list[int]:
        """Partitions with unread records."""
        unread = [p for p, offset in self.offsets.items() if offset < len(self.market.prices[p])]
        return [p for p in unread if not self.held(p)]

    def held(self, partition: int) -> bool:
        """Whether the job must be restarted first: a partition was added, of which this one's next record may be newer.

        Flink finds new partitions every five minutes; by then its windows may have passed the first records of one.
        """
        at = self.offsets[partition]
        return (
            self.new_ms > 0
            and at < len(self.market.prices[partition])
            and (self.market.prices[partition][at].time_ms >= self.new_ms)
        )

    def read(self) -> None:
        """Some records of one partition."""
        partition = self.random.choice(self.left())
        messages, offset = self.market.prices[partition], self.offsets[partition]
        self.offsets[partition] = min(offset + self.random.choice((1, 3, 8)), len(messages))
        for at in range(offset, self.offsets[partition]):
            self.emit([self.rule(partition, at, messages[at])])
        self.marks[partition] = max(self.marks.get(partition, LOWEST), self.newest[partition] - LATENESS_MS)
        if len(self.marks) == len(self.offsets):
            self.tell_time(min(self.marks.values()))

    def rule(self, partition: int, offset: int, message: Message) -> tuple[bool, int, bytes, int, int]:
        """(late, end of its block, bytes, partition, offset)."""
        newest = self.newest[partition] = max(self.newest.get(partition, LOWEST), message.time_ms)
        end = (message.time_ms // BLOCK_MS + 1) * BLOCK_MS
        return end - 1 <= newest - LATENESS_MS, end, message.value, partition, offset

    def snapshot(self) -> Any:
        return dict(self.offsets), dict(self.newest)

    def restore(self, states: States, mine: Callable[[int], bool]) -> None:
        known = len(self.market.prices) - (self.new_ms > 0)
        self.offsets = {p: 0 for p in range(known) if mine(p)}
        for offsets, newest in states:
            self.offsets |= {p: offset for p, offset in offsets.items() if mine(p)}
            self.newest |= {p: at for p, at in newest.items() if mine(p)}


class Actions(Task):
    """The topic of corporate actions: read, decoded, and idle when it is silent."""

    name = "actions"

    def __init__(self, market: Market, random: Random, decode: Any) -> None:
        super().__init__(0)
        self.market, self.random, self.decode = market, random, decode
        self.offset, self.quiet = 0, 0

    def left(self) -> list[int]:
        """Whether there is anything to do: a record to read, or to fall silent."""
        return [0] if self.offset < len(self.market.actions) or self.quiet < IDLE_AFTER else []

    def read(self) -> None:
        """One record, or none for a while."""
        if self.offset < len(self.market.actions) and self.random.random() < 0.2:
            message, self.quiet = self.market.actions[self.offset], 0
            self.emit(Row(*row) for row in self.decode.eval(message.value, 0, self.offset))
            self.offset += 1
            self.tell_time(message.time_ms - LATENESS_MS)
        elif self.quiet < IDLE_AFTER or not self.idle:
            self.quiet += 1
            if self.quiet == IDLE_AFTER:
                self.rest()

    def snapshot(self) -> Any:
        return self.offset

    def restore(self, states: States, mine: Callable[[int], bool]) -> None:
        self.offset = max(states, default=0)


class Blocks(Task):
    """The windows of blocks, and the decoder behind them. They remember their time, and drop what is behind it."""

    name = "blocks"

    def __init__(self, index: int, decode: Any, clock: Callable[[], int]) -> None:
        super().__init__(index)
        self.decode, self.clock, self.passed = decode, clock, LOWEST
        self.windows: dict[tuple[int, int], list[Any]] = {}
        self.late: list[Any] = []
        self.late_at: int | None = None

    def on_row(self, row: Any) -> Iterator[Any]:
        late, end, *_, offset = row
        if late:
            self.late.append(row)
            self.late_at = self.late_at or (self.clock() // GATHER_MS + 1) * GATHER_MS
        elif end - 1 > self.passed:
            self.windows.setdefault((end, offset % LANES), []).append(row)
        yield from ()

    def on_mark(self, mark: int) -> Iterator[Any]:
        self.passed = max(self.passed, mark)
        for window in sorted(each for each in self.windows if each[0] - 1 <= mark):
            yield from self._decoded(False, [window[0]], self.windows.pop(window))

    def due(self) -> int | None:
        return self.late_at

    def on_clock(self, now_ms: int) -> Iterator[Any]:
        rows, self.late, self.late_at = self.late, [], None
        if rows:
            yield from self._decoded(True, [row[1] for row in rows], rows)

    def _decoded(self, late: bool, ends: list[int], rows: list[Any]) -> Iterator[Any]:
        times = [EPOCH + timedelta(milliseconds=end) for end in ends]
        _, _, messages, partitions, offsets = zip(*rows, strict=True)
        for row in self.decode.eval(late, times, list(messages), list(partitions), list(offsets)):
            yield Row(*row)

    def snapshot(self) -> Any:
        return {key: list(rows) for key, rows in self.windows.items()}, list(self.late), self.passed

    def restore(self, states: States, mine: Callable[[int], bool]) -> None:
        self.passed = max((passed for *_, passed in states), default=LOWEST)
        for windows, late, _ in states:
            self.windows |= {key: list(rows) for key, rows in windows.items() if mine(key[1])}
            self.late += late if self.index == 0 else []
        self.late_at = self.clock() if self.late else None


class Sink(Task):
    """Kafka's exactly-once sink behind `Encode`: a transaction a checkpoint, committed when the checkpoint is complete.

    State: the transactions that are to be committed. A restore commits those of the checkpoint, whoever began them, and
    aborts all others. What cannot be committed any more is lost, and the job stays green, as with Kafka's own.
    """

    name = "sink"

    def __init__(self, index: int, encode: Any, broker: Broker, attempt: int) -> None:
        super().__init__(index)
        self.encode, self.broker, self.attempt, self.count = encode, broker, attempt, 0
        self.prepared: list[Transaction] = []
        self.todo: list[Transaction] = []
        encode.open(None)
        self.now = self._begin()

    def _begin(self) -> Transaction:
        self.count += 1
        return self.broker.begin(f"{self.index}-{self.attempt}-{self.count}")

    def on_row(self, row: Any) -> Iterator[Any]:
        for topic, key, value, _ in self.encode.flat_map(row):
            self.put(Record(topic, bytes(key), bytes(value)))
        yield from ()

    def put(self, record: Record) -> None:
        """Into the transaction of now."""
        self.broker.append(self.now, record)

    def snapshot(self) -> Any:
        self.prepared.append(self.now)
        self.now = self._begin()
        return [*self.todo, *self.prepared]

    def notify(self, held: list[Transaction]) -> None:
        """A checkpoint is complete: what its state holds is to be committed."""
        self.todo += [each for each in held if each not in self.todo]
        self.prepared = [each for each in self.prepared if each not in held]

    def commit(self) -> None:
        """One transaction."""
        self.broker.commit(self.todo.pop(0))

    def restore(self, states: States, mine: Callable[[int], bool]) -> None:
        if self.index == 0:
            self.todo = [transaction for held in states for transaction in held]

    def settle(self, states: States, open_now: list[Transaction]) -> None:
        """Abort what forerunners left open."""
        self.broker.abort([transaction for held in states for transaction in held] + open_now)


def by_name(tasks: list[Task]) -> dict[str, list[Task]]:
    """Tasks of each stage."""
    found = defaultdict[str, list[Task]](list)
    for task in tasks:
        found[task.name].append(task)
    return found
