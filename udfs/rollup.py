"""Bars of a longer interval out of those of a shorter one.

In: bars of any securities and times, the window in which each lies, corporate actions. Out: one bar a security and
window, in the terms that hold at its end. It is a function of the set of its parts, so what changes a part needs no
case of its own. This file must not know calendars, logs or features.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np

from schemas.errors import ConfigError
from schemas.settings import parse_duration
from udfs.adjustment import ONE, Effect
from udfs.bars import COLUMNS
from udfs.fold import Due
from udfs.kernels.state import Floats, Rows
from udfs.registry import COLUMNS as DEGREES


def _first(column: Floats, starts: Rows) -> Floats:
    return column[starts]


def _last(column: Floats, starts: Rows) -> Floats:
    return column[_lasts(starts, len(column))]


def _sum(column: Floats, starts: Rows) -> Floats:
    """One after the other in time: the same bits wherever it is done."""
    found = np.zeros(len(starts))
    np.add.at(found, np.repeat(np.arange(len(starts)), np.diff(starts, append=len(column))), column)
    return found


def _mean(column: Floats, starts: Rows) -> Floats:
    """Each part weighs alike; of differences from the first, so that a price that stands still is exact."""
    first, counts = column[starts], np.diff(starts, append=len(column))
    found: Floats = first + _sum(column - np.repeat(first, counts), starts) / counts
    return found


RULES: Final[dict[str, Callable[[Floats, Rows], Floats]]] = {
    "open": _first,
    "high": np.maximum.reduceat,
    "low": np.minimum.reduceat,
    "close": _last,
    "volume": _sum,
    "trade_count": _sum,
    "turnover": _sum,
    "twap": _mean,
    "realised_variance": _sum,
    "bipower_variation": _sum,
    "signed_volume": _sum,
    "largest_trade": np.maximum.reduceat,
}
"""How a column's value is made of those of the parts: (column by window and time, first place of each window).

The variations are those inside the parts: the returns from one part to the next are not in them."""


class Rolled(NamedTuple):
    """Bars by row, then window: rows, ends int64[G], values float64[G, 12] in the order of bars.COLUMNS.

    parts: of each bar the places of what it was made of, in time order.
    """

    rows: Rows
    ends: Rows
    values: Floats
    parts: list[Rows]


def roll(rows: Rows, times: Rows, windows: Rows, values: Floats, due: Due) -> Rolled:
    """One bar of the bars of each row and window.

    rows: int64[M], the security of each bar; times: int64[M], its end, windows: int64[M], the end of its window,
    microseconds UTC; values: float64[M, 12] in the order of bars.COLUMNS, unadjusted; due: actions of the rows. A ratio
    that takes effect inside a window is applied to the parts before it, so that open and close are of one unit.
    """
    if not len(rows):
        return Rolled(rows, times, values, [])
    order = np.lexsort((times, rows))
    rows, times, windows, values = rows[order], times[order], windows[order], values[order]
    _adjust(rows, times, windows, values, due)
    new = (np.diff(rows, prepend=rows[0] - 1) != 0) | (np.diff(windows, prepend=windows[0] - 1) != 0)
    starts = np.flatnonzero(new)
    columns = [RULES[name](np.ascontiguousarray(values[:, k]), starts) for k, name in enumerate(COLUMNS)]
    parts = np.split(order, starts[1:])
    return Rolled(rows[starts], windows[starts], np.column_stack(columns), parts)


def finer(interval: str, others: Iterable[str]) -> str:
    """The interval out of which this one is rolled up: the longest of the shorter ones that fits into it.

    ConfigError where none does.
    """
    width = parse_duration(interval)
    fits = [each for each in others if parse_duration(each) < width and width % parse_duration(each) == 0]
    if not fits:
        raise ConfigError(f"{interval} is no multiple of {min(others, key=parse_duration)}", hint="see bars.rollups")
    return max(fits, key=parse_duration)


def chain(base: str, interval: str, others: Iterable[str]) -> list[str]:
    """The intervals through which bars of `base` are rolled up to `interval`, which is the last, as the job does.

    others: those that are rolled up beside it. Empty where the two are one.
    """
    known = [base, *(each for each in others if parse_duration(each) > parse_duration(base))]
    steps: list[str] = []
    while parse_duration(interval) != parse_duration(base):
        steps.insert(0, interval)
        interval = finer(interval, known)
    return steps


def _adjust(rows: Rows, times: Rows, windows: Rows, values: Floats, due: Due) -> None:
    """Put each part into the terms of its window's end, in place: exact over all ratios, rounded once."""
    factors: dict[int, tuple[Fraction, Fraction]] = {}
    inside = (due.ex_times >= times.min()) & (due.ex_times < windows.max())
    for k in np.flatnonzero(inside).tolist():
        change, (first, stop) = due.adjustments[k], np.searchsorted(rows, [due.rows[k], due.rows[k] + 1]).tolist()
        if change.effect is Effect.RATIO:
            before = first + int(np.searchsorted(times[first:stop], due.ex_times[k], "right"))
            for part in range(before - 1, first - 1, -1):
                if windows[part] <= due.ex_times[k]:
                    break
                price, volume = factors.get(part, (ONE, ONE))
                factors[part] = price * change.price, volume * change.volume
    degrees = [DEGREES[name] for name in COLUMNS]
    for part, (price, volume) in factors.items():
        values[part] *= [float(price**each.price * volume**each.volume) for each in degrees]


def _lasts(starts: Rows, count: int) -> Rows:
    return np.append(starts[1:], count) - 1
