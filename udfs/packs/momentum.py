"""Momentum: Wilder's directional family, rates of change, stochastics and other oscillators, as TA-Lib has them.

In: kernels. Out: `FEATURES`, a row each with TA-Lib's name, defaults and ranges (RSI and MACD are rows of the core).
Kinds of averages are TA-Lib's defaults. This file knows nothing of how a row is computed.
"""

import math
from collections.abc import Callable
from typing import Any

from udfs import conventions as by
from udfs.kernels import (
    adx,
    apo,
    aroon,
    bop,
    cci,
    change,
    cmo,
    di,
    dm,
    dx,
    imi,
    macdext,
    macdfix,
    mfi,
    stoch,
    stochf,
    stochrsi,
    trix,
    ultosc,
    willr,
)
from udfs.registry import MOST, PRICE, Feature, feature, forgotten

HLC = ("high", "low", "close")
# time constants until 1e-12 of the seed is left, through one, two or three averages in a row
SHARE = {1: 1.0, 2: 1.14, 3: 1.25}


def _forgets(weight: float, averages: int = 1) -> int:
    """Bars after which the seed's share is below 1e-12, for averages of this weight that follow each other."""
    return math.ceil(SHARE[averages] * forgotten(weight))


def _wilder(averages: int = 1) -> Callable[[Any], int]:
    return lambda p: p.period + _forgets(1 / p.period, averages)


def _flat(p: Any) -> float:
    return float(p.flat)


def _slowest(p: Any) -> int:
    """The longer of a fast and a slow period."""
    return int(max(p.fast, p.slow))


def _exponential(p: Any) -> int:
    return _slowest(p) + _forgets(2 / (_slowest(p) + 1))


def _directional(name: str, kernel: Any, state: Any, lookback: Callable[[Any], int], **more: Any) -> Feature:
    """A row of the directional family with period 14."""
    return feature(name, (name + "_{period}",), more.pop("inputs", HLC), kernel, state, lookback,
                   params={"period": 14}, flat=0.0, oracle=name.upper(), **more)  # fmt: skip


def _change(name: str, kernel: Any, flat: float, **more: Any) -> Feature:
    """A row of the changes over `period` bars."""
    return feature(name, (name + "_{period}",), ("close",), kernel, change.STATE, lambda p: p.period,
                   params={"period": 10}, ranges={"period": (1, MOST)}, flat=flat, oracle=name.upper(),
                   **more)  # fmt: skip


ONE, TWO = {"period": (1, MOST)}, {"period": (2, MOST)}
OF_PREVIOUS = "0 where the value before is 0; a bar without an input is skipped and has no value"
STAYS = "the value before stays where nothing moved; a bar without an input is skipped and has no value"
NO_RANGE = "0 where the window has no range; a bar without an input is skipped and has no value"

FEATURES: tuple[Feature, ...] = (
    _directional("plus_dm", dm.plus, dm.PLUS, lambda p: max(p.period - 1, 1), inputs=("high", "low"),
                 ranges=ONE, degree=PRICE, converged=_wilder()),
    _directional("minus_dm", dm.minus, dm.MINUS, lambda p: max(p.period - 1, 1), inputs=("high", "low"),
                 ranges=ONE, degree=PRICE, converged=_wilder()),
    _directional("plus_di", di.plus, di.STATE, lambda p: p.period, ranges=ONE, converged=_wilder(), nulls=NO_RANGE),
    _directional("minus_di", di.minus, di.STATE, lambda p: p.period, ranges=ONE, converged=_wilder(), nulls=NO_RANGE),
    _directional("dx", dx.step, dx.STATE, lambda p: p.period, ranges=TWO, converged=_wilder(),
                 nulls=STAYS),
    _directional("adx", adx.step, adx.STATE, lambda p: 2 * p.period - 1, ranges=TWO, converged=_wilder(2),
                 nulls=STAYS),
    _directional("adxr", adx.rating, adx.RATING, lambda p: 3 * p.period - 2, ranges=TWO,
                 converged=lambda p: p.period + _wilder(2)(p),
                 nulls=STAYS),
    _change("mom", change.mom, 0.0, degree=PRICE),
    _change("roc", change.roc, 0.0, nulls=OF_PREVIOUS),
    _change("rocp", change.rocp, 0.0, nulls=OF_PREVIOUS),
    _change("rocr", change.rocr, 1.0, nulls=OF_PREVIOUS),
    _change("rocr100", change.rocr100, 100.0, nulls=OF_PREVIOUS),
    feature("aroon", ("aroon_down_{period}", "aroon_up_{period}"), ("high", "low"), aroon.step, aroon.STATE,
            lambda p: p.period, params={"period": 14}, ranges=TWO, flat=100.0, oracle="AROON"),
    feature("aroonosc", ("aroonosc_{period}",), ("high", "low"), aroon.oscillator, aroon.STATE,
            lambda p: p.period, params={"period": 14}, ranges=TWO, flat=0.0, oracle="AROONOSC"),
    feature("willr", ("willr_{period}",), HLC, willr.step, willr.STATE, lambda p: p.period - 1,
            params={"period": 14}, ranges=TWO, flat=0.0, oracle="WILLR", conventions=by.BELOW),
    feature("stoch", ("stoch_k_{fast_k}_{slow_k}_{slow_d}", "stoch_d_{fast_k}_{slow_k}_{slow_d}"), HLC, stoch.step,
            stoch.STATE, lambda p: p.fast_k + p.slow_k + p.slow_d - 3, params={"fast_k": 5, "slow_k": 3, "slow_d": 3},
            ranges={"fast_k": (1, MOST), "slow_k": (1, MOST), "slow_d": (1, MOST)}, flat=_flat, oracle="STOCH",
            conventions=by.PLACE),
    feature("stochf", ("stochf_k_{fast_k}_{fast_d}", "stochf_d_{fast_k}_{fast_d}"), HLC, stochf.step, stochf.STATE,
            lambda p: p.fast_k + p.fast_d - 2, params={"fast_k": 5, "fast_d": 3},
            ranges={"fast_k": (1, MOST), "fast_d": (1, MOST)}, flat=_flat, oracle="STOCHF", conventions=by.PLACE),
    feature("stochrsi", ("stochrsi_k_{period}_{fast_k}_{fast_d}", "stochrsi_d_{period}_{fast_k}_{fast_d}"), ("close",),
            stochrsi.step, stochrsi.STATE, lambda p: p.period + p.fast_k + p.fast_d - 2,
            params={"period": 14, "fast_k": 5, "fast_d": 3},
            ranges={"period": (2, MOST), "fast_k": (1, MOST), "fast_d": (1, MOST)}, flat=0.0, oracle="STOCHRSI",
            converged=lambda p: p.fast_k + p.fast_d + _wilder()(p), nulls=NO_RANGE),
    feature("cci", ("cci_{period}",), HLC, cci.step, cci.STATE, lambda p: p.period - 1,
            params={"period": 14}, ranges=TWO, flat=0.0, oracle="CCI"),
    feature("cmo", ("cmo_{period}",), ("close",), cmo.step, cmo.STATE, lambda p: p.period,
            params={"period": 14}, ranges=TWO, flat=0.0, oracle="CMO", converged=_wilder()),
    feature("bop", ("bop",), ("open", *HLC), bop.step, bop.STATE, 0, flat=0.0, oracle="BOP", nulls=NO_RANGE),
    feature("trix", ("trix_{period}",), ("close",), trix.step, trix.STATE, lambda p: 3 * p.period - 2,
            params={"period": 30}, ranges=ONE, flat=0.0, oracle="TRIX",
            converged=lambda p: 3 * p.period + _forgets(2 / (p.period + 1), 3), conventions=by.SEEDS),
    feature("ultosc", ("ultosc_{short}_{medium}_{long}",), HLC, ultosc.step, ultosc.STATE,
            lambda p: max(p.short, p.medium, p.long), params={"short": 7, "medium": 14, "long": 28},
            ranges={"short": (1, MOST), "medium": (1, MOST), "long": (1, MOST)}, flat=0.0, oracle="ULTOSC",
            nulls=NO_RANGE),
    feature("mfi", ("mfi_{period}",), (*HLC, "volume"), mfi.step, mfi.STATE, lambda p: p.period,
            params={"period": 14}, ranges=TWO, flat=0.0, oracle="MFI",
            nulls="0 where no volume moved; a bar without an input is skipped and has no value"),
    feature("apo", ("apo_{fast}_{slow}",), ("close",), apo.absolute, apo.STATE, lambda p: _slowest(p) - 1,
            params={"fast": 12, "slow": 26}, ranges={"fast": (2, MOST), "slow": (2, MOST)}, degree=PRICE, flat=0.0,
            oracle="APO", converged=_exponential),
    feature("ppo", ("ppo_{fast}_{slow}",), ("close",), apo.percentage, apo.STATE, lambda p: _slowest(p) - 1,
            params={"fast": 12, "slow": 26}, ranges={"fast": (2, MOST), "slow": (2, MOST)}, flat=0.0,
            oracle="PPO", converged=_exponential),
    feature("macdext", tuple(f"macdext{part}_{{fast}}_{{slow}}_{{signal}}" for part in ("", "_signal", "_hist")),
            ("close",), macdext.step, macdext.STATE, lambda p: _slowest(p) + p.signal - 2,
            params={"fast": 12, "slow": 26, "signal": 9},
            ranges={"fast": (2, MOST), "slow": (2, MOST), "signal": (1, MOST)}, degree=PRICE, flat=0.0,
            oracle="MACDEXT"),
    feature("macdfix", tuple(f"macdfix{part}_{{signal}}" for part in ("", "_signal", "_hist")), ("close",),
            macdfix.step, macdfix.STATE, lambda p: 24 + p.signal, params={"signal": 9},
            ranges={"signal": (1, MOST)}, degree=PRICE, flat=0.0, oracle="MACDFIX",
            converged=lambda p: 26 + p.signal + max(_forgets(0.075, 2), _forgets(2 / (p.signal + 1), 2))),
    feature("imi", ("imi_{period}",), ("open", "close"), imi.step, imi.STATE, lambda p: p.period - 1,
            params={"period": 14}, ranges=TWO, flat=50.0, oracle="IMI",
            nulls="50 where no bar moved; a bar without an input is skipped and has no value"),
)  # fmt: skip
