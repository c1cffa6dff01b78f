"""Naive twins of the statistics: each window anew, its moments in exact fractions."""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from tests.oracles.indicators import NAN, log_return_of, moments, over
from tests.oracles.packs import Bars, Twin

Series = list[float]
Pair = tuple[Series]


def over_pairs(x: Series, y: Series, period: int, value: Callable[[Series, Series], float]) -> Series:
    """`value` of each full window of both that holds no NaN."""
    windows = [(x[max(0, k + 1 - period) : k + 1], y[max(0, k + 1 - period) : k + 1]) for k in range(len(x))]
    return [value(a, b) if len(a) == period and not any(map(math.isnan, a + b)) else NAN for a, b in windows]


def comoment(x: Series, y: Series) -> Fraction:
    mean_x, mean_y = moments(x)[0], moments(y)[0]
    return sum(((Fraction(a) - mean_x) * (Fraction(b) - mean_y) for a, b in zip(x, y, strict=True)), Fraction(0))


def correlation(x: Series, y: Series) -> float:
    """What is 0 but for rounding, of logarithms or of the kernel, is 0."""
    product = comoment(x, x) * comoment(y, y)
    value = float(comoment(x, y)) / math.sqrt(product) if product else 0.0
    return value if abs(value) > 1e-14 else 0.0


def simple_returns(x: Series) -> Series:
    return [NAN, *((b - a) / a for a, b in pairwise(x))]


def line(window: Series) -> tuple[Fraction, Fraction]:
    """Intercept and slope over bars 0 to n - 1."""
    time = list(map(float, range(len(window))))
    slope = comoment(time, window) / comoment(time, time)
    return moments(window)[0] - slope * moments(time)[0], slope


def at_bar(window: Series, bar: int) -> float:
    intercept, slope = line(window)
    return float(intercept + slope * bar)


def nearest_rank(window: Series, percent: float) -> float:
    return min(v for v in window if 100 * sum(w <= v for w in window) >= percent * len(window))


def share_below(window: Series) -> float:
    *before, newest = window
    return 100 * sum(v < newest for v in before) / len(before)


def root_mean(x: Series, period: int) -> Series:
    return over(x, period, lambda w: math.sqrt(max(moments(w)[0], 0)))


def each(bars: Bars, value: Callable[[float, float, float, float], float]) -> Series:
    """`value` of the logarithms of high / low, close / open, high / open and low / open, of each bar."""
    ohlc = zip(*(bars[name] for name in ("open", "high", "low", "close")), strict=True)
    return [value(math.log(h / lo), math.log(c / o), math.log(h / o), math.log(lo / o)) for o, h, lo, c in ohlc]


def parkinson(bars: Bars, period: int) -> Pair:
    return (root_mean(each(bars, lambda span, c, h, lo: span**2 / (4 * math.log(2))), period),)


def garman_klass(bars: Bars, period: int) -> Pair:
    return (root_mean(each(bars, lambda span, c, h, lo: span**2 / 2 - (2 * math.log(2) - 1) * c**2), period),)


def satchell(bars: Bars) -> Series:
    return each(bars, lambda span, c, h, lo: h * (h - c) + lo * (lo - c))


def yang_zhang(bars: Bars, period: int) -> Pair:
    nights = [NAN, *(math.log(o / c) for o, c in zip(bars["open"][1:], bars["close"], strict=False))]
    days = each(bars, lambda span, c, h, lo: c)
    k = 0.34 / (1.34 + (period + 1) / (period - 1))
    parts = zip(
        over(nights, period, lambda w: float(moments(w)[1]) / (period - 1)),
        over(days, period, lambda w: float(moments(w)[1]) / (period - 1)),
        over(satchell(bars), period, lambda w: float(moments(w)[0])),
        strict=True,
    )
    return ([math.sqrt(night + k * day + (1 - k) * rs) for night, day, rs in parts],)


def ewma_volatility(bars: Bars, decay: float) -> Pair:
    """The seed and each later square with its own weight."""
    squares, kept = [r * r for r in log_return_of(bars["close"])[1:]], decay / 100
    out = [NAN] * min(1, len(bars["close"]))
    for n in range(1, len(squares) + 1):
        rest = math.fsum((1 - kept) * kept ** (n - 1 - k) * squares[k] for k in range(1, n))
        out.append(math.sqrt(kept ** (n - 1) * squares[0] + rest))
    return (out,)


def semi_deviation(bars: Bars, period: int) -> tuple[Series, Series]:
    x = log_return_of(bars["close"])
    falls, rises = ([v if math.isnan(v) or v * sign > 0 else 0.0 for v in x] for sign in (-1, 1))
    return tuple(over(of, period, lambda w: math.sqrt(math.fsum(v * v for v in w) / period)) for of in (falls, rises))


def drawdown(bars: Bars) -> Pair:
    x = bars["close"]
    return ([float(Fraction(v) / Fraction(max(x[: k + 1])) - 1) for k, v in enumerate(x)],)


def max_drawdown(bars: Bars, period: int) -> Pair:
    def deepest(w: Series) -> float:
        return float(min(Fraction(w[b]) / Fraction(w[a]) - 1 for a in range(period) for b in range(a, period)))

    return (over(bars["close"], period, deepest),)


def standardized(window: Series, k: int) -> float:
    """The k-th central moment over the k-th power of the deviation, both with ddof 0."""
    mean, spread = moments(window)
    central = sum((Fraction(v) - mean) ** k for v in window) / len(window)
    return float(central) / float(spread / len(window)) ** (k / 2)


def skew(w: Series) -> float:
    """What is 0 but for the rounding of logarithms is 0."""
    n = len(w)
    value = standardized(w, 3) if len(set(w)) > 1 else 0.0
    return math.sqrt(n * (n - 1)) / (n - 2) * value if abs(value) > 1e-14 * math.sqrt(n) else 0.0


def kurtosis(w: Series) -> float:
    n = len(w)
    if len(set(w)) == 1:
        return -3.0
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (standardized(w, 4) - 3) + 6)


def close_of(value: Callable[..., float]) -> Twin:
    """Twin of a row over windows of the close."""
    return lambda bars, period: (over(bars["close"], period, value),)


def returns_of(*values: Callable[[Series], float]) -> Twin:
    """Twin of a row over windows of the log return, one function an output."""
    return lambda bars, period: tuple(over(log_return_of(bars["close"]), period, value) for value in values)


def beta(bars: Bars, period: int) -> Pair:
    def slope(x: Series, y: Series) -> float:
        spread = comoment(x, x)
        return float(comoment(x, y) / spread) if period * spread >= 1e-14 else 0.0

    return (over_pairs(simple_returns(bars["high"]), simple_returns(bars["low"]), period, slope),)


TWINS: dict[str, Twin] = {
    "stddev": lambda bars, period, width, ddof: (
        over(bars["close"], period, lambda w: width * math.sqrt(moments(w)[1] / (period - ddof))),
    ),
    "var": lambda bars, period, ddof: (over(bars["close"], period, lambda w: float(moments(w)[1] / (period - ddof))),),
    "correl": lambda bars, period: (over_pairs(bars["high"], bars["low"], period, correlation),),
    "beta": beta,
    "linearreg": close_of(lambda w: at_bar(w, len(w) - 1)),
    "linearreg_slope": close_of(lambda w: float(line(w)[1])),
    "linearreg_intercept": close_of(lambda w: at_bar(w, 0)),
    "linearreg_angle": close_of(lambda w: math.degrees(math.atan(line(w)[1]))),
    "tsf": close_of(lambda w: at_bar(w, len(w))),
    "percentile": lambda bars, period, percent: (over(bars["close"], period, lambda w: nearest_rank(w, percent)),),
    "percentrank": lambda bars, period: (over(bars["close"], period + 1, share_below),),
    "parkinson": parkinson,
    "garman_klass": garman_klass,
    "rogers_satchell": lambda bars, period: (root_mean(satchell(bars), period),),
    "yang_zhang": yang_zhang,
    "ewma_volatility": ewma_volatility,
    "semi_deviation": semi_deviation,
    "drawdown": drawdown,
    "max_drawdown": max_drawdown,
    "higher_moments": returns_of(skew, kurtosis),
    "autocorrelation": returns_of(lambda w: correlation(w[:-1], w[1:])),
}
SMALL: dict[str, dict[str, float]] = {
    **{name: {"period": 3} for name in TWINS if name not in {"drawdown", "ewma_volatility"}},
    "stddev": {"period": 3, "width": 2.5},
    "percentile": {"period": 5, "percent": 30.0},
    "percentrank": {"period": 4},
    "ewma_volatility": {"decay": 75.0},
    "max_drawdown": {"period": 5},
    "higher_moments": {"period": 5},
    "autocorrelation": {"period": 4},
}
GRID: dict[str, list[dict[str, float]]] = {
    "stddev": [{"period": 2}, {"period": 10, "width": 2.0}, {"period": 50}],
    "percentile": [
        {"period": 2, "percent": 75.0}, {"period": 10, "percent": 70.0}, {"period": 50, "percent": 0.0},
        {"period": 50, "percent": 99.5}, {"period": 300, "percent": 100.0},
    ],
}  # fmt: skip
# on the same bars ours are within 1e-13 of the twins above, so what is left is TA-Lib's own rounding, in units of its
# sums: running ones of squares and products (stddev, var, correl, beta), or n * sum(xy) - sum(x) * sum(y) of prices
BOUND = {
    "stddev": 2e-9,
    "var": 4e-10,
    "correl": 2e-8,
    "beta": 1e-10,
    "linearreg_slope": 2e-8,
    "linearreg_angle": 2e-8,
    "tsf": 2e-11,
}
