"""The compiled encoder writes fastavro's bytes, and knows the order of the schema's fields."""

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.loader import load
from schemas.wire import HEAD, encoder
from udfs.encode import encode_ticks
from udfs.prints import TICK
from udfs.tick_files import KINDS

LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=12)
ROW = st.fixed_dictionaries(
    {
        "symbol": TEXT,
        "event_time": LONG,
        "price": st.floats(),
        "size": st.floats(),
        "sequence": LONG,
        "trade_id": TEXT,
        "kind": st.integers(0, len(KINDS) - 1),
        "venue": st.none() | TEXT,
        "conditions": st.none() | TEXT,
    }
)


@settings(deadline=None)  # the first call compiles
@given(st.lists(ROW, max_size=20), st.integers(0, 2**31 - 1), st.integers(0, 3))
def test_encode_ticks_is_fastavro(rows: list[dict[str, Any]], schema_id: int, first: int) -> None:
    expected = [encoder("market.price.v1", schema_id)(row | {"kind": KINDS[row["kind"]]}) for row in rows]
    table = pa.Table.from_pylist(rows, TICK).combine_chunks()
    assert encode_ticks(table, HEAD.pack(0, schema_id)) == expected
    assert encode_ticks(table.slice(first), HEAD.pack(0, schema_id)) == expected[first:]


def test_kinds_and_fields_are_those_of_the_schema() -> None:
    fields = {field["name"]: field["type"] for field in load("market.price.v1")["fields"]}
    assert list(fields) == TICK.names
    assert tuple(fields["kind"]["symbols"]) == KINDS
