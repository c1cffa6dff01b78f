"""Covariance of several symbols from their ticks, taken whenever all of them have traded anew: refresh times. O(n K).

The first refresh time is the first at which every symbol has a tick; the next is the first at which every symbol has
one after it. Each symbol's price there is its newest. covariance = sum of the outer products of the log returns between
refresh times: positive semi-definite, in squared returns over the whole span; ticks between are lost. Source: Harris,
McInish, Shoesmith & Wood 1995; Barndorff-Nielsen, Hansen, Lunde & Shephard 2011.
"""

from collections.abc import Sequence

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import products
from udfs.estimators.tick_path import path
from udfs.kernels.state import Floats, Rows


def refreshed(ticks: Sequence[tuple[Rows, Floats]]) -> tuple[Rows, Floats]:
    """Refresh times int64[n] and log prices float64[n, K] of K symbols' (times int64 ascending, prices float64)."""
    paths = [path(*each) for each in ticks]
    starts = np.cumsum([0, *(len(times) for times, _ in paths)])
    times, logs = (np.concatenate(parts) for parts in zip(*paths, strict=True))
    ends, places = _refreshed(times, starts)
    return ends, logs[places]


def covariance(ticks: Sequence[tuple[Rows, Floats]]) -> Floats:
    """float64[K, K]; NaN where there are fewer than two refresh times."""
    return covariance_of(refreshed(ticks)[1])


def covariance_of(logs: Floats) -> Floats:
    """The same of log prices at refresh times, float64[n, K]."""
    if len(logs) < 2:
        return np.full((logs.shape[1], logs.shape[1]), np.nan)
    return products(np.ascontiguousarray(np.diff(logs, axis=0)))


@njit
def _refreshed(times: Rows, starts: Rows) -> tuple[Rows, Rows]:
    """Times, and for each the places int64[n, K] of the ticks that hold then; symbol k has starts[k] to starts[k+1]."""
    count = starts.size - 1
    most = times.size
    for k in range(count):
        most = min(most, starts[k + 1] - starts[k])
    ends, places = np.empty(most, np.int64), np.empty((most, count), np.int64)
    place = starts[:-1].copy()  # of each symbol the first tick after the last refresh time
    n = 0
    while True:
        for k in range(count):
            if place[k] >= starts[k + 1]:
                return ends[:n], places[:n]
        end = times[place].max()
        for k in range(count):
            while place[k] < starts[k + 1] and times[place[k]] <= end:
                place[k] += 1
            places[n, k] = place[k] - 1
        ends[n] = end
        n += 1
