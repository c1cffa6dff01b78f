"""The compiled pass over the joined bytes of a block: field by field, over chunks of messages that stay in the cache.

In: the bytes, where each message starts, and the operations of one writer's schema (rows made by udfs.decode.plan).
Out: one 64-bit cell per column and message, where its strings lie, which nullable cells hold a value, and an error
code per message. This file must not know Avro schemas, names or what an id means; it never reads outside a message.

Stricter than fastavro: an integer of more than 64 bits (int: 32), a boolean other than 0 and 1, a negative index of an
enum or union, a string that is not UTF-8 in a field that is skipped, and bytes left over are errors.
"""

import numpy as np
from numpy.typing import NDArray

from schemas.wire import MOST_BYTES
from udfs.compiled import njit
from udfs.decode.primitives import (
    BAD_VALUE,
    NO_MAGIC,
    TOO_LARGE,
    TRAILING_BYTES,
    TRUNCATED,
    WRONG_SCHEMA,
    Bytes,
    Ints,
    is_utf8,
    varint,
    word,
)
from udfs.fnv import digest

Cells = Ints
"""[columns, 4, n]: of each column and message the value's bits, where a string begins, its size, and whether it is."""

Flags = NDArray[np.bool_]
Errors = NDArray[np.int8]

CONSTANT, BOOLEAN, INT, LONG, FLOAT, DOUBLE, STRING, BYTES, ENUM = range(9)
"""Kinds of operations: a constant reads nothing, the others read a value as the writer wrote it."""

KIND, COLUMN, NULL, NULLABLE, FROM, TO, WIDE = range(7)
"""Fields of an operation. COLUMN: where the value goes, -1 to skip it. NULL: the union's branch that is null, -1 for no
union. NULLABLE: whether our column may be null. FROM and TO: multiply and floor-divide an integer, bound an ENUM's
entries in `codes`; FROM: the bits of a CONSTANT. WIDE: whether the column is of doubles."""

VALUE, START, SIZE, VALID = range(4)
CHUNK = 1024
NAN = np.array([np.nan]).view(np.int64)[0]


@njit
def read_ids(data: Bytes, starts: Ints, ids: Ints, error: Errors) -> None:
    """The writer's schema id of each message; -1 and an error where there is no frame."""
    for k in range(ids.shape[0]):
        i, ids[k] = starts[k], 0
        if starts[k + 1] - i > MOST_BYTES:
            ids[k], error[k] = -1, TOO_LARGE
            continue
        if starts[k + 1] - i < 5 or data[i] != 0:
            ids[k], error[k] = -1, NO_MAGIC
            continue
        for j in range(i + 1, i + 5):
            ids[k] = ids[k] << 8 | np.int64(data[j])


@njit
def decode(
    data: Bytes, starts: Ints, ids: Ints, wanted: int, ops: Ints, codes: Ints, cells: Cells, error: Errors
) -> None:
    """Decodes the messages of one writer (ids == wanted). A message with an error leaves zeros and its code."""
    scratch, n = np.empty((4, CHUNK), np.int64), ids.shape[0]
    for low in range(0, n, CHUNK):
        high = min(low + CHUNK, n)
        at = np.where(ids[low:high] == wanted, starts[low:high] + 5, 0)
        ends, absent = starts[low + 1 : high + 1], np.zeros(high - low, np.bool_)
        for r in range(ops.shape[0]):
            column = ops[r, COLUMN]
            out = cells[column, :, low:high] if column >= 0 else scratch[:, : high - low]
            _field(data, at, ends, absent, ops[r], codes, out)
        for j in range(high - low):
            if at[j] > 0 and at[j] != ends[j]:
                at[j] = -TRAILING_BYTES
            if at[j] < 0:
                error[low + j], cells[:, :, low + j] = -at[j], 0


@njit
def _field(data: Bytes, at: Ints, ends: Ints, absent: Flags, op: Ints, codes: Ints, out: Ints) -> None:
    """Reads one field of a chunk of messages: message j from at[j] on, if that is positive; moves at[j] behind it."""
    kind, union = op[KIND], op[NULL] >= 0
    if union:
        _branches(data, at, ends, op, absent)
    if kind in (STRING, BYTES):
        _texts(data, at, ends, absent, kind == STRING, out)
    elif kind in (INT, LONG):
        _integers(data, at, ends, absent, op, out[VALUE])
    elif kind == ENUM:
        _enums(data, at, ends, absent, codes[op[FROM] : op[TO]], op[COLUMN] >= 0, out[VALUE])
    elif kind == CONSTANT:
        _constants(at, op[FROM], out)
    else:
        _fixed(data, at, ends, absent, kind, out[VALUE])
    if union or op[NULLABLE]:
        for j in range(at.shape[0]):
            if op[WIDE] and absent[j]:
                out[VALUE, j] = NAN
            if at[j] > 0:
                out[VALID, j] = op[NULLABLE] and not absent[j]
            absent[j] = False


@njit
def _branches(data: Bytes, at: Ints, ends: Ints, op: Ints, absent: Flags) -> None:
    """Reads union branches and marks the values that are null."""
    refused = op[COLUMN] >= 0 and not op[NULLABLE]
    for j in range(at.shape[0]):
        if at[j] > 0:
            branch, i = varint(data, at[j], ends[j])
            if i > 0 and not 0 <= branch <= 1:
                i = -BAD_VALUE
            absent[j] = i > 0 and branch == op[NULL]
            at[j] = -WRONG_SCHEMA if refused and absent[j] else i


@njit
def _texts(data: Bytes, at: Ints, ends: Ints, absent: Flags, check: bool, out: Ints) -> None:
    """Reads strings or bytes: their hashes, where they begin, how long they are."""
    for j in range(at.shape[0]):
        if at[j] <= 0 or absent[j]:
            continue
        size, i = varint(data, at[j], ends[j])
        if i < 0:
            at[j] = i
        elif size < 0:
            at[j] = -BAD_VALUE
        elif size > ends[j] - i:
            at[j] = -TRUNCATED
        else:
            value, ascii_only = digest(data, i, i + size)
            at[j] = i + size if not check or ascii_only or is_utf8(data, i, i + size) else -BAD_VALUE
            out[VALUE, j], out[START, j], out[SIZE, j] = np.int64(value), i, size


@njit
def _integers(data: Bytes, at: Ints, ends: Ints, absent: Flags, op: Ints, out: Ints) -> None:
    """Reads ints or longs, in the writer's unit, to ours."""
    most = 2**31 - 1 if op[KIND] == INT else (2**63 - 1) // op[FROM]
    least, floats, scaled = -most - (op[FROM] == 1), out.view(np.float64), op[FROM] != op[TO]
    for j in range(at.shape[0]):
        if at[j] <= 0 or absent[j]:
            continue
        value, at[j] = varint(data, at[j], ends[j])
        if not least <= value <= most:
            at[j] = -BAD_VALUE
        if scaled:
            value = value * op[FROM] // op[TO]
        if op[WIDE]:
            floats[j] = value
        else:
            out[j] = value


@njit
def _enums(data: Bytes, at: Ints, ends: Ints, absent: Flags, codes: Ints, wanted: bool, out: Ints) -> None:
    """Reads enums, from the writer's codes to ours."""
    for j in range(at.shape[0]):
        if at[j] <= 0 or absent[j]:
            continue
        value, at[j] = varint(data, at[j], ends[j])
        if at[j] < 0:
            continue
        if not 0 <= value < codes.shape[0]:
            at[j] = -BAD_VALUE
        elif wanted and codes[value] < 0:
            at[j] = -WRONG_SCHEMA
        else:
            out[j] = codes[value]


@njit
def _fixed(data: Bytes, at: Ints, ends: Ints, absent: Flags, kind: int, out: Ints) -> None:
    """Reads booleans, floats or doubles."""
    floats, single = out.view(np.float64), np.zeros(1, np.uint32)
    size = 1 if kind == BOOLEAN else 4 if kind == FLOAT else 8
    for j in range(at.shape[0]):
        if at[j] <= 0 or absent[j]:
            continue
        i = at[j]
        if ends[j] - i < size:
            at[j] = -TRUNCATED
        elif kind == BOOLEAN and data[i] > 1:
            at[j] = -BAD_VALUE
        else:
            at[j] = i + size
            if kind == FLOAT:
                single[0] = word(data, i, 4)
                floats[j] = single.view(np.float32)[0]
            elif kind == DOUBLE:
                out[j] = np.int64(word(data, i, 8))
            else:
                out[j] = data[i]


@njit
def _constants(at: Ints, bits: int, out: Ints) -> None:
    """Writes a default, of which a string has no place in the data."""
    for j in range(at.shape[0]):
        if at[j] > 0:
            out[VALUE, j], out[START, j] = bits, -1
