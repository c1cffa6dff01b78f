"""Covariance and lead-lag of two symbols from their own ticks, no common clock: Hayashi & Yoshida's estimator. O(n +
m).

covariance = sum of dx_i dy_j over all pairs of steps whose times (from, to] overlap, dx and dy log returns between
ticks: the integrated covariance, in squared returns over the whole span. For one step of x the steps of y that overlap
are neighbours, and their sum is y's price where the last ends less where the first begins.

lead_lag: the same with y's times moved back by a lag, over sqrt(sum dx^2 sum dy^2), for each of -count to count lags of
`step_us`. At a positive lag x is set beside what y does later: if the largest is there, x leads. Source: Hayashi &
Yoshida 2005; Hoffmann, Rosenbaum & Yoshida 2013; Huth & Abergel 2014.

A symbol of fewer than two ticks has no returns, and gives NaN, as one that does not move has no correlation.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.estimators.tick_path import path
from udfs.kernels.state import Floats, Rows


class LeadLag(NamedTuple):
    """correlations float64[2 count + 1], lag -count first; lag_us of the largest in size, > 0 where the first leads.

    Of equal ones the lag nearest to 0, then the negative one. strength: sum of squares at positive lags over that at
    negative ones, above 1 where the first symbol leads. Without correlation lag_us is 0, without any at negative lags
    strength is NaN.
    """

    correlations: Floats
    lag_us: int
    strength: float


def covariance(x_times: Rows, x_prices: Floats, y_times: Rows, y_prices: Floats) -> float:
    """Of times int64 (microseconds, ascending) and prices float64 of two symbols."""
    return float(_covariance(*path(x_times, x_prices), *path(y_times, y_prices), 0))


def lead_lag(
    x_times: Rows, x_prices: Floats, y_times: Rows, y_prices: Floats, step_us: int, count: int = 20
) -> LeadLag:
    """Of times int64 (microseconds, ascending) and prices float64 of two symbols, at lags of `step_us`."""
    x, y = path(x_times, x_prices), path(y_times, y_prices)
    found = np.array([_covariance(*x, *y, lag * step_us) for lag in range(-count, count + 1)])
    size = math.sqrt(_variation(x[1])) * math.sqrt(_variation(y[1]))
    if not size > 0.0:
        return LeadLag(np.full(len(found), math.nan), 0, math.nan)
    correlations = found / size
    first = min(range(-count, count + 1), key=lambda lag: (-abs(correlations[lag + count]), abs(lag), lag))
    squares = (correlations * correlations).tolist()
    behind, ahead = math.fsum(squares[:count]), math.fsum(squares[count + 1 :])
    return LeadLag(correlations, first * step_us, ahead / behind if behind > 0.0 else math.nan)


@njit
def _covariance(x_times: Rows, x: Floats, y_times: Rows, y: Floats, lag: int) -> float:
    """With y's times less `lag`."""
    if x.size < 2 or y.size < 2:
        return math.nan
    total, first, last = 0.0, 0, 0
    for i in range(x.size - 1):
        # the tick of y at or before this step's start, and the one at or after its end, as far as there are such
        while first + 1 < y.size and y_times[first + 1] - lag <= x_times[i]:
            first += 1
        while last < y.size - 1 and y_times[last] - lag < x_times[i + 1]:
            last += 1
        if last > first:
            total += (x[i + 1] - x[i]) * (y[last] - y[first])
    return total


@njit
def _variation(x: Floats) -> float:
    total = 0.0
    for i in range(x.size - 1):
        total += (x[i + 1] - x[i]) ** 2
    return total
