"""Naive twins of the plain functions of a window, by their definitions."""

from tests.oracles.indicators import NAN, over
from tests.oracles.packs import Bars
from tests.oracles.packs.statistic import comoment, over_pairs

Out = tuple[list[float]]


def delay(bars: Bars, period: int) -> Out:
    return ([NAN] * min(period, len(bars["close"])) + bars["close"][:-period],)


def percentile_of_newest(window: list[float]) -> float:
    less, equal = sum(v < window[-1] for v in window), sum(v == window[-1] for v in window)
    return (less + (equal + 1) / 2) / len(window)


TWINS = {
    "delay": delay,
    "ts_max": lambda bars, period: (over(bars["close"], period, max),),
    "ts_min": lambda bars, period: (over(bars["close"], period, min),),
    "ts_argmax": lambda bars, period: (over(bars["close"], period, lambda w: w.index(max(w)) + 1.0),),
    "ts_argmin": lambda bars, period: (over(bars["close"], period, lambda w: w.index(min(w)) + 1.0),),
    "ts_rank": lambda bars, period: (over(bars["close"], period, percentile_of_newest),),
    "covariance": lambda bars, period: (
        over_pairs(bars["close"], bars["volume"], period, lambda x, y: float(comoment(x, y) / len(x))),
    ),
}
SMALL: dict[str, dict[str, float]] = {name: {"period": 4} for name in TWINS}
