"""A shard of securities by bars of 7 minutes: when windows close, and what rolls a closed one again.

minutes   1436 .. 1440 | 1441 1442    the window around the first midnight, an ex-time inside it
"""

from typing import Any

import numpy as np
import pytest

from tests.oracles.world import DAY, MINUTE, SHORT, action, as_table, bits
from tests.unit.test_feature_shard import ENDS, Bars, frame, newest, row
from udfs import batch
from udfs.bars import COLUMNS
from udfs.frame import BARS, INDICATORS, MOVED, Frame
from udfs.intervals import Intervals
from udfs.log import Horizon
from udfs.routing import MOVE
from udfs.table import TIME

WINDOW = 1442 * MINUTE
"""End of the window that midnight lies in."""
SPLIT = action("s", "SPLIT", "A", numerator=2)


def intervals(store: dict[str, bytes] | None = None, bars: int = 10_000) -> Intervals:
    return Intervals(0, [SHORT, SHORT.at("7m")], MINUTE, {} if store is None else store, Horizon(bars, 3))


def truth() -> Bars:
    """The close of each bar by its end and symbol: A before midnight and after it, B too."""
    rng = np.random.default_rng(7)
    return {(end, name): float(np.round(rng.uniform(10, 20), 2)) for end in ENDS for name in "AB"}


def told(of: Intervals, bars: Bars, until: int = ENDS[-1]) -> list[Frame]:
    """Bars in time, each closed before the next is heard; then the window is."""
    found = []
    for end in ENDS:
        if end <= until and (closes := {name: close for (at, name), close in bars.items() if at == end}):
            of.hear(frame(end, closes))
            found += of.advance(end)
    return [*found, *of.advance(WINDOW + 7 * MINUTE)] if until == ENDS[-1] else found


def rolled(frames: list[Frame], view: str = BARS) -> list[Frame]:
    """Those of 7 minutes."""
    return [each for each in frames if (each.interval, each.view) == ("7m", view)]


def standing(frames: list[Frame]) -> dict[tuple[int, str], bytes]:
    """The rolled bars that stand; a revision is higher than those before."""
    return newest([Frame(**vars(each) | {"view": INDICATORS}) for each in rolled(frames)])


def assert_truth(frames: list[Frame], bars: Bars, actions: list[dict[str, Any]]) -> None:
    """Rolled bars and their features are those of the batch."""
    ends, names = (list(column) for column in zip(*bars, strict=True))
    columns = dict(zip(COLUMNS, np.array([row(close) for close in bars.values()]).T, strict=True))
    table = batch.pa.table({"symbol": names, "event_time": batch.pa.array(ends).cast(TIME), **columns})
    made = batch.roll_up(table, as_table(actions), "7m")
    assert standing(frames) == {(end, name): bar for (name, end), bar in bits(made).items()}
    found = batch.compute(made, as_table(actions), "7m", features=[step.feature for step in SHORT._steps])
    clean = bits(found.select(["symbol", "event_time", *SHORT.outputs]))
    assert newest(rolled(frames, INDICATORS)) == {(end, name): values for (name, end), values in clean.items()}


def test_a_window_closes_when_its_end_has_passed() -> None:
    of = intervals()
    assert of.hear(frame(ENDS[0], {"A": 1.0})) == [ENDS[0], 1435 * MINUTE]
    frames = of.advance(1435 * MINUTE - 1)
    assert rolled(frames) == []
    (bar,) = rolled(of.advance(1435 * MINUTE))
    assert (bar.event_time, bar.known_at, bar.revision, bar.symbols) == (1435 * MINUTE, 1435 * MINUTE, 0, ["A"])


def test_bars_in_time_are_the_batch() -> None:
    assert_truth(told(intervals(), truth()), truth(), [])


def test_windows_that_time_leaps_over_all_close() -> None:
    of = intervals(bars=1)
    for end in ENDS:
        of.hear(frame(end, {name: truth()[end, name] for name in "AB"}))
    assert_truth(of.advance(100 * DAY), truth(), [])


ACTIONS = {
    "a split": SPLIT,
    "a change of ticker": action("r", "SYMBOL_CHANGE", "A", other_symbol="Z"),
    "a delisting": action("d", "DELISTING", "B"),
    "a dividend": action("c", "CASH_DIVIDEND", "A", cash_amount=0.5),
}


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("until", [DAY, DAY + MINUTE, ENDS[-1]])
def test_an_action_inside_a_window_whenever_heard(name: str, until: int) -> None:
    # after midnight there are no bars of a ticker that is given up
    bars = {key: close for key, close in truth().items() if key[0] <= DAY or name in ("a split", "a dividend")}
    store: dict[str, bytes] = {}
    of = intervals(store)
    frames = told(of, bars, until)
    of.act(ACTIONS[name])
    frames += of.amend()
    of = intervals(store)
    for end in [end for end in ENDS if end > until]:
        of.hear(frame(end, {symbol: close for (at, symbol), close in bars.items() if at == end}))
        frames += of.advance(end)
    frames += of.advance(WINDOW + 7 * MINUTE)
    assert_truth(frames, bars, [ACTIONS[name]])
    frames += [*(of.act(ACTIONS[name] | {"version": 2, "function": "CANCEL"}) or []), *of.amend()]
    assert_truth(frames, bars, [])


def test_a_bar_that_changes_rolls_its_window_again() -> None:
    of = intervals()
    frames = told(of, truth())
    of.hear(frame(ENDS[1], {"A": 99.0}, 1))
    amended = of.amend()
    assert_truth(frames + amended, truth() | {(ENDS[1], "A"): 99.0}, [])


def test_what_did_not_change_is_not_said_again() -> None:
    of = intervals()
    told(of, truth())
    of.hear(frame(ENDS[4], {"A": truth()[ENDS[4], "A"]}, 1))
    assert of.amend() == []


def test_revisions_rise_when_a_bar_has_moved_and_ceased_to_be() -> None:
    of = intervals()
    frames = told(of, {(ENDS[-1], "A"): 10.0})
    of.hear(frame(ENDS[-1], {"B": 11.0}, MOVE, view=MOVED, securities=["B"]))
    frames += of.amend()
    of.hear(frame(ENDS[-1], {}, MOVE, ("B",)))
    frames += of.amend()
    of.hear(frame(ENDS[-2], {"B": 12.0}, 1))
    frames += of.amend()
    revisions = [each.revision for each in rolled(frames) if "B" in [*each.symbols, *each.removed]]
    assert len(revisions) == 3
    assert MOVE < revisions[0] < revisions[1] < revisions[2] < 2 * MOVE
    assert_truth(frames, {(ENDS[-1], "A"): 10.0, (ENDS[-2], "B"): 12.0}, [])


def test_a_bar_that_moved_away_is_not_removed() -> None:
    of = intervals()
    told(of, {(ENDS[-1], "A"): 10.0, (ENDS[-1], "B"): 11.0})
    of.hear(frame(ENDS[-1], {}, 0, ("B",), view=MOVED))
    assert [each.removed for each in of.amend()] == []
