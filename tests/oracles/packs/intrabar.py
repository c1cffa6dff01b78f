"""Naive twins of the intrabar pack: each by its definition, windows in exact fractions."""

import math

from tests.oracles.packs import Bars
from tests.oracles.packs.desk import NAN, Series, weighted, windows
from tests.oracles.packs.volumes import exact

SMALL = {
    "trade_count_mean": {"period": 4},
    "rolling_realised_volatility": {"period": 4, "bars_per_year": 252},
    "rolling_tick_imbalance": {"period": 4},
    "vpin": {"period": 4},
    "turnover_vwap": {"period": 4},
}
Out = tuple[Series, ...]


def over(above: Series, below: Series, empty: float) -> Series:
    return [a / b if b else empty for a, b in zip(above, below, strict=True)]


def vwap(bars: Bars) -> Out:
    return (over(bars["turnover"], bars["volume"], NAN),)


def bar_twap(bars: Bars) -> Out:
    return (bars["twap"],)


def tick_imbalance(bars: Bars) -> Out:
    return (over(bars["signed_volume"], bars["volume"], 0.0),)


def largest_trade_share(bars: Bars) -> Out:
    return (over(bars["largest_trade"], bars["volume"], 0.0),)


def realised_volatility(bars: Bars) -> Out:
    return ([v**0.5 for v in bars["realised_variance"]],)


def bipower_volatility(bars: Bars) -> Out:
    return ([v**0.5 for v in bars["bipower_variation"]],)


def jump_ratio(bars: Bars) -> Out:
    continuous = over(bars["bipower_variation"], bars["realised_variance"], 1.0)
    return ([max(0.0, 1 - share) for share in continuous],)


def mean(x: Series, period: int) -> Series:
    return windows(len(x), period, lambda w: float(exact(x[w]) / period))


def trade_count_mean(bars: Bars, period: int) -> Out:
    return (mean(bars["trade_count"], period),)


def rolling_realised_volatility(bars: Bars, period: int, bars_per_year: float) -> Out:
    return ([math.sqrt(v * bars_per_year) for v in mean(bars["realised_variance"], period)],)


def rolling_tick_imbalance(bars: Bars, period: int) -> Out:
    signed, volume = bars["signed_volume"], bars["volume"]
    return (windows(len(volume), period, lambda w: float(exact(signed[w]) / (exact(volume[w]) or 1))),)


def vpin(bars: Bars, period: int) -> Out:
    signed, volume = [abs(x) for x in bars["signed_volume"]], bars["volume"]
    return (windows(len(volume), period, lambda w: float(exact(signed[w]) / (exact(volume[w]) or 1))),)


def bands(prices: Series, volume: Series, windows_of: list[slice | None]) -> Out:
    """Weighted mean, and 1 and 2 deviations beside it, of the bars of each window; NaN for none, or without volume."""

    def line(width: float) -> Series:
        found = []
        for window in windows_of:
            if window is None or not any(volume[window]):
                found.append(NAN)
            else:
                average, variance = weighted(prices[window], volume[window])
                found.append(float(average) + width * math.sqrt(variance))
        return found

    return line(0), line(1), line(-1), line(2), line(-2)


def turnover_vwap(bars: Bars, period: int) -> Out:
    prices = over(bars["turnover"], bars["volume"], 0.0)
    before = [slice(k + 1 - period, k + 1) if k + 1 >= period else None for k in range(len(prices))]
    return bands(prices, bars["volume"], before)


TWINS = {
    "vwap": vwap, "bar_twap": bar_twap, "tick_imbalance": tick_imbalance, "largest_trade_share": largest_trade_share,
    "realised_volatility": realised_volatility, "bipower_volatility": bipower_volatility, "jump_ratio": jump_ratio,
    "trade_count_mean": trade_count_mean, "rolling_realised_volatility": rolling_realised_volatility,
    "rolling_tick_imbalance": rolling_tick_imbalance, "vpin": vpin, "turnover_vwap": turnover_vwap,
}  # fmt: skip
