"""The corporate actions of a synthetic tape: what happens to which security, and how it is announced.

In: seed, securities, midnights. Out: events, and the records of market.corporate_action.v1 that announce them. Kinds,
delays and changes of mind are dealt from shuffled decks, so that their shares hold for twenty events as for a thousand.
This file must not know ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.settings import UNITS
from tickloom.tape import noise

if TYPE_CHECKING:
    from tickloom.tape.spec import Spec

EPOCH = datetime.fromtimestamp(0, UTC)
RATIOS = ((2, 1), (3, 2), (3, 1), (4, 1), (5, 1), (10, 1), (1, 2), (1, 5), (1, 10), (5, 4))
SPLIT, DIVIDEND, CHANGE = "SPLIT", "CASH_DIVIDEND", "SYMBOL_CHANGE"
FINAL, PROVISIONAL, CANCELLED = range(3)
KINDS = (*[SPLIT] * 12, *[DIVIDEND] * 5, *[CHANGE] * 3)
HISTORIES = (*[FINAL] * 18, PROVISIONAL, CANCELLED)
IN_TIME = (*[True] * 9, False)
LATE_BARS = 3
"""The last word on an event comes up to so many bars after its ex time, where it comes late."""


@dataclass(frozen=True)
class Event:
    """What happens to a security at `ex_us`, in truth; times in microseconds UTC.

    symbol, other_symbol: its ticker before and after; numerator, denominator: new units for old; cash: US dollars for
    an old unit; first_us, last_us: when the first and the last word on it are known; history: FINAL at once, first
    PROVISIONAL on other terms, or CANCELLED, so that nothing happens.
    """

    number: int
    security: int
    ex_us: int
    kind: str
    symbol: str
    numerator: int
    denominator: int
    cash: float
    first_us: int
    last_us: int
    history: int

    @property
    def happens(self) -> bool:
        """Whether the market moves."""
        return self.history != CANCELLED

    @property
    def changes(self) -> bool:
        """Whether the ticker changes."""
        return self.kind == CHANGE and self.happens

    @property
    def other_symbol(self) -> str:
        """The ticker from the ex time on."""
        return self.symbol + "X" if self.changes else self.symbol

    @property
    def ratio(self) -> float:
        """New units for an old one."""
        return self.numerator / self.denominator if self.kind == SPLIT and self.happens else 1.0

    def records(self) -> list[dict[str, Any]]:
        """The announcements in order of time, as rows of `files.ACTION`."""
        first = self._record(1, self.first_us)
        if self.history == PROVISIONAL:
            first |= {"status": "PROVISIONAL", **self._terms(self.denominator + 1, self.cash * 1.5, "Y")}
            return [first, self._record(2, self.last_us) | {"function": "REPLACE"}]
        if self.history == CANCELLED:
            return [first, self._record(2, self.last_us) | {"function": "CANCEL"}]
        return [self._record(1, self.last_us)]

    def _record(self, version: int, known_us: int) -> dict[str, Any]:
        reverse = self.kind == SPLIT and self.numerator < self.denominator
        return {
            "event_id": f"synth-{self.number}",
            "version": version,
            "symbol": self.symbol,
            "action_type": "REVERSE_SPLIT" if reverse else self.kind,
            "ex_date": (EPOCH + timedelta(microseconds=self.ex_us)).date(),
            "known_at": EPOCH + timedelta(microseconds=known_us),
            "numerator": 1,
            "denominator": 1,
        } | self._terms(self.denominator, self.cash, "X")

    def _terms(self, denominator: int, cash: float, suffix: str) -> dict[str, Any]:
        if self.kind == DIVIDEND:
            return {"cash_amount": round(cash, 4), "currency": "USD"}
        if self.kind == CHANGE:
            return {"other_symbol": self.symbol + suffix}
        return {"numerator": self.numerator, "denominator": denominator}


def events(spec: "Spec") -> list[Event]:
    """The events by security and ex time: each security has one, then each a second one, and so on.

    60 % splits and reverse splits, 25 % cash dividends, 15 % changes of ticker (less those of a security that has
    another event at that instant); a tenth is heard late. Ex times are midnights of the tape.
    """
    kinds = dealt(spec.seed, spec.actions, noise.KIND, KINDS)
    histories = dealt(spec.seed, spec.actions, noise.HISTORY, HISTORIES)
    in_time = dealt(spec.seed, spec.actions, noise.IN_TIME, IN_TIME)
    found: list[Event] = []
    for security, ex_us, i in sorted(_places(spec)):
        past = [event for event in found if event.security == security]
        again = any(event.ex_us == ex_us for event in past)
        changes = [event.other_symbol for event in past if event.changes and event.ex_us < ex_us]
        symbol = [spec.names[security], *changes][-1]
        units = float(np.prod([event.ratio for event in past]))
        found.append(
            Event(
                i, security, ex_us, SPLIT if again and kinds[i] == CHANGE else kinds[i], symbol,
                *RATIOS[noise.draw(spec.seed, noise.MARKET, i, noise.RATIO) % len(RATIOS)],
                _cash(spec, i, security) / units, *_known(spec, i, ex_us, in_time=in_time[i]), histories[i])
        )  # fmt: skip
    return found


def dealt(seed: int, count: int, purpose: int, deck: Sequence[Any]) -> list[Any]:
    """So many cards from decks that are each shuffled by the noise of a purpose."""
    cards: list[Any] = []
    for first in range(0, count, len(deck)):
        draws = [noise.unit(seed, noise.MARKET, first + k, purpose) for k in range(len(deck))]
        cards += [deck[k] for k in np.argsort(draws)]
    return cards[:count]


def _places(spec: "Spec") -> list[tuple[int, int, int]]:
    """(security, ex time, number) of each event."""
    order = np.argsort([noise.draw(spec.seed, s, 0, noise.ACTION) for s in range(spec.symbols)]).tolist()
    found = []
    for i in range(spec.actions):
        security, lap = order[i % spec.symbols], i // spec.symbols
        chance = int(noise.draw(spec.seed, security, lap + 1, noise.ACTION))
        found.append((security, spec.midnights[(chance + lap) % len(spec.midnights)], i))
    return found


def _known(spec: "Spec", i: int, ex_us: int, *, in_time: bool) -> tuple[int, int]:
    """When the first and the last word on an event are known: 1 to 20 days before; or bars after it."""
    first = ex_us - (1 + int(noise.draw(spec.seed, noise.MARKET, i, noise.NEWS)) % 20) * UNITS["d"]
    if in_time:
        return first, first + (ex_us - first) // 2
    part = noise.unit(spec.seed, noise.MARKET, i, noise.NEWS_BY)
    return first, ex_us + 1 + int(part * LATE_BARS * spec.interval_us)


def _cash(spec: "Spec", i: int, security: int) -> float:
    """0.1 to 0.9 % of a security's price at the start, in US dollars."""
    return noise.base(spec.seed, security) * (0.001 + 0.008 * noise.unit(spec.seed, noise.MARKET, i, noise.CASH))
