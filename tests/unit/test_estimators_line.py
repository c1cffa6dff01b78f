"""Betas, own volatility and rank correlation of members beside a series: twins, scipy, and laws that bytes obey."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tests.oracles import correlation as plain
from tests.oracles import estimators as oracle
from tests.oracles.returns import entries, returns
from udfs.estimators import line, spearman
from udfs.estimators.mean_correlation import mean_correlation

windows = st.tuples(st.integers(2, 9), st.integers(1, 6)).flatmap(lambda shape: arrays("f8", shape, elements=entries))
compiled = settings(deadline=None)  # the first example compiles


def numbers(matrix: np.ndarray, series: np.ndarray) -> np.ndarray:
    """All that a member has beside a series, float64[6, N]."""
    more = line.through_origin(matrix, series), line.downside(matrix, series), spearman.to_series(matrix, series)
    return np.array([*line.on(matrix, series), *more])


@compiled
@given(windows)
def test_equal_their_definitions(matrix):
    series = line.market(matrix)
    wanted = plain.market(matrix.T.tolist())
    assert series.tolist() == pytest.approx(wanted, abs=1e-15)
    found, of, down = line.on(matrix, series), series.tolist(), series < 0.0
    for j, column in enumerate(matrix.T.tolist()):
        below = matrix[down, j].tolist()
        # the market of two opposite members is flat but for rounding: both sides must see one series
        for value, want in (
            (found.beta, plain.beta(column, of)),
            (found.correlation, plain.correlation(column, of)),
            (line.through_origin(matrix, series), oracle.through_origin(column, of)),
            (line.downside(matrix, series), plain.beta(below, series[down].tolist()) if below else math.nan),
        ):
            assert value[j] == pytest.approx(want, rel=1e-12, abs=1e-12, nan_ok=True)
        rest = oracle.idiosyncratic(column, of)
        assert found.idiosyncratic[j] == pytest.approx(rest, abs=1e-12, nan_ok=True)


def test_a_market_with_gaps():
    matrix = returns(20, 4)
    matrix[3, 1] = matrix[5] = math.nan
    found = line.market(matrix)
    assert found.tolist() == pytest.approx(plain.market(matrix.T.tolist()), abs=1e-15, nan_ok=True)
    assert np.flatnonzero(np.isnan(found)).tolist() == [5]
    complete = [0, 2, 3]
    assert np.isnan(line.on(matrix[:5], found[:5]).beta).tolist() == [False, True, False, False]
    assert (
        line.on(matrix[:5], found[:5]).beta[complete].tobytes()
        == line.on(matrix[:5, complete], found[:5]).beta.tobytes()
    )


def test_equal_numpy():
    matrix = returns(60, 12)
    series = line.market(matrix)
    found = line.on(matrix, series)
    for j in range(12):
        slope, intercept = np.polyfit(series, matrix[:, j], 1)
        rest = matrix[:, j] - slope * series - intercept
        assert found.beta[j] == pytest.approx(slope, abs=1e-12)
        assert found.correlation[j] == pytest.approx(np.corrcoef(matrix[:, j], series)[0, 1], abs=1e-14)
        assert found.idiosyncratic[j] == pytest.approx(math.sqrt(rest @ rest / 58), abs=1e-15)


@compiled
@given(windows)
def test_ranks_equal_scipy(matrix):
    n = matrix.shape[1]
    first, second = (each.ravel() for each in np.indices((n, n)))
    found = spearman.of_pairs(matrix, first, second).reshape(n, n)
    for i in range(n):
        for j in range(n):
            flat = np.ptp(matrix[:, i]) == 0 or np.ptp(matrix[:, j]) == 0
            wanted = math.nan if flat else stats.spearmanr(matrix[:, i], matrix[:, j]).statistic
            assert found[i, j] == pytest.approx(wanted, abs=1e-12, nan_ok=True)
    assert np.isin(np.diag(found)[np.ptp(matrix, axis=0) > 0], [1.0]).all()


@compiled
@given(windows, st.randoms(use_true_random=False))
def test_the_order_of_the_members_changes_no_byte(matrix, random):
    order = random.sample(range(matrix.shape[1]), matrix.shape[1])
    shuffled = matrix[:, order]
    assert line.market(shuffled).tobytes() == line.market(matrix).tobytes()
    wanted = numbers(matrix, line.market(matrix))[:, order]
    assert np.array_equal(numbers(shuffled, line.market(shuffled)), wanted, equal_nan=True)


@compiled
@given(windows, st.integers(-20, 20))
def test_scale_and_offset_are_exact(matrix, power):
    # fractions of 1024: a power of two and 2^20 more are exact
    series = line.market(matrix[:, :1])
    once, scaled = numbers(matrix, series), numbers(matrix * 2.0**power, series)
    for k, factor in enumerate((2.0**power, 1.0, 2.0**power, 2.0**power, 2.0**power, 1.0)):
        assert np.array_equal(once[k] * factor, scaled[k], equal_nan=True)
    moved = line.on(matrix + 2.0**20, series + 2.0**20)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(moved, line.on(matrix, series), strict=True))


@compiled
@given(windows)
def test_a_member_beside_itself(matrix):
    found = line.on(matrix, matrix[:, 0])
    if np.ptp(matrix[:, 0]):
        assert found.beta[0] == 1.0
        assert found.correlation[0] == pytest.approx(1.0, abs=1e-15)
        assert found.idiosyncratic[0] == 0.0 or len(matrix) < 3
    else:
        assert np.isnan(np.array(found)).all(), "nobody has a beta to what does not move"


def test_a_flat_member_has_nothing_and_changes_nobody():
    matrix = returns(60, 5)
    matrix[:, 2] = 0.1
    series = line.market(returns(60, 5))
    found = numbers(matrix, series)
    assert np.isnan(found[:, 2]).all()
    rest = [0, 1, 3, 4]
    assert found[:, rest].tobytes() == numbers(matrix[:, rest], series).tobytes()
    assert not np.isnan(found[:, rest]).any()


def test_rank_correlation_sees_only_order():
    matrix = returns(60, 3)
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    assert spearman.of_pairs(matrix**3, first, second).tobytes() == spearman.of_pairs(matrix, first, second).tobytes()
    assert spearman.to_series(matrix, -matrix[:, 1])[1] == -1.0


def test_downside_needs_two_falling_bars():
    matrix, series = returns(5, 2), np.array([0.1, 0.2, -0.1, 0.3, 0.4])
    assert np.isnan(line.downside(matrix, series)).all()
    assert not np.isnan(line.downside(matrix, series, threshold=0.15)).any()


@compiled
@given(windows, st.randoms(use_true_random=False))
def test_mean_correlations(matrix, random):
    found, columns = mean_correlation(matrix), matrix.T.tolist()
    pairs = np.array([[plain.correlation(a, b) for b in columns] for a in columns])
    there = ~np.isnan(np.diag(pairs))
    m = there.sum()
    if m < 2:
        assert np.isnan([*found.members, found.whole]).all()
        return
    wanted = np.where(there, (np.nansum(pairs, axis=0) - 1) / (m - 1), np.nan)
    np.testing.assert_allclose(found.members, wanted, rtol=0, atol=1e-12)
    assert found.whole == pytest.approx(np.nanmean(wanted), abs=1e-12)
    order = random.sample(range(len(columns)), len(columns))
    assert mean_correlation(matrix[:, order]).members.tobytes() == found.members[order].tobytes()
