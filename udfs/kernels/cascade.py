"""Exponential averages of exponential averages, all of one period: what DEMA, TEMA, T3 and the mass index share.

Each level starts when the one below it has its first value, and is seeded by the mean of its own first `period`
inputs (see ema.py), so level k (from 1) is first seen at bar k * (period - 1) + 1.
"""

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import Floats


@njit
def push(s: Floats, x: float, period: int, levels: int) -> bool:
    """Take x into the state row s (bars seen, then a slot for each level); whether the last level has a value."""
    s[0] += 1
    n = int(s[0])
    for level in range(1, levels + 1):
        s[level] = smooth(n, s[level], x, period)
        if n < period:
            return False
        x = s[level]
        n -= period - 1
    return True
