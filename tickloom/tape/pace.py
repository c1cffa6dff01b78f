"""How fast a replay goes, and how it shows: N times real time or as fast as can be, and a bar on a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tickloom.tape.messages import Messages

STEP_S = 0.02


class Pace:
    """Lets messages through when their time has come.

    Event time runs `speed` times as fast as the clock, from the first message on; a speed of 0 waits for nothing.
    """

    def __init__(
        self, speed: float, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._speed, self._now, self._sleep = speed, now, sleep
        self._origin: tuple[float, int] | None = None
        self._newest = 0

    def parts(self, messages: Messages) -> Iterator[Messages]:
        """The messages in parts of at most STEP_S, each when it is due; a late one is due with those before it."""
        if not self._speed or not messages:
            yield messages
            return
        times = np.maximum.accumulate([self._newest, *messages.times_ms])[1:]
        self._newest = int(times[-1])
        start, first_ms = self._origin = self._origin or (self._now(), int(times[0]))
        steps = ((times - first_ms) / 1000 / self._speed / STEP_S).astype("i8")
        cuts = np.flatnonzero(np.diff(steps, prepend=-1))
        for first, last in zip(cuts.tolist(), [*cuts[1:].tolist(), None], strict=True):
            self._sleep(max(0.0, start + int(steps[first]) * STEP_S - self._now()))
            yield messages.part(first, last)


class Meter:
    """The progress of a replay on a terminal: event time, rate, lag (messages not acknowledged), time to the end."""

    def __init__(self, total: int | None) -> None:
        columns = (TextColumn("{task.fields[clock]}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
                   TextColumn("{task.fields[rate]:,.0f}/s"), TextColumn("lag {task.fields[lag]:,}"),
                   TimeRemainingColumn())  # fmt: skip
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._progress.add_task("replay", total=total, clock="", rate=0.0, lag=0)
        self._started, self.done = time.monotonic(), 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    def advance(self, part: Messages, lag: int) -> None:
        """These messages are handed over; lag messages wait for an answer."""
        if part:
            self.done += len(part)
            clock = datetime.fromtimestamp(part.times_ms[-1] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
            rate = self.done / self.seconds
            self._progress.update(self._task, advance=len(part), clock=clock, rate=rate, lag=lag)
