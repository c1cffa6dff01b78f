"""One symbol's ticks as a path of log prices: one price a time, held until the next."""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows


def path(times: Rows, prices: Floats) -> tuple[Rows, Floats]:
    """Of times int64[n] (microseconds UTC, ascending) and prices float64[n] > 0: times that ascend, log prices.

    Of ticks at one time the last counts. ValueError where times go back or a price has no logarithm.
    """
    if (np.diff(times) < 0).any():
        raise ValueError(f"ticks are not in order of time: tick {int((np.diff(times) < 0).argmax()) + 1} goes back")
    if not (np.isfinite(prices) & (prices > 0.0)).all():
        raise ValueError("a price is not above 0")
    last = np.append(times[1:] != times[:-1], [True] * (len(times) > 0)).astype(bool)
    return np.require(times[last], np.int64, "C"), _logs(np.require(prices[last], np.float64, "C"))


@njit
def _logs(prices: Floats) -> Floats:
    """As the kernels take them: numpy's own logarithm differs from machine to machine."""
    out = np.empty(prices.size)
    for i in range(prices.size):
        out[i] = math.log(prices[i])
    return out
