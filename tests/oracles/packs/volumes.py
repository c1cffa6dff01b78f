"""Naive twins of the volume pack: each by its definition, from the whole history, windows in exact fractions."""

import math
from fractions import Fraction
from itertools import accumulate, pairwise

from tests.oracles.indicators import ema_of, over
from tests.oracles.packs import Bars

Series = list[float]
Out = tuple[Series, ...]
NAN = math.nan


def flows(bars: Bars) -> Series:
    """Money flow volume of each bar."""
    found = []
    for high, low, close, volume in zip(bars["high"], bars["low"], bars["close"], bars["volume"], strict=True):
        found.append((2 * close - high - low) / (high - low) * volume if high > low else 0.0)
    return found


def exact(window: Series) -> Fraction:
    return sum(map(Fraction, window), Fraction(0))


def ad(bars: Bars) -> Out:
    return (list(accumulate(flows(bars))),)


def adosc(bars: Bars, fast: int, slow: int) -> Out:
    line = list(accumulate(map(Fraction, flows(bars))))

    def average(period: int) -> list[Fraction]:
        return list(accumulate(line, lambda value, x: value + Fraction(2, period + 1) * (x - value)))

    differ = [float(a - b) for a, b in zip(average(fast), average(slow), strict=True)]
    return ([NAN if k < max(fast, slow) - 1 else v for k, v in enumerate(differ)],)


def cmf(bars: Bars, period: int) -> Out:
    found, flow, volume = [], flows(bars), bars["volume"]
    for k in range(len(flow)):
        traded = sum(volume[max(0, k + 1 - period) : k + 1])
        value = float(exact(flow[max(0, k + 1 - period) : k + 1])) / traded if traded else 0.0
        found.append(NAN if k + 1 < period else value)
    return (found,)


def efi(bars: Bars, period: int) -> Out:
    moves = [b - a for a, b in pairwise(bars["close"])]
    return (ema_of([NAN, *(m * v for m, v in zip(moves, bars["volume"][1:], strict=True))], period),)


def pvt(bars: Bars) -> Out:
    returns = [b / a - 1 for a, b in pairwise(bars["close"])]
    return (list(accumulate((r * v for r, v in zip(returns, bars["volume"][1:], strict=True)), initial=0.0)),)


def index(bars: Bars, sign: int) -> Out:
    """1000, compounded over the bars whose volume changed in the direction of sign."""
    growth = [b / a for a, b in pairwise(bars["close"])]
    counts = [sign * (b - a) > 0 for a, b in pairwise(bars["volume"])]
    return (list(accumulate((g if c else 1.0 for g, c in zip(growth, counts, strict=True)),
                            lambda value, g: value * g, initial=1000.0)),)  # fmt: skip


def pvo(bars: Bars, fast: int, slow: int) -> Out:
    short, long = (ema_of(bars["volume"], period) for period in (min(fast, slow), max(fast, slow)))
    return ([NAN if math.isnan(b) else 100 * (a - b) / b if b else 0.0 for a, b in zip(short, long, strict=True)],)


def rvol(bars: Bars, period: int) -> Out:
    means = [NAN, *over(bars["volume"], period, lambda w: float(exact(w) / len(w)))]
    return ([v / m if m > 0 else NAN for v, m in zip(bars["volume"], means, strict=False)],)


def marketfi(bars: Bars) -> Out:
    columns = zip(bars["high"], bars["low"], bars["volume"], strict=True)
    return ([(high - low) / volume if volume else 0.0 for high, low, volume in columns],)


TWINS = {
    "ad": ad, "adosc": adosc, "cmf": cmf, "efi": efi, "pvt": pvt, "pvo": pvo, "rvol": rvol, "marketfi": marketfi,
    "nvi": lambda bars: index(bars, -1), "pvi": lambda bars: index(bars, 1),
}  # fmt: skip
SMALL = {
    "adosc": {"fast": 2, "slow": 4}, "cmf": {"period": 4}, "efi": {"period": 3}, "pvo": {"fast": 2, "slow": 4},
    "rvol": {"period": 4},
}  # fmt: skip
GRID = {
    "adosc": [{"fast": 2, "slow": 2}, {"fast": 10, "slow": 3}, {"fast": 5, "slow": 50}],
    "pvo": [{"fast": 2, "slow": 2}, {"fast": 26, "slow": 12}, {"fast": 5, "slow": 50}],
    # not period 1: after a bar without volume TA-Lib gives infinity, we give no value
    "rvol": [{"period": 10}, {"period": 50}],
}
BOUND = {
    # TA-Lib averages the line itself: its error is a few last digits of a line a thousand times the oscillator
    "adosc": 1e-10,
    # TA-Lib subtracts what leaves: the last digits of a heavy bar stay behind among light ones
    "cmf": 1e-10,
}
