"""Naive twin of udfs/bars.py: records as rows, one dict of trades, plain sorting."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from udfs.fnv import fnv1a
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

Bar = tuple[float, float, float, float, float, float]


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


def bars_of(records: Iterable[Record]) -> dict[str, Bar]:
    """Open, high, low, close, volume and number of trades of each symbol whose trades are told apart by time."""
    bars: dict[str, Bar] = {}
    for row in sorted(trades_of(records)[0], key=lambda row: (row.event_time, row.sequence)):
        opened, high, low, _, volume, count = bars.get(row.symbol, (row.price,) * 4 + (0.0, 0.0))
        bars[row.symbol] = opened, max(high, row.price), min(low, row.price), row.price, volume + row.size, count + 1
    return bars
