"""Oscillators: momentum, strength and efficiency of a move, those that TA-Lib has since 0.8."""

from typing import Any

from udfs.kernels import (
    ac,
    ao,
    cmou,
    coppock,
    dpo,
    er,
    eri,
    fosc,
    fractal,
    kdj,
    qstick,
    smi,
    tsi,
    vhf,
    vortex,
    wad,
)
from udfs.registry import MOST, PRICE, Feature, ema_forgotten, feature, wilder_forgotten

CLOSE = ("close",)
RANGE = ("high", "low")
BARS = ("high", "low", "close")
LEAST_1 = (1, MOST)
LEAST_2 = (2, MOST)

KDJ = tuple(f"kdj_{line}_{{period}}_{{slow_k}}_{{slow_d}}" for line in "kdj")
SMI = tuple(f"{line}_{{period}}_{{fast}}_{{slow}}_{{signal}}" for line in ("smi", "smi_signal"))


def _ema(*periods: int) -> int:
    """Bars after which averages of averages have forgotten their seeds."""
    return sum(map(ema_forgotten, periods))


def _slow(p: Any) -> int:
    return int(max(p.fast, p.slow)) - 1


FEATURES: tuple[Feature, ...] = (
    feature("ao", ("ao_{fast}_{slow}",), RANGE, ao.step, ao.STATE, _slow,
            params={"fast": 5, "slow": 34}, ranges={"fast": LEAST_2, "slow": LEAST_2},
            degree=PRICE, flat=0.0, oracle="AO"),
    feature("ac", ("ac_{fast}_{slow}_{signal}",), RANGE, ac.step, ac.STATE, lambda p: _slow(p) + p.signal - 1,
            params={"fast": 5, "slow": 34, "signal": 5},
            ranges={"fast": LEAST_2, "slow": LEAST_2, "signal": LEAST_2}, degree=PRICE, flat=0.0, oracle="AC"),
    feature("vortex", ("vortex_plus_{period}", "vortex_minus_{period}"), BARS, vortex.step, vortex.STATE,
            lambda p: p.period, params={"period": 14}, ranges={"period": LEAST_1}, flat=0.0, oracle="VORTEX"),
    feature("tsi", ("tsi_{first}_{second}",), CLOSE, tsi.step, tsi.STATE, lambda p: p.first + p.second - 1,
            params={"first": 25, "second": 13}, ranges={"first": LEAST_2, "second": LEAST_2}, flat=0.0, oracle="TSI",
            converged=lambda p: _ema(p.first, p.second)),
    feature("smi", SMI, BARS, smi.step, smi.STATE, lambda p: p.period + p.fast + p.slow + p.signal - 4,
            params={"period": 13, "fast": 2, "slow": 25, "signal": 9},
            ranges={"period": LEAST_2, "fast": LEAST_2, "slow": LEAST_2, "signal": LEAST_2}, flat=0.0, oracle="SMI",
            converged=lambda p: p.period + _ema(p.fast, p.slow, p.signal)),
    feature("kdj", KDJ, BARS, kdj.step, kdj.STATE, lambda p: p.period + p.slow_k + p.slow_d - 3,
            params={"period": 9, "slow_k": 3, "slow_d": 3},
            ranges={"period": LEAST_1, "slow_k": LEAST_1, "slow_d": LEAST_1}, flat=0.0, oracle="KDJ",
            converged=lambda p: p.period + wilder_forgotten(p.slow_k) + wilder_forgotten(p.slow_d)),
    feature("coppock", ("coppock_{period}_{roc1}_{roc2}",), CLOSE, coppock.step, coppock.STATE,
            lambda p: max(p.roc1, p.roc2) + p.period - 1, params={"period": 10, "roc1": 11, "roc2": 14},
            ranges={"period": LEAST_1, "roc1": LEAST_1, "roc2": LEAST_1}, flat=0.0, oracle="COPPOCK"),
    feature("dpo", ("dpo_{period}",), CLOSE, dpo.step, dpo.STATE, lambda p: max(p.period - 1, p.period // 2 + 1),
            params={"period": 20}, ranges={"period": LEAST_2}, degree=PRICE, flat=0.0, oracle="DPO"),
    feature("er", ("er_{period}",), CLOSE, er.step, er.STATE, lambda p: p.period,
            params={"period": 10}, ranges={"period": LEAST_2}, flat=1.0, oracle="ER"),
    feature("eri", ("eri_bull_{period}", "eri_bear_{period}"), BARS, eri.step, eri.STATE, lambda p: p.period - 1,
            params={"period": 13}, ranges={"period": LEAST_1}, degree=PRICE, flat=0.0, oracle="ERI",
            converged=lambda p: _ema(p.period)),
    feature("fosc", ("fosc_{period}",), CLOSE, fosc.step, fosc.STATE, lambda p: p.period,
            params={"period": 5}, ranges={"period": LEAST_2}, flat=0.0, oracle="FOSC"),
    feature("qstick", ("qstick_{period}",), ("open", "close"), qstick.step, qstick.STATE, lambda p: p.period - 1,
            params={"period": 10}, ranges={"period": LEAST_1}, degree=PRICE, flat=0.0, oracle="QSTICK"),
    feature("vhf", ("vhf_{period}",), CLOSE, vhf.step, vhf.STATE, lambda p: p.period,
            params={"period": 28}, ranges={"period": LEAST_2}, flat=0.0, oracle="VHF"),
    feature("cmou", ("cmou_{period}",), CLOSE, cmou.step, cmou.STATE, lambda p: p.period,
            params={"period": 14}, ranges={"period": LEAST_2}, flat=0.0, oracle="CMOU"),
    feature("wad", ("wad",), BARS, wad.step, wad.STATE, 0, degree=PRICE, oracle="WAD"),
    # no oracle: TA-Lib's FRACTAL gives whole numbers, with 0 instead of no value while it warms up
    feature("fractal", ("swing_high_{left}_{right}", "swing_low_{left}_{right}"), RANGE, fractal.step, fractal.STATE,
            lambda p: p.left + p.right, params={"left": 2, "right": 2}, ranges={"left": LEAST_1, "right": LEAST_1},
            flat=0.0, oracle="FRACTAL"),
)  # fmt: skip
