"""The Parquet form of ticks, bars and corporate actions: columns of the Avro schemas, times as timestamps in UTC."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import DataError
from udfs.tick_files import KINDS, TIME

NAME = pa.string()
PRICE = pa.schema(
    {"symbol": NAME, "event_time": TIME, "price": pa.float64(), "size": pa.float64(), "sequence": pa.int64(),
     "trade_id": NAME, "kind": NAME, "venue": NAME, "conditions": NAME}
)  # fmt: skip
BAR = pa.schema(
    {"symbol": NAME, "event_time": TIME, "open": pa.float64(), "high": pa.float64(), "low": pa.float64(),
     "close": pa.float64(), "volume": pa.float64()}
)  # fmt: skip
ACTION = pa.schema(
    {"event_id": NAME, "version": pa.int32(), "function": NAME, "symbol": NAME, "action_type": NAME,
     "ex_date": pa.date32(), "numerator": pa.int64(), "denominator": pa.int64(), "cash_amount": pa.float64(),
     "currency": NAME, "other_symbol": NAME, "subscription_price": pa.float64(), "status": NAME, "known_at": TIME,
     "mic": NAME}
)  # fmt: skip
_TEXTS = ["symbol", "kind", "venue", "conditions"]


def to_price(ticks: pa.Table) -> pa.Table:
    """A table of `udfs.prints.TICK` in the Parquet form: time as timestamp, kind as text."""
    kinds = pa.array(KINDS).take(ticks["kind"].combine_chunks())
    return ticks.set_column(ticks.column_names.index("kind"), "kind", kinds).cast(PRICE)


def price_writer(path: Path) -> pq.ParquetWriter:
    """A writer of ticks, chunk after chunk; trade ids are not looked for in a dictionary, since none repeats."""
    return pq.ParquetWriter(path, PRICE, use_dictionary=_TEXTS)


def write_actions(rows: list[dict[str, object]], path: Path) -> None:
    """Corporate actions (event_id, symbol, action_type, ex_date, known_at, and what their type needs) as a file.

    What is left out is that of a first and final announcement, with a ratio of 1/1.
    """
    first = {"version": 1, "function": "NEW", "status": "FINAL", "numerator": 1, "denominator": 1}
    pq.write_table(pa.Table.from_pylist([first | row for row in rows], ACTION), path)


def read_actions(path: Path) -> list[dict[str, object]]:
    """Records of market.corporate_action.v1 by known_at: ex_date as int days, known_at as int64 microseconds.

    A column that the file lacks, or a cell without a value, takes the schema's default.
    """
    try:
        table = pq.read_table(path)
        numbers = {"ex_date": table["ex_date"].cast(pa.date32()).cast(pa.int32()),
                   "known_at": table["known_at"].cast(TIME).cast(pa.int64())}  # fmt: skip
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read corporate actions: {error}", where=str(path)) from error
    for name, column in numbers.items():
        table = table.set_column(table.column_names.index(name), name, column)
    rows = table.take(pc.sort_indices(table, [("known_at", "ascending")])).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]
