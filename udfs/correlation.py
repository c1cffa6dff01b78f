"""Correlations over a window of returns: each symbol with the market and with its nearest peer, all pairs looked at.

In: one matrix of returns, oldest bar first. Out: four vectors over the symbols. The same bytes come out for the same
window wherever it is computed, so every sum has one fixed order (no BLAS, which picks its own by machine and threads),
and columns that take no part change nothing. This file must not know where returns come from, nor bars, nor state.

Two passes: returns are centred (about the first, so that a constant one has a variance of exactly 0, then about the
mean), scaled to unit length, and multiplied pair by pair. Correlation: Pearson. Beta: covariance with the market over
the market's variance. Market: mean return of the members that have one at that bar.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

WINDOW = 60
NUMBERS = ("corr_market_60", "beta_market_60", "peer_corr_60")
PEER = "peer_60"
OUTPUTS = ("corr_market_60", "beta_market_60", "peer_60", "peer_corr_60")


class CrossSection(NamedTuple):
    """Per symbol: float64[N] numbers without unit, NaN where undefined; `peer` int64[N] is a column, -1 for none."""

    corr_market: Floats
    beta_market: Floats
    peer: Rows
    peer_corr: Floats


def cross_section(returns: Floats) -> CrossSection:
    """Correlations of float64[bars, N], columns in ascending order of symbol, NaN where there is no return.

    A symbol takes part if it has a return at each bar and any variance. Peer is the other symbol with the highest
    correlation, of equal ones the first.
    """
    return CrossSection(*_solve(np.require(returns, np.float64, ("C", "A", "W"))))


@njit
def _solve(returns: Floats) -> tuple[Floats, Floats, Rows, Floats]:
    n = returns.shape[1]
    corr, beta, peer_corr = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    peer = np.full(n, -1)
    members, unit, length = _unit_columns(returns)
    varying, market, market_length = _unit_columns(_market(returns))
    best, found = _peers(unit)
    for k in range(members.size):
        if varying.size:
            product = 0.0
            for t in range(returns.shape[0]):
                product += unit[t, k] * market[t, 0]
            corr[members[k]] = min(1.0, max(-1.0, product))
            beta[members[k]] = product * length[k] / market_length[0]
        if best[k] >= 0:
            peer[members[k]], peer_corr[members[k]] = members[best[k]], found[k]
    return corr, beta, peer, peer_corr


@njit
def _market(returns: Floats) -> Floats:
    """Mean of the returns that are there, float64[bars, 1], summed in column order."""
    bars, n = returns.shape
    mean = np.full((bars, 1), np.nan)
    for t in range(bars):
        total, count = 0.0, 0
        for j in range(n):
            if not math.isnan(returns[t, j]):
                total += returns[t, j]
                count += 1
        if count:
            mean[t, 0] = total / count
    return mean


@njit
def _unit_columns(returns: Floats) -> tuple[Rows, Floats, Floats]:
    """The columns that are complete and vary: which, centred at unit length, and their length before."""
    bars, n = returns.shape
    members, length = np.empty(n, np.int64), np.empty(n)
    column = np.empty(bars)
    unit = np.empty((bars, n))
    m = 0
    for j in range(n):
        mean = 0.0
        for t in range(bars):
            column[t] = returns[t, j] - returns[0, j]
            mean += column[t]
        mean /= bars
        square = 0.0
        for t in range(bars):
            column[t] -= mean
            square += column[t] * column[t]
        if square > 0.0:
            members[m], length[m] = j, math.sqrt(square)
            for t in range(bars):
                unit[t, m] = column[t] / length[m]
            m += 1
    return members[:m], np.ascontiguousarray(unit[:, :m]), length[:m]


@njit
def _peers(unit: Floats) -> tuple[Rows, Floats]:
    """For each unit column the other with the highest product, and the product (at most 1)."""
    m = unit.shape[1]
    best, found = np.full(m, -1), np.full(m, -np.inf)
    products = np.empty(m)
    for i in range(m):
        _products(unit, i, products)
        for j in range(i + 1, m):
            value = min(1.0, max(-1.0, products[j]))
            if value > found[i]:
                best[i], found[i] = j, value
            if value > found[j]:
                best[j], found[j] = i, value
    return best, found


@njit
def _products(unit: Floats, i: int, products: Floats) -> None:
    """Column i times each later column, bars in order; four bars a pass save loads and change no sum."""
    bars = unit.shape[0]
    whole = bars - bars % 4
    later = products[i + 1 :]
    later[:] = 0.0
    for t in range(0, whole, 4):
        u, v, w, x = unit[t], unit[t + 1], unit[t + 2], unit[t + 3]
        a, b, c, d = u[i], v[i], w[i], x[i]
        u, v, w, x = u[i + 1 :], v[i + 1 :], w[i + 1 :], x[i + 1 :]
        for j in range(later.size):
            later[j] = (((later[j] + a * u[j]) + b * v[j]) + c * w[j]) + d * x[j]
    for t in range(whole, bars):
        u = unit[t, i + 1 :]
        for j in range(later.size):
            later[j] += unit[t, i] * u[j]
