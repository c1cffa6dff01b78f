"""Factors that look across the universe: kernels against pandas, and a plan that is stepped one bar time at a time."""

from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from udfs import catalogue
from udfs.bars import COLUMNS
from udfs.fold import Due, fold
from udfs.plan import Plan

ROWS = catalogue.rows("across")
PLAN = Plan("1d", ROWS)
compiled = settings(deadline=None)  # the first example compiles
values = st.lists(
    st.one_of(st.integers(-4, 4).map(float), st.just(np.nan), st.floats(-1e6, 1e6)), min_size=1, max_size=40
)


def columns(close):
    """Bars beside closes, of one time or many: an open above or below, and one of three groups."""
    return {"close": close, "open": np.abs(close) - 1.0, "trade_count": np.floor(np.abs(close)) % 3}


def median(of: pd.DataFrame) -> pd.Series:
    return of.median(axis=1)


def frames(bars: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What pandas makes of bars by time and symbol."""
    closes, rose, group = bars["close"], bars["close"] > bars["open"], bars["trade_count"]
    off = closes.sub(median(closes), axis=0)
    spread = 1.482602218505602 * median(off.abs())
    there, count = closes.notna(), closes.count(axis=1)
    mean_of_others = closes.mul(0).add(closes.sum(axis=1), axis=0).sub(closes).div((count - 1).where(count > 1), axis=0)
    within = closes.apply(lambda line: line - line.groupby(group.loc[line.name]).transform("mean"), axis=1)
    centred = closes.sub(closes.mean(axis=1), axis=0)
    deviation = closes.std(axis=1, ddof=0)
    sizes = closes.abs().sum(axis=1)
    return {
        "rank": closes.rank(axis=1, pct=True),
        "scale_1": closes.div(sizes.where(sizes > 0), axis=0),
        "demean": centred,
        "zscore_across": centred.div(deviation.where(deviation > 0), axis=0).where(deviation > 0, closes * 0),
        "robust_zscore": off.div(spread.where(spread > 0), axis=0).where(off != 0, off),
        "relative_strength": closes - mean_of_others,
        "breadth": there.mul(rose.sum(axis=1) / count, axis=0).where(there),
        "dispersion": there.mul(deviation, axis=0).where(there),
        "demean_within": within,
    }


def step(close: np.ndarray) -> np.ndarray:
    return PLAN.step(PLAN.blank(len(close)), np.arange(len(close)), columns(close))


@compiled
@given(values)
def test_one_bar_time_equals_pandas(given_values):
    close = np.array(given_values)
    size = np.nanmax(np.abs(close)) if not np.isnan(close).all() else 0.0
    flat = np.nanstd(close) < 1e-9 * size if size else True
    for name, wanted in frames(columns(pd.DataFrame([close]))).items():
        found = step(close)[:, PLAN.outputs.index(name)]
        if name == "zscore_across" and flat:  # pandas' mean of equal values need not be their value
            assert np.isnan(found[np.isnan(close)]).all()
            continue
        np.testing.assert_allclose(found, wanted.to_numpy()[0], rtol=1e-9, atol=1e-12 * max(size, 1), err_msg=name)


@compiled
@given(values, st.randoms(use_true_random=False))
@example([0.0, 0.0, 0.0, 1.0, -0.0, 0.0, 0.0], Random(0))
@example([0.0, 0.0, 0.0, 1.0, -0.0, 0.0, 0.0], Random(1))
@example([0.0, 0.0, 0.0, 1.0, -0.0, 0.0, 0.0], Random(4))
def test_the_order_of_the_members_changes_no_byte(given_values, random):
    close = np.array(given_values)
    order = random.sample(range(len(close)), len(close))
    assert step(close[order]).tobytes() == step(close)[order].tobytes()


@pytest.mark.parametrize(
    ("closes", "ranks"),
    [
        ([3.0], [1.0]),
        ([1.0, 2.0, 3.0, 4.0], [0.25, 0.5, 0.75, 1.0]),
        ([5.0, 1.0, 5.0], [2.5 / 3, 1 / 3, 2.5 / 3]),
        ([np.nan, 7.0, -7.0], [np.nan, 1.0, 0.5]),
        ([0.0, -0.0], [0.75, 0.75]),
    ],
)
def test_ranks(closes, ranks):
    np.testing.assert_array_equal(step(np.array(closes))[:, 0], ranks)


def test_equal_members_have_no_deviation():
    for close in (0.1, 1e300, -3.3e-5):
        found = dict(zip(PLAN.outputs, step(np.full(7, close)).T, strict=True))
        assert not found["demean"].any()
        assert not found["zscore_across"].any()
    assert np.isnan(step(np.zeros(3))[:, PLAN.outputs.index("scale_1")]).all(), "nothing to divide by"


def test_scores_of_the_middle():
    def of(*closes):
        return step(np.array(closes))[:, PLAN.outputs.index("robust_zscore")] * 1.482602218505602

    np.testing.assert_allclose(of(1.0, 2.0, 3.0, 4.0, 100.0), [-2, -1, 0, 1, 97], rtol=1e-14)
    np.testing.assert_array_equal(of(5.0, 5.0, 5.0, 9.0), [0.0, 0.0, 0.0, np.nan])


def test_groups_and_peers():
    bars = {"close": np.array([1.0, 3.0, 7.0, 4.0, 9.0]), "open": np.array([2.0, 2.0, 7.0, np.nan, 1.0])}
    bars["trade_count"] = np.array([1.0, 1.0, 2.0, np.nan, 2.0])
    found = dict(zip(PLAN.outputs, PLAN.step(PLAN.blank(5), np.arange(5), bars).T, strict=True))
    np.testing.assert_array_equal(found["demean_within"], [-1.0, 1.0, -1.0, np.nan, 1.0])
    np.testing.assert_array_equal(found["breadth"], [0.5, 0.5, 0.5, np.nan, 0.5])
    np.testing.assert_allclose(found["relative_strength"], [-4.75, -2.25, 2.75, -1.0, 5.25], rtol=1e-15)
    assert np.isnan(step(np.array([3.0, np.nan]))[:, PLAN.outputs.index("relative_strength")]).all(), "alone"


def test_a_fold_steps_one_bar_time_after_the_other():
    # A and C have bars at every time, B none at 20
    rows, times = np.array([0, 1, 2, 0, 2, 0, 1, 2]), np.array([10, 10, 10, 20, 20, 30, 30, 30])
    close = np.array([1.0, 2.0, 3.0, 9.0, 1.0, 4.0, 4.0, 2.0])
    bars = np.repeat(close[:, None], len(COLUMNS), axis=1)
    found = fold(PLAN, PLAN.blank(3), rows, times, bars, Due.of({}, {}))
    table = pd.DataFrame({"time": times, "row": rows, "close": close}).pivot_table("close", "time", "row")
    wanted = frames(dict.fromkeys(columns(table), table))  # every column of these bars is the close
    for k, name in enumerate(PLAN.outputs):
        given_there = wanted[name].to_numpy()[table.notna().to_numpy()]
        np.testing.assert_allclose(found[:, k], given_there, rtol=1e-14, err_msg=name)


def test_packs_that_look_across_are_computed_apart():
    assert PLAN.across
    assert not Plan("1d").across
    assert catalogue.chosen(["core", "across"], across=True) == ROWS
    assert catalogue.chosen(["core", "across"]) == catalogue.rows("core")
