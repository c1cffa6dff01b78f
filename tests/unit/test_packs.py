"""Every row of the packs against TA-Lib, on real and random bars; and against the laws of a row."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.oracles import beside_talib, packs
from tests.oracles.beside_talib import ours
from udfs import catalogue
from udfs.plan import Plan
from udfs.registry import Feature

ROWS = packs.rows()
IDS = [packs.told(*each) for each in ROWS]
every_row = pytest.mark.parametrize(("pack", "row"), ROWS, ids=IDS)


def bound(pack: str, row: Feature) -> float:
    """1e-12, or what the pack's twins say and explain; whole numbers are equal or off by far more."""
    return float(getattr(packs.oracle(pack), "BOUND", {}).get(row.name, 1e-12))


@pytest.mark.parametrize(
    ("pack", "row"),
    [pair for pair in ROWS if pair[1].oracle],
    ids=[name for name, pair in zip(IDS, ROWS, strict=True) if pair[1].oracle],
)
def test_equals_talib(pack: str, row: Feature) -> None:
    for name, params, error in beside_talib.errors(pack, row):
        assert error <= bound(pack, row), (name, params)


@every_row
def test_first_values_come_after_the_lookback(pack: str, row: Feature) -> None:
    first = row.lookback + sum(other.lookback for other in packs.needed(row))
    bars = packs.whole(packs.random_bars(3, 2 * first + 50))
    bars["session"], bars["session_time"] = np.arange(len(bars["close"])) * 1.0, np.full(len(bars["close"]), 1800.0)
    present = ~np.isnan(ours(row, bars))
    assert present.any(axis=1).all()
    assert present.argmax(axis=1).min() == first


@every_row
def test_a_row_says_all(pack: str, row: Feature) -> None:
    module: Any = __import__(row.kernel.__module__, fromlist=["x"])
    assert len(module.__doc__) > 80
    assert len(row.degrees) == len(row.outputs)
    assert set(row.ranges) == set(row.free)
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
    bars = packs.whole(packs.random_bars(11, 240))
    for cut in (1, 37, 180):
        state, rest = np.zeros((1, plan.width)), {name: column[cut:] for name, column in bars.items()}
        plan.step(state, np.zeros(cut, np.int64), {name: column[:cut] for name, column in bars.items()})
        given = pickle.dumps((state.tobytes(), rest))
        found = subprocess.run([sys.executable, "-c", GO_ON], input=given, capture_output=True, check=True)
        wanted = plan.step(state, np.zeros(len(rest["close"]), np.int64), rest)
        assert found.stdout == wanted.tobytes() + state.tobytes()
