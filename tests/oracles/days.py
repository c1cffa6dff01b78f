"""Bars as the definitions of candlestick patterns see them, and how a rule becomes a pattern.

Where TA-Lib has a pattern for both directions, only the bullish one need be written down: the bearish one is it on
bars turned upside down (prices with the sign changed, high for low, white for black).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

Bars = dict[str, list[float]]
Rule = Callable[..., bool]


@dataclass(frozen=True)
class Day:
    """One bar and what it is measured against: means over the 10 (near, far, equal: 5) bars before it."""

    o: float
    h: float
    lo: float
    c: float
    white: bool
    normal: float = math.nan
    tiny: float = math.nan
    shade: float = math.nan
    spread: float = math.nan

    @property
    def body(self):
        return abs(self.c - self.o)

    @property
    def top(self):
        return max(self.o, self.c)

    @property
    def bottom(self):
        return min(self.o, self.c)

    @property
    def upper(self):
        return self.h - self.top

    @property
    def lower(self):
        return self.bottom - self.lo

    @property
    def near(self):
        return 0.2 * self.spread

    @property
    def far(self):
        return 0.6 * self.spread

    @property
    def equal(self):
        return 0.05 * self.spread

    @property
    def long(self):
        return self.body > self.normal

    @property
    def short(self):
        return self.body < self.normal

    @property
    def doji(self):
        return self.body <= self.tiny

    @property
    def black(self):
        return not self.white

    @property
    def no_upper(self):
        return self.upper < self.tiny

    @property
    def no_lower(self):
        return self.lower < self.tiny

    def over(self, other):
        return self.bottom > other.top

    def under(self, other):
        return self.top < other.bottom

    def within(self, other):
        return self.top < other.top and self.bottom > other.bottom

    def flipped(self):
        return replace(self, o=-self.o, h=-self.lo, lo=-self.h, c=-self.c, white=not self.white)


def days_of(bars: Bars) -> list[Day]:
    columns = [bars[name] for name in ("open", "high", "low", "close")]
    plain = [Day(o, h, lo, c, c >= o) for o, h, lo, c in zip(*columns, strict=True)]
    days = []
    for k, each in enumerate(plain):
        day, ten, five = each, plain[max(k - 10, 0) : k], plain[max(k - 5, 0) : k]
        if len(ten) == 10:
            ranges, shadows = sum(d.h - d.lo for d in ten) / 10, sum(d.upper + d.lower for d in ten) / 10
            day = replace(day, normal=sum(d.body for d in ten) / 10, tiny=0.1 * ranges, shade=shadows / 2)
        days.append(replace(day, spread=sum(d.h - d.lo for d in five) / 5) if len(five) == 5 else day)
    return days


def close_to(x: float, level: float, by: float) -> bool:
    return level - by <= x <= level + by


def up(rule: Rule, *more) -> Callable[[list[Day]], float]:
    """100 where the rule holds for the last days, as many as it has arguments."""
    count = rule.__code__.co_argcount - len(more)
    return lambda days: 100.0 * rule(*days[-count:], *more)


def minus(rule: Rule, *more):
    return lambda days: -up(rule, *more)(days)


def down(rule: Rule, *more):
    return lambda days: -up(rule, *more)([day.flipped() for day in days[-5:]])


def both(rule: Rule, *more):
    return lambda days: up(rule, *more)(days) + down(rule, *more)(days)


def rises(*days):
    return all(d.white for d in days) and all(a.c < b.c for a, b in pairwise(days))


def falls(a):
    return a.black and a.long
