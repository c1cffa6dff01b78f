"""Naive twins of the kernels: each indicator by its definition, from the whole history, windows in exact fractions."""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from udfs import conventions as by
from udfs.kernels import atr, bbands, ema, lag, log_return, macd, obv, rsi, sma, suspect_split, volatility, zscore
from udfs.registry import PRICE, VOLUME, Feature, feature

Bars = Mapping[str, np.ndarray]
Series = list[float]
NAN = math.nan


def moments(window: Sequence[float]) -> tuple[Fraction, Fraction]:
    """Mean and sum of squared deviations, without any rounding."""
    exact = [Fraction(x) for x in window]
    mean = sum(exact, Fraction(0)) / len(exact)
    return mean, sum(((x - mean) ** 2 for x in exact), Fraction(0))


def over(x: Series, period: int, value: Callable[[Series], float]) -> Series:
    """`value` of each full window of x that holds no NaN."""
    windows = [x[max(0, k + 1 - period) : k + 1] for k in range(len(x))]
    return [value(w) if len(w) == period and not any(map(math.isnan, w)) else NAN for w in windows]


def sma_of(x: Series, period: int) -> Series:
    return over(x, period, lambda w: float(moments(w)[0]))


def weighted_of(x: Series, period: int, adjusted: bool) -> Series:
    """Weighted means of all values so far; unless adjusted the oldest stands for all that might have been before it."""
    start = next((k for k, v in enumerate(x) if not math.isnan(v)), len(x))
    out, kept = [NAN] * len(x), Fraction(period - 1, period + 1)
    for k in range(start, len(x)):
        weights = [(1 if j == start or adjusted else 1 - kept) * kept ** (k - j) for j in range(start, k + 1)]
        total = sum((w * Fraction(v) for w, v in zip(weights, x[start : k + 1], strict=True)), Fraction(0))
        out[k] = float(total / sum(weights))
    return out


def late(x: Series, bars: int) -> Series:
    """Without its first values."""
    return [NAN if k < bars else v for k, v in enumerate(x)]


def ema_of(x: Series, period: int, weight: float = 0.0, seed: int = ema.MEAN) -> Series:
    """Seeded by the mean of the first `period` values that are no NaN; weight 0 means 2 / (period + 1).

    By another seed there is a value from the first on.
    """
    if seed != ema.MEAN:
        return weighted_of(x, period, seed == ema.ADJUSTED)
    start = next((k for k, v in enumerate(x) if not math.isnan(v)), len(x))
    out, value = [NAN] * len(x), NAN
    for k in range(start + period - 1, len(x)):
        first = k == start + period - 1
        step = weight or 2 / (period + 1)
        value = math.fsum(x[start : k + 1]) / period if first else value + step * (x[k] - value)
        out[k] = value
    return out


def levels_of(x: Series, period: int, levels: int, seed: int = ema.MEAN) -> list[Series]:
    """EMA, EMA of the EMA, and so on."""
    found = [x]
    for _ in range(levels):
        found.append(ema_of(found[-1], period, seed=seed))
    return found[1:]


def macd_of(x: Series, fast: int, slow: int, signal: int, seed: int = ema.MEAN) -> tuple[Series, Series, Series]:
    quick = ema_of(late(x, slow - fast) if seed == ema.MEAN else x, fast, seed=seed)
    line = [a - b for a, b in zip(quick, ema_of(x, slow, seed=seed), strict=True)]
    smooth = late(ema_of(line, signal, seed=seed), slow + signal - 2)
    seen = [v if not math.isnan(s) else NAN for v, s in zip(line, smooth, strict=True)]
    return seen, smooth, [a - b for a, b in zip(seen, smooth, strict=True)]


def wilder_of(x: Series, period: int, simple: int) -> Series:
    return sma_of(x, period) if simple else ema_of(x, period, 1 / period)


def rsi_of(x: Series, period: int, simple: int = 0, flat: float = 0.0) -> Series:
    change = [b - a for a, b in pairwise(x)]
    gain = wilder_of([NAN, *(max(c, 0.0) for c in change)], period, simple)
    loss = wilder_of([NAN, *(max(-c, 0.0) for c in change)], period, simple)
    return [100 * g / (g + s) if g + s else flat for g, s in zip(gain, loss, strict=True)]


def atr_of(high: Series, low: Series, close: Series, period: int, simple: int = 0, first: int = 0) -> Series:
    ranges = [max(h, b) - min(lo, b) for h, lo, b in zip(high[1:], low[1:], close, strict=False)]
    return wilder_of([high[0] - low[0] if first else NAN, *ranges], period, simple)


def bands_of(x: Series, period: int, width: float, ddof: int = 0) -> tuple[Series, Series, Series]:
    band = over(x, period, lambda w: width * math.sqrt(moments(w)[1] / (period - ddof)))
    middle = sma_of(x, period)
    pairs = list(zip(middle, band, strict=True))
    return [m + b for m, b in pairs], middle, [m - b for m, b in pairs]


def obv_of(close: Series, volume: Series) -> Series:
    signs = [1.0, *(float(np.sign(b - a)) for a, b in pairwise(close))]
    return list(np.cumsum(np.array(signs[: len(close)]) * volume))


def log_return_of(x: Series) -> Series:
    return [NAN, *(math.log(b / a) for a, b in pairwise(x))][: len(x)]


def volatility_of(x: Series, period: int, per_year: float, ddof: int = 1) -> Series:
    return over(log_return_of(x), period, lambda w: math.sqrt(moments(w)[1] / (period - ddof) * Fraction(per_year)))


def zscore_of(x: Series, period: int, ddof: int = 1) -> Series:
    def value(window: Series) -> float:
        mean, moment = moments(window)
        return float(Fraction(window[-1]) - mean) / math.sqrt(moment / (period - ddof)) if moment else 0.0

    return over(x, period, value)


def lag_of(x: Series, ago: int, longest: int) -> Series:
    """The value `ago` bars before, from the bar on at which the longest lag has one."""
    first = next((k for k, value in enumerate(x) if not math.isnan(value)), len(x))
    return [x[k - ago] if k - longest >= first else NAN for k in range(len(x))]


def suspect_of(opens: Series, close: Series, volume: Series, period: int) -> Series:
    """1 from the first bar on whose open is near the last close over a ratio of splits, and whose volume fits it."""
    whole = [2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 1.5, 2.5]
    ratios = [*whole, *(1 / r for r in whole)]
    out, average, flag = [NAN] * len(close), volume[0] if volume else NAN, 0.0
    for k in range(1, len(close)):
        gap, traded = close[k - 1] / opens[k], volume[k] / average if average else math.inf
        fits = any(abs(gap / r - 1) < 0.05 and r / 3 < traded < 3 * r for r in ratios)
        out[k] = flag = max(flag, float(fits))
        average += (volume[k] - average) * 2 / (period + 1)
    return out


def small_features(p: int) -> tuple[Feature, ...]:
    """A registry with short windows (p >= 2), so that a short history turns every ring several times."""
    near = {"params": {"period": p}}
    return (
        feature("r", ("log_return",), ("close",), log_return.step, log_return.STATE, 1),
        feature("sma", ("sma",), ("close",), sma.step, sma.STATE, p - 1, degree=PRICE, **near),
        feature("ema", ("ema",), ("close",), ema.step, ema.STATE, p - 1, degree=PRICE, conventions=by.SEEDS, **near),
        feature("rsi", ("rsi",), ("close",), rsi.step, rsi.STATE, p, conventions=by.STRENGTH, **near),
        feature("macd", ("line", "signal", "hist"), ("close",), macd.step, macd.STATE, 2 * p,
                params={"fast": p, "slow": p + 2, "signal": p}, degree=PRICE, conventions=by.SEEDS),
        feature("atr", ("atr",), ("high", "low", "close"), atr.step, atr.STATE, p, degree=PRICE,
                conventions=by.RANGES, **near),
        feature("bands", ("upper", "middle", "lower"), ("close",), bbands.step, bbands.STATE, p - 1,
                params={"period": p, "width": 2}, degree=PRICE, conventions=by.DEVIATION),
        feature("obv", ("obv",), ("close", "volume"), obv.step, obv.STATE, 0, degree=VOLUME),
        feature("vol", ("volatility",), ("log_return",), volatility.step, volatility.STATE, p - 1,
                params={"period": p, "bars_per_year": 252.0}, conventions=by.SAMPLE),
        feature("z", ("volume_z",), ("volume",), zscore.step, zscore.STATE, p - 1, conventions=by.SAMPLE, **near),
        feature("lags", ("lag_1", "lag_2"), ("log_return",), lag.step, lag.STATE, 2, params={"period": 2}),
        feature("suspect", ("suspect",), ("open", "close", "volume"), suspect_split.step, suspect_split.STATE, 1,
                **near),
    )  # fmt: skip


def small_values(bars: Bars, p: int) -> dict[str, Series]:
    """What `small_features(p)` must give on the bars of one symbol."""
    names = ("open", "high", "low", "close", "volume")
    opens, high, low, close, volume = (bars[name].tolist() for name in names)
    line, signal, hist = macd_of(close, p, p + 2, p)
    upper, middle, lower = bands_of(close, p, 2)
    return {
        "log_return": log_return_of(close), "sma": sma_of(close, p), "ema": ema_of(close, p), "rsi": rsi_of(close, p),
        "line": line, "signal": signal, "hist": hist, "atr": atr_of(high, low, close, p),
        "upper": upper, "middle": middle, "lower": lower, "obv": obv_of(close, volume),
        "volatility": volatility_of(close, p, 252.0), "volume_z": zscore_of(volume, p),
        "lag_1": lag_of(log_return_of(close), 1, 2), "lag_2": lag_of(log_return_of(close), 2, 2),
        "suspect": suspect_of(opens, close, volume, p),
    }  # fmt: skip
