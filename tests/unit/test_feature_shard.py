"""A shard of securities: features as time passes, and again where bars or actions of the past are others.

bar ends   1m    2m    3m    4m   ...    A and B have a bar each; the ex-day is the first midnight
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.oracles.world import DAY, MINUTE, SHORT, action, as_table
from udfs import batch
from udfs.bars import COLUMNS
from udfs.feature_shard import FeatureShard
from udfs.frame import BARS, INDICATORS, MOVED, Frame
from udfs.log import NEVER, Horizon
from udfs.routing import MOVE
from udfs.table import TIME

START, BARS_OF = DAY - 6 * MINUTE, 12
ENDS = [START + k * MINUTE for k in range(1, BARS_OF + 1)]
SPLIT = action("s", "SPLIT", "A", numerator=2)
Bars = dict[tuple[int, str], float]


def truth() -> Bars:
    """The close of each bar by its end and symbol."""
    rng = np.random.default_rng(7)
    return {(end, name): float(np.round(rng.uniform(10, 20), 2)) for end in ENDS for name in "AB"}


def row(close: float) -> list[float]:
    return [close, close + 1, close - 1, close, 100 * close, 3.0, 100 * close**2, close, 0.0, 0.0, 0.0, 50 * close]


def frame(end: int, closes: dict[str, float], revision: int = 0, removed: tuple[str, ...] = (), **more: Any) -> Frame:
    values = np.array([row(close) for close in closes.values()]).reshape(len(closes), len(COLUMNS))
    fields = {"view": BARS, "securities": []} | more
    return Frame(shard=0, event_time=end, known_at=end, revision=revision, symbols=list(closes), names=COLUMNS,
                 values=values, removed=list(removed), **fields)  # fmt: skip


def shard(store: dict[str, bytes] | None = None, anchor: int = 3, bars: int = 10_000) -> FeatureShard:
    return FeatureShard(0, SHORT, MINUTE, {} if store is None else store, Horizon(bars, anchor))


def restarted(of: FeatureShard) -> FeatureShard:
    return shard(of.log._store, of.horizon.anchor, of.horizon.bars)


def told(of: FeatureShard, bars: Bars, until: int = ENDS[-1]) -> list[Frame]:
    """Bars in time, each closed before the next is heard."""
    found = []
    for end in ENDS:
        if end <= until and (closes := {name: close for (at, name), close in bars.items() if at == end}):
            assert of.hear(frame(end, closes)) == end
            found += of.advance(end)
    return found


def clean(bars: Bars, actions: list[dict[str, Any]]) -> dict[tuple[int, str], bytes]:
    """What the batch makes of it, without the cross-section."""
    ends, names = (list(column) for column in zip(*bars, strict=True))
    columns = dict(zip(COLUMNS, np.array([row(close) for close in bars.values()]).T, strict=True))
    rows = pa.table({"symbol": names, "event_time": pa.array(ends).cast(TIME), **columns})
    found = batch.compute(rows, as_table(actions), "1m", features=[step.feature for step in SHORT._steps])
    values = np.array([found[name].to_numpy() for name in SHORT.outputs]).T
    times = found["event_time"].cast(pa.int64()).to_pylist()
    return {
        key: row.tobytes()
        for key, row in zip(zip(times, found["symbol"].to_pylist(), strict=True), values, strict=True)
    }


def newest(frames: list[Frame]) -> dict[tuple[int, str], bytes]:
    """The rows that stand; a revision is higher than those before."""
    rows: dict[tuple[int, str], bytes] = {}
    revisions: dict[tuple[int, str], int] = {}
    for each in frames:
        assert each.view == INDICATORS
        for name in [*each.symbols, *each.removed]:
            assert each.revision > revisions.get((each.event_time, name), -1)
            revisions[each.event_time, name] = each.revision
        rows |= {(each.event_time, name): row.tobytes() for name, row in zip(each.symbols, each.values, strict=True)}
        for name in each.removed:
            del rows[each.event_time, name]
    return rows


def test_bars_in_time_are_the_batch() -> None:
    frames = told(shard(), truth())
    assert newest(frames) == clean(truth(), [])
    assert {(each.revision, each.known_at - each.event_time) for each in frames} == {(0, 0)}
    assert [each.event_time for each in frames] == ENDS


def test_a_frame_waits_for_its_time_and_joins_the_others_of_it() -> None:
    of = shard()
    assert of.hear(frame(ENDS[0], {"B": 2.0})) == ENDS[0]
    of = restarted(of)
    assert of.hear(frame(ENDS[0], {"A": 1.0})) == ENDS[0]
    assert of.advance(ENDS[0] - 1) == of.amend() == []
    assert not of.dirty
    (found,) = restarted(of).advance(ENDS[0] + 5)
    assert (found.symbols, found.names) == (["A", "B"], SHORT.outputs)


@pytest.mark.parametrize("anchor", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("late", [0, 4, 11])
def test_a_late_bar_is_as_one_in_time(late: int, anchor: int) -> None:
    bars, of = truth(), shard(anchor=anchor)
    close = bars.pop((ENDS[late], "A"))
    frames = told(of, bars)
    assert of.hear(frame(ENDS[late], {"A": close}, 1)) is None
    assert of.dirty
    amended = restarted(of).amend()
    assert [each.event_time for each in amended] == ENDS[late:]
    assert {name for each in amended for name in each.symbols} == {"A"}
    assert {(each.revision, each.known_at) for each in amended} == {(1, ENDS[-1] + MINUTE)}
    assert newest(frames + amended) == clean(truth(), [])


CHANGES: dict[str, tuple[list[Frame], Callable[[Bars], Bars]]] = {
    "another close": ([frame(ENDS[4], {"A": 13.0}, 1)], lambda bars: bars | {(ENDS[4], "A"): 13.0}),
    "two of one bar": (
        [frame(ENDS[4], {"A": 13.0}, 1), frame(ENDS[4], {"A": 14.0}, 2)], lambda bars: bars | {(ENDS[4], "A"): 14.0},
    ),
    "gone": ([frame(ENDS[4], {}, 1, ("A",))], lambda bars: {k: v for k, v in bars.items() if k != (ENDS[4], "A")}),
    "gone and back": (
        [frame(ENDS[4], {}, 1, ("A",)), frame(ENDS[4], {"A": 9.0}, 2)], lambda bars: bars | {(ENDS[4], "A"): 9.0},
    ),
    "a whole time": (
        [frame(ENDS[4], {}, 1, ("A", "B"))], lambda bars: {key: v for key, v in bars.items() if key[0] != ENDS[4]},
    ),
    "of a new security": ([frame(ENDS[4], {"Z": 13.0}, 1)], lambda bars: bars | {(ENDS[4], "Z"): 13.0}),
    "to what it was": ([frame(ENDS[4], {"A": truth()[ENDS[4], "A"]}, 1)], lambda bars: bars),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("apart", [False, True], ids=["at once", "one by one"])
def test_a_bar_that_changes(name: str, apart: bool) -> None:
    heard, changed = CHANGES[name]
    of = shard()
    frames = told(of, truth())
    for each in heard:
        of.hear(each)
        frames += of.amend() if apart else []
    assert newest(frames + restarted(of).amend()) == clean(changed(truth()), [])


def test_what_did_not_change_is_not_said_again() -> None:
    of = shard()
    told(of, truth())
    of.hear(frame(ENDS[4], {"A": truth()[ENDS[4], "A"]}, 1))
    assert of.amend() == []
    assert of.amend() == []
    # RSI knows no dividend, log_total_return does: only the ex-day's row is another one
    of.act(action("d", "CASH_DIVIDEND", "B", cash_amount=1.0))
    (amended,) = of.amend()
    assert (amended.event_time, amended.symbols) == (DAY + MINUTE, ["B"])


ACTIONS = [
    SPLIT,
    action("d", "CASH_DIVIDEND", "A", cash_amount=0.5),
    action("r", "RIGHTS_ISSUE", "B", numerator=1, denominator=4, subscription_price=8.0),
]


@pytest.mark.parametrize("known", [None, *range(0, BARS_OF + 1, 3)])
def test_an_action_heard_at_any_bar_is_as_one_in_time(known: int | None) -> None:
    of = shard()
    frames = told(of, truth(), until=ENDS[known - 1] if known else 0)
    for each in ACTIONS:
        assert of.act(each) is None
    of = restarted(of)
    assert of.dirty
    frames += of.amend() if known else []
    for end in ENDS[known or 0 :]:
        of.hear(frame(end, {name: truth()[end, name] for name in "AB"}))
        frames += of.advance(end)
    amended = [each.event_time for each in frames if each.revision]
    assert amended == [end for end in ENDS[: known or 0] if end > DAY]
    assert newest(frames) == clean(truth(), ACTIONS)


def test_an_action_waits_until_a_bar_or_amend() -> None:
    of = shard()
    told(of, truth(), until=DAY)
    of.act(SPLIT)
    of.act(SPLIT)
    assert [key[0] for key in of.log._store if key[0] in "cq"] == ["q"]
    of.hear(frame(DAY + MINUTE, {"A": 5.0}))
    of.advance(DAY + MINUTE)
    assert [key[0] for key in of.log._store if key[0] in "cq"] == ["c"]
    of.act(SPLIT)
    assert not of.dirty


def test_announced_and_taken_back_between_two_turns_nothing_is_said() -> None:
    of = shard()
    told(of, truth())
    of.act(SPLIT)
    of.act(SPLIT | {"version": 2, "function": "CANCEL"})
    assert of.amend() == []


def test_an_action_of_a_stranger_is_kept_for_its_first_bar() -> None:
    of = shard()
    told(of, truth(), until=DAY)
    of.act(SPLIT | {"symbol": "Z"})
    assert of.amend() == []
    assert "Z" in restarted(of).actions.adjustments


def test_a_bar_that_moves_here_and_away() -> None:
    # B's bars after midnight are those of the security A, which had none there; then they are not
    bars = {key: close for key, close in truth().items() if (key[1] == "A") == (key[0] <= DAY)}
    of, after = shard(), [end for end in ENDS if end > DAY]
    frames = told(of, bars)
    alone = newest(frames)
    for end in after:
        of.hear(frame(end, {}, 0, ("B",), view=MOVED, securities=["B"]))
        of.hear(frame(end, {"B": bars[end, "B"]}, MOVE, view=MOVED, securities=["A"]))
    frames += of.amend()
    assert {each.revision // MOVE for each in frames if each.event_time > DAY and each.revision} == {1}
    as_one = {(end, "A"): close for (end, _), close in bars.items()}
    wanted = {(end, "B" if end > DAY else "A"): row for (end, _), row in clean(as_one, []).items()}
    assert newest(frames) == wanted
    for end in after:
        of.hear(frame(end, {}, MOVE, ("B",), view=MOVED, securities=["A"]))
        of.hear(frame(end, {"B": bars[end, "B"]}, 2 * MOVE, view=MOVED, securities=["B"]))
    assert newest(frames + restarted(of).amend()) == alone


def test_a_bar_that_moved_away_is_not_removed() -> None:
    of = shard()
    told(of, truth())
    of.hear(frame(ENDS[4], {}, 0, ("B",), view=MOVED))
    amended = of.amend()
    assert [each.removed for each in amended] == [[]] * len(amended)
    assert amended[0].event_time > ENDS[4]


@pytest.mark.parametrize("anchor", [1, 3, 100])
@pytest.mark.parametrize("bars", range(BARS_OF + 1))
def test_a_restored_shard_is_the_same(bars: int, anchor: int) -> None:
    of = shard(anchor=anchor)
    told(of, truth(), until=ENDS[bars - 1] if bars else 0)
    of.act(SPLIT)
    of.amend()
    again = restarted(of)
    assert again.clock == of.clock == (ENDS[bars - 1] if bars else NEVER)
    live = {name: of.state[of.rows[name]].tobytes() for name in of.names if of.state[of.rows[name]].any()}
    assert {name: again.state[again.rows[name]].tobytes() for name in again.names} == live
    assert json.loads(again.log._store["m"]) == of.log.meta


def test_the_log_is_as_long_as_the_horizon_and_the_way_to_its_anchor() -> None:
    of, sizes = shard(anchor=3, bars=4), []
    for end in range(MINUTE, 100 * MINUTE, MINUTE):
        of.hear(frame(end, {"A": 10.0, "B": 11.0}))
        of.advance(end)
        sizes.append(len(of.log.times))
        assert len(of.ids) == len(of.log.times)
    assert (min(sizes[10:]), max(sizes[10:])) == (4, 6)
    assert len(of.log.anchors) <= 3
