"""Moving averages, channels and stops over the price, prices of a bar and ranges: overlap studies, volatility.

In: kernels. Out: `FEATURES`, rows as in the core registry. TA-Lib's MA is a switch between the averages here, and its
MAVP takes a column of periods, so neither is a row. Rules of convergence are stated for the worst case.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from udfs import conventions as by
from udfs.kernels import (
    accbands,
    adr,
    avgdev,
    cvi,
    dema,
    donchian,
    ha,
    hma,
    kama,
    kc,
    massi,
    midpoint,
    midprice,
    natr,
    prices,
    rma,
    rvi,
    sar,
    sarext,
    supertrend,
    t3,
    tema,
    trange,
    trima,
    vwma,
    wma,
    zlema,
)
from udfs.kernels.state import Slot
from udfs.registry import MOST, NONE, PRICE, SKIP, Feature, ema_forgotten, feature, forgotten, wilder_forgotten

ONE: Mapping[str, tuple[float, float]] = {"period": (1, MOST)}
TWO: Mapping[str, tuple[float, float]] = {"period": (2, MOST)}
SHARE = (0.0, math.inf)
ACCURACY = 1e-12
CLOSE = ("close",)
HL = ("high", "low")
HLC = ("high", "low", "close")
OHLC = ("open", *HLC)


def _cascade(period: int, levels: int, weight: float) -> int:
    """Bars after which `levels` averages on top of each other, weights adding up to this, have forgotten their start.

    After n bars the last level holds as much of its start as n draws, each a hit by 2 / (period + 1), miss `levels`.
    """
    if period == 1:
        return 0
    hit = 2 / (period + 1)

    def left(n: int) -> float:
        return sum(math.comb(n, k) * hit**k * (1 - hit) ** (n - k) for k in range(levels))

    low, high = 0, 1
    while weight * left(high) > ACCURACY:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weight * left(middle) > ACCURACY else (low, middle)
    return high + levels * (period - 1)


def _average(
    name: str,
    kernel: Callable[..., None],
    state: tuple[Slot, ...],
    period: int = 30,
    lookback: Callable[[Any], int] = lambda p: p.period - 1,
    converged: Callable[[Any], int] | None = None,
    conventions: by.Conventions | None = None,
) -> Feature:
    """A row of an average of the close with the one parameter `period`."""
    return feature(name, (name + "_{period}",), CLOSE, kernel, state, lookback, params={"period": period},
                   degree=PRICE, oracle=name.upper(), ranges=ONE, converged=converged,
                   conventions=conventions)  # fmt: skip


def _bands(name: str, params: str) -> tuple[str, ...]:
    return tuple(f"{name}_{band}_{params}" for band in ("upper", "middle", "lower"))


STOPS = {"start": 0.0, "offset": 0.0, "long_init": 0.02, "long_by": 0.02, "long_max": 0.2, "short_init": 0.02,
         "short_by": 0.02, "short_max": 0.2}  # fmt: skip

FEATURES: tuple[Feature, ...] = (
    _average("dema", dema.step, dema.STATE, lookback=lambda p: 2 * (p.period - 1),
             converged=lambda p: _cascade(p.period, 2, 3.0), conventions=by.SEEDS),
    _average("tema", tema.step, tema.STATE, lookback=lambda p: 3 * (p.period - 1),
             converged=lambda p: _cascade(p.period, 3, 7.0), conventions=by.SEEDS),
    _average("wma", wma.step, wma.STATE),
    _average("trima", trima.step, trima.STATE),
    # the slowest weight is (2 / 31) ** 2
    _average("kama", kama.step, kama.STATE, lookback=lambda p: p.period if p.period > 1 else 0,
             converged=lambda p: p.period + forgotten((2 / 31) ** 2) if p.period > 1 else 0),
    feature("t3", ("t3_{period}_{factor:g}",), CLOSE, t3.step, t3.STATE, lambda p: 6 * (p.period - 1),
            params={"period": 5, "factor": 0.7}, degree=PRICE, oracle="T3", ranges={**ONE, "factor": (0.0, 1.0)},
            converged=lambda p: _cascade(p.period, 6, (1 + 2 * p.factor) ** 3), conventions=by.SEEDS),
    feature("midpoint", ("midpoint_{period}",), CLOSE, midpoint.step, midpoint.STATE, lambda p: p.period - 1,
            params={"period": 14}, degree=PRICE, oracle="MIDPOINT", ranges=TWO),
    feature("midprice", ("midprice_{period}",), HL, midprice.step, midprice.STATE, lambda p: p.period - 1,
            params={"period": 14}, degree=PRICE, oracle="MIDPRICE", ranges=TWO),
    feature("sar", ("sar_{acceleration:g}_{maximum:g}",), HL, sar.step, sar.STATE, 1,
            params={"acceleration": 0.02, "maximum": 0.2}, degree=PRICE, oracle="SAR",
            ranges={"acceleration": SHARE, "maximum": SHARE}),
    _average("rma", rma.step, rma.STATE, converged=lambda p: p.period - 1 + wilder_forgotten(p.period)),
    _average("hma", hma.step, hma.STATE, period=20, lookback=lambda p: p.period + math.isqrt(p.period) - 2),
    feature("vwma", ("vwma_{period}",), ("close", "volume"), vwma.step, vwma.STATE, lambda p: p.period - 1,
            params={"period": 30}, degree=PRICE, oracle="VWMA", ranges=ONE,
            nulls=f"{SKIP}; a window without volume has none, unless the period is 1"),
    _average("zlema", zlema.step, zlema.STATE, lookback=lambda p: (p.period - 1) // 2 + p.period - 1,
             converged=lambda p: (p.period - 1) // 2 + p.period - 1 + ema_forgotten(p.period)),
    feature("donchian", _bands("donchian", "{period}"), HL, donchian.step, donchian.STATE, lambda p: p.period - 1,
            params={"period": 20}, degree=PRICE, oracle="DONCHIAN", ranges=TWO),
    feature("kc", _bands("kc", "{period}_{atr_period}_{width:g}"), HLC, kc.step, kc.STATE,
            lambda p: max(p.period - 1, p.atr_period), params={"period": 20, "atr_period": 10, "width": 2.0},
            degree=PRICE, oracle="KC",
            ranges={**TWO, "atr_period": (1, MOST), "width": (-math.inf, math.inf)},
            converged=lambda p: max(p.period, p.atr_period)
            + max(ema_forgotten(p.period), wilder_forgotten(p.atr_period))),
    feature("accbands", _bands("accbands", "{period}"), HLC, accbands.step, accbands.STATE, lambda p: p.period - 1,
            params={"period": 20}, degree=PRICE, oracle="ACCBANDS", ranges=TWO),
    feature("supertrend", ("supertrend_{period}_{width:g}", "supertrend_side_{period}_{width:g}"), HLC,
            supertrend.step, supertrend.STATE, lambda p: p.period, params={"period": 10, "width": 3.0},
            degree=(PRICE, NONE), oracle="SUPERTREND", ranges={**TWO, "width": SHARE}),
    feature("sarext", ("sarext_" + "_".join(f"{{{name}:g}}" for name in STOPS),), HL, sarext.step, sarext.STATE, 1,
            params=STOPS, degree=PRICE, oracle="SAREXT",
            ranges={**dict.fromkeys(STOPS, SHARE), "start": (-math.inf, math.inf)}),
    feature("natr", ("natr_{period}",), HLC, natr.step, natr.STATE, lambda p: p.period, params={"period": 14},
            flat=0.0, oracle="NATR", ranges=TWO, converged=lambda p: p.period + wilder_forgotten(p.period)),
    feature("trange", ("trange",), HLC, trange.step, trange.STATE, 1, degree=PRICE, flat=0.0, oracle="TRANGE"),
    feature("avgprice", ("avgprice",), OHLC, prices.average, prices.STATE, 0, degree=PRICE, oracle="AVGPRICE"),
    feature("medprice", ("medprice",), HL, prices.median, prices.STATE, 0, degree=PRICE, oracle="MEDPRICE"),
    feature("typprice", ("typprice",), HLC, prices.typical, prices.STATE, 0, degree=PRICE, oracle="TYPPRICE"),
    feature("wclprice", ("wclprice",), HLC, prices.weighted_close, prices.STATE, 0, degree=PRICE, oracle="WCLPRICE"),
    feature("avgdev", ("avgdev_{period}",), CLOSE, avgdev.step, avgdev.STATE, lambda p: p.period - 1,
            params={"period": 14}, degree=PRICE, flat=0.0, oracle="AVGDEV", ranges=TWO),
    feature("ha", ("ha_open", "ha_high", "ha_low", "ha_close"), OHLC, ha.step, ha.STATE, 0, degree=PRICE,
            oracle="HA", converged=forgotten(0.5)),
    feature("adr", ("adr_{period}",), HL, adr.step, adr.STATE, lambda p: p.period - 1, params={"period": 14},
            degree=PRICE, flat=0.0, oracle="ADR", ranges=ONE),
    feature("cvi", ("cvi_{period}_{change}",), HL, cvi.step, cvi.STATE, lambda p: p.period - 1 + p.change,
            params={"period": 10, "change": 10}, flat=0.0, oracle="CVI", ranges={**TWO, "change": (1, MOST)},
            converged=lambda p: p.period - 1 + p.change + ema_forgotten(p.period)),
    feature("massi", ("massi_{fast}_{slow}",), HL, massi.step, massi.STATE, lambda p: 2 * (p.fast - 1) + p.slow - 1,
            params={"fast": 9, "slow": 25}, oracle="MASSI", ranges={"fast": (2, MOST), "slow": (2, MOST)},
            converged=lambda p: p.slow + _cascade(p.fast, 2, 2.0)),
    feature("rvi", ("rvi_{period}_{window}",), CLOSE, rvi.step, rvi.STATE, lambda p: p.period + p.window - 2,
            params={"period": 14, "window": 10}, flat=50.0, oracle="RVI", ranges={**ONE, "window": (2, MOST)},
            converged=lambda p: p.period + p.window - 2 + wilder_forgotten(p.period)),
)  # fmt: skip
