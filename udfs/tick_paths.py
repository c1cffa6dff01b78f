"""The paths of a history: of a table of ticks, or of the four prints of each bar.

In: ticks as files have them, or bars. Out: by bar end the paths of the tickers that are watched, as paths.py has them.
Cancels, corrections and repeats are resolved by the live job's own code. This file must not know pairs or files.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.bars import CLOSE
from udfs.frame import PATHS
from udfs.kernels.state import Floats, Rows
from udfs.log import Horizon
from udfs.paths import Paths, paths
from udfs.prints import left
from udfs.tape import to_ticks
from udfs.tick_files import conform
from udfs.tick_shard import TickShard
from udfs.ticks import HEARTBEAT

History = dict[int, Paths]


class Bars(Protocol):
    """Bars in any order."""

    @property
    def names(self) -> list[str]:
        """Tickers, ascending."""

    @property
    def rows(self) -> Rows:
        """Each bar's place among them, int64[M]."""

    @property
    def times(self) -> Rows:
        """Bar ends, int64[M], microseconds UTC."""

    @property
    def values(self) -> Floats:
        """float64[M, 12], in the order of `udfs.bars.COLUMNS`."""


def of_ticks(table: pa.Table, watched: Collection[str], interval_us: int) -> History:
    """Of ticks in any order, as one shard that forgets nothing has them in the end."""
    ours = pc.is_in(table["symbol"].cast(pa.string()), pa.array(sorted(watched), pa.string()))
    if not pc.any(ours).as_py():
        return {}
    ticks = to_ticks(conform(table.filter(ours)))
    ticks = ticks.take(ticks.kind != HEARTBEAT)
    ends = (ticks.event_time // interval_us + 1) * interval_us
    order, last = np.argsort(ends, kind="stable"), int(ends.max())
    horizon = Horizon((last - int(ends.min())) // interval_us + 2)
    shard = TickShard(0, 1, interval_us, {}, horizon, watched=watched)
    for rows in np.split(order, np.flatnonzero(np.diff(ends[order])) + 1):
        shard.accept(ticks.take(rows))
    frames = shard.advance(last) + shard.amend()
    return {frame.event_time: paths(frame) for frame in frames if frame.view == PATHS}


def of_prints(bars: Bars, watched: Collection[str], interval_us: int) -> History:
    """Of bars, as a replay makes prints of them."""
    found: defaultdict[int, dict[str, Floats]] = defaultdict(dict)
    before = left(interval_us).astype(np.float64)
    for place in (i for i, name in enumerate(bars.names) if name in watched):
        for row in np.flatnonzero(bars.rows == place).tolist():
            path = np.column_stack([before, bars.values[row, : CLOSE + 1]])
            found[int(bars.times[row])][bars.names[place]] = path
    return dict(found)
