"""Other futures of a table of bars and its actions: what a feature at or before a cut must not notice.

In: a World and a cut, microseconds UTC. Out: a World that is the same up to the cut: its bars that end by then, its
actions whose ex time is before. This file must not know features.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tickloom.leaks.world import DAY, Random, World, part, rumours
from udfs.adjustment import when
from udfs.bars import CLOSE, HIGH, LOW, OPEN, TRADES, VOLUME
from udfs.batch import Tape
from udfs.kernels.state import Floats

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
    return replace(world, bars=part(world.bars, world.bars.times <= cut))


def other_symbols(world: World, cut: int, rng: Random) -> World:
    """Some symbols end at the cut, others have gaps, new ones begin."""
    bars, count = world.bars, len(world.bars.names)
    later, drawn = bars.times > cut, rng.random((2, count))
    kept = np.flatnonzero(~later | (drawn[0] > 0.3)[bars.rows] & (rng.random(len(later)) > 0.2))
    twins = np.flatnonzero(later & (drawn[1] > 0.5)[bars.rows])
    new = np.flatnonzero(later & (bars.rows == rng.integers(count)))
    names = [*bars.names, *(name + "+" for name in bars.names), "!", "~"]
    rows = [bars.rows[kept], bars.rows[twins] + count, np.full(len(new), 2 * count), np.full(len(new), 2 * count + 1)]
    source = part(bars, np.concatenate([kept, twins, new, new]))
    return replace(world, bars=_ordered(replace(source, names=names, rows=np.concatenate(rows))))


def other_actions(world: World, cut: int, rng: Random) -> World:
    """Of the events with no ex time before the cut half are gone, or their last words; one of every type is new."""
    begun = {each["event_id"] for each in world.actions if when(each) < cut}
    stay = [each for each in world.actions if each["event_id"] in begun or rng.random() < 0.5]
    first = -(-cut // DAY)
    days = range(first, max(first, world.ends[-1] // DAY) + 1)
    return replace(world, actions=stay + rumours(rng, world.bars.names, days, [world.ends[0]]))


FUTURES: dict[str, Future] = {
    "other bars": other_bars, "no bars": no_bars, "other symbols": other_symbols, "other actions": other_actions,
}  # fmt: skip


def moved(values: Floats, rng: Random) -> Floats:
    """Bars float64[n, 12] with other prices (high and low around them), volumes and numbers of trades."""
    found: Floats = values * np.exp(rng.normal(0, SWING, values.shape))
    both = found[:, [OPEN, CLOSE]]
    spread = 1 + rng.uniform(0, SWING, (2, len(values)))
    found[:, HIGH], found[:, LOW] = both.max(axis=1) * spread[0], both.min(axis=1) / spread[1]
    found[:, [VOLUME, TRADES]] = np.round(found[:, [VOLUME, TRADES]])
    return found


def _ordered(bars: Tape) -> Tape:
    """The same with names ascending, and bars by time, then name."""
    order = np.argsort(bars.names)
    rows = np.argsort(order)[bars.rows]
    return part(Tape([bars.names[i] for i in order], rows, bars.times, bars.values), np.lexsort((rows, bars.times)))
