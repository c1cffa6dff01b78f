"""Naive twins of the packs' kernels, one file a pack: `TWINS`, `SMALL` and, where the rule does not fit, `GRID`.

TWINS: name of a feature -> function(bars, **params) that gives one list a output, by its definition and from the whole
history; bars: column -> list of floats without NaN. SMALL: parameters of the twin's test, so that a short history turns
each ring. GRID: parameters of the test against TA-Lib, instead of the least, 3, 10 and 50 for a single period.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from udfs import catalogue
from udfs.registry import COLUMNS, FEATURES, Feature

Bars = Mapping[str, list[float]]
Twin = Callable[..., tuple[list[float], ...]]


def rows() -> list[tuple[str, Feature]]:
    """Pack and feature of every row but the core's, and of every row by each other convention, the core's too.

    Without those across the universe and of expressions, which have tests of their own over whole universes:
    tests/unit/test_across.py, tests/unit/test_alpha101.py.
    """
    packs = [pack for pack in catalogue.names() if pack not in catalogue.EXPRESSIONS]
    found = [(pack, row) for pack in packs for row in catalogue.rows(pack) if not row.across]
    others = [(pack, row.at(name)) for pack, row in found for name in row.conventions if name != row.convention]
    return [*((pack, row) for pack, row in found if pack != catalogue.CORE), *others]


def told(pack: str, row: Feature) -> str:
    """A row for a person: pack, name and convention."""
    return "-".join(filter(None, (pack, row.name, row.convention)))


def needed(row: Feature) -> list[Feature]:
    """Rows whose outputs a row reads."""
    found = [*FEATURES, *(other for _, other in rows())]
    return [other for other in found if set(other.outputs) & set(row.inputs)]


def whole(bars: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bars with every column: what trades inside them and a clock might have given, whole numbers of volume as seeds.

    A session begins with every bar whose volume divides by 4; its bars are 40 minutes long.
    """
    high, low, volume = bars["high"], bars["low"], bars["volume"]
    session, variance = np.cumsum(volume % 4 == 0).astype("f8"), np.log(high / low) ** 2 * (1 + volume % 2)
    since = np.arange(len(volume)) - np.maximum.accumulate(np.where(volume % 4 == 0, np.arange(len(volume)), 0))
    more = (volume % 9 + 1, volume * (high + 3 * low) / 4, (high + low) / 2, variance, variance * (volume % 3) / 2,
            volume * (volume % 5 - 2) / 2, volume / (volume % 9 + 1), session, 2400.0 * (since + 1))  # fmt: skip
    return dict(zip(COLUMNS, (*(bars[name] for name in list(COLUMNS)[:5]), *more), strict=True))


def random_bars(seed: int, count: int) -> dict[str, np.ndarray]:
    """Bars of a random walk in steps of 0.05: ties, gaps between bars, flat bars, bars without volume."""
    random = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, count) * (random.random(count) > 0.1)))
    start = np.where(random.random(count) < 0.3, np.roll(close, 1), close * np.exp(random.normal(0, 0.012, count)))
    start[0] = close[0]
    edges = np.array([start, close, *(close * np.exp(random.normal(0, 0.008, (2, count))))])
    flat = random.random(count) < 0.03
    ticks = np.round(np.where(flat, close, np.array([start, edges.max(0), edges.min(0), close])) * 20) / 20
    volume = (random.integers(1, 10**6, count) * (random.random(count) > 0.03)).astype(float)
    return dict(zip(("open", "high", "low", "close", "volume"), (*ticks, volume), strict=True))


def oracle(pack: str) -> Any:
    """The module of a pack's twins."""
    return import_module(f"tests.oracles.packs.{pack}")


def grid(pack: str, row: Feature) -> list[dict[str, float]]:
    """Parameters for the test against TA-Lib, the default first."""
    if pack == catalogue.CORE:
        return [row.free]
    if row.name in getattr(oracle(pack), "GRID", {}):
        return [row.free, *oracle(pack).GRID[row.name]]
    if list(row.free) != ["period"]:
        return [row.free]
    least = int(row.ranges["period"][0])
    return [row.free, *({"period": period} for period in sorted({least, max(least, 3), 10, 50}))]


MISSING = {
    "MA": "a switch between averages that have rows of their own",
    "VWAP": "starts at the first bar ever seen; `rolling_vwap` of the desk pack has a window",
    "MAVP": "needs a column of periods, which bars do not have",
}
"""Functions of TA-Lib without a row, and why."""
