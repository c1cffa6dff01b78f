"""Folds never let the future in, and the metrics are what their definitions say."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.errors import DataError
from tests.oracles.scoring import rank_correlation
from udfs.scoring.walkforward import folds, measure


def spans(found, event_time):
    return [(event_time[f.train].tolist(), event_time[f.test].tolist()) for f in found]


def test_folds_drawn():
    """Ten bars, two folds; the label of bar t is known at t + 1, so the bar before a test is embargoed.

    0 1 2 | 3 4 5 | 6 7 8 9
    learn x | test          3 is not known before 3 has closed: 2 is left out
    learn  ...  x | test    5 is left out
    """
    time = np.arange(10)
    found = folds(time, time + 1, 2)
    assert spans(found, time) == [([0, 1], [3, 4, 5]), ([0, 1, 2, 3, 4], [6, 7, 8, 9])]
    assert [(f.start, f.end) for f in found] == [(3, 5), (6, 9)]


def test_long_wait_for_a_label():
    """A symbol that trades again after eight bars: its label reaches into the tests, so it teaches nothing."""
    time, label_time = np.arange(9).repeat(2), (np.arange(9).repeat(2) + 1)
    label_time[1] = 8
    first, second = folds(time, label_time, 2)
    assert not first.train[1]
    assert not second.train[1]
    assert first.train[0]


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=60, max_size=200))
def test_nothing_of_the_future(count, rows):
    time = np.array([t for t, _ in rows])
    label_time = time + [wait for _, wait in rows]
    assume(len(set(time)) >= 3 * (count + 1))
    found = folds(time, label_time, count)
    assert all(label_time[f.train].max(initial=-1) < time[f.test].min() for f in found)
    tested = np.sum([f.test for f in found], axis=0)
    assert tested.max() == 1
    assert (tested == (time >= found[0].start)).all()


def test_too_few_bars():
    with pytest.raises(DataError, match="too few"):
        folds(np.arange(8), np.arange(8) + 1, 2)


def test_rank_correlation_as_the_twin():
    rng = np.random.default_rng(5)
    time = np.sort(rng.integers(0, 12, 60))
    forecast, outcome = rng.integers(0, 6, 60).astype(float), rng.normal(size=60).round(1)
    bars = [time == t for t in np.unique(time) if (time == t).sum() >= 3]
    single = [rank_correlation(forecast[b].tolist(), outcome[b].tolist()) for b in bars]
    expected = np.mean([ic for ic in single if not math.isnan(ic)])
    assert measure(time, forecast, outcome).ic == pytest.approx(expected, abs=1e-12)


TIME = np.array([1, 1, 1, 2, 2, 2])
MOVES = np.array([0.01, -0.02, 0.03, -0.01, 0.02, 0.0])
CASES = {
    "perfect": (MOVES, 1.0, 1.0, 0.6, 0.0),
    "opposite": (-MOVES, -1.0, 0.0, 0.6, 4.0),
    "zero": (MOVES * 0, math.nan, 0.0, 0.6, 1.0),
    "half the size": (MOVES / 2, 1.0, 1.0, 0.6, 0.25),
}


@pytest.mark.parametrize("name", CASES)
def test_metrics(name):
    forecast, *expected = CASES[name]
    found = measure(TIME, forecast, MOVES)
    assert found.rows == 6
    assert list(found[1:]) == pytest.approx(expected, nan_ok=True)


def test_two_symbols_have_no_rank_correlation():
    assert math.isnan(measure(np.array([1, 1, 2, 2]), MOVES[:4], MOVES[:4]).ic)
