"""What each feature view holds, derived from the registry of features; Feast is not needed to read it."""

from functools import cache
from pathlib import Path

from schemas.errors import FeatureError
from schemas.settings import parse_duration, settings, state_dir
from udfs import frame as frames
from udfs.catalogue import chosen
from udfs.frame import FEATURE_VIEWS, Frame
from udfs.panel.columns import Columns
from udfs.plan import Plan
from udfs.vector import Kind, Layout

INDICATORS, FACTORS, CROSS_ASSET, UNIVERSE, PAIRS = (f"{view}_" for view in FEATURE_VIEWS)
SYMBOL = (INDICATORS, FACTORS, CROSS_ASSET)
"""Views whose entity is a symbol."""


def prefixes() -> tuple[str, ...]:
    """What the names of the views begin with.

    Factors are there if a pack that looks across the universe is chosen, pairs if any are configured.
    """
    absent = {FACTORS} if not chosen(across=True) else set()
    absent |= {PAIRS} if not settings().cross_asset.pairs else set()
    return tuple(each for each in (*SYMBOL, UNIVERSE, PAIRS) if each not in absent)


@cache
def layout(view: str) -> Layout:
    """Fields of a view, one of `prefixes` and an interval, in order; FeatureError for any other."""
    for prefix in prefixes():
        interval = view.removeprefix(prefix)
        if interval != view:
            parse_duration(interval)
            own = prefix in (INDICATORS, FACTORS)
            return Layout(view, _numbers(interval, prefix == FACTORS) if own else _crossed(prefix.removesuffix("_")))
    raise FeatureError(f"there is no feature view {view!r}", hint=" or ".join(f"{each}1d" for each in prefixes()))


def vectors(view: str, frame: Frame, fence: int, created_us: int) -> list[bytes]:
    """The rows of a complete frame of this view as packed vectors."""
    of = layout(view)
    strings = [[text or None for text in frame.strings[name]] for name, _ in of.texts]
    return of.pack(frame.event_time, fence, frame.revision, created_us, frame.values, strings)


def feature_log(interval: str) -> Path:
    """The Parquet file of all features of an interval, from which `feast materialize` fills the online store."""
    return state_dir() / f"features_{interval}.parquet"


def beside(path: Path, what: str) -> Path:
    """The file of rolled bars, or of another view, beside the first: features_5m.parquet beside features.parquet."""
    return path.with_stem(f"{path.stem}_{what}")


def apart() -> tuple[str, ...]:
    """The views that have a table of their own, beside that of symbols."""
    return (frames.UNIVERSE, frames.PAIRS) if settings().cross_asset.pairs else (frames.UNIVERSE,)


def _numbers(interval: str, across: bool) -> tuple[tuple[str, Kind], ...]:
    return tuple((name, _number()) for name in Plan(interval, chosen(across=across)).outputs)


def _crossed(view: str) -> tuple[tuple[str, Kind], ...]:
    columns = Columns(settings().cross_asset)
    return (*((name, _number()) for name in columns.names(view)), *((name, "str") for name in columns.texts(view)))


def _number() -> Kind:
    return "f4" if settings().store.dtype == "float32" else "f8"
