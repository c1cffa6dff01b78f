"""Naive twins of the desk's indicators: each from the whole history, most sums in exact fractions."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from tests.oracles.indicators import rsi_of
from tests.oracles.packs import Bars

Series = list[float]
NAN = math.nan
SMALL = {
    "ichimoku": {"tenkan": 3, "kijun": 5, "senkou": 4},
    "choppiness": {"period": 4},
    "alma": {"period": 5, "sigma": 2.5, "offset": 0.85},
    "fisher": {"period": 4},
    "connors_rsi": {"period": 3, "streak_period": 2, "rank": 7},
    "rolling_vwap": {"period": 4},
    "amihud": {"period": 4},
    "kyle_lambda": {"period": 4},
}


def windows(count: int, period: int, value: Callable[[slice], float]) -> Series:
    """`value` of the last `period` bars at each of `count` bars, NaN while there are fewer."""
    return [value(slice(k + 1 - period, k + 1)) if k + 1 >= period else NAN for k in range(count)]


def middles(high: Series, low: Series, period: int) -> Series:
    return windows(len(high), period, lambda w: (max(high[w]) + min(low[w])) / 2)


def ichimoku(bars: Bars, tenkan: int, kijun: int, senkou: int) -> tuple[Series, ...]:
    one, two, three = (middles(bars["high"], bars["low"], period) for period in (tenkan, kijun, senkou))
    return one, two, [(a + b) / 2 for a, b in zip(one, two, strict=True)], three


def choppiness(bars: Bars, period: int) -> tuple[Series]:
    high, low, close = bars["high"], bars["low"], bars["close"]
    ranges = [max(h, c) - min(lo, c) for h, lo, c in zip(high[1:], low[1:], close, strict=False)]

    def value(window: slice) -> float:
        total, wide = math.fsum(ranges[window]), max(high[1:][window]) - min(low[1:][window])
        return 100 * math.log(total / wide, period) if wide else 100.0

    return ([NAN, *windows(len(ranges), period, value)][: len(close)],)


def alma(bars: Bars, period: int, sigma: float, offset: float) -> tuple[Series]:
    top = math.floor(offset * (period - 1))
    bell = [math.exp(-((k - top) ** 2) / (2 * (period / sigma) ** 2)) for k in range(period)]

    def value(window: slice) -> float:
        return math.fsum(w * x for w, x in zip(bell, bars["close"][window], strict=True)) / math.fsum(bell)

    return (windows(len(bars["close"]), period, value),)


def fisher(bars: Bars, period: int) -> tuple[Series, Series]:
    price = [(h + lo) / 2 for h, lo in zip(bars["high"], bars["low"], strict=True)]
    out, x = [0.0], 0.0
    for k in range(period - 1, len(price)):
        window = price[k + 1 - period : k + 1]
        wide = max(window) - min(window)
        x = 0.33 * 2 * ((price[k] - min(window)) / wide - 0.5 if wide else 0.0) + 0.67 * x
        x = math.copysign(0.999, x) if abs(x) > 0.99 else x
        out.append(math.atanh(x) + out[-1] / 2)
    early = [NAN] * min(period - 1, len(price))
    return [*early, *out[1:]], [*early, NAN, *out[1:]][: len(price)]


def streaks(close: Series) -> Series:
    """Of each bar from the second on."""
    out = [0.0]
    for a, b in pairwise(close):
        step = (b > a) - (b < a)
        out.append(out[-1] + step if out[-1] * step > 0 else float(step))
    return out[1:]


def connors_rsi(bars: Bars, period: int, streak_period: int, rank: int) -> tuple[Series]:
    close = bars["close"]
    returns = [(b - a) / a for a, b in pairwise(close)]
    ranks = windows(len(returns), rank + 1, lambda w: 100 * sum(r < returns[w][-1] for r in returns[w]) / rank)
    parts = (rsi_of(close, period), [NAN, *rsi_of(streaks(close), streak_period)], [NAN, *ranks])
    return ([sum(three) / 3 for three in zip(*parts, strict=False)],)


def weighted(x: Sequence[float], weights: Sequence[float]) -> tuple[Fraction, Fraction]:
    """Mean and variance, without any rounding; the weights are not all 0."""
    pairs = [(Fraction(v), Fraction(w)) for v, w in zip(x, weights, strict=True)]
    total = sum(w for _, w in pairs)
    mean = sum(v * w for v, w in pairs) / total
    return mean, sum((v - mean) ** 2 * w for v, w in pairs) / total


def rolling_vwap(bars: Bars, period: int) -> tuple[Series, ...]:
    typical = [(h + lo + c) / 3 for h, lo, c in zip(bars["high"], bars["low"], bars["close"], strict=True)]
    volume = bars["volume"]

    def line(width: float) -> Series:
        def value(window: slice) -> float:
            if not any(volume[window]):
                return NAN
            mean, variance = weighted(typical[window], volume[window])
            return float(mean) + width * math.sqrt(variance)

        return windows(len(volume), period, value)

    return line(0), line(1), line(-1), line(2), line(-2)


def amihud(bars: Bars, period: int) -> tuple[Series]:
    close, volume = bars["close"], bars["volume"]
    ratios = [
        abs(math.log(b / a)) / (b * v) if v else NAN for (a, b), v in zip(pairwise(close), volume[1:], strict=True)
    ]

    def value(window: slice) -> float:
        traded = [ratio for ratio in ratios[window] if not math.isnan(ratio)]
        return math.fsum(traded) / len(traded) if traded else NAN

    return ([NAN, *windows(len(ratios), period, value)][: len(close)],)


def kyle_lambda(bars: Bars, period: int) -> tuple[Series]:
    close, sign, flow = bars["close"], 0, []
    changes = [Fraction(b) - Fraction(a) for a, b in pairwise(close)]
    for change, volume in zip(changes, bars["volume"][1:], strict=True):
        sign = (change > 0) - (change < 0) or sign
        flow.append(sign * Fraction(volume))

    def value(window: slice) -> float:
        x, y = flow[window], changes[window]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        spread = sum((v - mean_x) ** 2 for v in x)
        return float(sum((v - mean_x) * (w - mean_y) for v, w in zip(x, y, strict=True)) / spread) if spread else NAN

    return ([NAN, *windows(len(flow), period, value)][: len(close)],)


TWINS = {
    "ichimoku": ichimoku, "choppiness": choppiness, "alma": alma, "fisher": fisher, "connors_rsi": connors_rsi,
    "rolling_vwap": rolling_vwap, "amihud": amihud, "kyle_lambda": kyle_lambda,
}  # fmt: skip
