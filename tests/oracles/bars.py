"""Naive twin of udfs/bars.py: records as rows, one dict of trades, plain sorting."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from udfs.fnv import fnv1a
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

Bar = dict[str, float]
GOLDEN = 0x9E3779B97F4A7C15


class Record(NamedTuple):
    """A trade record; without a trade_id, time and sequence tell trades of a symbol apart."""

    symbol: str
    event_time: int
    price: float
    size: float = 1.0
    sequence: int = 0
    trade_id: str = ""
    kind: int = TRADE


def ticks(records: Iterable[Record]) -> Ticks:
    """The records as columns, in their order."""
    rows = list(records)
    names = sorted({row.symbol for row in rows})
    columns = {"code": [names.index(row.symbol) for row in rows], "trade_id": [fnv1a(row.trade_id) for row in rows]}
    columns |= {
        name: [getattr(row, name) for row in rows] for name in ("event_time", "sequence", "price", "size", "kind")
    }
    types = {
        "code": "i4",
        "trade_id": "u8",
        "event_time": "i8",
        "sequence": "i8",
        "price": "f8",
        "size": "f8",
        "kind": "i1",
    }
    return Ticks(names, **{name: np.array(column, types[name]) for name, column in columns.items()})


def trades_of(records: Iterable[Record]) -> tuple[list[Record], dict[str, int]]:
    """The trades that stand, at the prices and sizes that hold, and what became of the other records."""
    groups = defaultdict(list)
    for row in records:
        groups[row.symbol, row.trade_id or (row.event_time, row.sequence)].append(row)
    standing, counts = [], dict.fromkeys(("duplicates", "cancelled", "amendments", "orphans"), 0)
    for group in groups.values():
        in_order = sorted(group, key=lambda row: (row.event_time, row.sequence, row.price, row.size))
        trades, cancels, corrections = (
            [row for row in in_order if row.kind == kind] for kind in (TRADE, CANCEL, CORRECT)
        )
        counts["duplicates"] += len(trades[1:]) + len(cancels[1:])
        counts["amendments" if trades else "orphans"] += len(cancels[:1]) + len(corrections)
        counts["cancelled"] += bool(trades and cancels)
        if trades and not cancels:
            price, size = (corrections or trades[:1])[-1][2:4]
            standing.append(trades[0]._replace(price=price, size=size))
    return standing, counts


def bar_of(times: Sequence[int], prices: Sequence[float], sizes: Sequence[float], end: int) -> Bar:
    """Every column of a bar from its trades in order of time, by definition."""
    returns = [abs(math.log(b / a)) for a, b in pairwise(prices)]
    held = [Fraction(p) * (until - since) for p, since, until in zip(prices, times, [*times[1:], end], strict=True)]
    moves = [(b > a) - (b < a) for a, b in pairwise(prices)]
    sides = [next((move for move in reversed(moves[:k]) if move), 0) for k in range(len(prices))]
    return {
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": math.fsum(sizes),
        "trade_count": len(prices),
        "turnover": float(sum(Fraction(p) * Fraction(size) for p, size in zip(prices, sizes, strict=True))),
        "twap": float(sum(held) / (end - times[0])),
        "realised_variance": math.fsum(r * r for r in returns),
        "bipower_variation": math.pi / 2 * math.fsum(a * b for a, b in pairwise(returns)),
        "signed_volume": math.fsum(side * size for side, size in zip(sides, sizes, strict=True)),
        "largest_trade": max(sizes),
    }


def bars_of(records: Iterable[Record], end: int) -> dict[str, Bar]:
    """The bar of each symbol whose trades are told apart by time; end: of the bars."""
    trades = defaultdict(list)
    for row in sorted(trades_of(records)[0], key=lambda row: (row.event_time, row.sequence)):
        trades[row.symbol].append(row)
    columns = {name: zip(*((row.event_time, row.price, row.size) for row in of), strict=True)
               for name, of in trades.items()}  # fmt: skip
    return {name: bar_of(*of, end) for name, of in columns.items()}


def ids_of(records: Iterable[Record]) -> dict[str, tuple[int, int]]:
    """What each symbol's standing trades prove themselves by: sum and exclusive or of their ids, by definition."""
    found: dict[str, tuple[int, int]] = {}
    for row in trades_of(records)[0]:
        name = _fnv1a(row.trade_id) if row.trade_id else (row.sequence * GOLDEN ^ row.event_time) % 2**64
        total, xor = found.get(row.symbol, (0, 0))
        found[row.symbol] = total + name % 2**32, xor ^ name % 2**52
    return found


def _fnv1a(text: str) -> int:
    found = 0xCBF29CE484222325
    for byte in text.encode():
        found = (found ^ byte) * 0x100000001B3 % 2**64
    return found
