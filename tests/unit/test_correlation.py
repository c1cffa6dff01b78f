"""The cross-section against its naive twin, numpy, and the rules for gaps, flat symbols and ties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.oracles import correlation as oracle
from tests.oracles.prices import REAL_SPLITS, SYMBOLS, by_talib_split, real
from udfs.correlation import cross_section

# coarse values, so that ties and flat columns come up, in binary fractions, so that flat is not a matter of rounding
entries = st.one_of(st.integers(-1, 1), st.integers(-512, 512)).map(lambda x: x / 1024)
matrices = st.tuples(st.integers(2, 9), st.integers(1, 7)).flatmap(lambda shape: arrays("f8", shape, elements=entries))


def returns(count, members, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(0, 0.02, (count, members)) + random.normal(0, 0.01, (count, 1))


@settings(deadline=None)  # the first example compiles
@given(matrices, st.sets(st.tuples(st.integers(0, 8), st.integers(0, 6)), max_size=3))
def test_equals_its_definition(matrix, gaps):
    for t, j in gaps:
        if t < matrix.shape[0] and j < matrix.shape[1]:
            matrix[t, j] = math.nan
    found, columns = cross_section(matrix), matrix.T.tolist()
    market = oracle.market(columns)
    for j, column in enumerate(columns):
        others = {k: oracle.correlation(column, other) for k, other in enumerate(columns) if k != j}
        known = {k: value for k, value in others.items() if not math.isnan(value)}
        assert found.corr_market[j] == pytest.approx(oracle.correlation(column, market), abs=1e-9, nan_ok=True)
        assert found.beta_market[j] == pytest.approx(oracle.beta(column, market), rel=1e-9, abs=1e-9, nan_ok=True)
        assert found.peer_corr[j] == pytest.approx(max(known.values(), default=math.nan), abs=1e-12, nan_ok=True)
        peer = int(found.peer[j])
        assert known[peer] == pytest.approx(max(known.values()), abs=1e-12) if known else peer == -1


@pytest.mark.parametrize("members", [2, 5, 40])
def test_equals_numpy(members):
    matrix = returns(60, members)
    found, market = cross_section(matrix), matrix.mean(axis=1)
    both = np.corrcoef(matrix.T, market)
    pairs = both[:-1, :-1] - 3 * np.eye(members)
    np.testing.assert_allclose(found.corr_market, both[-1, :-1], atol=1e-13)
    np.testing.assert_allclose(found.beta_market, np.cov(matrix.T, market)[-1, :-1] / market.var(ddof=1), atol=1e-13)
    np.testing.assert_array_equal(found.peer, pairs.argmax(axis=1))
    np.testing.assert_allclose(found.peer_corr, pairs.max(axis=1), atol=1e-13)


def test_real_returns():
    # the four symbols of 2005 on; FB is not listed yet
    shown = [s for s in SYMBOLS if s != "FB"]
    series = [by_talib_split(real(s), REAL_SPLITS.get(s, []))["log_return"][-1000:] for s in shown]
    for end in range(60, 1000, 47):
        matrix = np.array(series).T[end - 60 : end]
        found, pairs = cross_section(matrix), np.corrcoef(matrix.T) - 3 * np.eye(4)
        np.testing.assert_array_equal(found.peer, pairs.argmax(axis=1))
        np.testing.assert_allclose(found.peer_corr, pairs.max(axis=1), atol=1e-12)


def test_a_symbol_with_a_gap_gives_nothing_but_counts_for_the_market():
    whole = returns(60, 4)
    gap = whole.copy()
    gap[7, 2] = np.nan
    found = cross_section(gap)
    assert np.isnan([found.corr_market[2], found.beta_market[2], found.peer_corr[2]]).all()
    assert found.peer[2] == -1
    assert 2 not in found.peer
    market = np.nanmean(gap, axis=1)
    assert found.corr_market[0] == pytest.approx(np.corrcoef(gap[:, 0], market)[0, 1], abs=1e-14)


@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3])
def test_a_flat_symbol_gives_nothing(value):
    matrix = returns(60, 3)
    matrix[:, 1] = value
    found = cross_section(matrix)
    assert np.isnan([found.corr_market[1], found.beta_market[1], found.peer_corr[1]]).all()
    assert found.peer.tolist() == [2, -1, 0]


def test_ties_go_to_the_first_symbol():
    #            a  b  a  a
    matrix = returns(60, 2)[:, [0, 1, 0, 0]]
    assert cross_section(matrix).peer.tolist() == [2, 0, 0, 0]
    assert cross_section(matrix).peer_corr[[0, 2, 3]] == pytest.approx([1.0] * 3, abs=1e-15)
    assert (cross_section(matrix).peer_corr <= 1.0).all()


def test_columns_that_take_no_part_change_no_byte():
    matrix = returns(60, 6)
    wide = np.full((60, 9), np.nan)
    wide[:, [0, 2, 3, 5, 6, 8]] = matrix
    narrow, found = cross_section(matrix), cross_section(wide)
    for name in ("corr_market", "beta_market", "peer_corr"):
        assert getattr(found, name)[[0, 2, 3, 5, 6, 8]].tobytes() == getattr(narrow, name).tobytes()


@pytest.mark.parametrize("shape", [(60, 0), (60, 1)])
def test_alone_in_the_world(shape):
    found = cross_section(returns(*shape))
    assert found.corr_market == pytest.approx([1.0] * shape[1])
    assert found.peer.tolist() == [-1] * shape[1]


def test_order_and_layout_of_memory_change_nothing():
    matrix = returns(60, 7)
    frozen = matrix.copy()
    frozen.flags.writeable = False
    for other in (np.asfortranarray(matrix), frozen, np.repeat(matrix, 2, axis=1)[:, ::2]):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(cross_section(other), cross_section(matrix), strict=True))
