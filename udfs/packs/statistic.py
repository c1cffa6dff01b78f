"""Statistics of a window: moments, regressions, order statistics, and volatility by returns and by ranges."""

import math
from collections.abc import Callable
from typing import Any

from udfs import conventions as by
from udfs.kernels import (
    autocorrelation,
    beta,
    correl,
    drawdown,
    ewma_volatility,
    higher_moments,
    linearreg,
    range_volatility,
    ranks,
    semi_deviation,
    variance,
)
from udfs.kernels.state import Degree, Slot
from udfs.registry import MOST, NONE, PRICE, Feature, feature

SORTED_LONGEST = 10_000  # a bar moves up to as many values
OHLC = ("open", "high", "low", "close")


def _full(p: Any) -> int:
    return int(p.period) - 1


def _returns(p: Any) -> int:
    return int(p.period)


def _line(name: str, kernel: Callable[..., None], degree: Degree | None = PRICE, flat: float | None = None) -> Feature:
    return feature(name, (f"{name}_{{period}}",), ("close",), kernel, linearreg.STATE, _full, params={"period": 14},
                   degree=degree, flat=flat, oracle=name.upper(), ranges={"period": (2, MOST)})  # fmt: skip


def _ranges(name: str, inputs: tuple[str, ...], kernel: Callable[..., None], state: tuple[Slot, ...] = (),
            lookback: Callable[[Any], int] = _full, least: int = 1) -> Feature:  # fmt: skip
    return feature(name, (f"{name}_{{period}}",), inputs, kernel, state or range_volatility.STATE, lookback,
                   params={"period": 20}, flat=0.0, ranges={"period": (least, MOST)})  # fmt: skip


FEATURES: tuple[Feature, ...] = (
    feature("stddev", ("stddev_{period}_{width:g}",), ("close",), variance.deviation, variance.STATE, _full,
            params={"period": 5, "width": 1.0}, degree=PRICE, flat=0.0, oracle="STDDEV",
            ranges={"period": (2, MOST), "width": (-3e37, 3e37)}, conventions=by.DEVIATION),
    feature("var", ("var_{period}",), ("close",), variance.step, variance.STATE, _full, params={"period": 5},
            degree=Degree(price=2), flat=0.0, oracle="VAR", ranges={"period": (1, MOST)},
            conventions=by.DEVIATION),
    feature("correl", ("correl_{period}",), ("high", "low"), correl.step, correl.STATE, _full, params={"period": 30},
            flat=0.0, oracle="CORREL", ranges={"period": (1, MOST)}, mixed=True),
    feature("beta", ("beta_{period}",), ("high", "low"), beta.step, beta.STATE, _returns, params={"period": 5},
            flat=0.0, oracle="BETA", ranges={"period": (1, MOST)}),
    _line("linearreg", linearreg.end),
    _line("linearreg_slope", linearreg.slope, flat=0.0),
    _line("linearreg_intercept", linearreg.intercept),
    _line("linearreg_angle", linearreg.angle, degree=None, flat=0.0),
    _line("tsf", linearreg.ahead),
    feature("percentile", ("percentile_{period}_{percent:g}",), ("close",), ranks.percentile, ranks.STATE, _full,
            params={"period": 30, "percent": 50.0}, degree=PRICE, oracle="PERCENTILE",
            ranges={"period": (2, SORTED_LONGEST), "percent": (0.0, 100.0)}),
    feature("percentrank", ("percentrank_{period}",), ("close",), ranks.percentrank, ranks.STATE, _returns,
            params={"period": 100}, flat=0.0, oracle="PERCENTRANK", ranges={"period": (2, SORTED_LONGEST)}),
    _ranges("parkinson", ("high", "low"), range_volatility.parkinson),
    _ranges("garman_klass", OHLC, range_volatility.garman_klass),
    _ranges("rogers_satchell", OHLC, range_volatility.rogers_satchell),
    _ranges("yang_zhang", OHLC, range_volatility.yang_zhang, range_volatility.YANG_ZHANG, _returns, least=2),
    feature("ewma_volatility", ("ewma_volatility_{decay:g}",), ("log_return",), ewma_volatility.step,
            ewma_volatility.STATE, 0, params={"decay": 94.0}, flat=0.0, ranges={"decay": (1.0, 99.99)},
            converged=lambda p: math.ceil(math.log(1e-12) / math.log(p.decay / 100))),
    feature("semi_deviation", ("downside_deviation_{period}", "upside_deviation_{period}"), ("log_return",),
            semi_deviation.step, semi_deviation.STATE, _full, params={"period": 20}, flat=0.0,
            ranges={"period": (1, MOST)}),
    feature("drawdown", ("drawdown",), ("close",), drawdown.step, drawdown.STATE, 0),
    feature("max_drawdown", ("max_drawdown_{period}",), ("close",), drawdown.worst, drawdown.WORST_STATE, _full,
            params={"period": 20}, flat=0.0, ranges={"period": (2, MOST)}),
    feature("higher_moments", ("skew_{period}", "kurtosis_{period}"), ("log_return",), higher_moments.step,
            higher_moments.STATE, _full, params={"period": 20}, degree=NONE, ranges={"period": (4, MOST)},
            nulls="a bar without an input is skipped and has no value; a flat window has skew 0 and kurtosis -3"),
    feature("autocorrelation", ("autocorrelation_{period}",), ("log_return",), autocorrelation.step,
            autocorrelation.STATE, _full, params={"period": 20}, flat=0.0, ranges={"period": (3, MOST)}),
)  # fmt: skip
