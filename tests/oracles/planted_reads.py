"""Ways to know too early what is heard later: in how a tape is played, in what its frames say, in how they are read."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from tickloom.leaks.check import Emitted, play
from tickloom.leaks.hearing import Hearing
from tickloom.leaks.world import DAY
from udfs.frame import Frame
from udfs.plan import Plan
from udfs.table import table
from udfs.ticks import CANCEL, CORRECT, TRADE


def known_from_the_start(tape: Hearing, plan: Plan) -> Emitted:
    """Amendments that claim to have been known when their bar ended."""
    return [(end, replace(frame, known_at=frame.event_time)) for end, frame in play(tape, plan)]


def known_a_bar_early(tape: Hearing, plan: Plan) -> Emitted:
    """Amendments that claim to have been known before the bar during which they were heard."""
    return [(end, replace(frame, known_at=max(frame.event_time, frame.known_at - tape.interval_us)))
            for end, frame in play(tape, plan)]  # fmt: skip


def written_over(tape: Hearing, plan: Plan) -> Emitted:
    """A log in which an amendment takes the place of what it amends, at once."""
    emitted = play(tape, plan)
    first = {}
    for end, frame in emitted:
        first.setdefault((frame.view, frame.shard, frame.event_time), (end, frame.known_at))
    return [(first[key][0], replace(frame, known_at=first[key][1])) for _, frame in emitted
            for key in [(frame.view, frame.shard, frame.event_time)]]  # fmt: skip


def frames_by_start(tape: Hearing, plan: Plan) -> Emitted:
    """Frames named after the beginning of their bar."""
    width = tape.interval_us
    return [(end, replace(frame, event_time=frame.event_time - width, known_at=frame.known_at - width))
            for end, frame in play(tape, plan)]  # fmt: skip


def in_order_of_time(tape: Hearing, plan: Plan) -> Emitted:
    """Late trades when they happened, not when they were heard."""
    return play(replace(tape, heard=np.where(tape.ticks.kind == TRADE, tape.ticks.event_time, tape.heard)), plan)


def early_feed(tape: Hearing, plan: Plan) -> Emitted:
    """Trades half a bar before they are heard, in the bar before."""
    half = tape.interval_us // 2
    return play(
        replace(tape, ticks=replace(tape.ticks, event_time=tape.ticks.event_time - half), heard=tape.heard - half), plan
    )


def without_cancelled(tape: Hearing, plan: Plan) -> Emitted:
    """Trades that will be cancelled are left out from the start."""
    ids = tape.ticks.trade_id
    keep = ~np.isin(ids, ids[tape.ticks.kind == CANCEL])
    return play(replace(tape, ticks=tape.ticks.take(keep), heard=tape.heard[keep]), plan)


def corrected_at_once(tape: Hearing, plan: Plan) -> Emitted:
    """Trades at the price that a correction will give them."""
    ticks = tape.ticks
    corrections = np.flatnonzero(ticks.kind == CORRECT)
    prices = dict(zip(ticks.trade_id[corrections].tolist(), ticks.price[corrections].tolist(), strict=True))
    price = np.array(
        [prices.get(name, old) for name, old in zip(ticks.trade_id.tolist(), ticks.price.tolist(), strict=True)]
    )
    return play(replace(tape, ticks=replace(ticks, price=price)), plan)


def actions_from_the_start(tape: Hearing, plan: Plan) -> Emitted:
    """Actions by their ex-day, whenever they became known."""
    first = int(tape.heard.min())
    return play(replace(tape, actions=[each | {"known_at": first} for each in tape.actions]), plan)


def final_terms(tape: Hearing, plan: Plan) -> Emitted:
    """Of each event the terms of its last version, known with its first."""
    last = {each["event_id"]: each for each in sorted(tape.actions, key=lambda each: each["version"])}
    known = {each["event_id"]: each["known_at"] for each in sorted(tape.actions, key=lambda each: -each["version"])}
    return play(replace(tape, actions=[each | {"known_at": known[name]} for name, each in last.items()]), plan)


def survivors_heard(tape: Hearing, plan: Plan) -> Emitted:
    """Only the symbols that trade on the last day of the tape."""
    days = tape.ticks.event_time // DAY
    keep = np.isin(tape.ticks.code, tape.ticks.code[days == days.max()])
    return play(replace(tape, ticks=tape.ticks.take(keep), heard=tape.heard[keep]), plan)


def last_ticker_heard(tape: Hearing, plan: Plan) -> Emitted:
    """Frames under the last ticker of each security."""
    names = {each["symbol"]: each["other_symbol"] for each in tape.actions if each["action_type"] == "SYMBOL_CHANGE"}
    return [
        (end, replace(frame, symbols=[names.get(name, name) for name in frame.symbols]))
        for end, frame in play(tape, plan)
    ]


def newest(frames: Iterable[Frame], known_at: int) -> pa.Table:
    """All bars until then, as they are known now."""
    return table([frame for frame in frames if frame.event_time <= known_at])


def a_bar_too_far(frames: Iterable[Frame], known_at: int) -> pa.Table:
    """As known at the end of the next bar."""
    return table([frame for frame in frames if frame.event_time <= known_at], known_at + 60_000_000)


def compacted(frames: Iterable[Frame], known_at: int) -> pa.Table:
    """From a log that keeps of each frame the newest revision only."""
    kept = {
        (frame.view, frame.shard, frame.event_time): frame for frame in sorted(frames, key=lambda each: each.revision)
    }
    return table(kept.values(), known_at)


PLAYS: dict[str, tuple[dict[str, Any], str]] = {
    "known when the bar ended": ({"play": known_from_the_start}, "as known, later read"),
    "known a bar early": ({"play": known_a_bar_early}, "as known, later read"),
    "amendments in place": ({"play": written_over}, "as known, other amendments"),
    "frames by the start of their bar": ({"play": frames_by_start}, "as known, later read"),
    "late trades in order of time": ({"play": in_order_of_time}, "as known, other trades"),
    "a feed before its time": ({"play": early_feed}, "as known, other trades"),
    "cancelled trades never heard": ({"play": without_cancelled}, "as known, other amendments"),
    "corrected before the correction": ({"play": corrected_at_once}, "as known, nothing more"),
    "actions by ex-day alone": ({"play": actions_from_the_start}, "as known, other actions"),
    "final terms from the start": ({"play": final_terms}, "as known, other actions"),
    "the symbols of the last day": ({"play": survivors_heard}, "as known, nothing more"),
    "the last ticker in every frame": ({"play": last_ticker_heard}, "as known, other actions"),
    "read as known now": ({"read": newest}, "as known, later read"),
    "read a bar too far": ({"read": a_bar_too_far}, "as known, later read"),
    "read from a compacted log": ({"read": compacted}, "as known, later read"),
}
