"""Naive twins of the synthetic tape: its random numbers on Python integers, its truth by reading all of its files."""

from itertools import groupby
from typing import Any

from tests.oracles.bars import bar_of

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
Row = dict[str, Any]


def splitmix(x: int) -> int:
    """The finaliser of SplitMix64."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def draw(seed: int, symbol: int, sequence: int, purpose: int) -> int:
    """The random 64 bits of a symbol, a sequence and a purpose."""
    x = splitmix((seed + GOLDEN * (symbol + 2)) & MASK)
    x = splitmix((x + GOLDEN * (sequence + 1)) & MASK)
    return splitmix((x + GOLDEN * (purpose + 1)) & MASK)


def final_bars(records: list[Row], interval_us: int) -> list[Row]:
    """Bars of all records of a tape, whatever their order: repeats once, cancelled trades not at all."""
    gone = {row["trade_id"] for row in records if row["kind"] == "CANCEL"}
    trades = {row["trade_id"]: row for row in records if row["trade_id"] not in gone}

    def place(row: Row) -> tuple[int, str]:
        return (row["event_time"] // interval_us + 1) * interval_us, row["symbol"]

    ordered = sorted(trades.values(), key=lambda row: (*place(row), row["event_time"], row["sequence"]))
    bars = []
    for (end, symbol), group in groupby(ordered, place):
        rows = list(group)
        columns = ([row[name] for row in rows] for name in ("event_time", "price", "size"))
        bars.append({"symbol": symbol, "event_time": end, **bar_of(*columns, end)})
    return bars


def late_trades(records: list[Row], lateness_us: int, block_us: int) -> int:
    """Trades (first copies) that arrive when their block is over by the newest event time before them."""
    newest, seen, late = 0, set(), 0
    for row in records:
        end = (row["event_time"] // block_us + 1) * block_us
        first = row["kind"] == "TRADE" and row["trade_id"] not in seen
        late += first and end <= newest - lateness_us
        seen.add(row["trade_id"])
        newest = max(newest, row["event_time"])
    return late


def happened(announced: list[Row]) -> list[Row]:
    """What the announcements come to, by ex_date: the last version of each event, unless that takes it back."""
    last = {row["event_id"]: row for row in sorted(announced, key=lambda row: row["version"])}
    return sorted((row for row in last.values() if row["function"] != "CANCEL"), key=lambda row: row["ex_date"])


def tickers(announced: list[Row], first: str) -> list[tuple[int, str]]:
    """(microseconds UTC from which it holds, ticker) of the security whose first ticker this is, in order."""
    found = [(0, first)]
    for row in happened(announced):
        if row["action_type"] == "SYMBOL_CHANGE" and row["symbol"] == found[-1][1]:
            found.append((row["ex_date"] * 86_400_000_000, row["other_symbol"]))
    return found
