"""Bars to test on: the real prices of bokeh_sampledata, random ones, and what adjusting for splits makes of them."""

from datetime import date
from functools import cache

import numpy as np
import talib
from bokeh_sampledata import stocks

from tests.oracles.indicators import lag_of, suspect_of

DAY_US = 86_400_000_000
SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
# ex date, numerator, denominator; the real ones of the sample, seen in its prices
REAL_SPLITS = {
    "AAPL": [(date(2000, 6, 21), 2, 1), (date(2005, 2, 28), 2, 1)],
    "MSFT": [(date(2003, 2, 18), 2, 1)],
}
Bars = dict[str, np.ndarray]


@cache
def real(symbol: str) -> Bars:
    """Unadjusted daily bars as float64 columns and `event_time`, int64 microseconds (the bar's end)."""
    table = getattr(stocks, symbol)
    bars = {name: np.array(table[name], "f8") for name in ("open", "high", "low", "close", "volume")}
    return bars | {"event_time": np.array([day_us(date.fromisoformat(d)) + DAY_US for d in table["date"]])}


def random_bars(count: int, seed: int) -> Bars:
    """Daily bars of a random walk, with flat days and days without volume."""
    random = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, count) * (random.random(count) > 0.1)))
    spread = 1 + random.random((2, count)) * 0.01
    volume = random.integers(1, 10**7, count) * (random.random(count) > 0.05)
    bars = {"open": close, "high": close * spread[0], "low": close / spread[1], "close": close, "volume": volume * 1.0}
    return bars | {"event_time": np.arange(1, count + 1) * DAY_US}


def day_us(day: date) -> int:
    """Midnight UTC that begins the day, microseconds."""
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_US


def adjusted(bars: Bars, splits: list[tuple[date, int, int]], at: int) -> Bars:
    """The bars up to row `at` in the units of that row: earlier ones restated for every split in force there."""
    out = {name: column[: at + 1].copy() for name, column in bars.items()}
    for day, numerator, denominator in splits:
        if day_us(day) < bars["event_time"][at]:
            before = out["event_time"] <= day_us(day)
            for name in ("open", "high", "low", "close"):
                out[name][before] *= denominator / numerator
            out["volume"][before] *= numerator / denominator
    return out


def by_talib(bars: Bars) -> Bars:
    """Every indicator of the registry by TA-Lib (returns, z-score and suspicion by definition); no cash was paid."""
    high, low, close, volume = (bars[name] for name in ("high", "low", "close", "volume"))
    log_return = np.append(np.nan, np.log(close[1:] / close[:-1]))
    macd, signal, hist = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2, 0)
    spread = talib.STDDEV(volume, 20, 1) * np.sqrt(20 / 19)
    return {
        "log_return": log_return, "sma_20": talib.SMA(close, 20), "sma_200": talib.SMA(close, 200),
        "ema_12": talib.EMA(close, 12), "ema_26": talib.EMA(close, 26), "rsi_14": talib.RSI(close, 14),
        "macd_12_26_9": macd, "macd_signal_12_26_9": signal, "macd_hist_12_26_9": hist,
        "atr_14": talib.ATR(high, low, close, 14),
        "bb_upper_20_2": upper, "bb_middle_20_2": middle, "bb_lower_20_2": lower, "obv": talib.OBV(close, volume),
        "volatility_20": talib.STDDEV(log_return, 20, 1) * np.sqrt(20 / 19 * 252),
        "volume_z_20": (volume - talib.SMA(volume, 20)) / spread,
        **{f"log_return_lag_{k}": np.array(lag_of(log_return.tolist(), k, 7)) for k in range(1, 8)},
        "log_total_return": log_return, "log_total_return_ex": log_return,
        "suspect_split": np.array(suspect_of(bars["open"].tolist(), close.tolist(), volume.tolist(), 20)),
    }  # fmt: skip


def by_talib_split(bars: Bars, splits: list[tuple[date, int, int]]) -> Bars:
    """`by_talib` at each bar on the bars adjusted for all splits up to that bar: one run per stretch between splits."""
    ends = [int(np.searchsorted(bars["event_time"], day_us(day), "right")) for day, _, _ in splits]
    parts, start = [], 0
    for end in [*ends, len(bars["close"])]:
        run = by_talib(adjusted(bars, splits, end - 1))
        parts.append({name: column[start:] for name, column in run.items()})
        start = end
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
