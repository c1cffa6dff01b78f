"""Naive twins of the core's rows that several conventions compute: by their definitions, from the whole history."""

from tests.oracles.indicators import atr_of, bands_of, ema_of, late, macd_of, rsi_of, volatility_of, zscore_of
from tests.oracles.packs import Twin

TWINS: dict[str, Twin] = {
    "ema": lambda bars, period, seed: (late(ema_of(bars["close"], period, seed=seed), period - 1),),
    "macd": lambda bars, **params: macd_of(bars["close"], **params),
    "rsi": lambda bars, **params: (rsi_of(bars["close"], **params)[: len(bars["close"])],),
    "atr": lambda bars, **params: (atr_of(bars["high"], bars["low"], bars["close"], **params),),
    "bbands": lambda bars, **params: bands_of(bars["close"], **params),
    "volatility": lambda bars, period, bars_per_year, ddof: (
        volatility_of(bars["close"], period, bars_per_year, ddof),
    ),
    "volume_z": lambda bars, **params: (zscore_of(bars["volume"], **params),),
}
SMALL: dict[str, dict[str, float]] = {
    **{name: {"period": 4} for name in ("ema", "rsi", "atr", "volume_z")},
    "macd": {"fast": 3, "slow": 5, "signal": 4},
    "bbands": {"period": 3, "width": 2},
    "volatility": {"period": 3, "bars_per_year": 252.0},
}
