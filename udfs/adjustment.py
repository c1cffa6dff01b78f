"""Corporate actions as they stand: from the set of all records heard so far to the splits that move state.

In: records of market.corporate_action.v1 as dicts, in any order, with repeats. Out: splits per symbol in the order in
which they are applied. This file must not know state, bars, or when a record arrived: the result is a pure function of
the set, so two worlds that heard the same records in another order agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schemas.errors import DataError

SPLITS = ("SPLIT", "REVERSE_SPLIT")
FUNCTIONS = ("NEW", "REPLACE", "CANCEL", "REINSTATE")
EPOCH = date(1970, 1, 1).toordinal()
DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Split:
    """`numerator` new shares for `denominator` old, in force at bars that end after `ex_time_us` (UTC midnight)."""

    symbol: str
    ex_time_us: int
    numerator: int
    denominator: int


def effective(actions: Iterable[Mapping[str, Any]]) -> dict[str, list[Split]]:
    """The splits in force, per symbol by ex time and then event_id; DataError for a record that `problem` names.

    Of an event the highest version counts. CANCEL takes the event out; REINSTATE brings it back on the terms of the
    highest NEW or REPLACE below it (its own, if none was heard). Two records of one version: FINAL before
    PROVISIONAL, then the later known, then by content, so that the choice never depends on arrival.
    """
    events: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for action in actions:
        if action["action_type"] in SPLITS:
            if fault := problem(action):
                raise DataError(f"{fault} in corporate action {action['event_id']!r}", where=f"{dict(action)}")
            events[action["event_id"]].append(action)
    in_force = [(event_id, _split(terms)) for event_id, records in events.items() if (terms := _terms(records))]
    found: defaultdict[str, list[Split]] = defaultdict(list)
    for _, split in sorted(in_force, key=lambda item: (item[1].ex_time_us, item[0])):
        found[split.symbol].append(split)
    return dict(found)


def problem(action: Mapping[str, Any]) -> str:
    """Why this record of a split cannot be used ("" if it can): for a dead letter, before it is kept."""
    if action["function"] not in FUNCTIONS:
        return f"unknown function {action['function']!r}"
    if action["function"] != "CANCEL" and min(action["numerator"], action["denominator"]) <= 0:
        return f"ratio {action['numerator']}/{action['denominator']} is not positive"
    return ""


def _terms(records: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The record whose terms hold, None when the event is cancelled."""
    ranked = sorted(records, key=_rank)
    last = ranked[-1]
    if last["function"] == "CANCEL":
        return None
    if last["function"] == "REINSTATE":
        return next((r for r in reversed(ranked) if r["function"] in ("NEW", "REPLACE")), last)
    return last


def _rank(action: Mapping[str, Any]) -> tuple[Any, ...]:
    terms = (action["symbol"], _days(action["ex_date"]), action["numerator"], action["denominator"])
    final = action.get("status") != "PROVISIONAL"
    return action["version"], final, _micros(action["known_at"]), FUNCTIONS.index(action["function"]), *terms


def _split(action: Mapping[str, Any]) -> Split:
    ex_time_us = _days(action["ex_date"]) * DAY_US
    return Split(action["symbol"], ex_time_us, int(action["numerator"]), int(action["denominator"]))


def _days(day: date | int) -> int:
    return day if isinstance(day, int) else day.toordinal() - EPOCH


def _micros(instant: datetime | int) -> int:
    return instant if isinstance(instant, int) else int(instant.timestamp() * 1_000_000)
