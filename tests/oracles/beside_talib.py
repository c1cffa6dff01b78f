"""Rows beside TA-Lib's functions of the same: their parameters, their outputs, and how far ours are from them."""

from collections.abc import Iterator

import numpy as np
import talib
from talib import abstract

from tests.oracles import packs
from tests.oracles.prices import SYMBOLS, Bars, real
from udfs.plan import Plan
from udfs.registry import COLUMNS, Feature


def parameters(row: Feature) -> dict[str, float]:
    """The row's parameters under TA-Lib's names: hers in order, but for kinds of averages."""
    kinds = {k: v for k, v in abstract.Function(row.oracle).info["parameters"].items() if not k.endswith("matype")}
    pairs = zip(kinds.items(), row.free.values(), strict=False)
    return {name: type(default)(value) for (name, default), value in pairs}


def by_talib(row: Feature, bars: Bars) -> list[np.ndarray]:
    """TA-Lib's outputs, NaN before the first one."""
    found = getattr(talib, row.oracle)(*(bars[name] for name in row.inputs), **parameters(row))
    columns = found if isinstance(found, tuple) else (found,)
    return [np.where(seen(column, row), column, np.nan) for column in columns]


def seen(column: np.ndarray, row: Feature) -> np.ndarray:
    """Whole numbers have no NaN: before its lookback TA-Lib gives 0."""
    whole = np.issubdtype(column.dtype, np.integer)
    return (np.arange(len(column)) >= row.lookback) | (not whole)


def ours(row: Feature, bars: Bars, cut: int = 0) -> np.ndarray:
    """Our outputs, in one call or in calls of `cut` bars."""
    plan, n = Plan("1d", [*packs.needed(row), row]), len(bars["close"])
    state = np.zeros((1, plan.width))
    parts = []
    for start in range(0, n, cut or n):
        part = {name: np.array(bars[name][start : start + (cut or n)]) for name in COLUMNS if name in bars}
        parts.append(plan.step(state, np.zeros(len(part["close"]), np.int64), part))
    return np.concatenate(parts).T[-len(row.outputs) :]


def error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, relative to the value or to a thousandth of the largest one; infinite if NaN differ."""
    if (np.isnan(found) != np.isnan(wanted)).any():
        return np.inf
    scale = np.maximum(np.abs(wanted), np.nanmax(np.abs(wanted), initial=0.0) / 1000)
    differ = np.abs(found - wanted)
    return float(np.nanmax(np.divide(differ, scale, out=np.where(differ > 0, np.inf, 0.0), where=scale > 0), initial=0))


def errors(pack: str, row: Feature) -> Iterator[tuple[str, dict[str, float], float]]:
    """Output, parameters and error: over the grid, on random and real bars, in one call and in calls of 97 bars."""
    for params in packs.grid(pack, row):
        of = row.at(**params)
        for bars in [packs.random_bars(7, 600), *map(real, SYMBOLS[:2])]:
            wanted = by_talib(of, bars)
            for found in (ours(of, bars), ours(of, bars, 97)):
                for name, one, other in zip(of.outputs, found, wanted, strict=True):
                    yield name, params, error(one, other)
