"""Two tables of features to the last bit: the first difference in words, and a digest of all bits.

In: tables as `features compute` writes them (keys, such as symbol, event_time, features; by event_time and keys).
Out: "" or what differs first, and where; hexadecimal digests. This file must not know how a table came to be.
"""

import hashlib
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DIGITS, LONG = 16, 80


def difference(expected: pa.Table, found: pa.Table) -> str:
    """What of `found` differs first (by time, symbol, column) from `expected`; "" where all bits are equal."""
    if not found.schema.equals(expected.schema):
        return f"columns are {_fields(found, expected)}, not {_fields(expected, found)}"
    if row := _first_row(expected, found):
        return row
    differing = {name: _unequal(expected[name], found[name]) for name in expected.column_names}
    cells = sum(int(which.sum()) for which in differing.values())
    if not cells:
        return ""
    firsts = {name: int(which.argmax()) for name, which in differing.items() if which.any()}
    column = min(firsts, key=lambda name: firsts[name])
    i = firsts[column]
    values = " is not ".join(_shown(table[column][i]) for table in (found, expected))
    return f"{column} of {_key(expected, i)}: {values}; {cells:,} values differ in {', '.join(firsts)}"


def digest(*tables: pa.Table) -> str:
    """16 hexadecimal digits of every column's name, type and bits, in order."""
    found = hashlib.sha256()
    for name, column in ((name, table[name].combine_chunks()) for table in tables for name in table.column_names):
        found.update(f"{name}:{column.type}:{len(column)};".encode())
        found.update(np.packbits(_valid(column)).tobytes())
        found.update(_bits(column).tobytes() if not pa.types.is_string(column.type) else _texts(column))
    return found.hexdigest()[:DIGITS]


def _first_row(expected: pa.Table, found: pa.Table) -> str:
    """The first row that only one of the tables has."""
    rows = min(len(expected), len(found))
    unequal = np.zeros(rows, bool)
    for name in ("event_time", *_keys(expected)):
        unequal |= _unequal(expected[name].slice(0, rows), found[name].slice(0, rows))
    if not unequal.any() and len(expected) == len(found):
        return ""
    i = int(unequal.argmax()) if unequal.any() else rows
    there, here = ((t["event_time"][i].value, _entity(t, i)) if i < len(t) else None for t in (expected, found))
    total = f"{len(found):,} rows, not {len(expected):,}"
    if there and (not here or there < here):
        return f"no row of {_key(expected, i)}; {total}"
    return f"a row of {_key(found, i)} too many; {total}"


def _unequal(expected: pa.ChunkedArray, found: pa.ChunkedArray) -> NDArray[np.bool_]:
    """bool[n]: where two columns of one type and length differ in their bits, or in having a value."""
    left, right = expected.combine_chunks(), found.combine_chunks()
    valid = _valid(left), _valid(right)
    if pa.types.is_string(left.type):
        texts = pc.fill_null(pc.not_equal(left, right), False).to_numpy(zero_copy_only=False)
    else:
        texts = _bits(left) != _bits(right)
    return np.asarray((valid[0] != valid[1]) | (texts & valid[0] & valid[1]))


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def _bits(column: pa.Array) -> NDArray[np.int64]:
    """int64[n]: the bits of 64-bit values; 0 where there is none."""
    column = pc.fill_null(column.view(pa.int64()), 0)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _texts(column: pa.Array) -> bytes:
    return "\0".join(text or "" for text in column.to_pylist()).encode()


def _keys(table: pa.Table) -> list[str]:
    """The columns before event_time: of whom a row tells."""
    names: list[str] = table.column_names
    return names[: names.index("event_time")]


def _entity(table: pa.Table, i: int) -> str:
    return "|".join(table[name][i].as_py() for name in _keys(table))


def _fields(table: pa.Table, other: pa.Table) -> str:
    """The fields that the other table has not; all, where it has."""
    own, others = ([f"{field.name}: {field.type}" for field in one.schema] for one in (table, other))
    return ", ".join([field for field in own if field not in others] or own)


def _key(table: pa.Table, i: int) -> str:
    time = datetime.fromtimestamp(table["event_time"][i].value / 1_000_000, UTC)
    return f"{_entity(table, i)} at {time:%Y-%m-%d %H:%M:%S}"


def _shown(value: pa.Scalar) -> str:
    """A value, a number with its bits, a long text cut off."""
    if pa.types.is_floating(value.type) and value.is_valid:
        return f"{value.as_py()!r} (0x{np.float64(value.as_py()).view('u8'):016x})"
    text = repr(value.as_py())
    return text if len(text) <= LONG else f"{text[:LONG]}... ({len(text):,} characters)"
