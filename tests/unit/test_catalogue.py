"""Which features are computed: packs by name, and rows of a package that is not ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import FeatureError
from udfs import catalogue
from udfs.plan import Plan
from udfs.registry import FEATURES

FOREIGN = '''
"""A package of somebody else: one kernel, one row, one expression."""
import math
import numba
from udfs.expressions import expression
from udfs.kernels.state import COUNT, Slot
from udfs.registry import PRICE, feature

@numba.njit
def step(state, at, rows, high, low, out, to):
    """Middle of the bar."""
    for i in range(rows.size):
        out[i, to] = math.nan if math.isnan(high[i] + low[i]) else (high[i] + low[i]) / 2
        state[rows[i], at] += 1

ROWS = (
    feature("middle", ("middle",), ("high", "low"), step, (COUNT,), 0, degree=PRICE),
    *expression("close_to_middle", "close / middle - 1", known={"middle": PRICE}),
)
'''
ASK = """
import json, numpy as np
from udfs.plan import Plan
from feature_repo.views import layout
plan = Plan("1d")
bars = {name: np.array([10.0, 12.0]) for name in ("open", "high", "low", "close", "volume", "trade_count")}
bars["low"] = np.array([8.0, 8.0])
out = plan.step(np.zeros((1, plan.width)), np.zeros(2, np.int64), bars)
print(json.dumps([plan.outputs, layout("indicators_1d").numbers, out[:, -2:].tolist()]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "of_a_user.py").write_text(FOREIGN)
    packs = json.dumps(["core", "of_a_user:ROWS"])
    return os.environ | {"PYTHONPATH": str(tmp_path), "TICKLOOM_FEATURES__PACKS": packs}


def test_a_foreign_package_is_in_the_plan_and_in_feast_s_view(environment: dict[str, str]) -> None:
    found = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    outputs, fields, values = json.loads(found.stdout)
    core = [output for row in FEATURES for output in row.outputs]
    assert outputs == fields == [*core, "middle", "close_to_middle"]
    assert values == [[9.0, 10 / 9 - 1], [10.0, 12 / 10 - 1]]


def test_a_foreign_package_is_listed(environment: dict[str, str]) -> None:
    command = [str(Path(sys.executable).with_name("tickloom")), "features", "list", "--json"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rows = {row["name"]: row for row in json.loads(found.stdout)}
    assert rows["middle"]["degree_price"] == [1]
    assert rows["close_to_middle"]["lookback"] == 0


def test_the_core_is_the_default():
    assert catalogue.chosen() == FEATURES
    assert catalogue.names()[0] == "core"
    assert catalogue.chosen(["core", "core"]) == FEATURES


def test_all_packs_fit_into_one_plan():
    plan = Plan("1d", catalogue.chosen(catalogue.names()))
    assert len(set(plan.outputs)) == len(plan.outputs)


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        ("overlp", "there is no pack 'overlp'"),
        ("of_nobody:ROWS", "No module named"),
        ("udfs.registry:COLUMNS", "no seq"),
    ],
)
def test_packs_that_cannot_be_had(pack: str, words: str) -> None:
    with pytest.raises(FeatureError, match=words):
        catalogue.chosen([pack])
