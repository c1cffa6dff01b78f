"""Naive twin of udfs/panel: what all members say together at one bar, by definition or by a library, nothing rolled.

In: the log returns of all bars up to one, float64[T, N], NaN where there is none. Means, products and lines are in long
double; ranks are scipy's, intensities scikit-learn's, eigenvectors LAPACK's. Names are spelled here once more.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats
from sklearn.covariance import OAS, LedoitWolf

from schemas.settings import CrossAsset
from tests.oracles import comatrix, estimators

Array = np.ndarray
Numbers = dict[str, Sequence[float]]
LONG = np.longdouble
NAN = math.nan
SIDES = {"peer": 1, "antipeer": -1}


@dataclass
class Said:
    """Names and what they are of: numbers a member, columns a member (-1: none), of all, a pair."""

    members: Numbers = field(default_factory=dict)
    others: dict[str, list[int]] = field(default_factory=dict)
    universe: dict[str, float] = field(default_factory=dict)
    pairs: Numbers = field(default_factory=dict)


def said(logs: Array, of: CrossAsset, benchmarks: Sequence[int] = (), pairs: Sequence[tuple[int, int]] = ()) -> Said:
    """Everything at the newest bar; benchmarks and pairs: columns in the order of the settings, -1 for none."""
    x, found = logs if of.returns == "log" else np.array(np.expm1(logs.astype(LONG)), float), Said()
    market = np.array([math.fsum(row[there]) / there.sum() if (there := ~np.isnan(row)).any() else 0.0 for row in x])
    for bars in of.windows:
        least = min(of.min_returns, bars) if of.gaps == "carry" else bars
        now, before = x[-bars:], x[-2 * bars : -bars]
        part = (~np.isnan(now)).sum(axis=0) >= least
        numbers = of_members(now, part, market[-bars:], of, benchmarks)
        numbers |= {"corr_break": broken(now, part, before)[0]}
        numbers |= beside(correlations(now, part), of.peers, found, f"_{bars}") | seen(now, bars)
        found.members |= {f"{name}_{bars}": each for name, each in numbers.items()}
        universe = of_universe(now, part, of.loadings) | {"corr_break": broken(now, part, before)[1]}
        found.universe |= {f"{name}_{bars}": each for name, each in universe.items()}
        if of.cluster_cut > 0:
            found.others[f"cluster_{bars}"] = labels(now, part, of.cluster_cut)
        of_pairs = [of_pair(now, logs[-bars:], part, *pair) | seen_of_two(now, bars, pair) for pair in pairs]
        for name in of_pairs[0] if pairs else ():
            found.pairs[f"{name}_{bars}"] = [each[name] for each in of_pairs]
    for decay in of.decays:
        bars = math.ceil(math.log(1e-14) / math.log(decay))
        part = (~np.isnan(x[-bars:])).sum(axis=0) >= of.min_returns
        weights = comatrix.weights(len(x), decay)
        suffix = f"_ew{decay:g}".replace("0.", "")
        numbers = lines(x, part, market, weights, LONG(weights.sum()), "market")
        numbers |= beside(correlations(x, part, decay), of.peers, found, suffix) | seen(x[-bars:], bars)
        found.members |= {f"{name}{suffix}": each for name, each in numbers.items()}
    return found


def filled(column: Array) -> Array:
    """A price that is carried does not move."""
    return np.where(np.isnan(column), 0.0, column)


def varying(x: Array, part: Array) -> list[int]:
    return [j for j in range(x.shape[1]) if part[j] and not flat(filled(x[:, j]))]


def flat(column: Array) -> bool:
    return bool((column == column[0]).all())


def fit(y: Array, x: Array, weights: Array) -> tuple[float, float, float]:
    """Slope with an intercept, correlation, weighted sum of squared residuals."""
    if len(y) < 2 or flat(y) or flat(x):
        return NAN, NAN, NAN
    dy, dx = (each.astype(LONG) - (weights @ each.astype(LONG)) / weights.sum() for each in (y, x))
    yy, xy, xx = weights @ (dy * dy), weights @ (dx * dy), weights @ (dx * dx)
    rest = dy - xy / xx * dx
    return float(xy / xx), float(xy / np.sqrt(xx * yy)), float(weights @ (rest * rest))


def lines(x: Array, part: Array, series: Array, weights: Array, divisor: float, name: str) -> Numbers:
    """Each member on a series."""
    found = [fit(filled(x[:, j]), series, weights) if part[j] else (NAN,) * 3 for j in range(x.shape[1])]
    own = [math.sqrt(rest / divisor) if divisor > 0 else NAN for _, _, rest in found]
    names = f"beta_{name}", f"corr_{name}"
    return {names[0]: [each[0] for each in found], names[1]: [each[1] for each in found], "idio_vol": own}


def of_members(x: Array, part: Array, market: Array, of: CrossAsset, benchmarks: Sequence[int]) -> Numbers:
    bars, n = x.shape
    ones, down = np.ones(bars, LONG), market < 0
    found = lines(x, part, market, ones, bars - 2, "market")
    for name, column in zip(of.benchmarks, benchmarks, strict=True):
        there = part & (column >= 0 and bool(part[column]))
        series = filled(x[:, column]) if there.any() else ones
        both = lines(x, there, series, ones, 1, re.sub("[^a-z0-9]", "_", name.lower()))
        found |= {key: values for key, values in both.items() if key != "idio_vol"}
    own: dict[str, list[float]] = {name: [NAN] * n for name in ("origin", "downside", "spearman", "rank")}
    taking = np.flatnonzero(part).tolist()
    places = stats.rankdata([math.fsum(filled(x[:, j])) for j in taking]) / max(1, len(taking))
    for j, place in zip(taking, places, strict=True):
        column, own["rank"][j] = filled(x[:, j]), float(place)
        if flat(column):
            continue
        square = math.fsum(market * market)
        own["origin"][j] = math.fsum(column * market) / square if square > 0 else NAN
        own["downside"][j] = fit(column[down], market[down], np.ones(down.sum(), LONG))[0]
        own["spearman"][j] = NAN if flat(market) else float(stats.spearmanr(column, market).statistic)
    names = "beta_origin_market", "downside_beta_market", "spearman_market", "momentum_rank"
    found |= dict(zip(names, own.values(), strict=True))
    return found | loadings(x, part, of.loadings)


def correlations(x: Array, part: Array, decay: float = 1.0) -> Array:
    """All pairs, NaN for who takes no part or does not vary."""
    whole, held = np.full((x.shape[1],) * 2, NAN), varying(x, part)
    if held:
        whole[np.ix_(held, held)] = comatrix.correlation(x[:, held], decay)
    return whole


def beside(matrix: Array, top: int, found: Said, suffix: str) -> Numbers:
    """Mean correlation and peers; their columns go into `found`. Values that differ by rounding are equal."""
    n, there = len(matrix), ~np.isnan(np.diag(matrix))
    numbers: dict[str, list[float]] = {"mean_corr": [NAN] * n}
    for j in np.flatnonzero(there).tolist() if there.sum() > 1 else ():
        numbers["mean_corr"][j] = math.fsum(np.delete(matrix[j], j)[np.delete(there, j)]) / (there.sum() - 1)
    for side, sign in SIDES.items():
        order = [comatrix.nearest(np.round(matrix[j], 12), j, top, sign) for j in range(n)]
        for k in range(top):
            place = f"_{k + 1}" if k else ""
            ids = [each[k] for each in order]
            found.others[f"{side}{place}{suffix}"] = ids
            numbers[f"{side}_corr{place}"] = [matrix[j, i] if i >= 0 else NAN for j, i in enumerate(ids)]
    return numbers


def seen(x: Array, bars: int) -> Numbers:
    there = ~np.isnan(x)
    ages = [int(column[::-1].argmax()) if column.any() else bars for column in there.T]
    return {"n_obs": there.sum(axis=0).tolist(), "staleness": ages}


def seen_of_two(x: Array, bars: int, pair: tuple[int, int]) -> dict[str, float]:
    found = seen(x, bars)
    if min(pair) < 0:
        return {"n_obs": 0, "staleness": bars}
    return {name: worst(found[name][i] for i in pair) for name, worst in (("n_obs", min), ("staleness", max))}


def spectrum(x: Array, part: Array) -> tuple[Array, Array]:
    """Eigenvalues of correlations, descending, and vectors as columns over those who vary."""
    held = varying(x, part)
    values, vectors = np.linalg.eigh(comatrix.correlation(x[:, held])) if held else (np.empty(0), np.empty((0, 0)))
    return values[::-1], vectors[:, ::-1]


def loadings(x: Array, part: Array, count: int) -> Numbers:
    """Sign: the largest entry is positive, the first of those that are as large; none where two values are one."""
    values, vectors = spectrum(x, part)
    held, found = varying(x, part), {}
    for k in range(count):
        column = np.full(x.shape[1], NAN)
        beside_it = [*values[max(0, k - 1) : k], *values[k + 1 : k + 2], *([0.0] if k + 1 >= len(held) else [])]
        if k < min(len(held), len(x)) and min(abs(values[k] - other) for other in beside_it) > 1e-9 * values[0]:
            vector = vectors[:, k]
            first = next(v for v in vector if abs(v) >= (1 - 1e-9) * np.abs(vector).max())
            column[held] = vector * np.sign(first)
        found[f"loading_{k + 1}"] = column
    return found


def of_universe(x: Array, part: Array, count: int) -> dict[str, float]:
    names = "members", "mean_corr", "absorption", "factors", "ledoit_wolf", "ledoit_wolf_cc", "oas"
    held, bars = varying(x, part), len(x)
    if not held:
        return dict(zip(names, [float(part.sum()), *[NAN] * 6], strict=True))
    values, _ = spectrum(x, part)
    matrix = correlations(x, part)[np.ix_(held, held)]
    m = len(held)
    mean = (math.fsum(matrix.ravel()) - m) / (m * (m - 1)) if m > 1 else NAN
    factors = sum(value > (1 + math.sqrt(m / bars)) ** 2 for value in values[:bars])
    taking = centred(x[:, part])
    intensities = [LedoitWolf().fit(taking).shrinkage_, constant_correlation(x[:, held]), OAS().fit(taking).shrinkage_]
    if taking.shape[1] == 1:
        intensities[2] = 1.0  # the sample is its target; scikit-learn then says 0
    return dict(zip(names, [part.sum(), mean, sum(values[:count]) / m, factors, *intensities], strict=True))


def centred(x: Array) -> Array:
    """Rounded once, so that the libraries' means of what is left are 0."""
    whole = filled(x).astype(LONG)
    return np.where([flat(filled(column)) for column in x.T], 0, whole - whole.mean(axis=0)).astype(float)


def constant_correlation(x: Array) -> float:
    if x.shape[1] < 3:
        return 0.0 if x.shape[1] == 2 else NAN  # of two the sample is its target
    matrix = comatrix.correlation(x)[np.triu_indices(x.shape[1], 1)]
    return 0.0 if np.ptp(matrix) < 1e-9 else estimators.constant_correlation(centred(x))[0]


def broken(now: Array, part: Array, before: Array) -> tuple[list[float], float]:
    members = [NAN] * now.shape[1]
    held = [j for j in varying(now, part) if len(before) == len(now) and not np.isnan(before[:, j]).any()]
    held = [j for j in held if not flat(before[:, j])]
    if not held:
        return members, NAN
    a, b = comatrix.correlation(before[:, held]), comatrix.correlation(now[:, held])
    for j, one, other in zip(held, a, b, strict=True):
        members[j] = 1 - float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))
    return members, 1 - float((a * b).sum()) / math.sqrt(float((a * a).sum()) * float((b * b).sum()))


def labels(x: Array, part: Array, cut: float) -> list[int]:
    held, found = varying(x, part), [-1] * x.shape[1]
    if held:
        matrix = comatrix.correlation(x[:, held])
        distance = np.sqrt(2 * (1 - np.clip(matrix, -1, 1)))
        np.fill_diagonal(distance, 0)
        for j, label in zip(held, estimators.labels(distance, cut, single=False), strict=True):
            found[j] = held[label]
    return found


def of_pair(x: Array, logs: Array, part: Array, a: int, b: int) -> dict[str, float]:
    names = "corr", "beta", "spearman", "partial_corr", "hedge", "spread", "adf_t", "half_life", "zscore"
    if min(a, b) < 0 or not (part[a] and part[b]):
        return dict.fromkeys(names, NAN)
    y, of = filled(x[:, a]), filled(x[:, b])
    slope, both, _ = fit(y, of, np.ones(len(y), LONG))
    ranks = NAN if flat(y) or flat(of) else float(stats.spearmanr(y, of).statistic)
    prices = [np.cumsum(filled(logs[:, j]).astype(LONG)) for j in (a, b)]
    return dict(zip(names, [both, slope, ranks, partial(x, part, a, b), *engle_granger(*prices)], strict=True))


def partial(x: Array, part: Array, a: int, b: int) -> float:
    held = varying(x, part)
    if a not in held or b not in held or a == b:
        return NAN
    taking, own = centred(x[:, part]), centred(x[:, held])
    shrunk, mu = LedoitWolf().fit(taking).shrinkage_, (taking * taking).sum() / len(x) / taking.shape[1]
    scaled = ((1 - shrunk) * (own.T @ own) / len(x) + shrunk * mu * np.eye(len(held))) / mu
    if np.linalg.eigvalsh(scaled).min() < 1e-12:
        return NAN
    inverse = np.linalg.inv(scaled).astype(LONG)
    for _ in range(2):  # Newton's steps to long double
        inverse = inverse @ (2 * np.eye(len(held)) - scaled @ inverse)
    i, j = held.index(a), held.index(b)
    return float(-inverse[i, j] / np.sqrt(inverse[i, i] * inverse[j, j]))


def engle_granger(y: Array, x: Array) -> tuple[float, float, float, float, float]:
    """Hedge, spread, t of one lag without constant, half-life without lag, z-score; statsmodels' `coint` for the t."""
    dy, dx = (each - each.mean() for each in (y, x))
    if len(y) < 6 or flat(y) or flat(x):
        return (NAN,) * 5
    hedge = (dx @ dy) / (dx @ dx)
    spread = dy - hedge * dx
    if spread @ spread <= 1e-24 * (dy @ dy):
        return (NAN,) * 5
    change = np.diff(spread)
    pull = (spread[:-1] @ change) / (spread[:-1] @ spread[:-1])
    level, lag, move = spread[1:-1], change[:-1], change[1:]
    gram = np.array([[level @ level, level @ lag], [lag @ level, lag @ lag]])
    inverse = np.array([[gram[1, 1], -gram[0, 1]], [-gram[1, 0], gram[0, 0]]]) / (
        gram[0, 0] * gram[1, 1] - gram[0, 1] ** 2
    )
    slopes = inverse @ np.array([level @ move, lag @ move])
    rest = move - slopes[0] * level - slopes[1] * lag
    t = slopes[0] / np.sqrt(rest @ rest / (len(move) - 2) * inverse[0, 0])
    life = 0.0 if pull <= -1 else math.log(0.5) / float(np.log1p(pull)) if pull < 0 else NAN
    return float(hedge), float(spread[-1]), float(t), life, float(spread[-1] / np.sqrt(spread @ spread / (len(y) - 1)))
