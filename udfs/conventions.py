"""Where libraries disagree: seeds, degrees of freedom, kinds of averages, what a flat window gives. Each has a name.

A row that has several names them; the first is its default, and gives the numbers of the plain name (`ema_20`), the
others are asked for: `row.at(convention="pandas")`, `ema(close, 20, "pandas")`, and say so (`ema_20_pandas`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from udfs.kernels.ema import ADJUSTED, FIRST, MEAN


@dataclass(frozen=True)
class Convention:
    """`values` of the parameters that it settles, what they mean, and the libraries that compute so."""

    values: Mapping[str, float]
    means: str
    libraries: str


Conventions = Mapping[str, Convention]

SEEDS: Conventions = {
    "talib": Convention({"seed": MEAN}, "each average starts from the mean of its first `period` values",
                        "TA-Lib"),
    "pandas": Convention({"seed": FIRST}, "each average starts from the first value, all at the first bar",
                         "pandas `ewm(span=period, adjust=False)`"),
    "adjusted": Convention({"seed": ADJUSTED}, "each value is the weighted mean of all so far, nothing is a seed",
                           "pandas `ewm(span=period)`"),
}  # fmt: skip
STRENGTH: Conventions = {
    "talib": Convention({"simple": 0, "flat": 0.0}, "Wilder's averages, 0 while nothing moved", "TA-Lib"),
    "tradingview": Convention({"simple": 0, "flat": 100.0}, "Wilder's averages, 100 while nothing moved",
                              "TradingView"),
    "neutral": Convention({"simple": 0, "flat": 50.0}, "Wilder's averages, 50 while nothing moved",
                          "backtrader with `safediv`"),
    "simple": Convention({"simple": 1, "flat": 0.0}, "Cutler's: plain means of the last `period` changes",
                         "backtrader's `RSI_Cutler`"),
}  # fmt: skip
RANGES: Conventions = {
    "talib": Convention({"simple": 0, "first": 0}, "Wilder's average of the true ranges from the second bar on",
                        "TA-Lib"),
    "tradingview": Convention({"simple": 0, "first": 1}, "Wilder's, the first bar counting with high - low",
                              "TradingView `ta.atr`, talipp"),
    "simple": Convention({"simple": 1, "first": 0}, "plain mean of the last `period` true ranges", "MetaTrader"),
}  # fmt: skip
_POPULATION = Convention({"ddof": 0}, "squares are divided by `period`",
                         "TA-Lib, talipp, numpy, `scipy.stats.zscore`")  # fmt: skip
_SAMPLE = Convention({"ddof": 1}, "squares are divided by `period - 1`", "pandas `rolling(period).std()`, R")
DEVIATION: Conventions = {"talib": _POPULATION, "sample": _SAMPLE}
SAMPLE: Conventions = {"sample": _SAMPLE, "population": _POPULATION}
PLACE: Conventions = {
    "talib": Convention({"flat": 0.0}, "0 where the window has no range", "TA-Lib"),
    "talipp": Convention({"flat": 100.0}, "100 where the window has no range", "talipp"),
}
BELOW: Conventions = {"talib": Convention({}, "0, the top, where the window has no range", "TA-Lib")}
