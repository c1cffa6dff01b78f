"""Which bars a matrix is made of: the schedule by which sums over a window are split into a base and its edges.

In: the window's length or decay. Out: for each bar number the base in use, and ranges of bars. Nothing here depends
on when a process started or what it computed before: the schedule is a function of the absolute bar number alone, so
live updates, blocked replay and a restore add the same products in the same order. This file knows no returns.

    bars      ... oldest │ old edge │ core (in every window of the period) │ b │ gap │ new edge ... newest t

A base is anchored at bar b, a multiple of `period`. It is prepared during the `gap` bars from b on, and serves the
windows that end at b + gap to b + gap + period - 1. Its core is in all of these, so nothing is ever subtracted.
"""

import math
from dataclasses import dataclass

NEGLIGIBLE = 1e-14  # a decaying window ends where a weight is this small beside the newest one


@dataclass(frozen=True)
class Window:
    """The last `bars` bars; decay: factor of the weight from one bar to the one before; least: returns to take part.

    least == bars excludes a member with any gap; fewer carry its price: a bar without a return counts as 0.
    """

    bars: int
    least: int
    decay: float = 1.0

    @staticmethod
    def rolling(bars: int, least: int | None = None) -> "Window":
        """All bars alike; bars from 2 on."""
        return Window(bars, bars if least is None else least)

    @staticmethod
    def decaying(decay: float, least: int) -> "Window":
        """Exponentially weighted (RiskMetrics' daily λ is 0.94), 0 < decay < 1; takes in some bars of less weight."""
        return Window(math.ceil(math.log(NEGLIGIBLE) / math.log(decay)), least, decay)

    def __post_init__(self) -> None:
        if self.bars < 2 or not 0 < self.decay <= 1 or not 2 <= self.least <= self.bars:
            raise ValueError(f"{self}: bars from 2 on, 0 < decay <= 1, 2 <= least <= bars")

    @property
    def gap(self) -> int:
        """Bars in which a base is prepared; edges cost `gap`, preparation bars / gap products an element and bar."""
        return math.isqrt(self.bars - 1) if self.decay == 1 else max(1, self.bars // 24)

    @property
    def period(self) -> int:
        """Bars that a base serves; in a decaying window its core keeps a weight of NEGLIGIBLE ** (1/6), 1/215."""
        return self.gap if self.decay == 1 else max(1, self.bars // 8)

    @property
    def reach(self) -> int:
        """Bars of returns from which everything follows: what a checkpoint must hold."""
        return self.bars if self.decay == 1 else self.bars + self.gap + self.period

    def base(self, bar: int) -> int:
        """The anchor of the base in use at a bar."""
        return (bar - self.gap) // self.period * self.period

    def switch(self, bar: int) -> int:
        """The first later bar at which another base is in use."""
        return self.base(bar) + self.gap + self.period

    def first(self, base: int) -> int:
        """The oldest bar of the oldest window that a base serves."""
        return base - self.bars + 1 + (self.gap if self.decay == 1 else 0)

    def core(self, base: int) -> int:
        """The oldest bar of a base's core."""
        return self.first(base) + (self.period - 1 if self.decay == 1 else 0)

    def oldest(self, bar: int) -> int:
        """The oldest bar of the window that ends at a bar."""
        return bar - self.bars + 1 if self.decay == 1 else self.first(self.base(bar))
