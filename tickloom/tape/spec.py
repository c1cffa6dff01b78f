"""What a synthetic tape is: its options, and all that follows from them without drawing a tick."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigError
from schemas.settings import UNITS
from tickloom.tape.events import Event, events

MIDNIGHT = 1_704_240_000 * UNITS["s"]
"""2024-01-03 00:00 UTC: the middle of a tape, so that every tape has an ex-date in it."""


@dataclass(frozen=True)
class Spec:
    """Options of `tickloom synth`; fractions are of all ticks, times in microseconds.

    rate: ticks per second of event time, all symbols together; bound_us: delay from which a record is late (lateness
    and block of the settings); delay_us: how much later than that a record may arrive.
    """

    symbols: int
    ticks: int
    seed: int
    interval_us: int
    rate: float
    bound_us: int
    delay_us: int
    late: float = 0.0
    duplicates: float = 0.0
    cancels: float = 0.0
    bad: float = 0.0
    actions: int = 0

    def __post_init__(self) -> None:
        for name in ("late", "duplicates", "cancels", "bad"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"--{name} {getattr(self, name)} is not a fraction", hint="give a number of 0 to 1")
        for name in ("symbols", "ticks", "rate"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"--{name} {getattr(self, name)} is not positive")
        if self.actions < 0:
            raise ConfigError(f"--actions {self.actions} is negative")

    @cached_property
    def names(self) -> list[str]:
        """The first symbol of each security, in ascending order of their text."""
        width = max(3, len(str(self.symbols - 1)))
        return [f"S{i:0{width}}" for i in range(self.symbols)]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Ticks of each symbol, falling with 1 / sqrt(rank): a few symbols trade most, as on an exchange."""
        weights = 1 / np.sqrt(np.arange(1, self.symbols + 1))
        counts = np.floor(self.ticks * (weights / weights.sum())).astype("i8")
        rest = self.ticks - int(counts.sum())
        return np.asarray(counts + rest // self.symbols + (np.arange(self.symbols) < rest % self.symbols))

    @cached_property
    def duration_us(self) -> float:
        """Event time from the first possible tick to the last."""
        return self.ticks / self.rate * UNITS["s"]

    @cached_property
    def start_us(self) -> int:
        """Event time of the first possible tick: the start of a bar, half a tape before MIDNIGHT."""
        return MIDNIGHT - int(self.duration_us / 2) // self.interval_us * self.interval_us

    @cached_property
    def periods(self) -> NDArray[np.float64]:
        """Mean microseconds between two ticks of each symbol."""
        return self.duration_us / np.maximum(self.counts, 1)

    @cached_property
    def midnights(self) -> list[int]:
        """Ex times to choose from: the midnights of the tape, UTC."""
        day = UNITS["d"]
        found = range(-(-self.start_us // day) * day, int(self.start_us + self.duration_us), day)
        return list(found) or [MIDNIGHT]

    @cached_property
    def events(self) -> list[Event]:
        """The corporate actions, by security and ex time."""
        return events(self)

    @cached_property
    def tickers(self) -> list[str]:
        """All symbols that a security ever has, in ascending order of their text."""
        return sorted({*self.names, *(event.other_symbol for event in self.events)})
