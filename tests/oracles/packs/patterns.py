"""The 61 candlestick patterns by their definition, with means computed afresh from the bars before each bar.

Those of one and two bars are in `few_days`.
"""

import math
from collections.abc import Callable

from tests.oracles.days import Bars, Day, Rule, both, close_to, days_of, down, falls, minus, rises, up
from tests.oracles.packs.few_days import ONE, QUICK, TWO

# -- three bars


def turns(a, c):
    return falls(a) and c.white and c.long and c.c > a.c + a.body * 0.3


def abandoned(a, b, c):
    return turns(a, c) and b.doji and b.h < a.lo and c.lo > b.h


def doji_star(a, b, c):
    return turns(a, c) and b.doji and b.under(a)


def star(a, b, c):
    return turns(a, c) and b.body <= b.normal and b.under(a)


def crows(a, b):
    return a.white and a.long and b.black and b.over(a)


def opens_on(a, b):
    return a.o < b.o <= a.c + a.near


def tristar(a, b, c):
    return max(a.body, b.body, c.body) <= a.tiny and b.under(a) and c.bottom > b.bottom


def soldiers(a, b, c):
    march = rises(a, b, c) and opens_on(a, b) and opens_on(b, c) and a.no_upper and b.no_upper and c.no_upper
    return march and b.body > a.body - a.far and c.body > b.body - b.far and c.long


def blocked(a, b, c):
    march = rises(a, b, c) and opens_on(a, b) and opens_on(b, c) and a.long and a.upper < a.shade
    return march and (
        (b.body < a.body - a.far and c.body < b.body + b.near)
        or c.body < b.body - b.far
        or (c.body < b.body < a.body and (c.upper > c.shade or b.upper > b.shade))
        or (c.body < b.body and c.upper > c.body)
    )


def stalled(a, b, c):
    march = rises(a, b, c) and a.long and b.long and b.no_upper and opens_on(a, b)
    return march and c.short and c.o >= b.c - c.body - b.near


def south(a, b, c):
    first = falls(a) and a.lower > a.body and b.black and c.black
    second = b.body < a.body and a.c < b.o <= a.h and a.lo <= b.lo < a.c and b.lower > b.tiny
    return first and second and c.short and c.no_lower and c.no_upper and c.lo > b.lo and c.h < b.h


def identical(a, b, c):
    same = close_to(b.o, a.c, a.equal) and close_to(c.o, b.c, b.equal)
    return all(d.black and d.no_lower for d in (a, b, c)) and a.c > b.c > c.c and same


def river(a, b, c):
    return falls(a) and b.black and b.c > a.c and b.o <= a.o and b.lo < a.lo and c.short and c.white and c.o > b.lo


STARS = {
    "2crows": minus(lambda a, b, c: crows(a, b) and c.black and b.c < c.o < b.o and a.o < c.c < a.c),
    "3inside": both(lambda a, b, c: falls(a) and b.body <= b.normal and b.within(a) and c.white and c.c > a.o),
    "abandonedbaby": both(abandoned), "eveningdojistar": down(doji_star), "eveningstar": down(star),
    "morningdojistar": up(doji_star), "morningstar": up(star), "tristar": both(tristar), "unique3river": up(river),
    "upsidegap2crows": minus(
        lambda a, b, c: crows(a, b) and b.body <= b.normal and c.black and c.o > b.o and a.c < c.c < b.c),
}  # fmt: skip
MARCHES = {
    "3starsinsouth": up(south), "3whitesoldiers": up(soldiers), "advanceblock": minus(blocked),
    "identical3crows": minus(identical), "stalledpattern": minus(stalled),
}  # fmt: skip

# -- four and five bars


def black_crows(a, b, c, d):
    body = b.c < c.o < b.o and c.c < d.o < c.o and all(x.black and x.no_lower for x in (b, c, d))
    return a.white and body and a.h > b.c > c.c > d.c


def swallow(a, b, c, d):
    bare = all(x.black for x in (a, b, c, d)) and all(x.no_upper and x.no_lower for x in (a, b))
    return bare and c.under(b) and c.upper > c.tiny and c.h > b.c and d.h > c.h and d.lo < c.lo


def breakaway(a, b, c, d, e):
    steps = c.h < b.h and c.lo < b.lo and d.h < c.h and d.lo < c.lo
    return falls(a) and b.black and d.black and e.white and b.under(a) and steps and b.o < e.c < a.c


def ladder(a, b, c, d, e):
    down_we_go = a.o > b.o > c.o and a.c > b.c > c.c and all(x.black for x in (a, b, c, d))
    return down_we_go and d.upper > d.tiny and e.white and e.o > d.o and e.c > d.h


def mat_hold(a, b, c, d, e):
    rest = a.white and a.long and b.black and e.white and all(x.short for x in (b, c, d)) and b.over(a)
    held = all(a.c - a.body / 2 < x.bottom < a.c for x in (c, d)) and b.o > c.top > d.top
    return rest and held and e.o > d.c and e.c > max(b.h, c.h, d.h)


def three_methods(a, b, c, d, e):
    rest = a.white and a.long and e.white and e.long and all(x.black and x.short for x in (b, c, d))
    return rest and all(x.bottom < a.h and x.top > a.lo for x in (b, c, d)) and b.c > c.c > d.c < e.o and e.c > a.c


FOUR = {"3blackcrows": minus(black_crows), "concealbabyswall": up(swallow)}
FIVE = {"breakaway": both(breakaway), "ladderbottom": up(ladder), "mathold": up(mat_hold),
        "risefall3methods": both(three_methods)}  # fmt: skip

# -- patterns that a later bar confirms


def trap(b, c, d):
    return b.h > c.h > d.h and c.lo > b.lo and d.lo < c.lo


def trap_modified(a, b, c, d):
    return trap(b, c, d) and b.h < a.h and b.lo > a.lo and b.c <= b.lo + b.near


def confirmed(rule: Rule, first: int) -> Callable[[list[Day]], float]:
    """+-100 at the pattern, +-200 where a close within 3 bars first goes beyond the bar before the pattern's last."""

    def value(days: list[Day]) -> float:
        now = len(days) - 1
        signs = {k: both(rule)(days[: k + 1]) for k in range(max(first, now - 3), now + 1)}
        last = max((k for k, sign in signs.items() if sign), default=now)
        if last == now:
            return signs.get(now, 0.0)
        inner = days[last - 1]
        beyond = [d.c > inner.h if signs[last] > 0 else d.c < inner.lo for d in days[last + 1 :]]
        return 2 * signs[last] if beyond[-1] and not any(beyond[:-1]) else 0.0

    return value


MEMORY = {"hikkake": confirmed(trap, 2), "hikkakemod": confirmed(trap_modified, 7)}


def twin(rules: dict[str, Callable[[list[Day]], float]], lookback: int) -> Callable[[Bars], tuple[list[float], ...]]:
    def values(bars: Bars) -> tuple[list[float], ...]:
        days = days_of(bars)
        heads = [days[: k + 1] for k in range(len(days))]
        return tuple([rule(h) if len(h) > lookback else math.nan for h in heads] for rule in rules.values())

    return values


TWINS = {
    "patterns_one": twin(ONE, 10), "patterns_two": twin(TWO, 11), "patterns_stars": twin(STARS, 12),
    "patterns_marches": twin(MARCHES, 12), "patterns_four": twin(FOUR, 13), "patterns_five": twin(FIVE, 14),
    "patterns_quick": twin(QUICK, 8), "patterns_memory": twin(MEMORY, 10),
}  # fmt: skip
SMALL: dict[str, dict[str, float]] = {}
