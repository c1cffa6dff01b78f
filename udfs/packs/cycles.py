"""Cycles: Ehlers' Hilbert transform of the close, what it says of period, phase and trend, and MAMA."""

import math
from collections.abc import Callable
from typing import Any

from udfs.kernels import ht_dcperiod, ht_dcphase, ht_phasor, ht_sine, ht_trendline, ht_trendmode, mama
from udfs.kernels.hilbert import SETTLED
from udfs.kernels.state import Degree, Slot
from udfs.registry import NONE, PRICE, Feature, feature


def _cycle(
    name: str,
    outputs: tuple[str, ...],
    step: Callable[..., None],
    state: tuple[Slot, ...],
    lookback: int,
    degree: Degree,
) -> Feature:
    """A row without parameters over the close."""
    return feature(name, outputs, ("close",), step, state, lookback, degree=degree, oracle=name.upper(),
                   converged=lookback + SETTLED)  # fmt: skip


def _mama_converged(p: Any) -> int:
    """FAMA forgets its seed at half of MAMA's least weight, once the phase has settled."""
    return SETTLED + math.ceil(math.log(1e-12 / 2) / math.log(1 - min(p.fast, p.slow) / 2))


FEATURES: tuple[Feature, ...] = (
    _cycle("ht_dcperiod", ("ht_dcperiod",), ht_dcperiod.step, ht_dcperiod.STATE, 32, NONE),
    _cycle("ht_dcphase", ("ht_dcphase",), ht_dcphase.step, ht_dcphase.STATE, 63, NONE),
    _cycle("ht_phasor", ("ht_in_phase", "ht_quadrature"), ht_phasor.step, ht_phasor.STATE, 32, PRICE),
    _cycle("ht_sine", ("ht_sine", "ht_lead_sine"), ht_sine.step, ht_sine.STATE, 63, NONE),
    _cycle("ht_trendmode", ("ht_trendmode",), ht_trendmode.step, ht_trendmode.STATE, 63, NONE),
    _cycle("ht_trendline", ("ht_trendline",), ht_trendline.step, ht_trendline.STATE, 63, PRICE),
    feature("mama", ("mama_{fast:g}_{slow:g}", "fama_{fast:g}_{slow:g}"), ("close",), mama.step, mama.STATE, 32,
            params={"fast": 0.5, "slow": 0.05}, degree=PRICE, oracle="MAMA",
            ranges={"fast": (0.01, 0.99), "slow": (0.01, 0.99)}, converged=_mama_converged),
)  # fmt: skip
