"""Order statistics of a sliding window: the last `period` values in order of time (a ring) and in order of size.

A bar finds the value that leaves by binary search and moves those between it and the place of the new one by one: up
to w moves of neighbouring memory, which for windows of some thousand bars is quicker than a tree; reading a rank is
O(1), counting O(log w). State: count, ring, sorted values.

`percentile`: the smallest value of the window that at least `percent` % of it do not exceed (nearest rank, no
interpolation), first at bar `period`, units of the input. `percentrank`: which share of the `period` values before, in
%, is less than the newest; first at bar period + 1; 0 in a flat window. TA-Lib: PERCENTILE, PERCENTRANK.
`newest`: the place of the newest value among the last `period`, itself included, as a share of them in (0, 1], the mean
place where values tie; first at bar `period`. Pandas: rolling.rank(pct=True).
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("ring", (1,), per="period"), Slot("sorted", (1,), per="period"))


@njit
def below(s: Floats, first: int, count: int, x: float) -> int:
    """How many of the `count` ascending values from s[first] on are less than x."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if s[first + middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@njit
def push(s: Floats, x: float, period: int) -> None:
    """Take x into the state row s, in place of the oldest value if the window is full."""
    j, first = int(s[0]) % period, 1 + period
    count = min(int(s[0]), period)
    free = below(s, first, count, s[1 + j]) if count == period else count
    while free > 0 and s[first + free - 1] > x:
        s[first + free] = s[first + free - 1]
        free -= 1
    while free < count - 1 and s[first + free + 1] < x:
        s[first + free] = s[first + free + 1]
        free += 1
    s[first + free] = s[1 + j] = x
    s[0] += 1


@njit
def percentile(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, percent: float
) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    # the product first: 70 / 100 * 10 is more than 7
    rank = min(max(math.ceil(percent * period / 100.0), 1), period)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = s[period + rank]


@njit
def percentrank(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], 0 to 100; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] >= period:
            out[i, to] = below(s, 1 + period, period, x[i]) / period * 100.0
        push(s, x[i], period)


@njit
def newest(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], 0 to 1; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        push(s, x[i], period)
        if s[0] >= period:
            less = below(s, 1 + period, period, x[i])
            not_more = below(s, 1 + period, period, np.nextafter(x[i], math.inf))
            out[i, to] = (less + 1 + not_more) / 2.0 / period
