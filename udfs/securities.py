"""Who is who: from the set of corporate actions heard so far to the security behind a ticker at a time.

In: records of market.corporate_action.v1, in any order, with repeats. Out: an internal id for the security of a bar,
and the adjustments of each security. This file must not know bars, state, or when a record arrived.

A security is named after the ticker of its first life; where a ticker begins another life, `TICKER#2`, and so on. A
ticker's time is cut where its security leaves it (delisting, merger, a change of name) and where it takes one on.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from udfs.adjustment import Action, Adjustment, adjustment, when
from udfs.announcements import in_force
from udfs.sessions import ALWAYS

MEMBERSHIP = ("INDEX_JOIN", "INDEX_LEAVE")


class Actions:
    """The actions in force among `records` (DataError for one that cannot be used): a pure function of their set.

    calendar: whose session open an ex-day without `mic` begins at. adjustments: by security id, in order of
    application. cuts: by symbol, the ex times (microseconds UTC) at which it starts to denote another security.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]], calendar: str = ALWAYS) -> None:
        terms = in_force(records, calendar)
        self._tickers = _Tickers()
        for time_us, group in groupby(terms, lambda action: when(action, calendar)):
            self._tickers.step(time_us, list(group))
        self.cuts: dict[str, tuple[int, ...]] = {symbol: tuple(at) for symbol, at in self._tickers.cuts.items()}
        found: defaultdict[str, list[Adjustment]] = defaultdict(list)
        for action in terms:
            if change := adjustment(action, calendar):
                found[self._named(action["symbol"], change.ex_time_us)].append(change)
        self.memberships = self._memberships([each for each in terms if each["action_type"] in MEMBERSHIP], calendar)
        self.adjustments: dict[str, tuple[Adjustment, ...]] = {name: tuple(changes) for name, changes in found.items()}

    def security(self, symbol: str, bar_end_us: int) -> str:
        """Id of the security of the symbol's bar that ends then: terms hold for bars that end after their ex time."""
        return self._tickers.security(symbol, bar_end_us)

    def member(self, security: str, bar_end_us: int, otherwise: bool = True) -> bool:
        """Whether a security is in the universe at a bar: by the last INDEX_JOIN or INDEX_LEAVE before it ends."""
        said = [joined for time_us, joined in self.memberships.get(security, ()) if time_us < bar_end_us]
        return said[-1] if said else otherwise

    def _memberships(self, terms: list[Action], calendar: str) -> dict[str, list[tuple[int, bool]]]:
        """By security: when it joins (True) or leaves, in order."""
        found = defaultdict[str, list[tuple[int, bool]]](list)
        for action in terms:
            time_us = when(action, calendar)
            found[self._named(action["symbol"], time_us)].append((time_us, action["action_type"] == "INDEX_JOIN"))
        return dict(found)

    def _named(self, symbol: str, ex_time_us: int) -> str:
        """The security an action names: its ticker's before the ex time, unless the ticker took one on just then."""
        return self.security(symbol, ex_time_us + ((symbol, ex_time_us) in self._tickers.links))


class _Tickers:
    """What each ticker denotes over time, built from one ex time to the next; no two denote one security at once."""

    def __init__(self) -> None:
        self.cuts: defaultdict[str, list[int]] = defaultdict(list)
        self.links: set[tuple[str, int]] = set()
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        self._lives: dict[str, int] = {}
        self._delisted: dict[str, str] = {}
        self._holder: dict[str, str] = {}

    def security(self, symbol: str, bar_end_us: int) -> str:
        at = bisect_left(self.cuts.get(symbol, ()), bar_end_us)
        return self._ids[symbol][at - 1] if at else symbol

    def step(self, time_us: int, group: list[Action]) -> None:
        """Take the actions of one ex time, sorted by event_id; what a ticker passes on it denoted strictly before."""
        for action in group:
            if action["action_type"] == "DELISTING":
                self._delisted[action["symbol"]] = self.security(action["symbol"], time_us)
        taken = dict(link for action in group if (link := self._link(action, time_us)))
        self.links |= {(symbol, time_us) for symbol in taken}
        takers = {security: symbol for symbol, security in taken.items()}
        left = {action["symbol"] for action in group if _ends(action)}
        left |= {holder for security in takers if (holder := self._held(security, time_us))}
        for symbol in sorted(left | set(taken)):
            security = taken.get(symbol, "")
            self._cut(symbol, time_us, security if takers.get(security) == symbol else "")

    def _link(self, action: Action, time_us: int) -> tuple[str, str] | None:
        """The ticker that takes a security on, and which."""
        symbol = action["symbol"]
        before = self.security(symbol, time_us)
        if action["action_type"] == "RELISTING":
            return symbol, self._delisted.get(symbol, before)
        return (action["other_symbol"], before) if _renames(action) else None

    def _held(self, security: str, time_us: int) -> str:
        """The ticker that denotes the security just before, "" if none does."""
        holder = self._holder.get(security, security)
        return holder if self.security(holder, time_us) == security else ""

    def _cut(self, symbol: str, time_us: int, security: str) -> None:
        """From here on the ticker denotes this security, a new one if "" is given."""
        if not security:
            self._lives[symbol] = self._lives.get(symbol, 1) + 1
            security = f"{symbol}#{self._lives[symbol]}"
        if security != self.security(symbol, time_us):
            self.cuts[symbol].append(time_us)
            self._ids[symbol].append(security)
        self._holder[security] = symbol


def _renames(action: Action) -> bool:
    return action["action_type"] in ("SYMBOL_CHANGE", "EXCHANGE_MOVE") and bool(action.get("other_symbol"))


def _ends(action: Action) -> bool:
    return action["action_type"] in ("DELISTING", "MERGER") or _renames(action)
