"""What a corporate action does to a price series: exact factors for prices and volumes from before it.

In: a record of market.corporate_action.v1 as a dict; the closes around it. Out: why it cannot be used, or its terms as
an Adjustment, and factors. This file must not know other versions of the record, tickers' histories, state, or bars.
The formulas, with their sources, are in docs/corporate-actions.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Any, Final

from schemas.errors import DataError
from udfs.sessions import ALWAYS, EPOCH, ex_time

Action = Mapping[str, Any]
Price = float | Fraction
FUNCTIONS: Final = ("NEW", "REPLACE", "CANCEL", "REINSTATE")
SPLITS: Final = ("SPLIT", "REVERSE_SPLIT", "RATIO_CHANGE")
ADDED: Final = ("STOCK_DIVIDEND", "SHARE_CLASS_DIVIDEND")
PAID: Final = ("CASH_DIVIDEND", "SPECIAL_DIVIDEND", "RETURN_OF_CAPITAL")
NAMES: Final = ("MERGER", "SYMBOL_CHANGE", "NAME_CHANGE", "EXCHANGE_MOVE", "DELISTING", "RELISTING", "INDEX_JOIN",
                "INDEX_LEAVE")  # fmt: skip
LARGEST: Final = 2**31
LAST_DAY: Final = 100_000  # the year 2243: its microseconds are an int64, its nanoseconds too
ONE: Final = Fraction(1)


class Policy(StrEnum):
    """Which effects a price series is adjusted for.

    SPLIT, the default of indicators: ratio and capital effects. TOTAL: cash as well, by the close before the ex-day
    (Yahoo Finance: the return is P_ex / (P_prev - D)). TOTAL_EX: cash as well, by the close of the ex-day (CRSP: the
    return is (P_ex + D) / P_prev).
    """

    RAW = "raw"
    SPLIT = "split"
    TOTAL = "total"
    TOTAL_EX = "total_ex"


class Effect(IntEnum):
    """What an action moves; in this order (then by event_id) are the actions of one ex time applied.

    Cash and value are stated for an old unit, so they go before the ratio that ends it.
    """

    CASH = 0
    CAPITAL = 1
    RATIO = 2
    NOTICE = 3


EFFECTS: Final = (
    dict.fromkeys(PAID, Effect.CASH)
    | dict.fromkeys(("SPIN_OFF", "RIGHTS_ISSUE"), Effect.CAPITAL)
    | dict.fromkeys((*SPLITS, *ADDED, "CURRENCY_CHANGE"), Effect.RATIO)
    | {"OTHER": Effect.NOTICE}
)


@dataclass(frozen=True)
class Adjustment:
    """The terms of one action in force, applied at the first bar of its security that ends after `ex_time_us`.

    price, volume: what a ratio multiplies prices and volumes from before by. value: leaves an old unit, in its
    currency. rights: new units that an old one may buy at `subscription`.
    """

    ex_time_us: int
    effect: Effect
    event_id: str
    price: Fraction = ONE
    volume: Fraction = ONE
    value: Fraction = Fraction(0)
    rights: Fraction = Fraction(0)
    subscription: Fraction = Fraction(0)

    def scale(self, policy: Policy, last: Price, close: Price) -> tuple[Fraction, Fraction]:
        """Price and volume factor by which what is known from before is multiplied, exact.

        last: the close before, in the units in force before this adjustment. close: that of the first bar after, with
        the adjustments of the same bar that come later undone. (1, 1) where the policy leaves the effect out or the
        terms cannot be used: value that is not less than the price, rights that cost no less than it.
        """
        if policy is Policy.RAW or (policy is Policy.SPLIT and self.effect is Effect.CASH):
            return ONE, ONE
        if self.effect in (Effect.RATIO, Effect.NOTICE):
            return self.price, self.volume
        theoretical = self._theoretical(last) if last > 0 else Fraction(0)
        if not 0 < theoretical < last:
            return ONE, ONE
        if self.effect is Effect.CASH and policy is Policy.TOTAL_EX:
            after = Fraction(close)
            return (after / (after + self.value), ONE) if after > 0 else (ONE, ONE)
        return theoretical / Fraction(last), ONE

    def _theoretical(self, last: Price) -> Fraction:
        """The price at which an old unit at `last` is worth as much after as before (rights: TERP)."""
        return (Fraction(last) - self.value + self.rights * self.subscription) / (1 + self.rights)


def factors(changes: Sequence[Adjustment], policy: Policy, last: Price, close: Price) -> tuple[Fraction, Fraction]:
    """Price and volume factor of all adjustments that one bar is the first after, exact.

    changes: in order of application. last, close: those of the bars before and after, as they traded. Each adjustment
    sees the price that those before it leave, whatever the policy, and the close that those after it came from: two
    dividends of one day return (P_ex + D1 + D2) / P_prev, as one dividend of D1 + D2 does.
    """
    lasts = [Fraction(last)]
    for change in changes:
        lasts.append(lasts[-1] * change.scale(Policy.TOTAL, lasts[-1], close)[0])
    after, price, volume = Fraction(close), ONE, ONE
    for change, before in zip(reversed(changes), reversed(lasts[:-1]), strict=True):
        by_price, by_volume = change.scale(policy, before, after)
        after, price, volume = after / by_price, price * by_price, volume * by_volume
    return price, volume


def adjustment(action: Action, calendar: str = ALWAYS) -> Adjustment | None:
    """What this record does to a price series, None for a type that only says who is who."""
    kind = action["action_type"]
    if kind not in EFFECTS:
        return None
    terms: dict[str, Fraction] = {}
    if kind in SPLITS:
        terms = {"price": 1 / _ratio(action), "volume": _ratio(action)}
    elif kind in ADDED:
        terms = {"price": 1 / (1 + _ratio(action)), "volume": 1 + _ratio(action)}
    elif kind == "CURRENCY_CHANGE":
        terms = {"price": _ratio(action)}
    elif kind == "RIGHTS_ISSUE":
        terms = {"rights": _ratio(action), "subscription": Fraction(action["subscription_price"])}
    elif kind != "OTHER":
        terms = {"value": Fraction(action["cash_amount"])}
    return Adjustment(when(action, calendar), EFFECTS[kind], action["event_id"], **terms)


def problem(action: Action, calendar: str = ALWAYS) -> str:
    """Why this record cannot be used ("" if it can): for a dead letter, before it is kept."""
    kind, cash = action["action_type"], action.get("cash_amount")
    if action["function"] not in FUNCTIONS:
        return f"unknown function {action['function']!r}"
    if action["function"] == "CANCEL":
        return ""
    if kind not in EFFECTS and kind not in NAMES:
        return f"unknown action type {kind!r}"
    if not action["symbol"]:
        return "no symbol"
    if kind in (*SPLITS, *ADDED, "CURRENCY_CHANGE", "RIGHTS_ISSUE") and (fault := _ratio_problem(action)):
        return fault
    if kind in (*PAID, "SPIN_OFF") and not _amount(cash):
        return f"cash_amount {cash} of a {kind}"
    if kind == "RIGHTS_ISSUE" and not _amount(action.get("subscription_price")):
        return f"subscription_price {action.get('subscription_price')} of a {kind}"
    if kind == "SYMBOL_CHANGE" and not action.get("other_symbol"):
        return f"no other_symbol of a {kind}"
    if kind in ("SYMBOL_CHANGE", "MERGER") and action.get("other_symbol") == action["symbol"]:
        return f"other_symbol {action['symbol']!r} is the symbol itself"
    return _day_problem(action, calendar)


def when(action: Action, calendar: str = ALWAYS) -> int:
    """Microseconds UTC from which the terms hold: the open of the ex-day's session at the listing's `mic`."""
    return ex_time(days(action["ex_date"]), action.get("mic") or calendar)


def _ratio_problem(action: Action) -> str:
    numerator, denominator = action.get("numerator", 1), action.get("denominator", 1)
    if min(numerator, denominator) <= 0:
        return f"ratio {numerator}/{denominator} is not positive"
    return f"ratio {numerator}/{denominator} is too large" if max(numerator, denominator) > LARGEST else ""


def _day_problem(action: Action, calendar: str) -> str:
    if abs(days(action["ex_date"])) > LAST_DAY:
        return f"ex_date {action['ex_date']} is not a day of this time"
    try:
        when(action, calendar)
    except DataError as error:
        return error.what
    return ""


def _amount(cash: float | None) -> bool:
    return cash is not None and math.isfinite(cash) and cash >= 0


def _ratio(action: Action) -> Fraction:
    return Fraction(action.get("numerator", 1), action.get("denominator", 1))


def days(day: date | int) -> int:
    """Days since 1970: Avro decodes a date, JSON and Parquet keep the number."""
    return day if isinstance(day, int) else day.toordinal() - EPOCH
