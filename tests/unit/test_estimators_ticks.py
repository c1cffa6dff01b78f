"""Estimators from ticks without a common clock against pairs of steps taken one by one, and planted leads."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import estimators as oracle
from udfs.estimators import hayashi_yoshida, refresh_time

prices = st.integers(1, 64).map(lambda eighths: eighths / 8)
tick = st.tuples(st.integers(0, 30), prices)
tapes = st.lists(tick, max_size=14).map(
    lambda ticks: (
        np.array([t for t, _ in sorted(ticks, key=lambda each: each[0])], np.int64),
        np.array([p for _, p in sorted(ticks, key=lambda each: each[0])], float),
    )
)
compiled = settings(deadline=None)


def walk(count: int, span: int, seed: int, path: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Ticks at random times of a random walk on a grid of `span` microseconds, or of a given one."""
    random = np.random.default_rng(seed)
    path = np.cumsum(random.normal(0, 1e-4, span)) if path is None else path
    times = np.sort(random.choice(span, count, replace=False))
    return times, 100 * np.exp(path[times])


@compiled
@given(tapes, tapes, st.integers(-35, 35))
def test_every_pair_of_overlapping_steps(x, y, lag):
    wanted = oracle.hayashi_yoshida(x, y)
    assert hayashi_yoshida.covariance(*x, *y) == pytest.approx(wanted, abs=1e-12, nan_ok=True)
    found = hayashi_yoshida.lead_lag(*x, *y, step_us=1, count=36)
    for each in (lag, 0, -lag):
        want = oracle.lead_lag(x, y, each)
        assert found.correlations[each + 36] == pytest.approx(want, abs=1e-12, nan_ok=True)
    assert hayashi_yoshida.covariance(*y, *x) == pytest.approx(wanted, abs=1e-12, nan_ok=True), "symmetric"


@compiled
@given(st.lists(tapes, min_size=1, max_size=4))
def test_refresh_times(ticks):
    ends, logs = refresh_time.refreshed(ticks)
    assert ends.tolist() == oracle.refresh_times(ticks)
    assert logs.shape == (len(ends), len(ticks))
    found = refresh_time.covariance(ticks)
    np.testing.assert_allclose(found, oracle.refresh_covariance(ticks), rtol=1e-12, atol=1e-12)


def test_longer_tapes():
    x, y = walk(400, 10_000, 1), walk(300, 10_000, 2)
    wanted = oracle.hayashi_yoshida(x, y)
    assert hayashi_yoshida.covariance(*x, *y) == pytest.approx(wanted, abs=1e-15)
    found = hayashi_yoshida.lead_lag(*x, *y, step_us=7)
    assert len(found.correlations) == 41
    assert found.correlations.tolist() == pytest.approx(
        [oracle.lead_lag(x, y, lag * 7) for lag in range(-20, 21)], abs=1e-12
    )
    np.testing.assert_allclose(
        refresh_time.covariance([x, y, walk(50, 10_000, 3)]),
        oracle.refresh_covariance([x, y, walk(50, 10_000, 3)]),
        rtol=0,
        atol=1e-15,
    )


def test_ticks_at_common_times_give_the_realised_covariance():
    times = np.arange(0, 1000, 10)
    random = np.random.default_rng(4)
    x, y = 50 * np.exp(np.cumsum(random.normal(0, 1e-3, (2, 100)), axis=1))
    moves = np.diff(np.log([x, y]))
    wanted = moves[0] @ moves[1]
    assert hayashi_yoshida.covariance(times, x, times, y) == pytest.approx(wanted, abs=1e-15)
    assert refresh_time.covariance([(times, x), (times, y)])[0, 1] == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize("lead", [-60, -20, 0, 40, 100])
def test_a_planted_lead_is_found(lead):
    path = np.cumsum(np.random.default_rng(6).normal(0, 1e-4, 20_000))
    x, y = walk(2000, 20_000, 7, path), walk(1500, 20_000, 8, np.roll(path, lead))  # y does later what x does
    found = hayashi_yoshida.lead_lag(*x, *y, step_us=20)
    assert found.lag_us == lead
    assert (found.strength > 1) == (lead > 0) or lead == 0
    assert found.correlations.max() > 0.5


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_scale_and_origin_of_time_change_nothing_but_rounding(factor):
    x, y = walk(200, 5000, 1), walk(200, 5000, 2)
    day = 1_700_000_000_000_000
    found = hayashi_yoshida.covariance(x[0] + day, x[1] * factor, y[0] + day, y[1])
    assert found == pytest.approx(hayashi_yoshida.covariance(*x, *y), abs=1e-15)
    ticks = [(x[0] + day, x[1] * factor), (y[0] + day, y[1])]
    np.testing.assert_allclose(refresh_time.covariance(ticks), refresh_time.covariance([x, y]), rtol=0, atol=1e-15)


def test_what_does_not_trade_or_move():
    nothing, one = (np.empty(0, np.int64), np.empty(0)), (np.array([5]), np.array([1.0]))
    flat, x = (np.array([0, 10, 20]), np.full(3, 7.0)), walk(50, 100, 1)
    for other in (nothing, one):
        assert math.isnan(hayashi_yoshida.covariance(*x, *other))
        assert math.isnan(hayashi_yoshida.lead_lag(*x, *other, step_us=1).strength)
        assert np.isnan(refresh_time.covariance([x, other])).all()
    assert hayashi_yoshida.covariance(*x, *flat) == 0.0
    found = hayashi_yoshida.lead_lag(*x, *flat, step_us=1)
    assert np.isnan(found.correlations).all()
    assert found.lag_us == 0


def test_the_last_of_ticks_at_one_time_counts():
    times, price = np.array([0, 5, 5, 9]), np.array([1.0, 99.0, 2.0, 4.0])
    same = np.array([0, 5, 9]), np.array([1.0, 2.0, 4.0])
    other = walk(20, 30, 1)
    assert hayashi_yoshida.covariance(times, price, *other) == hayashi_yoshida.covariance(*same, *other)


def test_what_is_no_tape_is_refused():
    good = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="tick 1 goes back"):
        hayashi_yoshida.covariance(np.array([2, 1]), good, np.array([1, 2]), good)
    with pytest.raises(ValueError, match="not above 0"):
        refresh_time.covariance([(np.array([1, 2]), np.array([1.0, 0.0]))])
