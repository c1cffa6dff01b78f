"""What Flink does around an operator: channels, watermarks, aligned barriers, keyed state, timers.

A `Task` is one parallel instance. What comes to it lies in one queue a sender; which task goes on, from which queue, is
not decided here. A barrier blocks its queue until it has come through all of them; then the task's state is handed to
the checkpoint. Nothing here knows prices.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any

from pyflink.datastream import TimeDomain

ROW, MARK, IDLE, BARRIER = range(4)
LOWEST, HIGHEST = -(2**63), 2**63 - 1
States = list[Any]


class Channel:
    """One sender's rows on their way to one task; mark: the watermark that came through, milliseconds."""

    __slots__ = ("blocked", "idle", "mark", "queue", "to")

    def __init__(self, to: str) -> None:
        self.to = to
        self.queue: deque[tuple[int, Any]] = deque()
        self.mark, self.idle, self.blocked = LOWEST, False, False


class Edge:
    """To all instances of another stage: a row goes to the one that `route` names, all else to each."""

    def __init__(self, targets: "list[Task]", route: Callable[[Any], int]) -> None:
        self.channels = [Channel(f"{target.name}/{target.index}") for target in targets]
        self.route = route
        for channel, target in zip(self.channels, targets, strict=True):
            target.inputs.append(channel)

    def row(self, row: Any) -> None:
        """One row."""
        self.channels[self.route(row) % len(self.channels)].queue.append((ROW, row))

    def all(self, kind: int, what: Any) -> None:
        """Watermark, idleness or barrier."""
        for channel in self.channels:
            channel.queue.append((kind, what))


class Task:
    """One instance of a stage. A stage says what a row does; `acknowledge` takes (task, checkpoint, state)."""

    name = "task"

    def __init__(self, index: int) -> None:
        self.index, self.mark, self.idle = index, LOWEST, False
        self.inputs: list[Channel] = []
        self.edges: list[Edge] = []
        self.acknowledge: Callable[[Task, int, Any], None] = lambda *_: None

    def ready(self) -> list[Channel]:
        """Queues from which something can be taken."""
        return [channel for channel in self.inputs if channel.queue and not channel.blocked]

    def take(self, channel: Channel) -> None:
        """The next element of a queue."""
        kind, what = channel.queue.popleft()
        if kind == ROW:
            self.emit(self.on_row(what))
        elif kind == BARRIER:
            channel.blocked = True
            if all(each.blocked for each in self.inputs):
                self.barrier(what)
        else:
            channel.idle = kind == IDLE
            channel.mark = channel.mark if channel.idle else max(channel.mark, what)
            self._pass_time()

    def barrier(self, number: int) -> None:
        """Through all queues: the state of now belongs to the checkpoint."""
        for channel in self.inputs:
            channel.blocked = False
        state = self.snapshot()
        for edge in self.edges:
            edge.all(BARRIER, number)
        self.acknowledge(self, number, state)

    def emit(self, rows: Iterable[Any]) -> None:
        """Rows to whom they concern."""
        for row in rows:
            for edge in self.edges:
                edge.row(row)

    def tell_time(self, mark: int) -> None:
        """A watermark of this task's own, or one that came through."""
        if mark > self.mark or self.idle:
            self.mark, self.idle = max(mark, self.mark), False
            self.emit(self.on_mark(self.mark))
            for edge in self.edges:
                edge.all(MARK, self.mark)

    def rest(self) -> None:
        """Says nothing for now, and holds back no time."""
        self.idle = True
        for edge in self.edges:
            edge.all(IDLE, None)

    def _pass_time(self) -> None:
        live = [channel.mark for channel in self.inputs if not channel.idle]
        if live:
            self.tell_time(min(live))
        elif not self.idle:
            self.rest()

    def due(self) -> int | None:
        """When a timer of the clock is due, ms."""
        return None

    def fire(self, now_ms: int) -> None:
        """The clock has passed what is due."""
        self.emit(self.on_clock(now_ms))

    def on_clock(self, now_ms: int) -> Iterator[Any]:
        """Rows of the timers of the clock."""
        yield from ()

    def on_row(self, row: Any) -> Iterator[Any]:
        """One row."""
        yield row

    def on_mark(self, mark: int) -> Iterator[Any]:
        """Event time has passed."""
        yield from ()

    def snapshot(self) -> Any:
        """State."""
        return None

    def restore(self, states: States, mine: Callable[[int], bool]) -> None:
        """The states of all instances of this stage; mine: whether a key, or a partition, belongs here."""


class Metrics:
    """Groups, counters and gauges that nobody reads."""

    def add_group(self, *_: Any) -> "Metrics":
        return self

    counter = add_group

    def gauge(self, *_: Any) -> None:
        """Not read."""

    def inc(self, *_: Any) -> None:
        """Not read."""


class MapState:
    """Flink's map state: of whichever key is at hand."""

    def __init__(self, keyed: "Keyed", name: str) -> None:
        self._keyed, self._name = keyed, name

    def _map(self) -> dict[str, bytes]:
        of = self._keyed.state.get(self._keyed.key) or self._keyed.state.setdefault(self._keyed.key, {})
        held = of.get(self._name)
        return of.setdefault(self._name, {}) if held is None else held

    def get(self, key: str) -> bytes | None:
        return self._map().get(key)

    def put(self, key: str, value: bytes) -> None:
        self._map()[key] = value

    def remove(self, key: str) -> None:
        self._map().pop(key, None)

    def contains(self, key: str) -> bool:
        return key in self._map()

    def keys(self) -> list[str]:
        return list(self._map())

    def items(self) -> list[tuple[str, Any]]:
        return list(self._map().items())


class Keyed(Task):
    """A KeyedProcessFunction and the functions that are chained to it; its context and timer service, too."""

    def __init__(self, name: str, index: int, function: Any, clock: Callable[[], int], chained: Any = None) -> None:
        super().__init__(index)
        self.name, self.function, self.clock, self.chained = name, function, clock, chained
        self.state: dict[int, dict[str, dict[str, bytes]]] = {}
        self.event_timers: set[tuple[int, int]] = set()
        self.clock_timers: set[tuple[int, int]] = set()
        self.key, self.domain, self.firing = -1, None, False
        function.open(self)
        if chained is not None:
            chained.open(self)

    def on_row(self, row: Any) -> Iterator[Any]:
        self.key = row[0]
        yield from self._onwards(self.function.process_element(row, self))

    def on_mark(self, mark: int) -> Iterator[Any]:
        for timer in sorted(timer for timer in self.event_timers if timer[0] <= mark):
            yield from self._fire(self.event_timers, timer, TimeDomain.EVENT_TIME)

    def on_clock(self, now_ms: int) -> Iterator[Any]:
        for timer in sorted(timer for timer in self.clock_timers if timer[0] <= now_ms):
            yield from self._fire(self.clock_timers, timer, TimeDomain.PROCESSING_TIME)

    def _fire(self, timers: set[tuple[int, int]], timer: tuple[int, int], domain: Any) -> Iterator[Any]:
        timers.remove(timer)
        self.key, self.domain, self.firing = timer[1], domain, True
        yield from self._onwards(self.function.on_timer(timer[0], self))
        self.firing = False

    def due(self) -> int | None:
        return min(self.clock_timers)[0] if self.clock_timers else None

    def _onwards(self, rows: Iterable[Any]) -> Iterator[Any]:
        return (out for row in rows for out in self.chained.flat_map(row)) if self.chained is not None else iter(rows)

    def snapshot(self) -> Any:
        copy = {key: {name: dict(held) for name, held in of.items()} for key, of in self.state.items()}
        return copy, set(self.event_timers), set(self.clock_timers)

    def restore(self, states: States, mine: Callable[[int], bool]) -> None:
        for state, *timers in deepcopy(states):
            self.state |= {key: of for key, of in state.items() if mine(key)}
            for ours, theirs in zip((self.event_timers, self.clock_timers), timers, strict=True):
                ours |= {timer for timer in theirs if mine(timer[1])}

    # what a function sees of all this
    def get_map_state(self, descriptor: Any) -> MapState:
        return MapState(self, descriptor.name)

    def get_metrics_group(self) -> Metrics:
        return Metrics()

    get_metric_group = get_metrics_group

    def get_current_key(self) -> int:
        return self.key

    def timer_service(self) -> "Keyed":
        return self

    def time_domain(self) -> Any:
        return self.domain

    def current_watermark(self) -> int:
        return self.mark

    def register_event_time_timer(self, timestamp: int) -> None:
        self.event_timers.add((timestamp, self.key))

    def register_processing_time_timer(self, timestamp: int) -> None:
        self.clock_timers.add((timestamp, self.key))
