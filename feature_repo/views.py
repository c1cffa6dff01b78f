"""What each feature view holds, derived from the registry of features; Feast is not needed to read it."""

from functools import cache
from pathlib import Path

from schemas.errors import FeatureError
from schemas.settings import parse_duration, settings, state_dir
from udfs.catalogue import chosen
from udfs.frame import SYMBOL_VIEWS, Frame
from udfs.plan import Plan
from udfs.vector import Kind, Layout

INDICATORS, FACTORS, CROSS_ASSET = (f"{view}_" for view in SYMBOL_VIEWS)


def prefixes() -> tuple[str, ...]:
    """What the names of the views begin with; factors are there if a pack that looks across the universe is chosen."""
    return tuple(each for each in (INDICATORS, FACTORS, CROSS_ASSET) if each != FACTORS or chosen(across=True))


@cache
def layout(view: str) -> Layout:
    """Fields of `indicators_<interval>`, `factors_<interval>` or `cross_asset_<interval>`, in order.

    FeatureError for any other, and for factors if none are chosen.
    """
    for prefix in prefixes():
        interval = view.removeprefix(prefix)
        if interval != view:
            parse_duration(interval)
            return Layout(view, _cross_asset() if prefix == CROSS_ASSET else _numbers(interval, prefix == FACTORS))
    raise FeatureError(f"there is no feature view {view!r}", hint=" or ".join(f"{each}1d" for each in prefixes()))


def vectors(view: str, frame: Frame, fence: int, created_us: int) -> list[bytes]:
    """The rows of a complete frame of this view as packed vectors."""
    of = layout(view)
    strings = [[text or None for text in frame.strings[name]] for name, _ in of.texts]
    return of.pack(frame.event_time, fence, frame.revision, created_us, frame.values, strings)


def feature_log(interval: str) -> Path:
    """The Parquet file of all features of an interval, from which `feast materialize` fills the online store."""
    return state_dir() / f"features_{interval}.parquet"


def beside(path: Path, interval: str) -> Path:
    """The file of rolled bars beside that of the shortest: features_5m.parquet beside features.parquet."""
    return path.with_stem(f"{path.stem}_{interval}")


def _numbers(interval: str, across: bool) -> tuple[tuple[str, Kind], ...]:
    return tuple((name, _number()) for name in Plan(interval, chosen(across=across)).outputs)


def _cross_asset() -> tuple[tuple[str, Kind], ...]:
    return tuple((name, "str" if name == PEER else _number()) for name in OUTPUTS)


def _number() -> Kind:
    return "f4" if settings().store.dtype == "float32" else "f8"
