"""Frames back into one table: what a stream emitted, as the batch would have written it.

In: feature frames of any shards, in any order, with their revisions. Out: the newest revision of every row.
"""

from collections.abc import Iterable
from functools import reduce

import numpy as np
import pyarrow as pa

from udfs.correlation import OUTPUTS, PEER
from udfs.frame import FEATURE_VIEWS, Frame

TIME = pa.timestamp("us", tz="UTC")
KEYS = ["symbol", "event_time"]


def table(frames: Iterable[Frame], known_at: int | None = None) -> pa.Table:
    """Columns of `features compute` (symbol, event_time, features), sorted by event_time, symbol.

    Only the highest revision of a row counts; rows that an amendment removed are left out. known_at (microseconds
    UTC): of what was known by then, None for all. Once the bar that ends then has closed, the answer stays the same.
    """
    by_view: dict[str, list[Frame]] = {view: [] for view in FEATURE_VIEWS}
    for frame in frames:
        if frame.view in by_view and (known_at is None or frame.known_at <= known_at):
            by_view[frame.view].append(frame)
    joined = reduce(lambda left, right: left.join(right, KEYS, join_type="full outer"), map(_newest, by_view.values()))
    cross = [name for name in OUTPUTS if name in joined.column_names]
    names = [name for name in joined.column_names if name not in cross] + cross
    return joined.sort_by([("event_time", "ascending"), ("symbol", "ascending")]).select(names).combine_chunks()


def _newest(frames: list[Frame]) -> pa.Table:
    """The rows of one view, each of its highest revision."""
    keys = {"symbol": pa.string(), "event_time": TIME}
    if not frames:
        return pa.table({name: pa.array([], kind) for name, kind in keys.items()})
    whole = [frame.complete() for frame in frames]
    sizes = [len(frame.symbols) for frame in whole]
    symbols = np.array([name for frame in whole for name in frame.symbols], object)
    times = np.repeat([frame.event_time for frame in frames], sizes)
    revisions = np.repeat([frame.revision for frame in frames], sizes)
    alive = np.concatenate([np.arange(size) < len(frame.symbols) for frame, size in zip(frames, sizes, strict=True)])
    values = np.concatenate([frame.values for frame in whole])
    order = np.lexsort((revisions, symbols.astype("U"), times))
    last = np.ones(len(order), bool)
    last[:-1] = (times[order][1:] != times[order][:-1]) | (symbols[order][1:] != symbols[order][:-1])
    rows = order[last & alive[order]]
    columns = {"symbol": pa.array(symbols[rows], pa.string()), "event_time": pa.array(times[rows]).cast(TIME)}
    columns |= {name: pa.array(values[rows, i]) for i, name in enumerate(frames[0].names)}
    if frames[0].strings:
        peers = [text for frame in whole for text in frame.strings[PEER]]
        columns[PEER] = pa.array([peers[row] or None for row in rows], pa.string())
    return pa.table(columns)
