"""Naive twins of the overlap studies, prices of a bar and ranges."""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise

from tests.oracles.indicators import NAN, Series, atr_of, ema_of, late, levels_of, moments, over, sma_of

Bars = dict[str, Series]


def dema(bars: Bars, period: int, seed: int) -> tuple[Series, ...]:
    pairs = zip(*levels_of(bars["close"], period, 2, seed), strict=True)
    return (late([2 * a - b for a, b in pairs], 2 * period - 2),)


def tema(bars: Bars, period: int, seed: int) -> tuple[Series, ...]:
    triples = zip(*levels_of(bars["close"], period, 3, seed), strict=True)
    return (late([3 * (a - b) + c for a, b, c in triples], 3 * period - 3),)


def t3(bars: Bars, period: int, factor: float, seed: int) -> tuple[Series, ...]:
    """(1 + factor) * E - factor * E ** 2 to the third power, where E ** k is the EMA taken k times."""
    weight = [math.comb(3, k) * (1 + factor) ** (3 - k) * (-factor) ** k for k in range(4)]
    levels = levels_of(bars["close"], period, 6, seed)[2:]
    values = [sum(w * e for w, e in zip(weight, at, strict=True)) for at in zip(*levels, strict=True)]
    return (late(values, 6 * period - 6),)


def weigh(window: Sequence[float], weights: Sequence[int]) -> float:
    total = sum((Fraction(x) * w for x, w in zip(window, weights, strict=True)), Fraction(0))
    return float(total / sum(weights))


def wma_of(x: Series, period: int) -> Series:
    return over(x, period, lambda w: weigh(w, range(1, period + 1)))


def wma(bars: Bars, period: int) -> tuple[Series, ...]:
    return (wma_of(bars["close"], period),)


def trima(bars: Bars, period: int) -> tuple[Series, ...]:
    weights = [min(k, period + 1 - k) for k in range(1, period + 1)]
    return (over(bars["close"], period, lambda w: weigh(w, weights)),)


def kama(bars: Bars, period: int) -> tuple[Series, ...]:
    x = bars["close"]
    if period == 1:
        return (x,)
    out = [NAN] * len(x)
    for k in range(period, len(x)):
        path = math.fsum(abs(b - a) for a, b in pairwise(x[k - period : k + 1]))
        straight = min(1.0, abs(x[k] - x[k - period]) / path) if path else 1.0
        weight = (straight * (2 / 3 - 2 / 31) + 2 / 31) ** 2
        before = x[k - 1] if k == period else out[k - 1]
        out[k] = before + weight * (x[k] - before)
    return (out,)


def midpoint(bars: Bars, period: int) -> tuple[Series, ...]:
    return (over(bars["close"], period, lambda w: (max(w) + min(w)) / 2),)


def donchian(bars: Bars, period: int) -> tuple[Series, ...]:
    upper, lower = over(bars["high"], period, max), over(bars["low"], period, min)
    return upper, [(a + b) / 2 for a, b in zip(upper, lower, strict=True)], lower


def midprice(bars: Bars, period: int) -> tuple[Series, ...]:
    return (donchian(bars, period)[1],)


def sarext(
    bars: Bars, start: float, offset: float, long_init: float, long_by: float, long_max: float, short_init: float,
    short_by: float, short_max: float,
) -> tuple[Series, ...]:  # fmt: skip
    """Long and short written out apart, as in the book; the value is negative after a bar on which it is short."""
    high, low = bars["high"], bars["low"]
    out = [NAN] * len(high)
    if len(high) < 2:
        return (out,)
    fall, rise = low[0] - low[1], high[1] - high[0]
    long = start > 0 or (start == 0 and not (fall > 0 and fall > rise))
    stop = abs(start) or (low[0] if long else high[0])
    best = high[1] if long else low[1]
    share = min(long_init, long_max) if long else min(short_init, short_max)
    for k in range(1, len(high)):
        highs, lows = high[max(1, k - 1) : k + 1], low[max(1, k - 1) : k + 1]
        if long and low[k] <= stop:
            stop = max([best, *highs])
            stop += stop * offset
            out[k], long, best, share = -stop, False, low[k], min(short_init, short_max)
            stop = max([stop + share * (best - stop), *highs])
        elif long:
            out[k] = stop
            if high[k] > best:
                best, share = high[k], min(share + min(long_by, long_max), long_max)
            stop = min([stop + share * (best - stop), *lows])
        elif high[k] >= stop:
            stop = min([best, *lows])
            stop -= stop * offset
            out[k], long, best, share = stop, True, high[k], min(long_init, long_max)
            stop = min([stop + share * (best - stop), *lows])
        else:
            out[k] = -stop
            if low[k] < best:
                best, share = low[k], min(share + min(short_by, short_max), short_max)
            stop = max([stop + share * (best - stop), *highs])
    return (out,)


def sar(bars: Bars, acceleration: float, maximum: float) -> tuple[Series, ...]:
    side = (acceleration, acceleration, maximum)
    return ([abs(v) for v in sarext(bars, 0.0, 0.0, *side, *side)[0]],)


def rma(bars: Bars, period: int) -> tuple[Series, ...]:
    return (ema_of(bars["close"], period, 1 / period),)


def hma(bars: Bars, period: int) -> tuple[Series, ...]:
    x = bars["close"]
    full, half = wma_of(x, period), wma_of(x, max(1, period // 2))
    return (wma_of([2 * a - b for a, b in zip(half, full, strict=True)], int(math.sqrt(period))),)


def vwma(bars: Bars, period: int) -> tuple[Series, ...]:
    x, volume = bars["close"], bars["volume"]
    if period == 1:
        return (x,)
    out = [NAN] * len(x)
    for k in range(period - 1, len(x)):
        window = [(Fraction(x[i]), Fraction(volume[i])) for i in range(k + 1 - period, k + 1)]
        total = sum(v for _, v in window)
        out[k] = float(sum(p * v for p, v in window) / total) if total else NAN
    return (out,)


def zlema(bars: Bars, period: int) -> tuple[Series, ...]:
    x, lag = bars["close"], (period - 1) // 2
    return (ema_of([2 * x[k] - x[k - lag] if k >= lag else NAN for k in range(len(x))], period),)


def kc(bars: Bars, period: int, atr_period: int, width: float) -> tuple[Series, ...]:
    """Both averages are seeded by the mean of the inputs that end at the first bar that has an output."""
    high, low, close = bars["high"], bars["low"], bars["close"]
    first = max(period - 1, atr_period)
    typical = [(h + lo + c) / 3 for h, lo, c in zip(high, low, close, strict=True)]
    moves = trange(bars)[0]
    middle = ema_of([NAN if k <= first - period else v for k, v in enumerate(typical)], period)
    atr = ema_of([NAN if k <= first - atr_period else v for k, v in enumerate(moves)], atr_period, 1 / atr_period)
    pairs = list(zip(middle, atr, strict=True))
    return [m + width * a for m, a in pairs], middle, [m - width * a for m, a in pairs]


def accbands(bars: Bars, period: int) -> tuple[Series, ...]:
    high, low = bars["high"], bars["low"]
    spread = [4 * (h - lo) / (h + lo) for h, lo in zip(high, low, strict=True)]
    upper = [h * (1 + r) for h, r in zip(high, spread, strict=True)]
    lower = [lo * (1 - r) for lo, r in zip(low, spread, strict=True)]
    return sma_of(upper, period), sma_of(bars["close"], period), sma_of(lower, period)


def supertrend(bars: Bars, period: int, width: float) -> tuple[Series, ...]:
    high, low, close = bars["high"], bars["low"], bars["close"]
    atr = atr_of(high, low, close, period)
    line, trend = [NAN] * len(close), [NAN] * len(close)
    upper = lower = NAN
    up = True
    for k in range(period, len(close)):
        middle = (high[k] + low[k]) / 2
        over_it, under_it = middle + width * atr[k], middle - width * atr[k]
        upper = over_it if k == period or close[k - 1] > upper else min(upper, over_it)
        lower = under_it if k == period or close[k - 1] < lower else max(lower, under_it)
        if k > period:
            up = close[k] >= lower if up else close[k] > upper
        line[k], trend[k] = (lower, 1.0) if up else (upper, -1.0)
    return line, trend


def trange(bars: Bars) -> tuple[Series, ...]:
    return (atr_of(bars["high"], bars["low"], bars["close"], 1),)


def natr(bars: Bars, period: int) -> tuple[Series, ...]:
    atr = atr_of(bars["high"], bars["low"], bars["close"], period)
    return ([100 * a / c for a, c in zip(atr, bars["close"], strict=True)],)


def weights(bars: Bars, **of: int) -> tuple[Series, ...]:
    """Weighted mean of prices of the same bar."""
    columns = [bars[name] for name in of]
    return ([weigh(prices, list(of.values())) for prices in zip(*columns, strict=True)],)


def avgdev(bars: Bars, period: int) -> tuple[Series, ...]:
    def value(window: Series) -> float:
        mean, _ = moments(window)
        return float(sum((abs(Fraction(x) - mean) for x in window), Fraction(0)) / len(window))

    return (over(bars["close"], period, value),)


def ha(bars: Bars) -> tuple[Series, ...]:
    close = weights(bars, open=1, high=1, low=1, close=1)[0]
    opens = [(bars["open"][0] + bars["close"][0]) / 2]
    for before in close[:-1]:
        opens.append((opens[-1] + before) / 2)
    candles = list(zip(bars["high"], bars["low"], opens, close, strict=True))
    return opens, [max(h, o, c) for h, _, o, c in candles], [min(lo, o, c) for _, lo, o, c in candles], close


def ranges(bars: Bars) -> Series:
    return [h - lo for h, lo in zip(bars["high"], bars["low"], strict=True)]


def adr(bars: Bars, period: int) -> tuple[Series, ...]:
    return (sma_of(ranges(bars), period),)


def cvi(bars: Bars, period: int, change: int) -> tuple[Series, ...]:
    average = ema_of(ranges(bars), period)
    out = [NAN] * len(average)
    for k in range(period - 1 + change, len(average)):
        old = average[k - change]
        out[k] = 100 * (average[k] - old) / old if old else 0.0
    return (out,)


def massi(bars: Bars, fast: int, slow: int) -> tuple[Series, ...]:
    once, twice = levels_of(ranges(bars), fast, 2)
    ratio = [NAN if math.isnan(b) else a / b if b else 1.0 for a, b in zip(once, twice, strict=True)]
    return (over(ratio, slow, math.fsum),)


def rvi(bars: Bars, period: int, window: int) -> tuple[Series, ...]:
    x = bars["close"]
    spread = over(x, window, lambda w: math.sqrt(moments(w)[1] / window))
    moves = [0.0, *(b - a for a, b in pairwise(x))]
    legs = []
    for sign in (1, -1):
        leg = [s if math.isnan(s) or sign * m > 0 else 0.0 for s, m in zip(spread, moves, strict=True)]
        legs.append(ema_of(leg, period, 1 / period))
    return ([100 * a / (a + b) if a + b else 50.0 for a, b in zip(*legs, strict=True)],)


TWINS = {
    **{twin.__name__: twin for twin in (
        dema, tema, wma, trima, kama, t3, midpoint, midprice, sar, rma, hma, vwma, zlema, donchian, kc, accbands,
        supertrend, sarext, natr, trange, avgdev, ha, adr, cvi, massi, rvi)},
    "avgprice": partial(weights, open=1, high=1, low=1, close=1),
    "medprice": partial(weights, high=1, low=1),
    "typprice": partial(weights, high=1, low=1, close=1),
    "wclprice": partial(weights, high=1, low=1, close=2),
}  # fmt: skip

THREE = ("dema", "tema", "kama", "midpoint", "midprice", "rma", "vwma", "donchian", "accbands", "natr", "avgdev", "adr")
SMALL = {
    **{name: {"period": 3} for name in THREE},
    "wma": {"period": 5}, "trima": {"period": 4}, "hma": {"period": 9}, "zlema": {"period": 5},
    "t3": {"period": 2, "factor": 0.75}, "sar": {"acceleration": 0.25, "maximum": 0.5},
    "kc": {"period": 3, "atr_period": 2, "width": 1.5}, "supertrend": {"period": 3, "width": 1.1},
    "sarext": {"offset": 0.125, "long_init": 0.125, "long_by": 0.25, "long_max": 0.5, "short_init": 0.75,
               "short_by": 0.0625, "short_max": 0.5},
    "cvi": {"period": 3, "change": 2}, "massi": {"fast": 3, "slow": 4}, "rvi": {"period": 3, "window": 4},
}  # fmt: skip

GRID = {
    "t3": [{"period": 1, "factor": 0.7}, {"period": 3, "factor": 0.0}, {"period": 10, "factor": 1.0}],
    "trima": [{"period": period} for period in (1, 2, 3, 4, 10, 51)],
    "hma": [{"period": period} for period in (1, 2, 3, 4, 9, 50)],
    "zlema": [{"period": period} for period in (1, 2, 3, 10, 51)],
    "sar": [{"acceleration": 0.3, "maximum": 0.1}, {"acceleration": 0.0, "maximum": 0.0},
            {"acceleration": 0.05, "maximum": 1.0}],
    "sarext": [{"start": -52.0, "offset": 0.01}, {"start": 47.5, "short_init": 0.4, "short_by": 0.3},
               {"long_init": 0.01, "long_by": 0.03, "long_max": 0.4, "short_max": 0.1, "offset": 0.125}],
    "kc": [{"period": 2, "atr_period": 1, "width": 0.0}, {"period": 10, "atr_period": 30, "width": 1.5}],
    "supertrend": [{"period": 2, "width": 1.0}, {"period": 50, "width": 2.5}, {"period": 10, "width": 0.0}],
    "cvi": [{"period": 2, "change": 1}, {"period": 10, "change": 40}, {"period": 50, "change": 3}],
    "massi": [{"fast": 2, "slow": 2}, {"fast": 9, "slow": 40}, {"fast": 30, "slow": 5}],
    "rvi": [{"period": 1, "window": 2}, {"period": 10, "window": 3}, {"period": 3, "window": 50}],
}  # fmt: skip

BOUND = {
    # 600 bars of TA-Lib's running sums drift by 1e-12; ours is within 3e-16 of the exact fractions
    "trima": 1e-11,
    # a mean off by 1 ulp of the price is more beside a small deviation; ours is within 1e-15 of the exact fractions
    "avgdev": 1e-11,
    # TA-Lib recentres its sums of squares only where they keep less than a millionth; ours is within 2e-15 of the exact
    "rvi": 1e-9,
}
