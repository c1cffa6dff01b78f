"""Eigenvalues, loadings, clipping, partial correlation: against LAPACK, and laws of signs and ties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import linalg

from tests.oracles import estimators as oracle
from tests.oracles.returns import returns
from udfs.estimators import eigen, partial, shrinkage, spectrum

SHAPES = [(60, 5), (20, 20), (12, 30)]
shapes = pytest.mark.parametrize("shape", SHAPES)
whole = st.integers(1, 7).flatmap(lambda n: arrays("f8", (n, n), elements=st.integers(-3, 3).map(float)))


@settings(deadline=None)
@given(whole, st.integers(-300, 300))
def test_any_symmetric_matrix(half, power):
    matrix = (half + half.T) * 2.0**power
    values, vectors = eigen.symmetric(matrix)
    norm = max(np.abs(values).max(), 2.0**power)
    np.testing.assert_allclose(values, linalg.eigvalsh(matrix)[::-1], rtol=0, atol=1e-14 * norm)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(len(matrix)), atol=1e-14)
    np.testing.assert_allclose((vectors.T * values) @ vectors, matrix, rtol=0, atol=3e-14 * norm)


def test_a_matrix_with_gaps_gives_nothing():
    values, vectors = eigen.symmetric(np.array([[1.0, np.nan], [np.nan, 1.0]]))
    assert np.isnan(values).all()
    assert np.isnan(vectors).all()
    assert eigen.symmetric(np.empty((0, 0)))[0].shape == (0,)


@shapes
@pytest.mark.parametrize("scaled", [True, False])
def test_components_equal_lapack(shape, scaled):
    matrix = returns(*shape)
    wanted = np.corrcoef(matrix.T) if scaled else np.cov(matrix.T, ddof=0)
    values, vectors = linalg.eigh(wanted)
    found = spectrum.components(matrix, 4, scaled=scaled)
    np.testing.assert_allclose(found.values, values[::-1][:4], rtol=0, atol=1e-14 * values[-1])
    assert found.total == pytest.approx(np.trace(wanted), rel=1e-13)
    for k in range(4):
        vector = vectors[:, -1 - k]
        vector = vector * np.sign(vector[np.abs(vector).argmax()])
        np.testing.assert_allclose(found.loadings[k], vector, rtol=0, atol=1e-12)
    assert found.absorbed(2) == pytest.approx(values[-2:].sum() / values.sum(), abs=1e-13)


@shapes
def test_components_of_members_in_another_order(shape):
    matrix = returns(*shape)
    order = np.random.default_rng(5).permutation(shape[1])
    found, other = spectrum.components(matrix, 3, scaled=True), spectrum.components(matrix[:, order], 3, scaled=True)
    np.testing.assert_allclose(other.values, found.values, rtol=1e-13)
    np.testing.assert_allclose(other.loadings, found.loadings[:, order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("change", [lambda x: x * 2.0**-7, lambda x: x + 2.0**10], ids=["scale", "offset"])
def test_components_of_correlations_have_no_unit(change):
    matrix = np.round(returns(30, 6) * 2**20) / 2**20
    found, other = spectrum.components(matrix, 3, scaled=True), spectrum.components(change(matrix), 3, scaled=True)
    assert other.values.tobytes() == found.values.tobytes()
    assert other.loadings.tobytes() == found.loadings.tobytes()


def test_equal_eigenvalues_have_no_loadings():
    #  columns at right angles: each direction of the plane is a component
    square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    found = spectrum.components(square, 2, scaled=True)
    assert found.values.tolist() == [1.0, 1.0]
    assert np.isnan(found.loadings).all()


@pytest.mark.parametrize("bars", [8, 60])
def test_a_tie_for_the_largest_loading_goes_to_the_first_column(bars):
    matrix = returns(bars, 1)
    found = spectrum.components(np.hstack([-matrix, matrix] * 10), 2, scaled=False)
    np.testing.assert_allclose(found.loadings[0], [1 / math.sqrt(20), -1 / math.sqrt(20)] * 10, atol=1e-14)
    assert np.isnan(found.loadings[1]).all(), "nothing is left for a second component"


def test_flat_members_and_more_components_than_members():
    matrix = returns(30, 3)
    matrix[:, 1] = 0.1
    found = spectrum.components(matrix, 4, scaled=True)
    assert np.isnan(found.values).tolist() == [False, False, True, True]
    assert np.isnan(found.loadings[0]).tolist() == [False, True, False]
    assert found.total == 2.0
    clean = spectrum.clipped(matrix)
    assert np.isnan(clean[1]).all()
    assert not np.isnan(clean[np.ix_([0, 2], [0, 2])]).any()
    assert math.isnan(spectrum.components(np.ones((5, 2)), 1, scaled=False).absorbed(1))


@shapes
def test_clipping(shape):
    matrix = returns(*shape)
    found = spectrum.clipped(matrix)
    np.testing.assert_allclose(found, oracle.clipped(matrix), rtol=0, atol=1e-12)
    assert np.trace(found) == pytest.approx(shape[1], rel=1e-13)
    assert np.linalg.eigvalsh(found).min() > -1e-13
    assert found.tobytes() == found.T.copy().tobytes()


@shapes
def test_of_a_matrix_as_of_its_window(shape):
    matrix = np.insert(returns(*shape), 1, 0.1, axis=1)
    correlations = np.full((shape[1] + 1, shape[1] + 1), np.nan)
    there = np.delete(np.arange(shape[1] + 1), 1)
    correlations[np.ix_(there, there)] = np.corrcoef(matrix[:, there].T)
    found, wanted = spectrum.components_of(correlations, 3), spectrum.components(matrix, 3, scaled=True)
    for each, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(each, other, rtol=1e-12, atol=1e-12)
    found = spectrum.clipped_of(correlations, shape[0])
    np.testing.assert_allclose(found, spectrum.clipped(matrix), rtol=0, atol=1e-12)


def test_clipping_leaves_nothing_of_noise():
    noise = np.random.default_rng(1).normal(size=(200, 10))
    assert np.linalg.eigvalsh(np.corrcoef(noise.T)).max() < spectrum.edge(200, 10)
    np.testing.assert_allclose(spectrum.clipped(noise), np.eye(10), atol=1e-14)


@shapes
@pytest.mark.parametrize("of", [shrinkage.identity, shrinkage.oas])
def test_partial_correlations_equal_the_inverse(shape, of):
    matrix = returns(*shape)
    to = of(shrinkage.norms(matrix))
    shrunk = shrinkage.shrunk_to_identity(np.cov(matrix.T, ddof=0), to)
    first, second = np.array([0, 1, 4, 2]), np.array([1, 3, 0, 4])
    found = partial.of_pairs(matrix, to, first, second)
    wanted = [oracle.partial(shrunk, i, j) for i, j in zip(first, second, strict=True)]
    assert found.tolist() == pytest.approx(wanted, abs=1e-12)
    assert partial.of_covariance(shrunk, first, second).tolist() == pytest.approx(wanted, abs=1e-12)


def test_partial_correlation_takes_the_third_out():
    random = np.random.default_rng(2)
    market, noise = random.normal(size=(500, 1)), random.normal(size=(500, 2))
    matrix = np.hstack([market, market + noise])
    sample = shrinkage.Shrinkage(0.0, 1.0)
    assert np.corrcoef(matrix.T)[1, 2] > 0.4
    assert abs(partial.of_pairs(matrix, sample, np.array([1]), np.array([2]))[0]) < 0.1


def test_partial_correlation_of_what_has_none():
    matrix = returns(30, 4)
    matrix[:, 1] = 0.0
    to = shrinkage.identity(shrinkage.norms(matrix))
    found = partial.of_pairs(matrix, to, np.array([0, 0, 2]), np.array([1, 2, 2]))
    assert np.isnan(found).tolist() == [True, False, True]
    singular = np.hstack([matrix[:, :1]] * 2)
    assert np.isnan(partial.of_pairs(singular, shrinkage.Shrinkage(0.0, 1.0), np.array([0]), np.array([1]))).all()
