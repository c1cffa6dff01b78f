"""Volume: lines of accumulation, money flow, force, and volume against its own past."""

from typing import Any

from udfs.kernels import ad, adosc, cmf, efi, marketfi, pvo, pvt, rvol, volume_index
from udfs.kernels.state import Degree
from udfs.registry import MOST, SKIP, VOLUME, Feature, ema_forgotten, feature

BARS = ("high", "low", "close", "volume")


def _slow(p: Any) -> int:
    return int(max(p.fast, p.slow)) - 1


def _seeded(p: Any) -> int:
    return ema_forgotten(max(p.fast, p.slow))


BOTH = {"fast": (2, MOST), "slow": (2, MOST)}

FEATURES: tuple[Feature, ...] = (
    feature("ad", ("ad",), BARS, ad.step, ad.STATE, 0, degree=VOLUME, oracle="AD",
            nulls=f"{SKIP}; one without a range adds nothing"),
    feature("adosc", ("adosc_{fast}_{slow}",), BARS, adosc.step, adosc.STATE, _slow,
            params={"fast": 3, "slow": 10}, ranges=BOTH, degree=VOLUME, flat=0.0, oracle="ADOSC", converged=_seeded,
            nulls=f"{SKIP}; one without a range adds nothing"),
    feature("cmf", ("cmf_{period}",), BARS, cmf.step, cmf.STATE, lambda p: p.period - 1,
            params={"period": 20}, ranges={"period": (2, MOST)}, flat=0.0, oracle="CMF",
            nulls=f"{SKIP}; 0 in a window without volume"),
    feature("efi", ("efi_{period}",), ("close", "volume"), efi.step, efi.STATE, lambda p: p.period,
            params={"period": 13}, ranges={"period": (1, MOST)}, degree=Degree(1, 1), flat=0.0, oracle="EFI",
            converged=lambda p: ema_forgotten(p.period)),
    feature("pvt", ("pvt",), ("close", "volume"), pvt.step, pvt.STATE, 0, degree=VOLUME, oracle="PVT"),
    feature("nvi", ("nvi",), ("close", "volume"), volume_index.nvi, volume_index.STATE, 0, oracle="NVI"),
    feature("pvi", ("pvi",), ("close", "volume"), volume_index.pvi, volume_index.STATE, 0, oracle="PVI"),
    feature("pvo", ("pvo_{fast}_{slow}",), ("volume",), pvo.step, pvo.STATE, _slow,
            params={"fast": 12, "slow": 26}, ranges=BOTH, flat=0.0, oracle="PVO", converged=_seeded,
            nulls=f"{SKIP}; 0 while no volume was seen"),
    feature("rvol", ("rvol_{period}",), ("volume",), rvol.step, rvol.STATE, lambda p: p.period,
            params={"period": 20}, ranges={"period": (1, MOST)}, flat=1.0, oracle="RVOL",
            nulls=f"{SKIP}; no value after a window without volume"),
    feature("marketfi", ("marketfi",), ("high", "low", "volume"), marketfi.step, marketfi.STATE, 0,
            degree=Degree(1, -1), flat=0.0, oracle="MARKETFI", nulls=f"{SKIP}; 0 for a bar without volume"),
)  # fmt: skip
