"""Time that leaps, as it does after an outage that was longer than the horizon: what waits is applied before."""

import numpy as np
import pytest

from tests.oracles.world import MINUTE, Clean, World, short_windows, tape
from tests.property.test_truth import differing
from udfs.log import Horizon


@pytest.mark.parametrize("seed", range(5))
def test_a_change_that_waits_while_time_leaps_is_not_forgotten(seed: int) -> None:
    """As after an outage: a late tick was taken in, and hours pass at once before its turn has come."""
    ticks = tape(seed, 600, 3, amended=0)
    ends = (ticks.event_time // MINUTE + 1) * MINUTE
    times = np.unique(ends)[:280]
    early, late = ends <= times[40], (ends == times[30]) & (np.cumsum(ends == times[30]) % 2 == 1)
    after = ~early & (ends <= times[-1])
    moves = [("hear", ticks.take(early & ~late)), ("pass", int(times[40])), ("hear", ticks.take(late))]
    moves += [("hear", ticks.take(after)), ("pass", int(times[-1]))]
    with short_windows():
        world = World(2, Horizon(20, 3)).run(moves)
        assert (late.any(), world.simulation.refused) == (True, 0)
        assert differing(world.rows(), Clean.of(ticks.take(early | after), []).rows) == []
