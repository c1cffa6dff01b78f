"""The plan: what derives from the rows of the registry, and how it refuses rows and state that do not fit."""

from fractions import Fraction

import numpy as np
import pytest

from schemas.errors import FeatureError
from udfs.adjustment import Adjustment, Effect, Policy
from udfs.kernels import obv, sma
from udfs.plan import RESERVED, Plan
from udfs.registry import FEATURES, NONE, PRICE, VOLUME, feature

PLAN = Plan("1d")
ROWS = {row.name: row for row in FEATURES}
LOOKBACK = {
    "log_return": 1, "sma_20": 19, "sma_200": 199, "ema_12": 11, "ema_26": 25, "rsi_14": 14, "macd_12_26_9": 33,
    "macd_signal_12_26_9": 33, "macd_hist_12_26_9": 33, "atr_14": 14, "bb_upper_20_2": 19, "bb_middle_20_2": 19,
    "bb_lower_20_2": 19, "obv": 0, "volatility_20": 20, "volume_z_20": 19,
    **{f"log_return_lag_{ago}": 8 for ago in range(1, 8)}, "log_total_return": 1,
    "log_total_return_ex": 1, "suspect_split": 1,
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
    without = {"log_return", "rsi_14", "volatility_20", "volume_z_20", "suspect_split"}
    without |= {f"log_return_lag_{ago}" for ago in range(1, 8)}
    assert {name for name, degree in degrees.items() if degree == NONE} == without | set(PLAN.outputs[-3:])
    assert {name for name, degree in degrees.items() if degree == VOLUME} == {"obv"}


def split(new, old, effect=Effect.RATIO):
    """A ratio in force; what it is of does not matter here."""
    return Adjustment(0, effect, "e", Fraction(old, new), Fraction(new, old))


def factors(plan, *changes, last=8.0, close=4.0):
    """Of each slot but the reserved ones, which nothing scales."""
    found = plan.factors(changes, last, close).tolist()
    assert found[:RESERVED] == [1.0] * RESERVED
    return found[RESERVED:]


@pytest.mark.parametrize(("new", "old"), [(2, 1), (1, 10), (3, 2), (10**9 + 7, 10**9 + 9)])
def test_a_split_scales_each_slot_by_its_degree(new, old):
    plan = Plan("1d", [average(), average(name="v", outputs=("v",), inputs=("volume",), degree=VOLUME), ROWS["atr"]])
    price, volume = old / new, new / old
    mean = [1.0, price, price, price, price, price, price]  # count, anchor, mean, anchor, ring of 3
    volumes = [1.0] + [volume] * 6
    atr = [1.0, price, price]  # count, last close, average
    assert factors(plan, split(new, old)) == [*mean, *volumes, *atr]


def test_squares_scale_twice():
    assert set(factors(Plan("1d", [ROWS["bbands"]]), split(3, 1))) == {1.0, 1 / 3, 1 / 9}


@pytest.mark.parametrize(
    ("changes", "of_policy"),
    [
        # a dividend of 2 on a close of 8; the ex-day closes at 4: 6 / 8, and 4 / (4 + 2)
        ([Adjustment(0, Effect.CASH, "d", value=Fraction(2))], (1.0, 3 / 4, 2 / 3)),
        # a spin-off worth 2 is no cash
        ([Adjustment(0, Effect.CAPITAL, "s", value=Fraction(2))], (3 / 4, 3 / 4, 3 / 4)),
        # the dividend, then 2 for 1: the ex-day's 4 was 8 in the units of the dividend
        ([Adjustment(0, Effect.CASH, "d", value=Fraction(2)), split(2, 1)], (1 / 2, 3 / 8, 8 / 20)),
    ],
)
def test_each_policy_scales_its_own_slots(changes, of_policy):
    for name, price in zip(("log_return", "log_total_return", "log_total_return_ex"), of_policy, strict=True):
        assert factors(Plan("1d", [ROWS[name]]), *changes) == [1.0, price], name
    assert factors(Plan("1d", [average(policy=Policy.RAW)]), *changes) == [1.0] * 7


def test_exact_terms_are_rounded_once():
    # thirds and sevenths that cancel leave no trace
    assert set(factors(PLAN, split(3, 7), split(7, 3))) == {1.0}


def test_a_notice_has_forgotten_what_says_so():
    plan = Plan("1d", [ROWS["suspect_split"], ROWS["sma"]])
    forgotten = factors(plan, Adjustment(0, Effect.NOTICE, "n"))
    assert forgotten == [1.0, 0.0, 1.0, 0.0] + [1.0] * (plan.width - RESERVED - 4)
    assert factors(plan, Adjustment(0, Effect.NOTICE, "n"), split(2, 1))[:4] == [1.0, 0.0, 2.0, 0.0]


def test_factors_cannot_be_changed_by_a_caller():
    for change in (split(2, 1), Adjustment(0, Effect.CASH, "d", value=Fraction(2))):
        with pytest.raises(ValueError, match="read-only"):
            PLAN.factors([change], 8.0, 4.0)[0] = 5.0


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


READ_ONLY = np.broadcast_to(0.0, (2, PLAN.width))


@pytest.mark.parametrize(
    "state", [np.zeros((2, 5)), np.zeros((2, PLAN.width), "f4"), READ_ONLY], ids=["width", "float32", "read-only"]
)
def test_state_of_another_form_is_refused(state):
    with pytest.raises(FeatureError, match="float64"):
        PLAN.step(state, np.zeros(1, np.int64), columns(1))


@pytest.mark.parametrize("securities", [1, 2, 7, 8])
def test_the_order_of_memory_changes_no_byte(securities):
    rows, bars = np.arange(40) % securities, columns(40)
    forms = [PLAN.blank(securities), np.zeros((securities, PLAN.width)), np.zeros((PLAN.width, securities)).T]
    outs = [PLAN.step(state, rows, bars) for state in forms]
    assert len({out.tobytes() for out in outs}) == len({state.tobytes() for state in forms}) == 1
    assert forms[0].any()


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
    assert state[0, RESERVED] == 5
    assert state[0, RESERVED + 7] == 5
    assert not state[0, :RESERVED].any(), "the fold's own"


def test_the_digest_tells_plans_apart():
    plans = [
        PLAN,
        Plan("1m"),
        Plan("1d", FEATURES[:3]),
        Plan("1d", [average()]),
        Plan("1d", [average(params={"period": 4})]),
        Plan("1d", [average(policy=Policy.RAW)]),
    ]
    assert len({plan.digest() for plan in plans}) == len(plans)
    assert Plan("1d").digest() == PLAN.digest()


def test_each_row_describes_itself():
    rows = {row["name"]: row for row in PLAN.describe()}
    assert [output for row in PLAN.describe() for output in row["outputs"]] == list(PLAN.outputs)
    assert sum(row["state_bytes"] for row in PLAN.describe()) == 8 * (PLAN.width - RESERVED)
    assert rows["volatility"]["params"] == {"period": 20, "bars_per_year": 252}
    assert rows["volatility"]["inputs"] == ("log_return",)
    assert rows["rsi"]["flat"] == 0.0
    assert [rows[name]["policy"] for name in ("rsi", "log_total_return_ex")] == ["split", "total_ex"]
