"""Naive twins of udfs/prints.py and udfs/tape.py: whole files as Python rows."""

from collections.abc import Iterable
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]


def bar_of(ticks: list[Row]) -> Row:
    """Open, high, low, close, volume of trades that are in order."""
    prices = [tick["price"] for tick in ticks]
    volume = 0.0
    for tick in ticks:
        volume += tick["size"]
    return {"open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1], "volume": volume}


def rows_in_order(paths: Iterable[str]) -> list[Row]:
    """All rows of all files in memory, sorted by event_time; equal times keep the order of the files."""
    rows = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
    return sorted(rows, key=lambda row: row["event_time"])
