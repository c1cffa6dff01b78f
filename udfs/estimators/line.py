"""Members beside one series, such as the market or a benchmark: beta, downside beta, correlation, own volatility.
O(wN).

A member that does not vary has no number, nobody has one if the series does not vary.

`on`, least squares with an intercept: beta = cov(r, m) / var(m), Pearson's correlation, idiosyncratic volatility =
sqrt(sum of squared residuals / (w - 2)), in units of a return, from three bars on. `through_origin`: beta = sum(r m) /
sum(m^2), no intercept. `downside`: beta with an intercept over the bars at which the series is below a threshold.
Source: Ang, Chen & Xing 2006, who take 0, the riskless rate or the mean of the market for the threshold.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import bounded, centred, inner, window
from udfs.kernels.state import Floats


class Line(NamedTuple):
    """Per member float64[N]; beta and correlation have no unit, idiosyncratic has that of a return."""

    beta: Floats
    correlation: Floats
    idiosyncratic: Floats


def market(returns: Floats) -> Floats:
    """Mean of the returns that are there at each bar, float64[w] of float64[w, N] with or without gaps.

    Summed in ascending order, so members come in any order. NaN at a bar without any return.
    """
    return _market(window(returns))


def on(returns: Floats, series: Floats) -> Line:
    """Each column of float64[w, N] on float64[w], with an intercept."""
    x = centred(window(returns))
    return Line(*_on(x, centred(window(series.reshape(-1, 1))), len(x) - 2.0))


def weighted(returns: Floats, series: Floats, weights: Floats) -> Line:
    """The same with weights float64[w] > 0 of the bars; idiosyncratic is the root of a weighted mean, about no mean."""
    total, roots = float(np.cumsum(weights)[-1]), np.sqrt(weights).reshape(-1, 1)

    def deviations(values: Floats) -> Floats:
        from_first = window(values - values[0])
        means = inner(from_first, window(np.broadcast_to(weights.reshape(-1, 1), values.shape))) / total
        return window((from_first - means) * roots)

    return Line(*_on(deviations(returns), deviations(series.reshape(-1, 1)), total))


def through_origin(returns: Floats, series: Floats) -> Floats:
    """Beta without intercept, float64[N]: each column of float64[w, N] on float64[w]."""
    return _through_origin(window(returns), window(series))


def downside(returns: Floats, series: Floats, threshold: float = 0.0) -> Floats:
    """Beta over the bars at which series float64[w] is below `threshold`, float64[N]; NaN if they are less than two."""
    below = series < threshold
    if below.sum() < 2:
        return np.full(returns.shape[1], math.nan)
    return on(returns[below], series[below]).beta


@njit
def _market(returns: Floats) -> Floats:
    out = np.empty(returns.shape[0])
    for t in range(returns.shape[0]):
        there = np.sort(returns[t][~np.isnan(returns[t])])
        total = 0.0
        for value in there:
            total += value
        out[t] = total / there.size if there.size else math.nan
    return out


@njit
def _on(x: Floats, m: Floats, divisor: float) -> tuple[Floats, Floats, Floats]:
    """Of deviations float64[w, N] on float64[w, 1]; squared residuals are divided by `divisor`, if it is above 0."""
    bars, n = x.shape
    beta, correlation, idiosyncratic = np.full(n, math.nan), np.full(n, math.nan), np.full(n, math.nan)
    mm, xx = inner(m, m)[0], inner(x, x)
    for j in range(n):
        if xx[j] > 0.0 and mm > 0.0:
            product, rest = 0.0, 0.0
            for t in range(bars):
                product += x[t, j] * m[t, 0]
            beta[j] = product / mm
            correlation[j] = bounded(product / (math.sqrt(xx[j]) * math.sqrt(mm)))
            for t in range(bars):
                rest += (x[t, j] - beta[j] * m[t, 0]) ** 2
            if divisor > 0.0:
                idiosyncratic[j] = math.sqrt(rest / divisor)
    return beta, correlation, idiosyncratic


@njit
def _through_origin(returns: Floats, series: Floats) -> Floats:
    bars, n = returns.shape
    out = np.full(n, math.nan)
    x = centred(returns)
    moves = inner(x, x)
    square = 0.0
    for value in series:
        square += value * value
    for j in range(n):
        if moves[j] > 0.0 and square > 0.0:
            product = 0.0
            for t in range(bars):
                product += returns[t, j] * series[t]
            out[j] = product / square
    return out
