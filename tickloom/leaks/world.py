"""Bars and corporate actions of which a future can be taken away: a seeded market, or a user's own files.

In: a seed, or Parquet files as `tickloom features compute` reads them. Out: a World, and random actions of every type.
The market has what makes look-ahead show: gaps, a listing, a delisting, a change of ticker, splits and dividends
announced in time, late, provisionally or in error, and a split that nobody announces.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.errors import DataError
from schemas.settings import UNITS, parse_duration
from tickloom.tape.files import ACTION, read_actions
from udfs.adjustment import when
from udfs.bars import COLUMNS
from udfs.batch import PRICES, TIME, Tape, read_bars

Random = np.random.Generator
Record = dict[str, Any]
DAY = UNITS["d"]
FIRST_DAY, OPEN_US = 19_724, 14 * UNITS["h"] + 30 * UNITS["m"]  # 2024-01-02, 14:30 UTC
DAYS = 4
NAMES = [f"S{i}" for i in range(6)]
TYPES: dict[str, Callable[[Random], Record]] = {
    "SPLIT": lambda rng: {"numerator": int(rng.integers(2, 6))},
    "REVERSE_SPLIT": lambda rng: {"denominator": int(rng.integers(2, 6))},
    "RATIO_CHANGE": lambda rng: {"numerator": int(rng.integers(2, 6)), "denominator": 7},
    "STOCK_DIVIDEND": lambda rng: {"denominator": int(rng.integers(5, 21))},
    "SHARE_CLASS_DIVIDEND": lambda rng: {"denominator": int(rng.integers(5, 21))},
    "CASH_DIVIDEND": lambda rng: {"cash_amount": rng.uniform(0.5, 5)},
    "SPECIAL_DIVIDEND": lambda rng: {"cash_amount": rng.uniform(0.5, 5)},
    "RETURN_OF_CAPITAL": lambda rng: {"cash_amount": rng.uniform(0.5, 5)},
    "SPIN_OFF": lambda rng: {"cash_amount": rng.uniform(0.5, 5)},
    "RIGHTS_ISSUE": lambda rng: {"denominator": int(rng.integers(2, 9)), "subscription_price": rng.uniform(0.5, 5)},
    "CURRENCY_CHANGE": lambda rng: {"numerator": int(rng.integers(2, 6)), "denominator": 3},
    "SYMBOL_CHANGE": lambda rng: {"other_symbol": f"N{rng.integers(10)}"},
    "EXCHANGE_MOVE": lambda rng: {"other_symbol": f"N{rng.integers(10)}"},
    "MERGER": lambda _: {},
    "DELISTING": lambda _: {},
    "RELISTING": lambda _: {},
    "NAME_CHANGE": lambda _: {},
    "OTHER": lambda _: {},
}


@dataclass(frozen=True)
class World:
    """Bars of one width (`interval`, such as 1m), and the records of corporate actions in any order."""

    bars: Tape
    actions: list[Record]
    interval: str

    @property
    def interval_us(self) -> int:
        """Width of a bar, microseconds."""
        return parse_duration(self.interval)

    @cached_property
    def ends(self) -> list[int]:
        """Every bar end, microseconds UTC, ascending."""
        found: list[int] = np.unique(self.bars.times).tolist()
        return found

    @cached_property
    def table(self) -> pa.Table:
        """The bars as a file holds them."""
        names = pa.array(self.bars.names, pa.string()).take(pa.array(self.bars.rows))
        columns = {"symbol": names, "event_time": pa.array(self.bars.times).cast(TIME)}
        return pa.table(columns | dict(zip(COLUMNS, map(pa.array, self.bars.values.T.copy()), strict=True)))

    @cached_property
    def announced(self) -> pa.Table:
        """The actions as a file holds them."""
        return pa.Table.from_pylist(self.actions, ACTION)

    def last(self, times: int) -> "World":
        """The same without all but the last bar times."""
        return replace(self, bars=part(self.bars, self.bars.times >= self.ends[-times:][0]))

    def edges(self) -> set[int]:
        """The last bar end that an action does not concern, and the first that it does, of every action."""
        ends = np.array(self.ends)
        after = {int(np.searchsorted(ends, when(action), "right")) for action in self.actions}
        return {self.ends[at] for k in after for at in (k - 1, k) if 0 <= at < len(ends)}


def part(bars: Tape, keep: NDArray[np.int64 | np.bool_]) -> Tape:
    """The bars at these places or under this mask, of the same names."""
    return Tape(bars.names, bars.rows[keep], bars.times[keep], bars.values[keep])


def market(seed: int, times: int) -> World:
    """Six symbols at so many one-minute bar times, spread over four equal sessions."""
    rng = np.random.default_rng(seed)
    minutes = -(-times // DAYS)
    days = np.repeat(np.arange(DAYS), minutes)
    ends = (FIRST_DAY + days) * DAY + OPEN_US + (np.tile(np.arange(minutes), DAYS) + 1) * UNITS["m"]
    shape = len(ends), len(NAMES)
    close = rng.uniform(50, 150, len(NAMES)) * np.exp(np.cumsum(rng.normal(0, 0.003, shape), axis=0))
    opens, spread = close * np.exp(rng.normal(0, 0.002, shape)), 1 + rng.uniform(0, 0.002, (2, *shape))
    prices = np.array([opens, np.maximum(opens, close) * spread[0], np.minimum(opens, close) / spread[1], close])
    volume = rng.integers(100, 10_000, shape).astype("f8")
    for halved, day in ((0, 1), (1, 2), (2, 3)):  # two-for-one; the last one is not announced
        prices[:, days >= day, halved] /= 2
        volume[days >= day, halved] *= 2
    there = rng.random(shape) > np.array([0, 0, 0, 0.02, 0.05, 0.1])  # correlations need whole windows
    there[days == 0, 5] = False  # listed on the second day
    there[days == 3, 4] = False  # delisted after the third
    row, column = np.nonzero(there)
    symbol = np.where((column == 3) & (days[row] >= 2), "S3X", np.array(NAMES)[column])
    numbers = (*np.round(prices, 4)[:, row, column], volume[row, column])
    columns = {"symbol": symbol, "event_time": pa.array(ends[row]).cast(TIME)}
    bars = read_bars(pa.table(columns | dict(zip((*PRICES, "volume"), numbers, strict=True))), "1m")
    return World(bars, _announced(minutes * UNITS["m"]), "1m")


def files(bars: Path, actions: Path | None, interval: str) -> World:
    """A user's own; DataError for what cannot be read or used."""
    try:
        table = pq.read_table(bars)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"this is not a Parquet file that can be read: {error}", where=str(bars)) from error
    world = World(read_bars(table, interval), read_actions(actions) if actions else [], interval)
    if len(world.ends) < 2:
        raise DataError("less than two bar times: there is no future", where=str(bars))
    return world


def action(event_id: str, kind: str, symbol: str, ex_date: int, known_at: int, **terms: Any) -> Record:
    """A first and final record; ex_date in days since 1970, known_at in microseconds UTC."""
    first = {"version": 1, "function": "NEW", "status": "FINAL", "numerator": 1, "denominator": 1}
    named = {"event_id": event_id, "action_type": kind, "symbol": symbol, "ex_date": ex_date, "known_at": known_at}
    return first | named | terms


def rumours(rng: Random, symbols: Sequence[str], ex_dates: Sequence[int], known: Sequence[int]) -> list[Record]:
    """One action of every type, of random symbols, ex-days (days since 1970) and times of announcement (of those)."""
    records = []
    for kind, terms in TYPES.items():
        symbol, name = symbols[rng.integers(len(symbols))], f"rumour-{kind}-{rng.integers(10**9)}"
        ex_date, known_at = ex_dates[rng.integers(len(ex_dates))], known[rng.integers(len(known))]
        records.append(action(name, kind, symbol, ex_date, known_at, **terms(rng)))
    return records


def _announced(session_us: int) -> list[Record]:
    """What is announced of the market, some of it during a session of this length."""

    def day(number: int) -> int:
        return FIRST_DAY + number

    def long_before(number: int) -> int:
        return (day(number) - 10) * DAY

    def during(number: int, part: float) -> int:
        return day(number) * DAY + OPEN_US + int(part * session_us)

    return [
        action("split", "SPLIT", "S0", day(1), long_before(1), numerator=2),
        action("late split", "SPLIT", "S1", day(2), during(2, 0.3), numerator=2),
        action("dividend", "CASH_DIVIDEND", "S0", day(2), long_before(2), cash_amount=0.8),
        action("late dividend", "CASH_DIVIDEND", "S5", day(2), during(2, 0.1), cash_amount=1.5),
        action("ticker", "SYMBOL_CHANGE", "S3", day(2), during(2, 0.2), other_symbol="S3X"),
        action("end", "DELISTING", "S4", day(3), during(3, 0.4)),
        action("error", "SPLIT", "S5", day(3), long_before(3), numerator=3),
        action("error", "SPLIT", "S5", day(3), during(3, 0.3), version=2, function="CANCEL"),
        action("terms", "STOCK_DIVIDEND", "S4", day(1), during(0, 0.1), denominator=9, status="PROVISIONAL"),
        action("terms", "STOCK_DIVIDEND", "S4", day(1), during(1, 0.5), version=2, function="REPLACE", denominator=10),
    ]
