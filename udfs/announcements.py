"""Which announcements of corporate actions are in force: a function of the set of records, never of their arrival."""

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.errors import DataError
from udfs.adjustment import EFFECTS, FUNCTIONS, Action, Effect, days, problem, when
from udfs.sessions import ALWAYS

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def in_force(records: Iterable[Action], calendar: str = ALWAYS) -> list[Action]:
    """The terms in force, sorted by ex time, effect and event_id; DataError for a record that `problem` names.

    Of an event the highest version counts. CANCEL takes the event out; REINSTATE brings it back on the terms of the
    highest NEW or REPLACE below it (its own, if none was heard). Two records of one version: FINAL before
    PROVISIONAL, then the later known, then by content, so that the choice never depends on arrival.
    """
    events: defaultdict[str, list[Action]] = defaultdict(list)
    for action in records:
        if fault := problem(action, calendar):
            raise DataError(f"{fault} in corporate action {action['event_id']!r}", where=f"{dict(action)}")
        events[action["event_id"]].append(action)
    found = [terms for heard in events.values() if (terms := _terms(heard))]

    def order(action: Action) -> tuple[int, Effect, str]:
        effect = EFFECTS.get(action["action_type"], Effect.NOTICE)
        return when(action, calendar), effect, action["event_id"]

    return sorted(found, key=order)


def _terms(records: list[Action]) -> Action | None:
    """The record whose terms hold, None when the event is cancelled."""
    ranked = sorted(records, key=_rank)
    last = ranked[-1]
    if last["function"] == "CANCEL":
        return None
    if last["function"] == "REINSTATE":
        return next((r for r in reversed(ranked) if r["function"] in ("NEW", "REPLACE")), last)
    return last


def _rank(action: Action) -> tuple[Any, ...]:
    final = action.get("status") != "PROVISIONAL"
    numbers = [_number(action.get(name)) for name in ("cash_amount", "subscription_price")]
    texts = [action.get(name) or "" for name in ("action_type", "symbol", "other_symbol", "currency", "mic")]
    terms = (days(action["ex_date"]), action.get("numerator", 1), action.get("denominator", 1), *numbers, *texts)
    return action["version"], final, _micros(action["known_at"]), FUNCTIONS.index(action["function"]), *terms


def _number(value: float | None) -> float:
    """-1 for none, and for what has no order: a NaN in a field that its type does not read."""
    return value if value is not None and math.isfinite(value) else -1.0


def _micros(instant: datetime | int) -> int:
    return instant if isinstance(instant, int) else (instant - EPOCH) // timedelta(microseconds=1)
