"""Real corporate actions (tests/data/corporate_actions.json), their records, and a small price series for each.

A fact names company, ticker, mic, ex_date, its actions (a record's terms each) and source. Optional: after, the ticker
from ex_date on ("" where the security ends); reused, the day from which the ticker denotes another security; and what
somebody published: close, the last one in old terms; restated, that close in new terms; factor of prices (of the last
action alone where `less`, an ordinary dividend, is taken off the close first); closes before and on the ex-day with the
same two adjusted for total return.
"""

import json
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).parents[1] / "data" / "corporate_actions.json"
EPOCH = date(1970, 1, 1).toordinal()
DAY_US = 86_400_000_000
MOVES = (0.013, -0.007, 0.021, -0.016, 0.004)  # what the market itself did, day after day


class Event(NamedTuple):
    """Facts as in the file, records of market.corporate_action.v1, and the ticker before and after ("": none)."""

    facts: dict[str, Any]
    actions: list[dict[str, Any]]
    before: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.before}-{self.facts['ex_date']}"


class Day(NamedTuple):
    """A daily bar of the series: day since 1970 (UTC), close, volume."""

    symbol: str
    day: int
    close: float
    volume: float


def events() -> Iterator[Event]:
    for facts in json.loads(DATA.read_text()):
        ticker = facts["ticker"]
        actions = [_record(facts, terms, number) for number, terms in enumerate(facts["actions"])]
        yield Event(facts, actions, ticker, facts.get("after", ticker))


def days(text: str) -> int:
    return date.fromisoformat(text).toordinal() - EPOCH


def twin(event: Event) -> list[Day]:
    """Five weekdays before the event and five from its ex-day on, which step by its terms and by MOVES.

    Where the security ends, the second five are of the one that took the ticker later, if any did.
    """
    first, ex = min(action["ex_date"] for action in event.actions), event.actions[-1]["ex_date"]
    found, price = [], event.facts.get("close", 100.0) / (1 + MOVES[0])
    for day, move in zip(reversed(_weekdays(first - 1, -1)), reversed(MOVES), strict=True):
        price *= 1 + move
        found.append(Day(event.before, day, round(price, 4), 1e6))
    theoretical, units = in_new_terms(event.actions, Fraction(found[-1].close))
    later = days(event.facts["reused"]) if not event.after and "reused" in event.facts else ex
    price = float(theoretical)
    for day, move in zip(_weekdays(later, 1), MOVES, strict=True):
        price *= 1 + move
        if event.after or later != ex:
            found.append(Day(event.after or event.before, day, price, 1e6 * float(units)))
    return found


def in_new_terms(actions: list[dict[str, Any]], price: Fraction) -> tuple[Fraction, Fraction]:
    """By hand: a price of old terms in new ones, when the market stands still; and the new units for an old one."""
    units = Fraction(1)
    for action in actions:
        price, held, _ = _step(action, price)
        units *= held
    return price, units


def returns(actions: list[dict[str, Any]], last: Fraction, close: Fraction) -> tuple[Fraction, Fraction]:
    """By hand: the total return over the event, cash by the close before (P_ex / (P_prev - D)) and by the one after."""
    steps, price = [], last
    for action in actions:
        after, _, cash = _step(action, price)
        steps.append((price, after, cash))
        price = after
    worth = close
    for before, after, cash in reversed(steps):
        worth = worth + cash if cash else worth * before / after
    return close / price, worth / last


def _step(action: dict[str, Any], price: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """Price and units after, and cash paid, for one old unit."""
    n, d = Fraction(action.get("numerator", 1)), Fraction(action.get("denominator", 1))
    cash, one, none = Fraction(action.get("cash_amount") or 0), Fraction(1), Fraction(0)
    match action["action_type"]:
        case "SPLIT" | "REVERSE_SPLIT" | "RATIO_CHANGE":
            return price * d / n, n / d, none
        case "STOCK_DIVIDEND" | "SHARE_CLASS_DIVIDEND":
            return price * d / (n + d), (n + d) / d, none
        case "CURRENCY_CHANGE":
            return price * n / d, one, none
        case "RIGHTS_ISSUE":
            return (d * price + n * Fraction(action["subscription_price"])) / (n + d), one, none
        case "SPIN_OFF":
            return price - cash, one, none
        case "CASH_DIVIDEND" | "SPECIAL_DIVIDEND" | "RETURN_OF_CAPITAL":
            return price - cash, one, cash
    return price, one, none


def _record(facts: dict[str, Any], terms: dict[str, Any], number: int) -> dict[str, Any]:
    ex = days(terms.get("ex_date", facts["ex_date"]))
    name = {
        "event_id": f"{facts['ticker']}-{facts['ex_date']}-{number}",
        "symbol": facts["ticker"],
        "mic": facts["mic"],
    }
    first = {"version": 1, "function": "NEW", "status": "FINAL", "known_at": (ex - 10) * DAY_US}
    return name | first | terms | {"ex_date": ex}


def _weekdays(start: int, step: int) -> list[int]:
    """Five days that are no weekend, from `start` on, forwards or backwards."""
    return list(islice((day for day in count(start, step) if date.fromordinal(EPOCH + day).weekday() < 5), 5))
