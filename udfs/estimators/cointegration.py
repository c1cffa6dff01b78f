"""Engle and Granger's two steps for configured pairs: the spread of two log prices, and whether it returns. O(w) a
pair.

y = intercept + hedge x + spread by least squares over the window, y and x log prices. adf_t: t-statistic of g in d_t =
g s_{t-1} (+ h d_{t-1}) + noise, d the spread's changes, no constant, with `lags` 0 or 1; degrees of freedom are the
equations less the coefficients. It is to be held against MacKinnon's critical values for two series, not against
Student's. half_life: ln 0.5 / ln(1 + g) bars, g of the equation without lag; 0 for g <= -1, NaN for g >= 0. zscore: the
newest spread over its sample deviation (ddof 1), its mean being 0. Source: Engle & Granger 1987; statsmodels' `coint`.

A pair of which one does not vary, or whose spread is rounding only (1e-12 of y's deviation), has no numbers.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import centred, window
from udfs.kernels.state import Floats, Rows

ROUNDING = 1e-24  # of sums of squares


class Cointegration(NamedTuple):
    """Per pair float64[K]: hedge has no unit, spread is in log price, half_life in bars."""

    hedge: Floats
    spread: Floats
    adf_t: Floats
    half_life: Floats
    zscore: Floats


def engle_granger(log_prices: Floats, y: Rows, x: Rows, lags: int = 1) -> Cointegration:
    """Of columns y[k] and x[k] of float64[w, N], w at least 5 + lags. ValueError for other lags than 0 and 1."""
    if lags not in {0, 1}:
        raise ValueError(f"{lags} lags: 0 or 1")
    return Cointegration(*_solve(centred(window(log_prices)), y, x, lags).T)


@njit
def _solve(deviations: Floats, first: Rows, second: Rows, lags: int) -> Floats:
    out = np.full((first.size, 5), math.nan)
    bars = deviations.shape[0]
    for k in range(first.size):
        y, x = deviations[:, first[k]].copy(), deviations[:, second[k]].copy()
        xx, yy = _dot(x, x), _dot(y, y)
        if bars < 5 + lags or not (xx > 0.0 and yy > 0.0):
            continue
        hedge = _dot(x, y) / xx
        spread = y - hedge * x
        square = _dot(spread, spread)
        if square <= ROUNDING * yy:
            continue
        pull, _ = _pull(spread, 0)
        out[k, 0], out[k, 1], out[k, 2] = hedge, spread[-1], _pull(spread, lags)[1]
        out[k, 3], out[k, 4] = _half_life(pull), spread[-1] / math.sqrt(square / (bars - 1))
    return out


@njit
def _half_life(pull: float) -> float:
    if pull <= -1.0:
        return 0.0
    return math.log(0.5) / math.log(1.0 + pull) if pull < 0.0 else math.nan


@njit
def _pull(spread: Floats, lags: int) -> tuple[float, float]:
    """Coefficient g and its t-statistic; the lagged change is taken out of both sides first (Frisch & Waugh)."""
    change = spread[1:] - spread[:-1]
    level, move = spread[lags:-1].copy(), change[lags:].copy()
    if lags:
        _take_out(level, change[:-1])
        _take_out(move, change[:-1])
    square = _dot(level, level)
    if square == 0.0:
        return math.nan, math.nan
    pull = _dot(level, move) / square
    _take_out(move, level)
    rest = _dot(move, move) / (move.size - 1 - lags)
    return pull, pull / math.sqrt(rest / square) if rest > 0.0 else math.nan


@njit
def _take_out(of: Floats, other: Floats) -> None:
    """Leave the residual of a regression without constant on the other series."""
    square = _dot(other, other)
    if square > 0.0:
        slope = _dot(of, other) / square
        for i in range(of.size):
            of[i] -= slope * other[i]


@njit
def _dot(a: Floats, b: Floats) -> float:
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total
