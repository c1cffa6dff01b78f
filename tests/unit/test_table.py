"""Frames as a stream emitted them, and the rows that stand in the end."""

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from schemas.settings import settings
from udfs.frame import BARS, CROSS_ASSET, INDICATORS, PAIRS, UNIVERSE, Frame
from udfs.panel.columns import Columns
from udfs.table import drained, parts, table

COLUMNS = Columns(settings().cross_asset)
NUMBERS = COLUMNS.numbers


def indicators(
    end: int, rows: dict[str, float], revision: int = 0, removed: tuple[str, ...] = (), shard: int = 0
) -> Frame:
    values = np.array(list(rows.values())).reshape(len(rows), 1)
    return Frame(INDICATORS, shard, end, end, revision, list(rows), ("sma",), values, removed=list(removed))


def crossed(end: int, rows: dict[str, str], revision: int = 0, removed: tuple[str, ...] = ()) -> Frame:
    values = np.tile(np.arange(len(NUMBERS)) + 0.5 + revision, (len(rows), 1))
    strings = {name: list(rows.values()) for name in COLUMNS.members}
    return Frame(CROSS_ASSET, 0, end, end, revision, list(rows), NUMBERS, values, strings, list(removed))


@pytest.mark.parametrize(
    ("frames", "rows"),
    [
        # by event time, then symbol, over all shards
        ([indicators(2, {"A": 1.0}), indicators(1, {"C": 2.0}, shard=1), indicators(1, {"B": 3.0})],
         [("B", 1, 3.0), ("C", 1, 2.0), ("A", 2, 1.0)]),
        # the highest revision of a row, rows that it does not name stay
        ([indicators(1, {"A": 1.0, "B": 2.0}), indicators(1, {"B": 5.0}, 1), indicators(1, {"B": 6.0}, 2)],
         [("A", 1, 1.0), ("B", 1, 6.0)]),
        # removed, and come back
        ([indicators(1, {"A": 1.0, "B": 2.0}), indicators(1, {}, 1, ("A",))], [("B", 1, 2.0)]),
        ([indicators(1, {"A": 1.0}), indicators(1, {}, 1, ("A",)), indicators(1, {"A": 3.0}, 2)], [("A", 1, 3.0)]),
        # all removed; a row that is only known as removed
        ([indicators(1, {"A": 1.0}), indicators(1, {}, 1, ("A",))], []),
        ([indicators(1, {"B": 1.0}, 1, ("A",))], [("B", 1, 1.0)]),
    ],
)  # fmt: skip
def test_rows_that_stand(frames: list[Frame], rows: list[tuple[str, int, float]]) -> None:
    for seed in range(4):  # in any order of frames
        found = table(random.Random(seed).sample(frames, len(frames)))
        times = found["event_time"].cast(pa.int64()).to_pylist()
        assert list(zip(found["symbol"].to_pylist(), times, found["sma"].to_pylist(), strict=True)) == rows


@pytest.mark.parametrize(
    ("known_at", "rows"),
    [
        (9, []),
        (10, [("A", 10, 1.0)]),
        (20, [("A", 10, 1.0), ("A", 20, 2.0), ("B", 20, 3.0)]),
        # known by 30: A's first bar was another one, B's is gone
        (30, [("A", 10, 5.0), ("A", 20, 2.0)]),
        (39, [("A", 10, 5.0), ("A", 20, 2.0)]),
        (None, [("A", 10, 6.0), ("A", 20, 2.0)]),
    ],
)
def test_as_known_at_a_time(known_at: int | None, rows: list[tuple[str, int, float]]) -> None:
    amended = [
        (30, indicators(10, {"A": 5.0}, 1)),
        (30, indicators(20, {}, 1, ("B",))),
        (40, indicators(10, {"A": 6.0}, 2)),
    ]
    frames = [indicators(10, {"A": 1.0}), indicators(20, {"A": 2.0, "B": 3.0})]
    frames += [replace(frame, known_at=when) for when, frame in amended]
    found = table(frames, known_at)
    times = found["event_time"].cast(pa.int64()).to_pylist()
    numbers = found["sma"].to_pylist() if rows else []
    assert list(zip(found["symbol"].to_pylist(), times, numbers, strict=True)) == rows


def test_views_are_joined_in_the_order_of_columns_of_the_batch() -> None:
    found = table(
        [indicators(1, {"A": 1.0, "B": np.nan}), crossed(1, {"A": "B", "B": ""}), crossed(1, {"A": "C"}, 1, ("B",))]
    )
    assert found.column_names == ["symbol", "event_time", "sma", *NUMBERS, *COLUMNS.members]
    assert found.schema.field("event_time").type == pa.timestamp("us", "UTC")
    assert found["peer_60"].to_pylist() == ["C", None]
    assert found["beta_market_60"].to_pylist() == [2.5, None]
    assert found["sma"].null_count == 0, "a feature without a value yet is NaN"


def of_universe(end: int, text: str, revision: int = 0) -> Frame:
    values = np.full((1, len(COLUMNS.universe)), revision + 0.5)
    texts = {COLUMNS.snapshot: [text]}
    return Frame(UNIVERSE, 0, end, end, revision, ["universe"], COLUMNS.universe, values, texts)


@pytest.mark.parametrize("limit", [1, 7, 1 << 23])
def test_the_universe_in_parts_is_its_table(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [of_universe(end, f"text {end}") for end in range(9)]
    frames += [of_universe(end, f"later {end}", 1) for end in (0, 4, 8)]
    whole = table(frames, views=(UNIVERSE,))
    assert whole["returns_60"].to_pylist()[:2] == ["later 0", "text 1"]
    monkeypatch.setattr("udfs.table.LIMIT", limit)
    given = random.Random(1).sample(frames, len(frames))
    found = list(parts(drained(given), UNIVERSE))
    assert (pa.concat_tables(found).equals(whole), given) == (True, [])
    assert len(found) == {1: 9, 7: 5, 1 << 23: 1}[limit]


def test_pairs_of_which_there_is_no_row_have_their_columns() -> None:
    [none] = parts(iter(()), PAIRS)
    assert none.column_names == ["symbol_a", "symbol_b", "event_time", *COLUMNS.pair]
    assert len(none) == 0


def test_rows_of_pairs_are_in_the_order_of_the_batch() -> None:
    names = sorted(["A|Z", "A.B|C", "B|A"])
    frame = Frame(PAIRS, 0, 1, 1, 0, names, COLUMNS.pair, np.ones((3, len(COLUMNS.pair))))
    found = table([frame], views=(PAIRS,))
    assert list(zip(found["symbol_a"].to_pylist(), found["symbol_b"].to_pylist(), strict=True)) == [
        ("A.B", "C"), ("A", "Z"), ("B", "A"),
    ]  # fmt: skip


def test_bars_are_no_features() -> None:
    bar = Frame(BARS, 0, 1, 1, 0, ["A"], ("open",), np.ones((1, 1)))
    assert table([bar]).num_rows == 0
    assert table([]).column_names == ["symbol", "event_time"]
    assert table([bar, indicators(1, {"A": 1.0})]).column_names == ["symbol", "event_time", "sma"]
