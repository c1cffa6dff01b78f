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
from udfs.registry import FEATURES, Feature

Bars = Mapping[str, list[float]]
Twin = Callable[..., tuple[list[float], ...]]


def rows() -> list[tuple[str, Feature]]:
    """Pack and feature of every row but the core's, and but those across the universe or of expressions.

    These have tests of their own over whole universes: tests/unit/test_across.py, tests/unit/test_alpha101.py.
    """
    packs = [pack for pack in catalogue.names() if pack not in (catalogue.CORE, *catalogue.EXPRESSIONS)]
    return [(pack, row) for pack in packs for row in catalogue.rows(pack) if not row.across]


def needed(row: Feature) -> list[Feature]:
    """Rows of the core whose outputs a row reads."""
    return [other for other in FEATURES if set(other.outputs) & set(row.inputs)]


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
        return [dict(row.params)]
    if row.name in getattr(oracle(pack), "GRID", {}):
        return [dict(row.params), *oracle(pack).GRID[row.name]]
    if list(row.params) != ["period"]:
        return [dict(row.params)]
    least = int(row.ranges["period"][0])
    return [dict(row.params), *({"period": period} for period in sorted({least, max(least, 3), 10, 50}))]


MISSING = {
    "MA": "a switch between averages that have rows of their own",
    "VWAP": "starts at the first bar ever seen; `rolling_vwap` of the desk pack has a window",
    "MAVP": "needs a column of periods, which bars do not have",
}
"""Functions of TA-Lib without a row, and why."""
