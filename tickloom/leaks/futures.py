"""Other futures of a table of bars and its actions: what a feature at or before a cut must not notice.

In: a World and a cut, microseconds UTC. Out: a World that is the same up to the cut: its bars that end by then, its
actions whose ex time is before. This file must not know features.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tickloom.leaks.world import DAY, Random, World, rumours
from udfs.adjustment import when
from udfs.bars import CLOSE, HIGH, LOW, OPEN, TRADES, VOLUME
from udfs.batch import Tape
from udfs.kernels.state import Floats, Rows

Future = Callable[[World, int, Random], World]
SWING = 0.5
"""Later prices and volumes are multiplied by about exp(+-SWING): enough to move any extreme, mean or rank."""


def other_bars(world: World, cut: int, rng: Random) -> World:
    """Other prices and volumes after the cut."""
    values, later = world.bars.values.copy(), np.flatnonzero(world.bars.times > cut)
    values[later] = moved(values[later], rng)
    return replace(world, bars=replace(world.bars, values=values))


def no_bars(world: World, cut: int, _: Random) -> World:
    """Nothing after the cut."""
    return replace(world, bars=_of(world.bars, np.flatnonzero(world.bars.times <= cut)))


def other_symbols(world: World, cut: int, rng: Random) -> World:
    """Some symbols end at the cut, others have gaps, new ones begin."""
    bars = world.bars
    ends_here = rng.random(len(bars.names)) < 0.3
    stay = (bars.times <= cut) | (~ends_here[bars.rows] & (rng.random(len(bars.rows)) > 0.2))
    twin = np.flatnonzero((bars.times > cut) & (rng.random(len(bars.names)) < 0.5)[bars.rows])
    names = [*bars.names, *(name + "+" for name in bars.names), "!", "~"]
    first = np.flatnonzero((bars.times > cut) & (bars.rows == rng.integers(len(bars.names))))
    rows = np.concatenate(
        [bars.rows[stay], bars.rows[twin] + len(bars.names), *(first * 0 + len(names) - k for k in (1, 2))]
    )
    whence = np.concatenate([np.flatnonzero(stay), twin, first, first])
    return replace(world, bars=_ordered(names, rows, bars.times[whence], bars.values[whence]))


def other_actions(world: World, cut: int, rng: Random) -> World:
    """Of the actions with an ex time at or after the cut half are gone; one of every type is new."""
    stay = [each for each in world.actions if when(each) < cut or rng.random() < 0.5]
    first = -(-cut // DAY)
    days = range(first, max(first, world.ends[-1] // DAY) + 1)
    return replace(world, actions=stay + rumours(rng, world.bars.names, days, [world.ends[0]]))


FUTURES: dict[str, Future] = {
    "other bars": other_bars, "no bars": no_bars, "other symbols": other_symbols, "other actions": other_actions,
}  # fmt: skip


def moved(values: Floats, rng: Random) -> Floats:
    """Bars float64[n, 6] with other prices (high and low around them), volumes and numbers of trades."""
    found: Floats = values * np.exp(rng.normal(0, SWING, values.shape))
    both = found[:, [OPEN, CLOSE]]
    spread = 1 + rng.uniform(0, SWING, (2, len(values)))
    found[:, HIGH], found[:, LOW] = both.max(axis=1) * spread[0], both.min(axis=1) / spread[1]
    found[:, [VOLUME, TRADES]] = np.round(found[:, [VOLUME, TRADES]])
    return found


def _of(bars: Tape, rows: Rows) -> Tape:
    return Tape(bars.names, bars.rows[rows], bars.times[rows], bars.values[rows])


def _ordered(names: list[str], rows: Rows, times: Rows, values: Floats) -> Tape:
    """A Tape of bars in any order, its names ascending."""
    place = np.argsort(np.argsort(names))[rows]
    order = np.lexsort((place, times))
    return Tape(sorted(names), place[order], times[order], values[order])
