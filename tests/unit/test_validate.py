"""Which reason speaks against a record: one record a row, good neighbours on both sides."""

import math

import numpy as np
import pytest

from udfs.fnv import fnv1a
from udfs.ticks import CANCEL, CORRECT, HEARTBEAT, TRADE
from udfs.validate import REASONS, validate

FIRST, LAST = 1_000, 2_000  # payload times that the block allows: FIRST <= t < LAST
GOOD = ("A", 1_500, 10.0, 1.0, TRADE)
COLUMNS = (("symbol", "u8"), ("event_time", "i8"), ("price", "f8"), ("size", "f8"), ("kind", "i1"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"event_time": FIRST}, ""),
        ({"event_time": LAST - 1}, ""),
        ({"event_time": FIRST - 1}, "event_time_gap"),
        ({"event_time": LAST}, "event_time_gap"),
        ({"event_time": -(2**63)}, "event_time_gap"),
        ({"symbol": ""}, "empty_symbol"),
        ({"symbol": "X" * 255}, ""),
        ({"symbol": "X" * 256}, "symbol_too_long"),
        ({"price": math.nan}, "price_not_finite"),
        ({"price": math.inf}, "price_not_finite"),
        ({"price": -math.inf}, "price_not_finite"),
        ({"price": 0.0}, "price_not_positive"),
        ({"price": -0.0}, "price_not_positive"),
        ({"price": -1.0}, "price_not_positive"),
        ({"price": 5e-324}, ""),
        ({"size": 0.0}, ""),
        ({"size": -1.0}, "size_not_valid"),
        ({"size": math.nan}, "size_not_valid"),
        ({"size": math.inf}, "size_not_valid"),
        ({"kind": CORRECT, "price": 0.0}, "price_not_positive"),
        # a cancel takes no price, a heartbeat only has a time
        ({"kind": CANCEL, "price": math.nan, "size": -1.0}, ""),
        ({"kind": CANCEL, "symbol": ""}, "empty_symbol"),
        ({"kind": CANCEL, "event_time": LAST}, "event_time_gap"),
        ({"kind": HEARTBEAT, "symbol": "", "price": math.nan}, ""),
        ({"kind": HEARTBEAT, "event_time": LAST}, "event_time_gap"),
    ],
)
def test_reasons(change: dict[str, object], reason: str) -> None:
    names = [name for name, _ in COLUMNS]
    rows = [GOOD, tuple((dict(zip(names, GOOD, strict=True)) | change).values()), GOOD]
    columns = [list(column) for column in zip(*rows, strict=True)]
    sizes = np.array([len(name) for name in columns[0]])
    columns[0] = [fnv1a(name) for name in columns[0]]
    symbol, *arrays = [np.array(column, kind) for column, (_, kind) in zip(columns, COLUMNS, strict=True)]
    allowed = np.full(3, FIRST), np.full(3, LAST)
    assert [REASONS[code] for code in validate(symbol, sizes, *arrays, *allowed)] == ["", reason, ""]


def test_each_record_is_held_to_its_own_times() -> None:
    columns = ([fnv1a("A")] * 3, [1_500] * 3, [10.0] * 3, [1.0] * 3, [TRADE] * 3)
    symbol, *arrays = [np.array(column, kind) for column, (_, kind) in zip(columns, COLUMNS, strict=True)]
    found = validate(symbol, np.ones(3, "i8"), *arrays, np.array([1_501, 1_500, 0]), np.array([2_000, 1_501, 1_500]))
    assert [REASONS[code] for code in found] == ["event_time_gap", "", "event_time_gap"]
