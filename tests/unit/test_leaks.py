"""No feature looks ahead, and whoever lets one look ahead is told which, where and by what."""

import numpy as np
import pytest

from tests.oracles.planted_leaks import BATCHES, KERNELS, PLAYS, row
from tickloom.leaks import check
from tickloom.leaks.findings import Findings
from tickloom.leaks.world import World, market
from udfs.kernels import sma
from udfs.registry import FEATURES, Feature, feature

LOG_RETURN = FEATURES[0]
OBV = next(row for row in FEATURES if row.name == "obv")
SMA = feature("sma", ("sma_5",), ("close",), sma.step, sma.STATE, 4, params={"period": 5})


def cuts(world: World, features: tuple[Feature, ...], points: int) -> list[int]:
    return check.cuts(world, features, points, np.random.default_rng(0))


def test_a_batch_of_the_registry_does_not_look_ahead() -> None:
    world, found = market(3), Findings()
    check.in_batch(world, FEATURES, cuts(world, FEATURES, 6), np.random.default_rng(0), found)
    assert found.first() == {}
    assert found.vacant() == []
    assert {output for output, _ in found.compared} >= {output for each in FEATURES for output in each.outputs}


def test_the_registry_as_known_does_not_change_later() -> None:
    world, found = market(4, 80), Findings()
    check.as_known(world, FEATURES, cuts(world, FEATURES, 8), 1, np.random.default_rng(0), found)
    assert found.first() == {}
    assert found.vacant() == ["sma_200"]


@pytest.mark.parametrize("name", KERNELS)
def test_a_planted_kernel_is_caught_and_named(name: str) -> None:
    world, features, found = market(1, 80), (LOG_RETURN, row(KERNELS[name])), Findings()
    check.in_batch(world, features, cuts(world, features, 12), np.random.default_rng(2), found)
    assert set(found.first()) == {"planted"}


@pytest.mark.parametrize("name", BATCHES)
def test_a_planted_batch_is_caught(name: str) -> None:
    compute, output, by = BATCHES[name]
    world, features, found = market(1, 120), (LOG_RETURN, SMA, OBV), Findings()
    check.in_batch(world, features, cuts(world, features, 16), np.random.default_rng(2), found, compute)
    assert (output, by) in found.leaks


@pytest.mark.parametrize("name", PLAYS)
def test_a_planted_read_as_known_is_caught(name: str) -> None:
    ways, by = PLAYS[name]
    world, features, found = market(1, 44), (LOG_RETURN, SMA, OBV), Findings()
    check.as_known(world, features, cuts(world, features, 16), 2, np.random.default_rng(2), found, **ways)
    assert by in {each for _, each in found.leaks}
