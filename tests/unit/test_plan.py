"""The plan: what derives from the rows of the registry, and how it refuses rows and state that do not fit."""

import numpy as np
import pytest

from schemas.errors import FeatureError
from udfs.kernels import obv, sma
from udfs.plan import Plan
from udfs.registry import FEATURES, NONE, PRICE, VOLUME, feature

PLAN = Plan("1d")
LOOKBACK = {
    "log_return": 1, "sma_20": 19, "sma_200": 199, "ema_12": 11, "ema_26": 25, "rsi_14": 14, "macd_12_26_9": 33,
    "macd_signal_12_26_9": 33, "macd_hist_12_26_9": 33, "atr_14": 14, "bb_upper_20_2": 19, "bb_middle_20_2": 19,
    "bb_lower_20_2": 19, "obv": 0, "volatility_20": 20, "volume_z_20": 19,
}  # fmt: skip


def columns(count):
    random = np.random.default_rng(count)
    return {name: 10 + random.random(count) for name in ("open", "high", "low", "close", "volume")}


def average(**changes):
    row = {"name": "sma", "outputs": ("sma_{period}",), "inputs": ("close",), "kernel": sma.step, "state": sma.STATE}
    return feature(**row | {"lookback": lambda p: p.period - 1, "params": {"period": 3}, "degree": PRICE} | changes)


def test_outputs_and_their_warm_up():
    assert {name: PLAN.lookback(name) for name in PLAN.outputs} == LOOKBACK


def test_degrees():
    degrees = {name: PLAN.degree(name) for name in PLAN.outputs}
    without = {"log_return", "rsi_14", "volatility_20", "volume_z_20"}
    assert {name for name, degree in degrees.items() if degree == NONE} == without
    assert {name for name, degree in degrees.items() if degree == VOLUME} == {"obv"}


@pytest.mark.parametrize(("new", "old"), [(2, 1), (1, 10), (3, 2), (10**9 + 7, 10**9 + 9)])
def test_a_split_scales_each_slot_by_its_degree(new, old):
    plan = Plan("1d", [average(), average(name="v", outputs=("v",), inputs=("volume",), degree=VOLUME), FEATURES[7]])
    price, volume = old / new, new / old
    mean = [1.0, price, price, price, price, price, price]  # count, anchor, mean, anchor, ring of 3
    volumes = [1.0] + [volume] * 6
    atr = [1.0, price, price]  # count, last close, average
    assert plan.factors(new, old).tolist() == [*mean, *volumes, *atr]


def test_squares_scale_twice():
    bands = Plan("1d", [row for row in FEATURES if row.name == "bbands"])
    assert set(bands.factors(3, 1).tolist()) == {1.0, 1 / 3, 1 / 9}


def test_factors_cannot_be_changed_by_a_caller():
    with pytest.raises(ValueError, match="read-only"):
        PLAN.factors(2, 1)[0] = 5.0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([average(inputs=("clsoe",))], ["clsoe", "close"]),
        ([average(), average()], ["two features give sma_3"]),
        ([average(inputs=("sma_5",)), average(params={"period": 5})], ["sma_5"]),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows, words):
    with pytest.raises(FeatureError) as error:
        Plan("1d", rows)
    assert all(word in str(error.value) for word in words)


def test_an_unknown_output_is_answered_with_the_nearest():
    with pytest.raises(FeatureError, match="rsi_14"):
        PLAN.lookback("rsi_15")


def test_state_cannot_depend_on_the_interval():
    with pytest.raises(TypeError, match="period"):
        Plan("1d", [average(outputs=("x",), lookback=1, params={"period": lambda interval_us: 3})])


@pytest.mark.parametrize(
    "state",
    [np.zeros((2, 5)), np.zeros((2, PLAN.width), "f4"), np.zeros((PLAN.width, 2)).T],
    ids=["width", "float32", "Fortran order"],
)
def test_state_of_another_form_is_refused(state):
    with pytest.raises(FeatureError, match="float64"):
        PLAN.step(state, np.zeros(1, np.int64), columns(1))


def test_columns_as_arrow_gives_them_change_nothing():
    # read-only and strided columns, 32-bit rows: the same bytes
    plain, rows = columns(30), np.zeros(30, np.int64)
    wanted = PLAN.step(np.zeros((1, PLAN.width)), rows, plain)
    strided = {name: np.repeat(column, 2)[::2] for name, column in plain.items()}
    for column in plain.values():
        column.flags.writeable = False
    for found in (plain, strided):
        assert PLAN.step(np.zeros((1, PLAN.width)), rows.astype("i4"), found).tobytes() == wanted.tobytes()


def test_no_bars_no_rows():
    state = np.zeros((3, PLAN.width))
    assert PLAN.step(state, np.zeros(0, np.int64), columns(0)).shape == (0, len(PLAN.outputs))
    assert not state.any()


def test_the_first_slot_counts_the_bars():
    plan = Plan("1d", [average(), feature("obv", ("obv",), ("close", "volume"), obv.step, obv.STATE, 0, degree=VOLUME)])
    state = np.zeros((1, plan.width))
    plan.step(state, np.zeros(5, np.int64), columns(5))
    assert state[0, 0] == 5
    assert state[0, 7] == 5


def test_the_digest_tells_plans_apart():
    plans = [
        PLAN,
        Plan("1m"),
        Plan("1d", FEATURES[:3]),
        Plan("1d", [average()]),
        Plan("1d", [average(params={"period": 4})]),
    ]
    assert len({plan.digest() for plan in plans}) == len(plans)
    assert Plan("1d").digest() == PLAN.digest()


def test_each_row_describes_itself():
    rows = {row["name"]: row for row in PLAN.describe()}
    assert [output for row in PLAN.describe() for output in row["outputs"]] == list(PLAN.outputs)
    assert sum(row["state_bytes"] for row in PLAN.describe()) == 8 * PLAN.width
    assert rows["volatility"]["params"] == {"period": 20, "bars_per_year": 252}
    assert rows["volatility"]["inputs"] == ("log_return",)
    assert rows["rsi"]["flat"] == 0.0
