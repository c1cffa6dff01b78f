"""The heat map: members in the order of the tree of average linkage, and its colours."""

import itertools
from io import BytesIO

import matplotlib.image
import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from tickloom import heat_map


def correlations(seed: int, n: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Of members that follow their group, shuffled; and who is in which."""
    draw = np.random.default_rng(seed)
    group = draw.permutation(np.arange(n) % groups)
    returns = draw.normal(size=(200, groups))[:, group] + 0.7 * draw.normal(size=(200, n))
    return np.corrcoef(returns.T), group


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_of_the_tree_of_average_linkage(seed: int) -> None:
    """Each cluster of scipy's tree stands together."""
    of, _ = correlations(seed, 40, 1 + seed % 5)
    places = np.argsort(heat_map.order(of))
    condensed = squareform(np.sqrt(2 * (1 - of)), checks=False)
    clusters = [{i} for i in range(len(of))]
    for i, j, _, _ in linkage(condensed, "average"):
        clusters.append(clusters[int(i)] | clusters[int(j)])
        stand = sorted(places[list(clusters[-1])])
        assert stand[-1] - stand[0] == len(stand) - 1


def test_neighbours_are_nearer_than_in_the_tree_as_it_falls() -> None:
    """Turning the branches: members on a line, each like the next, come out as that line."""
    place = np.arange(30)
    of = 0.9 ** np.abs(place[:, None] - place)
    shuffled = np.random.default_rng(1).permutation(30)
    found = shuffled[heat_map.order(of[np.ix_(shuffled, shuffled)])]
    assert found.tolist() in (place.tolist(), place[::-1].tolist())


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_equal_distances_are_an_order_too(n: int) -> None:
    assert sorted(heat_map.order(np.ones((n, n)))) == list(range(n))


def test_groups_stand_together() -> None:
    of, group = correlations(3, 300, 6)
    assert len(list(itertools.groupby(group[heat_map.order(of)]))) == 6


@pytest.mark.parametrize("n", [2, 40, 140])
def test_colours(n: int) -> None:
    """Half of the map at 1, half at -1, which are the ends of the scale."""
    side, file = np.where(np.arange(n) < n // 2, 1.0, -1.0), BytesIO()
    heat_map.draw(np.outer(side, side), [f"S{i}" for i in range(n)], "title", file, "png")
    image = np.round(255 * matplotlib.image.imread(BytesIO(file.getvalue()))[:, :, :3])
    for colour in ((103, 0, 31), (5, 48, 97)):
        share = (np.abs(image - colour) <= 1).all(axis=2).mean()
        assert 0.2 < share < 0.5
