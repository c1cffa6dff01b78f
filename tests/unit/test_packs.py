"""Every row of the packs against TA-Lib, on real and random bars; and against the laws of a row."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import talib
from talib import abstract

from tests.oracles import packs
from tests.oracles.prices import SYMBOLS, Bars, real
from udfs import catalogue
from udfs.plan import Plan
from udfs.registry import COLUMNS, Feature

ROWS = packs.rows()
IDS = [f"{pack}-{row.name}" for pack, row in ROWS]
every_row = pytest.mark.parametrize(("pack", "row"), ROWS, ids=IDS)


def by_talib(row: Feature, bars: Bars) -> list[np.ndarray]:
    """TA-Lib's outputs; its parameters in order, but for kinds of averages, are the row's."""
    names = [name for name in abstract.Function(row.oracle).info["parameters"] if not name.endswith("matype")]
    kinds = abstract.Function(row.oracle).info["parameters"]
    params = {name: type(kinds[name])(value) for name, value in zip(names, row.params.values(), strict=False)}
    found = getattr(talib, row.oracle)(*(bars[name] for name in row.inputs), **params)
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


def bound(pack: str, row: Feature) -> float:
    """0 for whole numbers, else 1e-12, or what the pack's twins say and explain."""
    return float(getattr(packs.oracle(pack), "BOUND", {}).get(row.name, 0.0 if pack == "patterns" else 1e-12))


@pytest.mark.parametrize(
    ("pack", "row"),
    [pair for pair in ROWS if pair[1].oracle],
    ids=[name for name, pair in zip(IDS, ROWS, strict=True) if pair[1].oracle],
)
def test_equals_talib(pack: str, row: Feature) -> None:
    for params in packs.grid(pack, row):
        of = row.at(**params)
        for bars in [packs.random_bars(7, 600), *map(real, SYMBOLS[:2])]:
            wanted = by_talib(of, bars)
            for found in (ours(of, bars), ours(of, bars, 97)):
                assert len(found) == len(wanted)
                for name, one, other in zip(of.outputs, found, wanted, strict=True):
                    assert error(one, other) <= bound(pack, row), (name, params)


@every_row
def test_first_values_come_after_the_lookback(pack: str, row: Feature) -> None:
    first = row.lookback + sum(other.lookback for other in packs.needed(row))
    present = ~np.isnan(ours(row, packs.random_bars(3, 2 * first + 50)))
    assert present.any(axis=1).all()
    assert present.argmax(axis=1).min() == first


@every_row
def test_a_row_says_all(pack: str, row: Feature) -> None:
    module: Any = __import__(row.kernel.__module__, fromlist=["x"])
    assert len(module.__doc__) > 80
    assert len(row.degrees) == len(row.outputs)
    assert set(row.ranges) == set(row.params)
    assert row.converged >= row.lookback
    assert row.state[0].name == "count"


GO_ON = """
import sys, pickle
import numpy as np
from udfs import catalogue
from udfs.plan import Plan
plan = Plan("1d", catalogue.chosen(catalogue.names()))
state, rest = pickle.loads(sys.stdin.buffer.read())
state = np.frombuffer(state).reshape(1, plan.width).copy()
sys.stdout.buffer.write(plan.step(state, np.zeros(len(rest["close"]), np.int64), rest).tobytes() + state.tobytes())
"""


def test_a_state_goes_on_in_another_process() -> None:
    """Of every kernel there is, from three bars of a history."""
    plan = Plan("1d", catalogue.chosen(catalogue.names()))
    bars = packs.random_bars(11, 240)
    for cut in (1, 37, 180):
        state, rest = np.zeros((1, plan.width)), {name: column[cut:] for name, column in bars.items()}
        plan.step(state, np.zeros(cut, np.int64), {name: column[:cut] for name, column in bars.items()})
        given = pickle.dumps((state.tobytes(), rest))
        found = subprocess.run([sys.executable, "-c", GO_ON], input=given, capture_output=True, check=True)
        wanted = plan.step(state, np.zeros(len(rest["close"]), np.int64), rest)
        assert found.stdout == wanted.tobytes() + state.tobytes()
