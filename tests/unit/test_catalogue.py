"""Which features are computed: packs by name, and rows of a package that is not ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from feature_repo.views import layout
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


ACROSS = """
import json, pyarrow as pa
from feature_repo import definitions
from feature_repo.views import layout
from tests.oracles.prices import random_bars
from udfs.batch import compute
from udfs.plan import Plan
bars = {name: random_bars(5, seed) for seed, name in enumerate("AB")}
for name, of in bars.items():
    of |= {"symbol": [name] * 5, "event_time": pa.array(of["event_time"]).cast(pa.timestamp("us", "UTC"))}
found = compute(pa.concat_tables(map(pa.table, bars.values())), None, "1d")
print(json.dumps([layout("factors_1d").numbers, [view.name for view in definitions.served], found.column_names[2:],
                  found["standing"].to_pylist()[-2:], "standing" in Plan("1d").outputs]))
"""
PACK = """
from udfs.expressions import expression
ROWS = expression("standing", "rank(close / delay(close, 2))")
"""


def test_a_package_that_looks_across_the_universe_has_a_view_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "of_a_user.py").write_text(PACK)
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    environment = os.environ | {"PYTHONPATH": path, "TICKLOOM_FEATURES__PACKS": '["core", "of_a_user:ROWS"]'}
    found = subprocess.run([sys.executable, "-c", ACROSS], env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    fields, views, columns, values, shared = json.loads(found.stdout)
    assert fields == ["standing"]
    assert views == ["indicators_1d", "factors_1d", "cross_asset_1d", "universe_1d"]
    core = [output for row in FEATURES for output in row.outputs]
    assert columns == [*core, "standing", *(name for name, _ in layout("cross_asset_1d").fields)]
    assert sorted(values) == [0.5, 1.0]
    assert not shared


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


def test_all_packs_fit_into_two_plans():
    plans = [Plan("1d", catalogue.chosen(catalogue.names(), across=across)) for across in (False, True)]
    outputs = [name for plan in plans for name in plan.outputs]
    assert len(set(outputs)) == len(outputs)
    assert [plan.across for plan in plans] == [False, True]


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
