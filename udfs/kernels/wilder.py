"""Wilder's way of averaging, weight 1 / period, and the range that he averaged: what several kernels share."""

from udfs.compiled import njit


@njit
def smooth(n: int, value: float, x: float, period: int) -> float:
    """The next value when x is the n-th input (from 1): a sum while n < period, then the average."""
    if n > period:
        value *= period - 1
    value += x
    return value / period if n >= period else value


@njit
def true_range(high: float, low: float, last: float) -> float:
    """The bar's range, with the close before it taken in."""
    return max(high - low, abs(last - high), abs(last - low))
