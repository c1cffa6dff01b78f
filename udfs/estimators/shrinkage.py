"""How far to shrink a sample covariance towards a target: Ledoit & Wolf (identity, constant correlation), and OAS.

In: a window of returns float64[w, N], or its `Norms`, O(w N min(w, N)). Out: an intensity within 0 to 1 and the scale
of the target. This file does not hold an N x N matrix unless N < w; `shrunk` of one that somebody has is elementwise.

S is the covariance with 1 / w, S_ij = sum over t of x_ti x_tj / w with x the returns less their means,
mu = trace(S) / N.

identity: target mu I, intensity min(b, d) / d, d = (||S||^2 - N mu^2) / N, b = (sum_t ||x_t||^4 / w - ||S||^2) / (w N).
Source: Ledoit & Wolf 2004, "A well-conditioned estimator"; scikit-learn's LedoitWolf.
oas: target mu I, intensity min(1, (a + mu^2) / ((w + 1) (a - mu^2 / N))), a = ||S||^2 / N^2. Source: Chen, Wiesel,
Eldar & Hero 2010, as in scikit-learn's OAS, which leaves out the paper's terms in 2 / N.
constant_correlation: target with S's variances and r everywhere, r the mean correlation; intensity
(pi - rho) / gamma / w within 0 to 1. Source: Ledoit & Wolf 2003, "Honey, I shrunk the sample covariance matrix",
appendix B. Its sums over pairs are sums over members here: sum_ij r_ij = sum_t (sum_i z_ti)^2 with z of length 1, and
so on. Members that do not vary take no part. With two members target and sample are one, and so is any intensity: 0.

Sums over members go in the order of the columns: another order moves the intensity by rounding.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import centred, inner, smaller, unit, window
from udfs.kernels.state import Floats

ROUNDING = 1e-14


class Norms(NamedTuple):
    """What identity and OAS need: w, N, trace(S), ||S||_F^2, and the sum of ||x_t||^4; returns to powers 2, 4, 4."""

    bars: int
    members: int
    trace: float
    square: float
    fourth: float


class Shrinkage(NamedTuple):
    """intensity 0 (the sample) to 1 (the target); scale: mu, or the mean correlation. NaN where nothing varies."""

    intensity: float
    scale: float


NOTHING = Shrinkage(math.nan, math.nan)


def norms(returns: Floats) -> Norms:
    """Of float64[w, N]."""
    bars, members = returns.shape
    return Norms(bars, members, *_norms(window(returns)))


def identity(of: Norms) -> Shrinkage:
    """Ledoit & Wolf's intensity towards mu I, and mu; 0 where S is its target already."""
    if not of.trace > 0.0:
        return NOTHING
    mu = of.trace / of.members
    distance = (of.square - of.members * mu * mu) / of.members
    noise = max(0.0, of.fourth / of.bars - of.square) / (of.bars * of.members)
    alike = distance <= ROUNDING * of.square / of.members
    return Shrinkage(0.0 if alike else min(1.0, noise / distance), mu)


def oas(of: Norms) -> Shrinkage:
    """The oracle approximating intensity towards mu I, and mu; 1 where S is its target already."""
    if not of.trace > 0.0:
        return NOTHING
    mu, mean_square = of.trace / of.members, of.square / of.members**2
    distance = mean_square - mu * mu / of.members
    alike = distance <= ROUNDING * mean_square
    return Shrinkage(1.0 if alike else min(1.0, (mean_square + mu * mu) / ((of.bars + 1) * distance)), mu)


def constant_correlation(returns: Floats) -> Shrinkage:
    """Ledoit & Wolf's intensity towards equal correlations, and the mean correlation, of float64[w, N]."""
    return Shrinkage(*_constant_correlation(window(returns)))


def shrunk_to_identity(covariance: Floats, to: Shrinkage) -> Floats:
    """(1 - intensity) S + intensity mu I, float64[N, N]; positive definite where the intensity is more than 0."""
    return (1.0 - to.intensity) * covariance + to.intensity * to.scale * np.eye(len(covariance))


def shrunk_to_constant_correlation(covariance: Floats, to: Shrinkage) -> Floats:
    """(1 - intensity) S + intensity F, float64[N, N], F_ij = scale sqrt(S_ii S_jj); variances stay what they are."""
    deviations = np.sqrt(np.diag(covariance))
    out = (1.0 - to.intensity) * covariance + to.intensity * to.scale * np.outer(deviations, deviations)
    np.fill_diagonal(out, np.diag(covariance))
    return out


@njit
def _norms(returns: Floats) -> tuple[float, float, float]:
    bars = returns.shape[0]
    x = centred(returns)
    trace, square, fourth = 0.0, 0.0, 0.0
    for t in range(bars):
        length = 0.0
        for value in x[t]:
            length += value * value
        trace += length
        fourth += length * length
    for value in smaller(x).ravel():
        square += value * value
    return trace / bars, square / bars**2, fourth


@njit
def _constant_correlation(returns: Floats) -> tuple[float, float]:
    bars = returns.shape[0]
    members, z, lengths = unit(returns)
    m = members.size
    if m < 2:
        return math.nan, math.nan
    x, deviations = z * lengths, lengths / math.sqrt(bars)
    variances = deviations * deviations
    mean = (_square_of_sums(z, np.ones(m)) - m) / (m * (m - 1.0))
    norm, fourth, own = 0.0, 0.0, 0.0
    for value in smaller(x).ravel():
        norm += (value / bars) ** 2
    for t in range(bars):
        length = 0.0
        for value in x[t]:
            length += value * value
        fourth += length * length
    for j in range(m):
        own += variances[j] * variances[j]
    pi_own, rho = _asymptotic(x, deviations)
    gamma = norm - own
    gamma += mean * mean * (_sum(variances) ** 2 - own)
    gamma -= 2.0 * mean * (_square_of_sums(x, deviations) / bars - own)
    if m == 2 or gamma <= ROUNDING * norm:
        return 0.0, mean
    kappa = (fourth / bars - norm - (pi_own + mean * rho)) / gamma
    return max(0.0, min(1.0, kappa / bars)), mean


@njit
def _asymptotic(x: Floats, deviations: Floats) -> tuple[float, float]:
    """Sum of pi_ii, and rho's sum over pairs without the mean correlation."""
    bars, m = x.shape
    all_of = np.zeros(bars)
    for t in range(bars):
        for j in range(m):
            all_of[t] += deviations[j] * x[t, j]
    pi_own, rho = 0.0, 0.0
    variances = inner(x, x) / bars
    for j in range(m):
        fourth, cubed, plain = 0.0, 0.0, 0.0
        for t in range(bars):
            value = x[t, j]
            others = all_of[t] - deviations[j] * value
            fourth += (value * value - variances[j]) ** 2
            cubed += value * value * value * others
            plain += value * others
        pi_own += fourth / bars
        rho += (cubed - variances[j] * plain) / bars / deviations[j]
    return pi_own, rho


@njit
def _square_of_sums(x: Floats, weights: Floats) -> float:
    """Sum over bars of the square of the weighted sum over members."""
    total = 0.0
    for t in range(x.shape[0]):
        line = 0.0
        for j in range(weights.size):
            line += weights[j] * x[t, j]
        total += line * line
    return total


@njit
def _sum(values: Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    return total
