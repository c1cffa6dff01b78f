"""Trade records as messages, in one compiled pass: what schemas.wire.encoder writes, for columns.

In: a table of `TICK`, one chunk a column, and the head of a message (magic byte and schema id, or nothing). Out: one
bytes object a row. The order of the fields is that of market.price.v1, and a test holds it to fastavro's bytes.
"""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.compiled import njit
from udfs.tick_files import text_buffers

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.uint64]  # their bits
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = tuple[Bytes, NDArray[np.int32]]  # UTF-8 bytes, and where each text starts

NUMBERS_BOUND = 64
"""Bytes that a record's numbers, lengths and union branches take at most, beside its texts."""


def encode_ticks(table: pa.Table, head: bytes = b"") -> list[bytes]:
    """One message a row: head, then the Avro body of market.price.v1."""
    column = {name: table[name].combine_chunks() for name in table.column_names}
    symbol = column["symbol"]
    names = text_buffers(symbol.dictionary.cast(pa.string()))
    texts = [text_buffers(column[name].fill_null("")) for name in ("trade_id", "venue", "conditions")]
    there = [column[name].is_valid().to_numpy(zero_copy_only=False) for name in ("venue", "conditions")]
    longest = int(np.diff(names[1]).max(initial=0))
    room = len(table) * (len(head) + NUMBERS_BOUND + longest) + sum(int(starts[-1] - starts[0]) for _, starts in texts)
    out = np.empty(room, "u1")
    ends = np.zeros(len(table) + 1, "i8")
    numbers = [column[name].to_numpy() for name in ("event_time", "sequence", "kind")]
    doubles = [column[name].to_numpy().view("u8") for name in ("price", "size")]
    _encode(
        out, ends[1:], np.frombuffer(head, "u1"), symbol.indices.to_numpy(), names, *numbers, *doubles, *texts, *there
    )
    data = out[: ends[-1]].tobytes()
    return [data[first:last] for first, last in pairwise(ends.tolist())]


@njit
def _encode(
    out: Bytes, ends: Ints, head: Bytes, code: NDArray[np.int32], names: Texts, event_time: Ints, sequence: Ints,
    kind: NDArray[np.int8], price: Doubles, size: Doubles, trade_id: Texts, venue: Texts, conditions: Texts,
    has_venue: Flags, has_conditions: Flags,
) -> None:  # fmt: skip
    at = 0
    for k in range(ends.shape[0]):
        for byte in head:
            out[at] = byte
            at += 1
        at = _put_text(out, at, names, code[k])
        at = _put_long(out, at, event_time[k])
        at = _put_double(out, at, price[k])
        at = _put_double(out, at, size[k])
        at = _put_long(out, at, sequence[k])
        at = _put_text(out, at, trade_id, k)
        at = _put_long(out, at, int(kind[k]))
        at = _put_optional(out, at, has_venue[k], venue, k)
        at = _put_optional(out, at, has_conditions[k], conditions, k)
        ends[k] = at


@njit
def _put_long(out: Bytes, at: int, value: int) -> int:
    rest = np.uint64((value << 1) ^ (value >> 63))
    while rest >= np.uint64(128):
        out[at] = np.uint8((rest & np.uint64(127)) | np.uint64(128))
        at += 1
        rest >>= np.uint64(7)
    out[at] = np.uint8(rest)
    return at + 1


@njit
def _put_double(out: Bytes, at: int, bits: np.uint64) -> int:
    for i in range(8):
        out[at + i] = np.uint8((bits >> np.uint64(8 * i)) & np.uint64(255))
    return at + 8


@njit
def _put_text(out: Bytes, at: int, text: Texts, k: int) -> int:
    data, starts = text
    at = _put_long(out, at, int(starts[k + 1] - starts[k]))
    for i in range(starts[k], starts[k + 1]):
        out[at] = data[i]
        at += 1
    return at


@njit
def _put_optional(out: Bytes, at: int, there: bool, text: Texts, k: int) -> int:
    out[at] = 2 if there else 0
    return _put_text(out, at + 1, text, k) if there else at + 1
