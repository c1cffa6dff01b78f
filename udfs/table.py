"""Frames back into tables: what a stream emitted, as the batch would have written it.

In: feature frames of any shards, in any order, with their revisions. Out: the newest revision of every row.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa

from schemas.settings import settings
from udfs.crossed import KEYS, LIMIT, TIME, joined, keys
from udfs.frame import SYMBOL_VIEWS, Frame
from udfs.panel.columns import Columns


def table(frames: Iterable[Frame], known_at: int | None = None, views: Sequence[str] = SYMBOL_VIEWS) -> pa.Table:
    """Columns of `udfs.batch.compute` (symbol, event_time, features), sorted by event_time, symbol.

    Only the highest revision of a row counts; rows that an amendment removed are left out. known_at (microseconds
    UTC): of what was known by then, None for all. Once the bar that ends then has closed, the answer stays the same.
    views: those that share their keys: of symbols, or (UNIVERSE,), or (PAIRS,), as `compute_views` has them.
    """
    by_view: dict[str, list[Frame]] = {view: [] for view in views}
    for frame in frames:
        if frame.view in by_view and (known_at is None or frame.known_at <= known_at):
            by_view[frame.view].append(frame)
    first, *others = [_newest(of, view) for view, of in by_view.items()]
    if not others:
        return first
    names = [*KEYS[views[0]], "event_time"]
    whole = reduce(lambda left, right: left.join(right, names, join_type="full outer"), others, first)
    order = ["event_time", *KEYS[views[0]]]
    return whole.sort_by([(name, "ascending") for name in order]).combine_chunks()


def parts(frames: Iterable[Frame], view: str) -> Iterator[pa.Table]:
    """`table` of the universe or of pairs, some bar times at once, since its texts are large; one part at least.

    frames: of this view, by event time, such as `drained` gives them.
    """
    group: list[Frame] = []
    size = 0
    for frame in frames:
        if size >= LIMIT and frame.event_time != group[-1].event_time:
            yield table(group, views=(view,))
            group, size = [], 0
        group.append(frame)
        size += sum(len(text) for texts in frame.strings.values() for text in texts)
    yield table(group, views=(view,)) if group else joined([], view, Columns(settings().cross_asset))


def drained(frames: list[Frame]) -> Iterator[Frame]:
    """The frames by event time; each is let go of, and the list is empty in the end."""
    frames.sort(key=lambda frame: frame.event_time, reverse=True)
    while frames:
        yield frames.pop()


def _newest(frames: list[Frame], view: str) -> pa.Table:
    """The rows of one view, each of its highest revision."""
    if not frames:
        return pa.table(keys(view, []) | {"event_time": pa.array([], TIME)})
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
    columns = keys(view, symbols[rows].tolist()) | {"event_time": pa.array(times[rows]).cast(TIME)}
    columns |= {name: pa.array(values[rows, i]) for i, name in enumerate(frames[0].names)}
    for name in frames[0].strings:
        texts = [text for frame in whole for text in frame.strings[name]]
        columns[name] = pa.array([texts[row] or None for row in rows], pa.string())
    return pa.table(columns)
