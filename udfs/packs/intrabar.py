"""What happened inside the bars, trade by trade: prices of what was traded, variation, jumps, sides, large trades."""

import math

from udfs.kernels import realised, sma, tick_imbalance, trades, turnover_vwap, variation
from udfs.registry import MOST, PERIOD, PRICE, SKIP, Feature, bars_per_year, feature

LONG = {"period": (1, MOST)}
EMPTY = f"{SKIP}; 0 for a bar without volume"
VWAP = (
    "turnover_vwap_{period}", "turnover_vwap_upper_1_{period}", "turnover_vwap_lower_1_{period}",
    "turnover_vwap_upper_2_{period}", "turnover_vwap_lower_2_{period}",
)  # fmt: skip

FEATURES: tuple[Feature, ...] = (
    feature("trade_count_mean", ("trade_count_mean_{period}",), ("trade_count",), sma.step, sma.STATE,
            lambda p: p.period - 1, params={"period": 20}, ranges=PERIOD),
    feature("vwap", ("vwap",), ("volume", "turnover"), trades.mean_price, trades.STATE, 0, degree=PRICE,
            nulls=f"{SKIP}; no value for a bar without volume"),
    feature("bar_twap", ("bar_twap",), ("twap",), trades.same, trades.STATE, 0, degree=PRICE),
    feature("tick_imbalance", ("tick_imbalance",), ("signed_volume", "volume"), trades.share, trades.STATE, 0, flat=0.0,
            nulls=EMPTY),
    feature("largest_trade_share", ("largest_trade_share",), ("largest_trade", "volume"), trades.share, trades.STATE, 0,
            nulls=EMPTY),
    feature("realised_volatility", ("realised_volatility",), ("realised_variance",), variation.root, variation.STATE, 0,
            flat=0.0),
    feature("bipower_volatility", ("bipower_volatility",), ("bipower_variation",), variation.root, variation.STATE, 0,
            flat=0.0),
    feature("jump_ratio", ("jump_ratio",), ("realised_variance", "bipower_variation"), variation.jumps, variation.STATE,
            0, flat=0.0),
    feature("rolling_realised_volatility", ("realised_volatility_{period}",), ("realised_variance",), realised.step,
            realised.STATE, lambda p: p.period - 1, flat=0.0, params={"period": 20, "bars_per_year": bars_per_year},
            ranges={**LONG, "bars_per_year": (1e-6, math.inf)}),
    feature("rolling_tick_imbalance", ("tick_imbalance_{period}",), ("signed_volume", "volume"), tick_imbalance.step,
            tick_imbalance.STATE, lambda p: p.period - 1, params={"period": 20}, ranges=LONG, flat=0.0,
            nulls=f"{SKIP}; 0 in a window without volume"),
    feature("vpin", ("vpin_{period}",), ("signed_volume", "volume"), tick_imbalance.vpin, tick_imbalance.STATE,
            lambda p: p.period - 1, params={"period": 50}, ranges=LONG, flat=0.0,
            nulls=f"{SKIP}; 0 in a window without volume"),
    feature("turnover_vwap", VWAP, ("close", "volume", "turnover"), turnover_vwap.step, turnover_vwap.STATE,
            lambda p: p.period - 1, params={"period": 20}, degree=PRICE, ranges=LONG,
            nulls=f"{SKIP}; a window without volume has no value"),
)  # fmt: skip
