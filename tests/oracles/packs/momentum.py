"""Naive twins of the momentum pack: by definition, from the whole history, windows in exact fractions."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from tests.oracles.indicators import NAN, ema_of, late, levels_of, over, sma_of
from tests.oracles.packs import Bars

Series = list[float]
Outputs = tuple[Series, ...]
SMALL = {
    # a period of 4 keeps Wilder's sums of eighths exact, and with them the ties of up and down
    **{name: {"period": 4} for name in ("plus_dm", "minus_dm", "plus_di", "minus_di", "dx", "adx", "adxr", "cmo")},
    **{name: {"period": 3} for name in ("mom", "roc", "rocp", "rocr", "rocr100", "willr", "cci", "trix")},
    **{name: {"period": 4} for name in ("aroon", "aroonosc", "mfi", "imi")},
    "stoch": {"fast_k": 4, "slow_k": 3, "slow_d": 2},
    "stochf": {"fast_k": 4, "fast_d": 3},
    "stochrsi": {"period": 3, "fast_k": 4, "fast_d": 3},
    "ultosc": {"short": 2, "medium": 3, "long": 5},
    **{name: {"fast": 3, "slow": 5} for name in ("apo", "ppo")},
    "macdext": {"fast": 3, "slow": 5, "signal": 4},
    "macdfix": {"signal": 3},
}
CROSSINGS = [{"fast": 2, "slow": 3}, {"fast": 10, "slow": 3}, {"fast": 20, "slow": 50}]
GRID = {
    **{name: [{"period": p} for p in (1, 2, 3, 10, 50)] for name in ("plus_dm", "minus_dm", "plus_di", "minus_di")},
    "stoch": [{"fast_k": 1, "slow_k": 1, "slow_d": 1}, {"fast_k": 20, "slow_k": 5, "slow_d": 2}],
    "stochf": [{"fast_k": 1, "fast_d": 1}, {"fast_k": 20, "fast_d": 5}],
    "stochrsi": [{"period": 2, "fast_k": 1, "fast_d": 1}, {"period": 10, "fast_k": 20, "fast_d": 5}],
    "ultosc": [{"short": 1, "medium": 1, "long": 1}, {"short": 30, "medium": 5, "long": 10}],
    "apo": CROSSINGS,
    "ppo": CROSSINGS,
    "macdext": [{**crossing, "signal": signal} for crossing, signal in zip(CROSSINGS, (1, 2, 9), strict=True)],
    "macdfix": [{"signal": signal} for signal in (1, 2, 20)],
}

# where TA-Lib is the less exact one: beside exact fractions it is off by as much as beside us, we by 5e-13 or less
BOUND = {
    "stochrsi": 1e-10,  # the last digits of RSI (1e-14) over its range in the window, which may be a hundredth
    "cci": 1e-10,  # TA-Lib's mean is off by some ulp of a price, times 67 over the spread
    "mfi": 2e-10,  # old flows are taken off TA-Lib's sums, so that an ulp of the largest flow stays
    "macdext": 5e-10,  # so are old prices: an ulp of a price, beside differences of cents
    "macdfix": 2e-11,  # TA-Lib's build fuses multiplication and addition: an ulp of a price beside the same
}


def wilder_of(x: Series, period: int) -> Series:
    """Wilder's sum: the first period - 1 values whole, then 1 / period of it goes and a value comes, in fractions."""
    out, total = [], Fraction(0)
    for k, value in enumerate(x):
        total = (total if k < period - 1 else total * Fraction(period - 1, period)) + Fraction(value)
        out.append(float(total) if k >= period - 2 else NAN)
    return out


def movements(b: Bars) -> tuple[Series, Series, Series]:
    """Upward and downward movement and true range of each bar but the first."""
    plus, minus, reach = [], [], []
    for k in range(1, len(b["high"])):
        up, down = b["high"][k] - b["high"][k - 1], b["low"][k - 1] - b["low"][k]
        plus.append(up if up > max(down, 0) else 0.0)
        minus.append(down if down > max(up, 0) else 0.0)
        reach.append(max(b["high"][k], b["close"][k - 1]) - min(b["low"][k], b["close"][k - 1]))
    return plus, minus, reach


def dm_of(b: Bars, period: int, side: int) -> Series:
    b = {**b, "close": b["high"]}
    return [NAN, *wilder_of(movements(b)[side], period)][: len(b["high"])]


def di_of(b: Bars, period: int, side: int) -> Series:
    x, reach = wilder_of(movements(b)[side], period), wilder_of(movements(b)[2], period)
    unit = 100 if period > 1 else 1
    values = [unit * m / r if r else 0.0 for m, r in zip(x, reach, strict=True)]
    return [NAN, *(v if k >= period - 1 else NAN for k, v in enumerate(values))][: len(b["high"])]


def indices(b: Bars, period: int) -> list[float | None]:
    """DX of the bars from the first that has one on, None where nothing moved."""
    pairs = list(zip(di_of(b, period, 0), di_of(b, period, 1), strict=True))[period:]
    return [100 * abs(p - m) / (p + m) if p + m else None for p, m in pairs]


def dx_of(b: Bars, period: int) -> Series:
    out, last = [], 0.0
    for value in indices(b, period):
        last = last if value is None else value
        out.append(last)
    return [*[NAN] * period, *out][: len(b["high"])]


def adx_of(b: Bars, period: int) -> Series:
    found = indices(b, period)
    average = math.fsum(value or 0.0 for value in found[:period]) / period
    out = [NAN] * (2 * period - 1) + [average]
    for value in found[period:]:
        average += 0.0 if value is None else (value - average) / period
        out.append(average)
    return out[: len(b["high"])]


def adxr_of(b: Bars, period: int) -> Series:
    adx = adx_of(b, period)
    return [(v + adx[k - period + 1]) / 2 if k >= period - 1 else NAN for k, v in enumerate(adx)]


def change_of(x: Series, period: int, value: Callable[[Fraction, Fraction], Fraction]) -> Series:
    return over(x, period + 1, lambda w: float(value(Fraction(w[-1]), Fraction(w[0]))) if w[0] else 0.0)


def age_of(x: Series, period: int, best: Callable[[Series], float]) -> Series:
    """100 for an extreme of this bar, 0 for one of `period` bars ago, the newest of equal ones."""
    return over(x, period + 1, lambda w: 100 * (period - w[::-1].index(best(w))) / period)


def aroon_of(b: Bars, period: int) -> Outputs:
    return age_of(b["low"], period, min), age_of(b["high"], period, max)


def place_of(high: Series, low: Series, close: Series, period: int, flat: float = 0.0) -> Series:
    """Place of the close in the range of the window, 0 to 100."""

    def value(x: float, top: float, bottom: float) -> float:
        return float(100 * (Fraction(x) - Fraction(bottom)) / (Fraction(top) - Fraction(bottom)))

    bars = zip(close, over(high, period, max), over(low, period, min), strict=True)
    return [NAN if math.isnan(t) else value(x, t, b) if t > b else flat for x, t, b in bars]


def with_mean(k: Series, period: int) -> Outputs:
    """A line from where its mean begins, and the mean."""
    mean = sma_of(k, period)
    return [NAN if math.isnan(m) else v for v, m in zip(k, mean, strict=True)], mean


def willr_of(b: Bars, period: int) -> Outputs:
    upside_down = ([-x for x in b[name]] for name in ("low", "high", "close"))
    return ([-k for k in place_of(*upside_down, period)],)


def stochf_of(b: Bars, fast_k: int, fast_d: int, flat: float) -> Outputs:
    return with_mean(place_of(b["high"], b["low"], b["close"], fast_k, flat), fast_d)


def stoch_of(b: Bars, fast_k: int, slow_k: int, slow_d: int, flat: float) -> Outputs:
    k = place_of(b["high"], b["low"], b["close"], fast_k, flat)
    return with_mean(sma_of(k, slow_k), slow_d)


def exact_rsi_of(x: Series, period: int) -> list[Fraction]:
    """RSI from bar period + 1 on, in fractions: in a series that stands still it does so, too."""
    change = [Fraction(b) - Fraction(a) for a, b in pairwise(x)]
    up, down = (sum((max(side * c, 0) for c in change[:period]), Fraction(0)) / period for side in (1, -1))
    out = [100 * up / (up + down) if up + down else Fraction(0)] if len(change) >= period else []
    for c in change[period:]:
        up, down = (up * (period - 1) + max(c, 0)) / period, (down * (period - 1) + max(-c, 0)) / period
        out.append(100 * up / (up + down) if up + down else Fraction(0))
    return out


def stochrsi_of(b: Bars, period: int, fast_k: int, fast_d: int) -> Outputs:
    rsi = exact_rsi_of(b["close"], period)
    k = [NAN] * min(period + fast_k - 1, len(b["close"]))
    for i in range(fast_k, len(rsi) + 1):
        window = rsi[i - fast_k : i]
        span = max(window) - min(window)
        k.append(float(100 * (window[-1] - min(window)) / span) if span else 0.0)
    return with_mean(k, fast_d)


def typical_of(b: Bars) -> list[Fraction]:
    """Typical prices in fractions, so that a third is a third."""
    return [total_of(bar) / 3 for bar in zip(b["high"], b["low"], b["close"], strict=True)]


def cci_of(b: Bars, period: int) -> Outputs:
    def value(window: Sequence[Fraction]) -> float:
        mean = total_of(window) / period
        spread = sum(abs(x - mean) for x in window) / period
        return float((window[-1] - mean) / spread) / 0.015 if spread else 0.0

    x = typical_of(b)
    return ([value(x[k + 1 - period : k + 1]) if k >= period - 1 else NAN for k in range(len(x))],)


def cmo_of(b: Bars, period: int) -> Outputs:
    change = [b - a for a, b in pairwise(b["close"])]
    gain = ema_of([NAN, *(max(c, 0.0) for c in change)], period, 1 / period)
    loss = ema_of([NAN, *(max(-c, 0.0) for c in change)], period, 1 / period)
    return ([100 * (g - s) / (g + s) if g + s else 0.0 for g, s in zip(gain, loss, strict=True)],)


def bop_of(b: Bars) -> Outputs:
    bars = zip(b["open"], b["high"], b["low"], b["close"], strict=True)
    return ([(c - o) / (h - lo) if h > lo else 0.0 for o, h, lo, c in bars],)


def trix_of(b: Bars, period: int, seed: int) -> Outputs:
    triple = late(levels_of(b["close"], period, 3, seed)[-1], 3 * period - 3)
    return ([NAN, *(100 * (y / x - 1) if x else 0.0 for x, y in pairwise(triple))][: len(triple)],)


def total_of(x: Sequence[float | Fraction]) -> Fraction:
    return sum(map(Fraction, x), Fraction(0))


def ultosc_of(b: Bars, short: int, medium: int, long: int) -> Outputs:
    n = len(b["close"])
    pressure = [b["close"][k] - min(b["low"][k], b["close"][k - 1]) for k in range(1, n)]
    reach = movements(b)[2]
    out = [NAN] * n
    for k in range(max(short, medium, long), n):
        total = Fraction(0)
        for weight, period in zip((4, 2, 1), sorted((short, medium, long)), strict=True):
            under = total_of(reach[k - period : k])
            total += weight * total_of(pressure[k - period : k]) / under if under else 0
        out[k] = float(100 * total / 7)
    return (out,)


def mfi_of(b: Bars, period: int) -> Outputs:
    typical = typical_of(b)
    flows = [Fraction(v) * x for v, x in zip(b["volume"], typical, strict=True)]
    signs = [0, *((y > x) - (y < x) for x, y in pairwise(typical))]
    out = [NAN] * len(flows)
    for k in range(period, len(flows)):
        window = list(zip(signs, flows, strict=False))[k - period + 1 : k + 1]
        up, down = (sum((f for s, f in window if s == side), Fraction(0)) for side in (1, -1))
        out[k] = float(100 * up / (up + down)) if up + down else 0.0
    return (out,)


def imi_of(b: Bars, period: int) -> Outputs:
    def value(window: Series) -> float:
        up, all_ = total_of([max(m, 0.0) for m in window]), total_of([abs(m) for m in window])
        return float(100 * up / all_) if all_ else 50.0

    return (over([c - o for o, c in zip(b["open"], b["close"], strict=True)], period, value),)


def apo_of(b: Bars, fast: int, slow: int, percent: bool = False) -> Outputs:
    pairs = zip(ema_of(b["close"], min(fast, slow)), ema_of(b["close"], max(fast, slow)), strict=True)
    return ([100 * (f - s) / s if percent else f - s for f, s in pairs],)


def lines_of(line: Series, signal: Series) -> Outputs:
    """A line and a histogram that begin with the signal."""
    seen = [NAN if math.isnan(s) else v for v, s in zip(line, signal, strict=True)]
    return seen, signal, [v - s for v, s in zip(seen, signal, strict=True)]


def macdext_of(b: Bars, fast: int, slow: int, signal: int) -> Outputs:
    means = sma_of(b["close"], min(fast, slow)), sma_of(b["close"], max(fast, slow))
    line = [f - s for f, s in zip(*means, strict=True)]
    return lines_of(line, sma_of(line, signal))


def macdfix_of(b: Bars, signal: int) -> Outputs:
    quick = ema_of(late(b["close"], 26 - 12), 12, 0.15)
    line = [f - s for f, s in zip(quick, ema_of(b["close"], 26, 0.075), strict=True)]
    return lines_of(line, ema_of(line, signal))


TWINS = {
    "plus_dm": lambda b, period: (dm_of(b, period, 0),),
    "minus_dm": lambda b, period: (dm_of(b, period, 1),),
    "plus_di": lambda b, period: (di_of(b, period, 0),),
    "minus_di": lambda b, period: (di_of(b, period, 1),),
    "dx": lambda b, period: (dx_of(b, period),),
    "adx": lambda b, period: (adx_of(b, period),),
    "adxr": lambda b, period: (adxr_of(b, period),),
    "mom": lambda b, period: (over(b["close"], period + 1, lambda w: w[-1] - w[0]),),
    "roc": lambda b, period: (change_of(b["close"], period, lambda x, ago: 100 * (x - ago) / ago),),
    "rocp": lambda b, period: (change_of(b["close"], period, lambda x, ago: (x - ago) / ago),),
    "rocr": lambda b, period: (change_of(b["close"], period, lambda x, ago: x / ago),),
    "rocr100": lambda b, period: (change_of(b["close"], period, lambda x, ago: 100 * x / ago),),
    "aroon": aroon_of,
    "aroonosc": lambda b, period: ([up - down for down, up in zip(*aroon_of(b, period), strict=True)],),
    "willr": willr_of,
    "stoch": stoch_of,
    "stochf": stochf_of,
    "stochrsi": stochrsi_of,
    "cci": cci_of,
    "cmo": cmo_of,
    "bop": bop_of,
    "trix": trix_of,
    "ultosc": ultosc_of,
    "mfi": mfi_of,
    "imi": imi_of,
    "apo": apo_of,
    "ppo": lambda b, fast, slow: apo_of(b, fast, slow, percent=True),
    "macdext": macdext_of,
    "macdfix": macdfix_of,
}
