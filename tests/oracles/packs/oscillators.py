"""Naive twins of the oscillators: each by its definition, from the whole history, windows in exact fractions."""

import math
from fractions import Fraction
from itertools import accumulate, pairwise

from tests.oracles.indicators import ema_of, over, sma_of
from tests.oracles.packs import Bars

Series = list[float]
Out = tuple[Series, ...]
NAN = math.nan


def minus(a: Series, b: Series) -> Series:
    return [x - y for x, y in zip(a, b, strict=True)]


def changes(x: Series) -> Series:
    """One-bar changes; the first bar has none."""
    return [NAN, *(b - a for a, b in pairwise(x))]


def exact_mean(x: Series, k: int, period: int) -> Fraction:
    return sum(map(Fraction, x[k + 1 - period : k + 1]), Fraction(0)) / period


def total(x: Series, period: int) -> Series:
    return over(x, period, lambda w: float(sum(map(Fraction, w))))


def ratio(a: Series, b: Series, empty: float, times: float = 1.0) -> Series:
    """times * a / b; `empty` where b is 0."""
    return [NAN if math.isnan(x + y) else times * x / y if y else empty for x, y in zip(a, b, strict=True)]


def ao(bars: Bars, fast: int, slow: int) -> Out:
    median = [(high + low) / 2 for high, low in zip(bars["high"], bars["low"], strict=True)]
    first = max(fast, slow) - 1
    means = ((exact_mean(median, k, fast), exact_mean(median, k, slow)) for k in range(first, len(median)))
    return ([NAN] * min(first, len(median)) + [float(short - long) for short, long in means],)


def ac(bars: Bars, fast: int, slow: int, signal: int) -> Out:
    (value,) = ao(bars, fast, slow)
    return (minus(value, sma_of(value, signal)),)


def vortex(bars: Bars, period: int) -> Out:
    high, low, close = bars["high"], bars["low"], bars["close"]
    ranges = [NAN, *(max(h, c) - min(lo, c) for h, lo, c in zip(high[1:], low[1:], close, strict=False))]
    plus = [NAN, *(abs(h - before) for h, before in zip(high[1:], low, strict=False))]
    down = [NAN, *(abs(lo - before) for lo, before in zip(low[1:], high, strict=False))]
    whole = total(ranges, period)
    return ratio(total(plus, period), whole, 0.0), ratio(total(down, period), whole, 0.0)


def tsi(bars: Bars, first: int, second: int) -> Out:
    moves = changes(bars["close"])
    change = ema_of(ema_of(moves, first), second)
    return (ratio(change, ema_of(ema_of([abs(m) for m in moves], first), second), 0.0, 100.0),)


def ranges_of(bars: Bars, period: int) -> tuple[Series, Series]:
    """Highest high and lowest low of each window."""
    return over(bars["high"], period, max), over(bars["low"], period, min)


def smi(bars: Bars, period: int, fast: int, slow: int, signal: int) -> Out:
    highest, lowest = ranges_of(bars, period)
    middle = [(h + lo) / 2 for h, lo in zip(highest, lowest, strict=True)]
    place = ema_of(ema_of(minus(bars["close"], middle), slow), fast)
    index = ratio(place, ema_of(ema_of(minus(highest, lowest), slow), fast), 0.0, 200.0)
    smooth = ema_of(index, signal)
    return [v if not math.isnan(s) else NAN for v, s in zip(index, smooth, strict=True)], smooth


def kdj(bars: Bars, period: int, slow_k: int, slow_d: int) -> Out:
    highest, lowest = ranges_of(bars, period)
    k = ema_of(ratio(minus(bars["close"], lowest), minus(highest, lowest), 0.0, 100.0), slow_k, 1 / slow_k)
    d = ema_of(k, slow_d, 1 / slow_d)
    k = [a if not math.isnan(b) else NAN for a, b in zip(k, d, strict=True)]
    return k, d, [3 * a - 2 * b for a, b in zip(k, d, strict=True)]


def coppock(bars: Bars, period: int, roc1: int, roc2: int) -> Out:
    x, far = bars["close"], max(roc1, roc2)
    rates = [100 * (x[k] / x[k - roc1] + x[k] / x[k - roc2] - 2) if k >= far else NAN for k in range(len(x))]
    weights = range(1, period + 1)
    return (over(rates, period, lambda w: math.fsum(a * b for a, b in zip(weights, w, strict=True)) / sum(weights)),)


def dpo(bars: Bars, period: int) -> Out:
    x, shift = bars["close"], period // 2 + 1
    first = max(period - 1, shift)
    found = [float(Fraction(x[k - shift]) - exact_mean(x, k, period)) for k in range(first, len(x))]
    return ([NAN] * min(first, len(x)) + found,)


def paths(x: Series, period: int) -> tuple[Series, Series]:
    """Change over `period` bars, and the sum of the absolute one-bar changes."""
    net = [x[k] - x[k - period] if k >= period else NAN for k in range(len(x))]
    return net, total([abs(c) for c in changes(x)], period)


def er(bars: Bars, period: int) -> Out:
    net, path = paths(bars["close"], period)
    return (ratio([abs(n) for n in net], path, 1.0),)


def cmou(bars: Bars, period: int) -> Out:
    moves = changes(bars["close"])
    up = total([max(m, 0.0) if not math.isnan(m) else NAN for m in moves], period)
    down = total([max(-m, 0.0) if not math.isnan(m) else NAN for m in moves], period)
    return (ratio(minus(up, down), [a + b for a, b in zip(up, down, strict=True)], 0.0, 100.0),)


def vhf(bars: Bars, period: int) -> Out:
    x = bars["close"]
    _, path = paths(x, period)
    return (ratio(over(x, period, lambda w: max(w) - min(w)), path, 0.0),)


def eri(bars: Bars, period: int) -> Out:
    average = ema_of(bars["close"], period)
    return minus(bars["high"], average), minus(bars["low"], average)


def fosc(bars: Bars, period: int) -> Out:
    """The line by least squares: slope = sum (k - mean k) * y / sum (k - mean k) ** 2."""
    x, found = bars["close"], []
    middle = Fraction(period - 1, 2)
    for k in range(period, len(x)):
        window = [Fraction(y) for y in x[k - period : k]]
        tilt = sum((i - middle) * y for i, y in enumerate(window))
        slope = tilt / sum((i - middle) ** 2 for i in range(period))
        found.append(float(100 * (x[k] - (sum(window) / period + slope * (period - middle))) / Fraction(x[k])))
    return ([NAN] * min(period, len(x)) + found,)


def qstick(bars: Bars, period: int) -> Out:
    return (sma_of(minus(bars["close"], bars["open"]), period),)


def wad(bars: Bars) -> Out:
    steps = [0.0]
    for (before, close), high, low in zip(pairwise(bars["close"]), bars["high"][1:], bars["low"][1:], strict=True):
        extreme = min(low, before) if close > before else max(high, before) if close < before else close
        steps.append(close - extreme)
    return (list(accumulate(steps)),)


def fractal(bars: Bars, left: int, right: int) -> Out:
    def swings(x: Series) -> Series:
        found = [NAN] * len(x)
        for k in range(left + right, len(x)):
            pivot = k - right
            others = x[pivot - left : pivot] + x[pivot + 1 : k + 1]
            found[k] = 100.0 if x[pivot] > max(others) else 0.0
        return found

    return swings(bars["high"]), swings([-low for low in bars["low"]])


TWINS = {
    "ao": ao, "ac": ac, "vortex": vortex, "tsi": tsi, "smi": smi, "kdj": kdj, "coppock": coppock, "dpo": dpo,
    "er": er, "eri": eri, "fosc": fosc, "qstick": qstick, "vhf": vhf, "cmou": cmou, "wad": wad, "fractal": fractal,
}  # fmt: skip
SMALL = {
    "ao": {"fast": 3, "slow": 5}, "ac": {"fast": 2, "slow": 5, "signal": 3}, "vortex": {"period": 3},
    "tsi": {"first": 3, "second": 2}, "smi": {"period": 4, "fast": 2, "slow": 3, "signal": 2},
    "kdj": {"period": 4, "slow_k": 3, "slow_d": 2}, "coppock": {"period": 3, "roc1": 2, "roc2": 5},
    "dpo": {"period": 4}, "er": {"period": 3}, "eri": {"period": 3}, "fosc": {"period": 4}, "qstick": {"period": 3},
    "vhf": {"period": 4}, "cmou": {"period": 3}, "fractal": {"left": 3, "right": 2},
}  # fmt: skip
GRID = {
    "ao": [{"fast": 2, "slow": 3}, {"fast": 34, "slow": 5}, {"fast": 10, "slow": 50}],
    "ac": [{"fast": 2, "slow": 3, "signal": 2}, {"fast": 34, "slow": 5, "signal": 20}],
    "tsi": [{"first": 2, "second": 2}, {"first": 13, "second": 50}],
    "smi": [
        {"period": 2, "fast": 2, "slow": 2, "signal": 2},
        {"period": 20, "fast": 10, "slow": 5, "signal": 3},
    ],
    "kdj": [{"period": 1, "slow_k": 1, "slow_d": 1}, {"period": 50, "slow_k": 5, "slow_d": 10}],
    "coppock": [
        {"period": 1, "roc1": 1, "roc2": 1},
        {"period": 50, "roc1": 14, "roc2": 11},
        {"period": 3, "roc1": 1, "roc2": 20},
    ],
}
# TA-Lib's running sums keep the rounding of what has left the window. Against exact windows on the same bars TA-Lib is
# off by up to the first number, we by the second.
BOUND = {
    "ao": 1e-10,  # 4e-11, 2e-12: a difference of means a thousand times as large
    "ac": 1e-10,  # 1e-11, 4e-12: the same
    "dpo": 1e-10,  # 6e-11, 2e-12: the same
    "coppock": 1e-11,  # 5e-12, 2e-13
    "cmou": 1e-11,  # 6e-12, 6e-16
    "fosc": 1e-8,  # 4e-9, 2e-13: a regression from uncentred sums
}
