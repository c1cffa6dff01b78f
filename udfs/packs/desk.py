"""What desks look at and TA-Lib has not: charts' favourites, volume-weighted prices, measures of illiquidity."""

import math
from typing import Any

from udfs.kernels import alma, amihud, choppiness, connors_rsi, fisher, ichimoku, kyle, rolling_vwap
from udfs.kernels.state import Degree
from udfs.registry import MOST, PRICE, SKIP, Feature, feature

LONG = (1, MOST)
CHANGES = (2, MOST)
ICHIMOKU = (
    "ichimoku_tenkan_{tenkan}_{kijun}_{senkou}", "ichimoku_kijun_{tenkan}_{kijun}_{senkou}",
    "ichimoku_a_{tenkan}_{kijun}_{senkou}", "ichimoku_b_{tenkan}_{kijun}_{senkou}",
)  # fmt: skip
VWAP = (
    "rolling_vwap_{period}", "rolling_vwap_upper_1_{period}", "rolling_vwap_lower_1_{period}",
    "rolling_vwap_upper_2_{period}", "rolling_vwap_lower_2_{period}",
)  # fmt: skip


def _fisher_converged(p: Any) -> int:
    """Its input forgets at 0.67 a bar; the logarithm may draw what is left out by some hundreds."""
    return int(p.period - 1 + math.ceil(math.log(1e-15) / math.log(0.67)))


def _connors_converged(p: Any) -> int:
    """Wilder's averages; the streak's begins a bar late."""
    return 1 + math.ceil(math.log(1e-12) / math.log(1 - 1 / max(p.period, p.streak_period)))


FEATURES: tuple[Feature, ...] = (
    feature("ichimoku", ICHIMOKU, ("high", "low"), ichimoku.step, ichimoku.STATE,
            lambda p: min(p.tenkan, p.kijun, p.senkou) - 1, params={"tenkan": 9, "kijun": 26, "senkou": 52},
            degree=PRICE, ranges={"tenkan": LONG, "kijun": LONG, "senkou": LONG},
            converged=lambda p: max(p.tenkan, p.kijun, p.senkou) - 1),
    feature("choppiness", ("choppiness_{period}",), ("high", "low", "close"), choppiness.step, choppiness.STATE,
            lambda p: p.period, params={"period": 14}, flat=100.0, ranges={"period": CHANGES}),
    feature("alma", ("alma_{period}_{sigma:g}_{offset:g}",), ("close",), alma.step, alma.STATE, lambda p: p.period - 1,
            params={"period": 9, "sigma": 6.0, "offset": 0.85}, degree=PRICE,
            ranges={"period": LONG, "sigma": (0.01, 1e6), "offset": (0.0, 1.0)}),
    feature("fisher", ("fisher_{period}", "fisher_trigger_{period}"), ("high", "low"), fisher.step, fisher.STATE,
            lambda p: p.period - 1, params={"period": 10}, ranges={"period": CHANGES}, converged=_fisher_converged),
    feature("connors_rsi", ("connors_rsi_{period}_{streak_period}_{rank}",), ("close",), connors_rsi.step,
            connors_rsi.STATE, lambda p: max(p.period, p.streak_period + 1, p.rank + 1),
            params={"period": 3, "streak_period": 2, "rank": 100}, flat=0.0,
            ranges={"period": CHANGES, "streak_period": CHANGES, "rank": (2, 10_000)}, converged=_connors_converged),
    feature("rolling_vwap", VWAP, ("high", "low", "close", "volume"), rolling_vwap.step, rolling_vwap.STATE,
            lambda p: p.period - 1, params={"period": 20}, degree=PRICE, ranges={"period": LONG},
            nulls=SKIP + "; a window without volume has no value"),
    feature("amihud", ("amihud_{period}",), ("close", "volume"), amihud.step, amihud.STATE, lambda p: p.period,
            params={"period": 20}, degree=Degree(-1, -1), flat=0.0, ranges={"period": LONG},
            nulls=SKIP + "; a bar without volume does not count, a window of such bars has no value"),
    feature("kyle_lambda", ("kyle_lambda_{period}",), ("close", "volume"), kyle.step, kyle.STATE, lambda p: p.period,
            params={"period": 20}, degree=Degree(1, -1), ranges={"period": CHANGES},
            nulls=SKIP + "; a window whose signed volume does not vary has no value"),
)  # fmt: skip
