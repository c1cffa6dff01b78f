"""Clusters and correlation breaks: against scipy and naive twins, with ties, duplicates and flat members."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from tests.oracles import estimators as oracle
from tests.oracles.returns import returns
from udfs.estimators import breaks, clusters

both = pytest.mark.parametrize("single", [True, False])


def groups(found) -> list[list[int]]:
    """The members of each cluster."""
    return sorted(np.flatnonzero(found == each).tolist() for each in set(np.asarray(found).tolist()))


@both
@pytest.mark.parametrize("cut", [0.3, 0.9, 1.1, 1.3, 2.0])
def test_clusters_equal_scipy(single, cut):
    correlations = np.corrcoef(returns(30, 25).T)
    distance = clusters.distances(correlations)
    tree = hierarchy.linkage(squareform(distance, checks=False), "single" if single else "average")
    found = clusters.labels(correlations, cut, single=single)
    assert groups(found) == groups(hierarchy.fcluster(tree, cut, "distance"))
    assert all(found[each] == each for each in set(found.tolist())), "a label is the smallest member"


# few values: ties everywhere
@settings(deadline=None)
@given(st.integers(1, 7), st.data())
@both
def test_ties_go_by_the_rule(single, count, data):
    correlations = np.eye(count)
    for i in range(count):
        for j in range(i):
            correlations[i, j] = correlations[j, i] = data.draw(st.sampled_from([-1.0, 0.0, 0.5, 0.875, 1.0]))
    cut = data.draw(st.sampled_from([0.0, 0.5, 1.0, 1.2, 1.5, 2.0]))
    wanted = oracle.labels(clusters.distances(correlations), cut, single=single)
    assert clusters.labels(correlations, cut, single=single).tolist() == wanted


@both
def test_labels_follow_the_members(single):
    correlations = np.corrcoef(returns(30, 25).T)
    order = np.random.default_rng(3).permutation(25)
    found = clusters.labels(correlations, 1.1, single=single)
    other = clusters.labels(correlations[np.ix_(order, order)], 1.1, single=single)
    assert sorted(sorted(order[each].tolist()) for each in groups(other)) == groups(found)


@both
def test_a_flat_member_has_no_cluster(single):
    correlations = np.corrcoef(returns(30, 5).T)
    gap = np.insert(np.insert(correlations, 2, np.nan, axis=0), 2, np.nan, axis=1)
    names = np.array([0, 1, 3, 4, 5])
    wanted = names[clusters.labels(correlations, 1.2, single=single)].tolist()
    assert clusters.labels(gap, 1.2, single=single).tolist() == [*wanted[:2], -1, *wanted[2:]]
    assert clusters.labels(np.ones((3, 3)), 0.0, single=single).tolist() == [0, 0, 0], "duplicates"


@pytest.mark.parametrize("shape", [(20, 6), (12, 30)])
def test_breaks_equal_their_definition(shape):
    before, after = returns(*shape), returns(shape[0] + 5, shape[1], seed=1)
    found = breaks.score(before, after)
    members, everybody = oracle.break_scores(before, after)
    assert found.members.tolist() == pytest.approx(members, abs=1e-13)
    assert found.whole == pytest.approx(everybody, abs=1e-13)


def test_breaks_of_equal_and_of_opposite_structure():
    matrix = np.round(returns(30, 4) * 2**20) / 2**20
    same = breaks.score(matrix, matrix * 4.0 + 2.0**10)
    assert max(same.whole, *same.members) <= 1e-14
    pair = returns(30, 1)
    twins, mirrors = np.hstack([pair, pair]), np.hstack([pair, -pair])
    assert breaks.score(twins, mirrors).whole == pytest.approx(1.0)


def test_breaks_leave_flat_members_out():
    before, after = returns(20, 5), returns(20, 5, seed=1)
    wanted = breaks.score(before[:, [0, 1, 4]], after[:, [0, 1, 4]])
    before[:, 2], after[:, 3] = 0.1, 0.0
    found = breaks.score(before, after)
    assert found.whole == wanted.whole
    assert found.members[[0, 1, 4]].tobytes() == wanted.members.tobytes()
    assert np.isnan(found.members[[2, 3]]).all()
    assert math.isnan(breaks.score(np.ones((4, 2)), np.ones((4, 2))).whole)


def test_breaks_of_members_in_another_order():
    before, after, order = returns(20, 6), returns(20, 6, seed=1), [3, 1, 5, 0, 2, 4]
    found, other = breaks.score(before, after), breaks.score(before[:, order], after[:, order])
    assert other.whole == pytest.approx(found.whole, abs=1e-14)
    np.testing.assert_allclose(other.members, found.members[order], rtol=0, atol=1e-14)
