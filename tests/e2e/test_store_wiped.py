"""The online store emptied under load: answers are flagged meanwhile, never wrong, and the job fills it again."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feature_repo.reader import Flags, VectorReader
from feature_repo.stores import open_store
from feature_repo.views import layout
from jobs.runtime.rebuild import rebuild
from schemas.settings import settings, store_url
from tests.e2e import pipeline
from tickloom.flink_rest import FlinkRest
from tickloom.replay import Target, replay
from tickloom.sample import sample
from tickloom.stack import control, process
from tickloom.stack.components import flink_url
from udfs.batch import compute

VIEWS = ("indicators_1d", "cross_asset_1d")
COLUMNS = tuple(f"{view}:{name}" for view in VIEWS for name in layout(view).numbers)
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Real prices in three parts, later ones of fewer symbols; and the features of all, by batch."""
    folder = tmp_path_factory.mktemp("prices")
    sample(folder)
    bars, ticks = (pipeline.read(folder / f"{name}.parquet") for name in ("bars", "ticks"))
    ends = sorted(set(bars["event_time"].cast("int64").to_pylist()))
    cuts = ends[len(ends) // 3], ends[2 * len(ends) // 3]
    some, few = ["AAPL", "IBM"], ["AAPL"]
    for i, part in enumerate(parts(ticks, cuts, some, few, "event_time")):
        pq.write_table(part, folder / f"part{i}.parquet")
    # a bar's time is its end, a tick's is inside
    kept = parts(bars, (cuts[0] + 1, cuts[1] + 1), some, few, "event_time")
    actions = pipeline.read(folder / "actions.parquet")
    first, expected = (compute(pa.concat_tables(each), actions, "1d") for each in (kept[:1], kept))
    symbols = sorted(set(expected["symbol"].to_pylist()))
    return {"folder": folder, "first": first, "expected": expected, "symbols": symbols}


def parts(table: pa.Table, cuts: tuple[int, int], some: list[str], few: list[str], time: str) -> list[pa.Table]:
    """Rows before the first cut, those of some between the cuts, those of few after the second."""
    times, who = table[time].cast("int64"), table["symbol"]
    first, second = pc.less(times, cuts[0]), pc.less(times, cuts[1])
    middle = pc.and_(pc.and_(pc.invert(first), second), pc.is_in(who, pa.array(some)))
    last = pc.and_(pc.invert(second), pc.is_in(who, pa.array(few)))
    return [table.filter(mask) for mask in (first, middle, last)]


def wipe() -> None:
    """Nothing is left of what the job wrote."""
    store = open_store(store_url())
    for view in VIEWS:
        store.delete(settings().store.project, view)
    store.close()


@contextmanager
def polled(tape: dict[str, Any], found: dict[str, int]) -> Iterator[None]:
    """All symbols read over and over: each vector is of one bar as computed, or the row says that it is missing."""
    rows = {}
    for row in tape["expected"].to_pylist():
        numbers = [row[name.partition(":")[2]] for name in COLUMNS]
        key = row["symbol"], int(row["event_time"].timestamp()) * 1_000_000
        rows[key] = pa.array(numbers, pa.float64()).to_numpy(zero_copy_only=False)
    split = sum(name.startswith(VIEWS[0]) for name in COLUMNS)
    problems, stop, store = list[str](), threading.Event(), open_store(store_url())

    def poll() -> None:
        reader = VectorReader(store, settings().store.project, COLUMNS)
        while not stop.wait(0.02):
            batch = reader.read(tape["symbols"], DAY_US)
            for i, symbol in enumerate(tape["symbols"]):
                wanted = rows.get((symbol, int(batch.newest[i])))
                if np.isnan(batch.values[i]).all():
                    found["missing"] += bool(batch.flags[i] & Flags.MISSING)
                    problems.extend([] if batch.flags[i] & Flags.MISSING else [f"{symbol} is not flagged"])
                    continue
                if batch.newest[i] != batch.oldest[i]:  # the views of one bar are written one after the other
                    continue
                found["whole"] += 1
                for at in (slice(0, split), slice(split, None)):
                    got = batch.values[i][at]
                    if not np.isnan(got).all() and (wanted is None or got.tobytes() != wanted[at].tobytes()):
                        problems.append(f"{symbol} at {batch.newest[i]}: {got}")

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        store.close()
    assert problems == []


def test_an_emptied_store_is_filled_again(stack: Path, tape: dict[str, Any]) -> None:
    folder, expected = tape["folder"], tape["expected"]
    last, symbols = newest(expected), tape["symbols"]
    pipeline.empty()
    job = pipeline.start_features(2, "--interval", "1d")
    found = {"missing": 0, "whole": 0}
    replay([folder / "part0.parquet"], Target.KAFKA, folder / "actions.parquet", "1d")
    pipeline.eventually_same(tape["first"])  # an action may be heard after the bars that it is about
    with polled(tape, found):
        wipe()
        replay([folder / "part1.parquet"], Target.KAFKA, None, "1d")
        pipeline.eventually(lambda: stored(symbols).get("IBM") == last["IBM"])
        pipeline.eventually(lambda: set(stored(symbols)) == set(symbols))  # those that traded no more came back, too
    assert found["missing"] > 0
    assert found["whole"] > 0
    # the job noticed; Flink's REST collects metrics from time to time
    pipeline.eventually(lambda: FlinkRest(flink_url()).metrics(job, ".tickloom.").get("rebuilds", 0) > 0)

    wipe()
    taskmanager = process.leader(process.Place(stack), "taskmanager")
    assert taskmanager
    os.kill(taskmanager.pid, signal.SIGKILL)
    control.up()
    replay([folder / "part2.parquet"], Target.KAFKA, None, "1d")
    pipeline.eventually_same(expected)
    pipeline.eventually(lambda: stored(symbols) == last)
    pipeline.assert_store_holds(expected, "1d")

    FlinkRest(flink_url()).cancel(job)
    wipe()
    counts = rebuild(open_store(store_url()), settings().store.project)
    assert counts == dict.fromkeys(VIEWS, len(symbols)) | {"universe_1d": 1}
    pipeline.assert_store_holds(expected, "1d")


def newest(expected: pa.Table) -> dict[str, int]:
    """Event time of each symbol's last row, microseconds."""
    last = expected.group_by("symbol").aggregate([("event_time", "max")])
    return dict(zip(last["symbol"].to_pylist(), last["event_time_max"].cast("int64").to_pylist(), strict=True))


def stored(symbols: list[str]) -> dict[str, int]:
    """Event time of each symbol's vectors, where both views hold the same one."""
    store = open_store(store_url())
    first, second = (layout(view).unpack(store.read(settings().store.project, view, symbols)) for view in VIEWS)
    store.close()
    same = first.present & second.present & (first.event_time == second.event_time)
    return {name: int(first.event_time[i]) for i, name in enumerate(symbols) if same[i]}
