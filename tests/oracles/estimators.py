"""Naive twins of udfs/estimators: by the definition, one member, pair or step at a time, or by numpy's LAPACK."""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from tests.oracles.correlation import Column, takes_part

Ticks = tuple[np.ndarray, np.ndarray]


def idiosyncratic(column: Column, of: Column) -> float:
    if not (takes_part(column) and takes_part(of)) or len(column) < 3:
        return math.nan
    x, y = ([Fraction(value) - sum(map(Fraction, each)) / len(each) for value in each] for each in (column, of))
    slope = sum(a * b for a, b in zip(x, y, strict=True)) / sum(b * b for b in y)
    return math.sqrt(sum((a - slope * b) ** 2 for a, b in zip(x, y, strict=True)) / (len(x) - 2))


def through_origin(column: Column, of: Column) -> float:
    if not takes_part(column) or not any(of):
        return math.nan
    return math.fsum(x * y for x, y in zip(column, of, strict=True)) / math.fsum(y * y for y in of)


def constant_correlation(returns: np.ndarray) -> tuple[float, float]:
    """Appendix B of Ledoit & Wolf 2003, by its own sums over pairs."""
    bars, n = returns.shape
    y = returns - returns.mean(axis=0)
    s = y.T @ y / bars
    deviation = np.sqrt(np.diag(s))
    mean = ((s / np.outer(deviation, deviation)).sum() - n) / (n * (n - 1))
    target = mean * np.outer(deviation, deviation)
    np.fill_diagonal(target, np.diag(s))
    pi = np.array([[np.mean((y[:, i] * y[:, j] - s[i, j]) ** 2) for j in range(n)] for i in range(n)])
    rho = float(np.trace(pi))
    for i in range(n):
        for j in range(n):
            if i != j:
                both = y[:, i] * y[:, j] - s[i, j]
                of_i, of_j = np.mean((y[:, i] ** 2 - s[i, i]) * both), np.mean((y[:, j] ** 2 - s[j, j]) * both)
                ratio = deviation[j] / deviation[i]
                rho += mean / 2 * (ratio * of_i + of_j / ratio)
    kappa = (pi.sum() - rho) / ((target - s) ** 2).sum()
    return max(0.0, min(1.0, kappa / bars)), mean


def clipped(returns: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.corrcoef(returns.T))
    below = values <= (1 + math.sqrt(returns.shape[1] / returns.shape[0])) ** 2
    values[below] = values[below].mean()
    return vectors @ np.diag(values) @ vectors.T


def partial(covariance: np.ndarray, i: int, j: int) -> float:
    precision = np.linalg.inv(covariance)
    return float(-precision[i, j] / math.sqrt(precision[i, i] * precision[j, j]))


def labels(distance: np.ndarray, cut: float, *, single: bool) -> list[int]:
    """Join the closest two clusters, again and again, every distance made anew from the members'."""
    clusters = [[i] for i in range(len(distance))]
    while len(clusters) > 1:

        def between(a: list[int], b: list[int]) -> float:
            all_of = [distance[i, j] for i in a for j in b]
            return min(all_of) if single else sum(all_of) / len(all_of)

        pairs = [(between(a, b), a[0], b[0]) for k, a in enumerate(clusters) for b in clusters[k + 1 :]]
        closest = min(each for each, _, _ in pairs)
        if closest > cut + 1e-12:
            break
        _, first, second = next(pair for pair in pairs if pair[0] <= closest + 1e-12)
        joined = sorted(i for each in clusters if each[0] in (first, second) for i in each)
        clusters = sorted([each for each in clusters if each[0] not in (first, second)] + [joined])
    return [next(each[0] for each in clusters if i in each) for i in range(len(distance))]


def break_scores(before: np.ndarray, after: np.ndarray) -> tuple[list[float], float]:
    a, b = np.corrcoef(before.T), np.corrcoef(after.T)
    norm = np.linalg.norm
    rows = [1 - float(x @ y) / float(norm(x) * norm(y)) for x, y in zip(a, b, strict=True)]
    return rows, 1 - float((a * b).sum()) / float(norm(a) * norm(b))


def steps(times: Iterable[int], prices: Iterable[float]) -> list[tuple[int, int, float]]:
    """From, to, log return; of ticks at one time the last."""
    held = dict(zip(times, map(math.log, prices), strict=True))
    return [(start, end, held[end] - held[start]) for start, end in pairwise(held)]


def hayashi_yoshida(x: Ticks, y: Ticks, lag: int = 0) -> float:
    """Every pair of steps, y's times less `lag`."""
    one, other = steps(x[0].tolist(), x[1]), steps((y[0] - lag).tolist(), y[1])
    if not (one and other):
        return math.nan
    return math.fsum(dx * dy for a, b, dx in one for c, d, dy in other if max(a, c) < min(b, d))


def lead_lag(x: Ticks, y: Ticks, lag: int) -> float:
    size = math.fsum(d * d for *_, d in steps(x[0].tolist(), x[1])) * math.fsum(
        d * d for *_, d in steps(y[0].tolist(), y[1])
    )
    return hayashi_yoshida(x, y, lag) / math.sqrt(size) if size > 0 else math.nan


def refresh_times(ticks: Sequence[Ticks]) -> list[int]:
    found: list[int] = []
    while True:
        after = [[t for t in times.tolist() if not found or t > found[-1]] for times, _ in ticks]
        if not all(after):
            return found
        found.append(max(each[0] for each in after))


def refresh_covariance(ticks: Sequence[Ticks]) -> np.ndarray:
    ends = refresh_times(ticks)
    logs = np.array([[math.log(prices[times <= end][-1]) for times, prices in ticks] for end in ends])
    if len(ends) < 2:
        return np.full((len(ticks), len(ticks)), np.nan)
    moves = np.diff(logs, axis=0)
    return moves.T @ moves
