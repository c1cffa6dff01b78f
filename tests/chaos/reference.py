"""The features of a run by a clean recomputation, to the last bit: the batch over the bars that the oracle has proved.

In: what is committed, what the store holds. Out: a line for each difference. Kernels have their own oracles elsewhere;
here the question is whether faults left a trace.
"""

from collections import Counter, defaultdict

import pyarrow as pa

from feature_repo.stores import open_store
from feature_repo.views import layout
from jobs.runtime import committed
from schemas.settings import settings
from tests.chaos.oracle import Findings
from tickloom.verify.compare import difference
from udfs.bars import COLUMNS
from udfs.batch import compute
from udfs.frame import SYMBOL_VIEWS, Frame
from udfs.table import table
from udfs.tick_files import TIME


def bars_table(interval: str) -> pa.Table:
    """The newest revision of each committed bar."""
    newest: dict[tuple[str, int], tuple[int, list[float] | None]] = {}
    for record in committed.records("market.bar.v1"):
        if record["interval"] != interval:
            continue
        rows = dict(zip(record["symbols"], zip(*(record[name] for name in COLUMNS), strict=True), strict=True))
        for symbol, row in [*rows.items(), *((symbol, None) for symbol in record["removed"])]:
            key = (symbol, record["event_time"])
            if record["revision"] >= newest.get(key, (-1, None))[0]:
                newest[key] = record["revision"], row
    kept = sorted((time, symbol, row) for (symbol, time), (_, row) in newest.items() if row is not None)
    times, symbols, values = zip(*kept, strict=True)
    columns = dict(zip(COLUMNS, map(pa.array, zip(*values, strict=True)), strict=True))
    return pa.table({"symbol": pa.array(symbols), "event_time": pa.array(times, pa.int64()).cast(TIME), **columns})


def frames(interval: str, found: Findings) -> list[Frame]:
    """All committed feature frames; one that is there twice is a problem."""
    seen, kept = Counter[tuple[str, int, int, int]](), []
    for record in committed.records("feature.frame.v1"):
        if record["interval"] == interval:
            frame = committed.frame(record)
            seen[frame.view, frame.shard, frame.event_time, frame.revision] += 1
            kept.append(frame)
    for key, times in seen.items():
        if times > 1:
            found.say(f"doubled: frame (view, shard, end, revision) {key} is committed {times} times")
    found.compared["feature frames"] += len(seen)
    return kept


def check_features(interval: str, actions: pa.Table | None, found: Findings) -> pa.Table:
    """Committed features against the batch; the batch's."""
    wanted = compute(bars_table(interval), actions, interval)
    by_time: defaultdict[int, list[Frame]] = defaultdict(list)
    for frame in frames(interval, found):
        if frame.view in SYMBOL_VIEWS:
            by_time[frame.event_time].append(frame)
    there = pa.concat_tables([table(by_time[end]) for end in sorted(by_time)], promote_options="default")
    found.compared["feature rows"] += len(wanted)
    if what := difference(wanted, there):
        found.say(f"features: {what}")
    return wanted


def check_store(url: str, interval: str, wanted: pa.Table, found: Findings) -> None:
    """The online store against the newest row of each symbol."""
    newest = {row["symbol"]: row for row in wanted.to_pylist()}
    store = open_store(url)
    for view in (f"indicators_{interval}", f"cross_asset_{interval}"):
        shape = layout(view)
        vectors = shape.unpack(store.read(settings().store.project, view, list(newest)))
        for i, (symbol, row) in enumerate(newest.items()):
            numbers = pa.array([row[name] for name in shape.numbers], pa.float64()).to_numpy(zero_copy_only=False)
            texts = [of[i] for of in vectors.strings] == [row[name] for name, _ in shape.texts]
            if not (vectors.present[i] and vectors.values[i].tobytes() == numbers.tobytes() and texts):
                found.say(f"store: {view} of {symbol} at {int(vectors.event_time[i])} is not the newest row")
            found.compared["vectors of the store"] += 1
