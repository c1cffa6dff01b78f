"""Exponential averages of exponential averages, all of one period: what DEMA, TEMA, T3 and the mass index share.

Each level starts when the one below it has its first value, and is seeded by the mean of its own first `period`
inputs, so level k (from 1) is first seen at bar k * (period - 1) + 1. By the other seeds of ema.py all levels begin at
the first bar, and the last one is seen from the same bar on.
"""

from udfs.compiled import njit
from udfs.kernels.ema import MEAN, seeded
from udfs.kernels.state import Floats


@njit
def push(s: Floats, x: float, period: int, levels: int, seed: int) -> bool:
    """Take x into the state row s (bars seen, then a slot for each level); whether the last level has a value."""
    s[0] += 1
    n = int(s[0])
    weight = 2.0 / (period + 1)
    for level in range(1, levels + 1):
        s[level] = seeded(n, s[level], x, period, weight, seed)
        x = s[level]
        if seed == MEAN:
            if n < period:
                return False
            n -= period - 1
    return bool(s[0] > levels * (period - 1))
