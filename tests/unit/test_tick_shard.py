"""A shard of symbols: bars as time passes, again where late records change them, elsewhere where a security is another.

bar ends   1m    2m    3m
trades     A B   A     B        a record is (minute, symbol, price, trade)
"""

from typing import Any

import numpy as np
import pytest

from tests.oracles.bars import Record, bars_of
from tests.oracles.bars import ticks as columns
from tests.oracles.world import DAY, MINUTE, action
from udfs.bars import COLUMNS
from udfs.frame import BARS, MOVED, PATH, PATHS, Frame
from udfs.log import NEVER
from udfs.routing import MOVE
from udfs.tick_shard import TickShard
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks, shard_of

TAPE = [(0, "A", 10.0, 1), (0, "B", 20.0, 2), (0, "A", 12.0, 3), (1, "A", 11.0, 4), (2, "B", 21.0, 5)]
Row = tuple[int, str, float, int]


def record(minute: int, symbol: str, price: float, trade: int, kind: int = TRADE) -> Record:
    return Record(symbol, minute * MINUTE + trade, price, 2.0, trade, f"t{trade}", kind)


def ticks(*rows: Row, kind: int = TRADE) -> Ticks:
    return columns(record(*row, kind=kind) for row in rows)


def shard(store: dict[str, bytes] | None = None, number: int = 0, shards: int = 1) -> TickShard:
    return TickShard(number, shards, MINUTE, {} if store is None else store)


def closed(minutes: int = 3, rows: list[Row] = TAPE) -> tuple[TickShard, list[Frame]]:
    """A shard that heard the tape in time, and what it emitted."""
    made = shard()
    made.accept(ticks(*rows))
    return made, made.advance(minutes * MINUTE)


def restarted(of: TickShard) -> TickShard:
    return shard(of.log._store, of.shard, of.shards)


def content(frame: Frame) -> dict[str, float]:
    """Symbol -> close."""
    return dict(zip(frame.symbols, frame.column("close").tolist(), strict=True))


def test_bars_of_closed_times() -> None:
    _, frames = closed()
    assert [(frame.event_time // MINUTE, content(frame)) for frame in frames] == [
        (1, {"A": 12.0, "B": 20.0}), (2, {"A": 11.0}), (3, {"B": 21.0}),
    ]  # fmt: skip
    for frame in frames:
        assert (frame.view, frame.revision, frame.known_at, frame.removed) == (BARS, 0, frame.event_time, [])
    wanted = bars_of((record(*row) for row in TAPE[:3]), MINUTE)
    assert frames[0].symbols == list(wanted)
    numbers = frames[0].values[:, : len(COLUMNS)]
    np.testing.assert_allclose(numbers, [list(bar.values()) for bar in wanted.values()], rtol=1e-14)


def trades(frames: list[Frame]) -> list[tuple[int, int, list[tuple[str, float, float]]]]:
    """Bar, revision, and symbol, microseconds left and price of each trade of frames of paths."""
    found = [each for each in frames if each.view == PATHS]
    assert {(each.names, each.interval, tuple(each.removed)) for each in found} <= {(PATH, "1m", ())}
    rows = [list(zip(each.symbols, *each.values.T.tolist(), strict=True)) for each in found]
    return [(each.event_time // MINUTE, each.revision, row) for each, row in zip(found, rows, strict=True)]


def test_the_trades_of_watched_tickers() -> None:
    made = TickShard(0, 1, MINUTE, {}, watched=("A", "X"))
    made.accept(ticks((0, "B", 21.0, 7), *TAPE))
    first = [("A", MINUTE - 1.0, 10.0), ("A", MINUTE - 3.0, 12.0)]
    frames = made.advance(3 * MINUTE)
    assert trades(frames) == [(1, 0, first), (2, 0, [("A", MINUTE - 4.0, 11.0)])]
    alone = closed(rows=[*TAPE, (0, "B", 21.0, 7)])[1]
    assert [each.pack() for each in frames if each.view == BARS] == [each.pack() for each in alone]
    # the last trade of the second bar goes, one of the first comes late: each frame is all that there is
    made.accept(ticks((1, "A", 11.0, 4), kind=CANCEL))
    made.accept(ticks((0, "A", 13.0, 2), kind=CORRECT))
    made.accept(ticks((0, "A", 11.0, 2)))
    late = trades(TickShard(0, 1, MINUTE, made.log._store, watched=("A", "X")).amend())
    assert late == [(1, 1, [first[0], ("A", MINUTE - 2.0, 13.0), first[1]]), (2, 1, [])]


def test_other_trades_are_told_even_if_no_price_differs() -> None:
    made = TickShard(0, 1, MINUTE, {}, watched=("A",))
    made.accept(ticks((0, "A", 10.0, 1), (0, "A", 10.0, 5), (0, "A", 10.0, 9)))
    made.advance(MINUTE)
    made.accept(ticks((0, "A", 10.0, 5), kind=CANCEL))
    made.accept(ticks((0, "A", 10.0, 6)))
    frames = made.amend()
    assert [each.view for each in frames] == [BARS, PATHS]
    assert trades(frames[1:]) == [(1, 1, [("A", MINUTE - at, 10.0) for at in (1.0, 6.0, 9.0)])]


def test_only_its_own_tickers_are_watched() -> None:
    shards = [TickShard(i, 3, MINUTE, {}, watched="ABCDE").watched for i in range(3)]
    assert sorted(name for names in shards for name in names) == list("ABCDE")
    assert not trades(closed()[1])


def test_time_passes_once_and_closes_whole_bars() -> None:
    made = shard()
    waiting, refused = made.accept(ticks(*TAPE))
    assert (waiting, refused.any()) == ({MINUTE, 2 * MINUTE, 3 * MINUTE}, False)
    assert made.clock == NEVER
    assert made.advance(MINUTE - 1) == []
    assert [frame.event_time for frame in made.advance(3 * MINUTE - 1)] == [MINUTE, 2 * MINUTE]
    assert made.clock == 2 * MINUTE
    assert made.advance(2 * MINUTE) == made.advance(MINUTE) == []
    assert made.clock == 2 * MINUTE
    assert len(made.advance(9 * MINUTE)) == 1


@pytest.mark.parametrize(
    ("late", "kind", "changed", "removed"),
    [
        # a later trade in A's first bar; B's row is as it was
        ((0, "A", 15.0, 9), TRADE, {"A": 15.0}, []),
        # of a symbol that had no bar
        ((0, "C", 15.0, 9), TRADE, {"C": 15.0}, []),
        # the same trade again, or an amendment of none
        ((0, "A", 10.0, 1), TRADE, None, None),
        ((0, "A", 10.0, 9), CANCEL, None, None),
        # the last trade of a bar, the only trade of a bar
        ((0, "A", 12.0, 3), CANCEL, {"A": 10.0}, []),
        ((0, "B", 20.0, 2), CANCEL, {}, ["B"]),
        ((0, "B", 22.0, 2), CORRECT, {"B": 22.0}, []),
        # to what it was
        ((0, "B", 20.0, 2), CORRECT, None, None),
    ],
)
@pytest.mark.parametrize("again", [False, True], ids=["live", "restarted"])
def test_a_late_record(late: Row, kind: int, changed: dict[str, float] | None, removed: list[str], again: bool) -> None:
    made, _ = closed()
    waiting, _ = made.accept(ticks(late, kind=kind))
    assert waiting == set()
    assert made.dirty == {MINUTE}
    frames = (restarted(made) if again else made).amend()
    if changed is None:
        assert frames == []
    else:
        (frame,) = frames
        assert (content(frame), frame.removed) == (changed, removed)
        assert (frame.revision, frame.event_time, frame.known_at) == (1, MINUTE, 4 * MINUTE)
    assert restarted(made).amend() == []


def test_many_changes_cost_one_amendment() -> None:
    made, _ = closed()
    for k in range(5):
        made.accept(ticks((0, "A", 30.0 + k, 10 + k)))
    (frame,) = made.amend()
    assert content(frame) == {"A": 34.0}
    assert not made.dirty


def test_a_bar_that_goes_and_comes_back() -> None:
    made, _ = closed()
    for revision, (price, kind) in enumerate([(21.0, CANCEL), (23.0, TRADE), (25.0, CORRECT)], 1):
        made.accept(ticks((2, "B", price, 5 if kind == CANCEL else 9), kind=kind))
        made = restarted(made)
        (frame,) = made.amend()
        assert frame.revision == revision
        assert content(frame) == ({} if kind == CANCEL else {"B": price})


def test_a_late_bar_of_a_time_that_had_none() -> None:
    made, _ = closed(9)
    made.accept(ticks((6, "A", 15.0, 9)))
    (frame,) = made.amend()
    assert (frame.event_time, frame.revision, frame.known_at) == (7 * MINUTE, 1, 10 * MINUTE)


def test_an_open_bar_is_closed_with_all_that_came() -> None:
    made = shard()
    for row in TAPE[:3]:
        made.accept(ticks(row))
        made = restarted(made)
    assert [key for key in sorted(made.log._store) if key != "m"] == [f"t/{MINUTE}/{n}" for n in range(3)]
    (frame,) = made.advance(MINUTE)
    assert content(frame) == {"A": 12.0, "B": 20.0}
    assert [key for key in sorted(made.log._store) if key[0] == "t"] == [f"t/{MINUTE}/0"]


def test_a_block_that_is_at_hand_as_bytes_is_kept_as_it_is() -> None:
    block = ticks(*TAPE[:3])
    plain, packed = shard(), shard()
    plain.accept(block)
    packed.accept(block, block.pack())
    assert packed.log._store == plain.log._store
    packed.accept(ticks(*TAPE), ticks(*TAPE).pack())  # of several bars: it is taken apart
    assert [frame.pack() for frame in packed.advance(9 * MINUTE)] == [frame.pack() for frame in closed(9)[1]]


def test_each_record_has_one_fate() -> None:
    made, _ = closed()
    assert made.counts == {
        "on_time": 5, "late": 0, "used": 5, "duplicates": 0, "cancelled": 0, "amendments": 0, "orphans": 0,
    }  # fmt: skip
    made.accept(ticks((0, "A", 10.0, 1), (5, "A", 10.0, 8)))
    made.accept(ticks((0, "B", 20.0, 2), (1, "A", 1.0, 99), kind=CANCEL))
    made.amend()
    made.advance(9 * MINUTE)
    assert restarted(made).counts == {
        "on_time": 6, "late": 3, "used": 5, "duplicates": 1, "cancelled": 1, "amendments": 1, "orphans": 1,
    }  # fmt: skip


# trades around midnight of day 1, on which C becomes E: C's security keeps its place, the shard of C
AROUND = [(1438, "C", 10.0, 1), (1439, "C", 11.0, 2), (1440, "E", 12.0, 3), (1440, "A", 5.0, 4), (1441, "E", 13.0, 5)]
RENAME = action("s", "SYMBOL_CHANGE", "C", other_symbol="E")
SHARDS = 4
OLD, NEW = shard_of("C", SHARDS), shard_of("E", SHARDS)


def around(*said: dict[str, Any]) -> tuple[TickShard, list[Frame]]:
    made = shard(number=NEW, shards=SHARDS)
    for each in said:
        assert made.act(each) == []
    made.accept(ticks(*AROUND))
    return made, made.advance(DAY + 2 * MINUTE)


def test_an_action_known_in_time_names_securities_and_their_shard() -> None:
    assert OLD != NEW
    _, frames = around(RENAME)
    found = [(frame.event_time - DAY, frame.shard, frame.symbols, frame.ids()[0]) for frame in frames]
    assert found == [
        (-MINUTE, OLD, ["C"], ["C"]), (0, OLD, ["C"], ["C"]),
        *sorted([(MINUTE, OLD, ["E"], ["C"]), (MINUTE, shard_of("A", SHARDS), ["A"], ["A"])], key=lambda row: row[1]),
        (2 * MINUTE, OLD, ["E"], ["C"]),
    ]  # fmt: skip
    assert {frame.revision for frame in frames} == {0}


@pytest.mark.parametrize("again", [False, True], ids=["live", "restarted"])
def test_an_action_heard_late_moves_its_bars(again: bool) -> None:
    made, frames = around()
    assert [frame.shard for frame in frames if frame.symbols == ["E"]] == [NEW]
    made = restarted(made) if again else made
    moved = made.act(RENAME)
    found = [(f.event_time - DAY, f.shard, f.symbols, f.removed, f.ids(), f.revision) for f in moved]
    assert found == [
        (MINUTE, NEW, [], ["E"], ([], ["E"]), 0), (MINUTE, OLD, ["E"], [], (["C"], []), MOVE),
        (2 * MINUTE, NEW, [], ["E"], ([], ["E"]), 0), (2 * MINUTE, OLD, ["E"], [], (["C"], []), MOVE),
    ]  # fmt: skip
    assert {(frame.view, frame.known_at) for frame in moved} == {(MOVED, DAY + 3 * MINUTE)}
    assert made.act(RENAME) == restarted(made).act(RENAME) == []
    # amended later on, a bar is of the shard where it is now
    made.accept(ticks((1440, "E", 99.0, 7)))
    (late,) = restarted(made).amend()
    assert (late.shard, late.symbols, late.securities, late.revision) == (OLD, ["E"], ["C"], MOVE + 1)


def test_withdrawn_the_bars_move_back() -> None:
    made, _ = around()
    made.act(RENAME)
    back = made.act(RENAME | {"version": 2, "function": "CANCEL"})
    found = [(f.event_time - DAY, f.shard, f.symbols, f.removed, f.revision) for f in back]
    assert found[:2] == [(MINUTE, OLD, [], ["E"], MOVE), (MINUTE, NEW, ["E"], [], 2 * MOVE)]


@pytest.mark.parametrize("kind", ["SPLIT", "CASH_DIVIDEND", "NAME_CHANGE", "OTHER"])
def test_an_action_that_names_nobody_anew_moves_nothing(kind: str) -> None:
    made, frames = around()
    assert made.act(action("s", kind, "E", cash_amount=1.0)) == []
    plain, _ = around()
    stored = {key: value for key, value in made.log._store.items() if key[0] not in "cm"}
    assert stored == {key: value for key, value in plain.log._store.items() if key[0] not in "cm"}
    assert frames


def test_a_rename_that_a_split_replaces_is_taken_back() -> None:
    made, _ = around()
    made.act(RENAME)
    assert made.act(action("s", "SPLIT", "C", version=2, function="REPLACE", numerator=2))
    assert made.actions.cuts == {}


def test_an_empty_shard() -> None:
    made = shard()
    assert made.advance(5 * MINUTE) == made.amend() == []
    assert made.act(RENAME) == []
    assert np.array_equal(made.accept(ticks(TAPE[0]))[1], [False])
    assert restarted(made).counts["late"] == 1
