"""Shrinkage against scikit-learn and a naive twin, from windows and from norms alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import OAS, LedoitWolf

from tests.oracles import estimators as oracle
from tests.oracles.prices import REAL_SPLITS, SYMBOLS, by_talib_split, real
from tests.oracles.returns import returns
from udfs.estimators import shrinkage, spectrum

SHAPES = [(60, 5), (60, 40), (20, 20), (12, 50)]
shapes = pytest.mark.parametrize("shape", SHAPES)
seeds = st.tuples(st.integers(3, 14), st.integers(3, 9), st.integers(0, 10**6))


@shapes
@pytest.mark.parametrize(("ours", "theirs"), [(shrinkage.identity, LedoitWolf), (shrinkage.oas, OAS)])
def test_equals_scikit_learn(shape, ours, theirs):
    matrix = returns(*shape)
    wanted = theirs().fit(matrix)
    found = ours(shrinkage.norms(matrix))
    assert found.intensity == pytest.approx(wanted.shrinkage_, abs=1e-12)
    covariance = np.cov(matrix.T, ddof=0)
    np.testing.assert_allclose(shrinkage.shrunk_to_identity(covariance, found), wanted.covariance_, rtol=0, atol=1e-15)


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_any_shape_equals_scikit_learn_and_the_twin(given_seeds):
    matrix = returns(*given_seeds)
    of = shrinkage.norms(matrix)
    assert shrinkage.identity(of).intensity == pytest.approx(LedoitWolf().fit(matrix).shrinkage_, abs=1e-12)
    assert shrinkage.oas(of).intensity == pytest.approx(OAS().fit(matrix).shrinkage_, abs=1e-12)
    assert shrinkage.constant_correlation(matrix) == pytest.approx(oracle.constant_correlation(matrix), abs=1e-12)


def test_real_returns():
    shown = [symbol for symbol in SYMBOLS if symbol != "FB"]  # which is not listed yet
    series = [by_talib_split(real(s), REAL_SPLITS.get(s, []))["log_return"][-1000:] for s in shown]
    for end in range(60, 1000, 94):
        matrix = np.array(series).T[end - 60 : end]
        of = shrinkage.norms(matrix)
        assert shrinkage.identity(of).intensity == pytest.approx(LedoitWolf().fit(matrix).shrinkage_, abs=1e-12)
        assert shrinkage.oas(of).intensity == pytest.approx(OAS().fit(matrix).shrinkage_, abs=1e-12)
        assert shrinkage.constant_correlation(matrix) == pytest.approx(oracle.constant_correlation(matrix), abs=1e-12)
        found = spectrum.components(matrix, 4, scaled=True).values
        np.testing.assert_allclose(found, np.linalg.eigvalsh(np.corrcoef(matrix.T))[::-1], rtol=0, atol=1e-13)


@shapes
def test_norms_are_those_of_the_covariance(shape):
    matrix = returns(*shape)
    covariance = np.cov(matrix.T, ddof=0)
    lengths = ((matrix - matrix.mean(axis=0)) ** 2).sum(axis=1)
    wanted = (*shape, np.trace(covariance), (covariance**2).sum(), (lengths**2).sum())
    assert shrinkage.norms(matrix) == pytest.approx(wanted, rel=1e-13)


@shapes
def test_towards_constant_correlation(shape):
    matrix = returns(*shape)
    found = shrinkage.constant_correlation(matrix)
    assert found == pytest.approx(oracle.constant_correlation(matrix), abs=1e-12)
    covariance = np.cov(matrix.T, ddof=0)
    shrunk = shrinkage.shrunk_to_constant_correlation(covariance, found)
    assert np.diag(shrunk).tolist() == np.diag(covariance).tolist()
    assert np.linalg.eigvalsh(shrunk).min() > 0
    pairs = shrunk / np.sqrt(np.outer(np.diag(shrunk), np.diag(shrunk)))
    assert (pairs.sum() - shape[1]) / (shape[1] * (shape[1] - 1)) == pytest.approx(found.scale, abs=1e-12)


@pytest.mark.parametrize(
    "change",
    [lambda x: x * 2.0**-9, lambda x: x[:, ::-1], lambda x: x + 2.0**12, lambda x: x[::-1]],
    ids=["scale", "order of members", "offset", "order of bars"],
)
def test_what_does_not_move_an_intensity(change):
    matrix = np.round(returns(60, 8) * 2**20) / 2**20  # an offset is exact
    other = change(matrix)
    for of in (shrinkage.identity, shrinkage.oas):
        once, again = of(shrinkage.norms(matrix)).intensity, of(shrinkage.norms(other)).intensity
        assert 0 < once < 1
        assert again == pytest.approx(once, abs=1e-13)
    found = shrinkage.constant_correlation(other)
    assert found == pytest.approx(shrinkage.constant_correlation(matrix), abs=1e-13)


def test_members_that_do_not_vary():
    matrix = returns(30, 6)
    flat = np.insert(matrix, 2, 0.1, axis=1)
    assert shrinkage.constant_correlation(flat) == shrinkage.constant_correlation(matrix)
    assert shrinkage.identity(shrinkage.norms(flat)).intensity == pytest.approx(
        LedoitWolf().fit(flat).shrinkage_, abs=1e-12
    )
    nothing = np.full((30, 3), 0.1)
    for found in (
        shrinkage.identity(shrinkage.norms(nothing)),
        shrinkage.oas(shrinkage.norms(nothing)),
        shrinkage.constant_correlation(nothing),
    ):
        assert math.isnan(found.intensity)


def test_a_sample_that_is_its_target():
    #  two columns at right angles, of one length: S = mu I
    square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert shrinkage.identity(shrinkage.norms(square)) == (0.0, 1.0)
    assert shrinkage.oas(shrinkage.norms(square)) == (1.0, 1.0)
    assert shrinkage.constant_correlation(returns(20, 2)).intensity == 0.0
    duplicates = np.repeat(returns(20, 1), 4, axis=1)
    assert shrinkage.constant_correlation(duplicates) == pytest.approx((0.0, 1.0), abs=1e-14)
