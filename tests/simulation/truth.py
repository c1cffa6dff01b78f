"""What must come of a market: its bars by naive code on the records, its features by the batch over those bars.

Nothing here has seen an operator. `refused` are the places that the job says were beyond its horizon.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.settings import settings
from tests.oracles.world import as_table
from tests.simulation.market import CANCEL, CORRECT, HEARTBEAT, TRADE, Market, Place, Row
from tests.simulation.small import INTERVAL, SECOND
from udfs import batch
from udfs.panel.columns import Columns

SHOWN = ("open", "high", "low", "close", "volume", "trade_count")
Bar = tuple[float, ...]
Key = tuple[str, str, int]
"""View, entity, event time."""


@dataclass
class Truth:
    """bars by (symbol, end); rows by key; fates as the job counts them."""

    bars: dict[tuple[str, int], Bar]
    rows: dict[Key, bytes]
    fates: dict[str, int]


def records(market: Market, refused: Collection[Place]) -> list[Row]:
    """Every usable record but the heartbeats."""
    found = []
    for partition, messages in enumerate(market.prices):
        for offset, message in enumerate(messages):
            row = message.row
            if row is not None and row["kind"] != HEARTBEAT and (partition, offset) not in refused:
                found.append(row)
    return found


def truth(market: Market, refused: Collection[Place]) -> Truth:
    """All of it."""
    heard = records(market, refused)
    bars, fates = bars_of(heard)
    rows = features(bars, [each.row for each in market.actions if each.row is not None]) if bars else {}
    return Truth(bars, rows, fates)


def bars_of(heard: list[Row]) -> tuple[dict[tuple[str, int], Bar], dict[str, int]]:
    """Bars of the trades that stand, and how many records ended how."""
    trades: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in heard:
        trades[row["symbol"], row["trade_id"]].append(row)
    standing: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
    fates = Counter({"heard": len(heard)})
    for said in trades.values():
        kinds = {kind: [row for row in said if row["kind"] == kind] for kind in (TRADE, CANCEL, CORRECT)}
        fates["duplicates"] += max(len(kinds[TRADE]) - 1, 0)
        for row in kinds[CANCEL] + kinds[CORRECT]:  # counted in the bar in which it lies
            fates["amendments" if kinds[TRADE] and end_of(row) == end_of(kinds[TRADE][0]) else "orphans"] += 1
        fates["cancelled"] += bool(kinds[TRADE] and kinds[CANCEL])
        if kinds[TRADE] and not kinds[CANCEL]:
            row = kinds[TRADE][0]
            last = max(kinds[CORRECT], key=lambda of: (of["event_time"], of["sequence"]), default=row)
            standing[row["symbol"], end_of(row)].append(row | {"price": last["price"], "size": last["size"]})
    fates["used"] = sum(map(len, standing.values()))
    return {key: bar(rows) for key, rows in standing.items()}, dict(fates)


def end_of(row: Row) -> int:
    """End of the bar that a record's time is in."""
    return int(row["event_time"] // SECOND + 1) * SECOND


def bar(rows: list[Row]) -> Bar:
    """SHOWN of the trades of a bar."""
    rows = sorted(rows, key=lambda row: (row["event_time"], row["sequence"]))
    prices = [row["price"] for row in rows]
    return (prices[0], max(prices), min(prices), prices[-1], sum(row["size"] for row in rows), float(len(rows)))


def features(bars: dict[tuple[str, int], Bar], actions: list[Row]) -> dict[Key, bytes]:
    """Every view's rows as bytes."""
    ends = np.array([end for _, end in bars], "i8")
    table = {"symbol": pa.array([symbol for symbol, _ in bars]), "event_time": pa.array(ends).cast(batch.TIME)}
    table |= dict(zip(SHOWN, map(np.array, zip(*bars.values(), strict=True)), strict=True))
    views = batch.compute_views(pa.table(table), as_table(actions), INTERVAL)
    columns, whole = Columns(settings().cross_asset), views.pop(batch.FEATURES)
    own = [name for name in whole.column_names[2:] if name not in (*columns.numbers, *columns.members)]
    members = whole.filter(whole[columns.numbers[0]].is_valid())
    found = rows_of("indicators_1s", whole.select(["symbol", "event_time", *own]))
    found |= rows_of("cross_asset_1s", members.select(["symbol", "event_time", *columns.numbers, *columns.members]))
    return found | rows_of("universe_1s", views["universe"])


def rows_of(view: str, table: pa.Table) -> dict[Key, bytes]:
    """Of one table, whose first two columns are entity and time."""
    entity, _, *names = table.column_names
    texts = [name for name in names if pa.types.is_string(table.schema.field(name).type)]
    numbers = [table[name].to_numpy() for name in names if name not in texts]
    matrix = np.column_stack(numbers) if numbers else np.empty((len(table), 0))
    said = [table[name].to_pylist() for name in texts]
    times, entities = table["event_time"].cast(pa.int64()).to_pylist(), table[entity].to_pylist()
    return {(view, entities[i], times[i]): as_bytes(matrix[i], [column[i] or "" for column in said])
            for i in range(len(entities))}  # fmt: skip


def as_bytes(numbers: Any, texts: list[str]) -> bytes:
    """One row; every NaN is the same."""
    numbers = np.asarray(numbers, "f8")
    return bytes(np.where(np.isnan(numbers), np.nan, numbers).tobytes() + "|".join(texts).encode())
