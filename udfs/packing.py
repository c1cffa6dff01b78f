"""Named arrays and a small header as one run of bytes: the format of log slots and of what travels between stages.

Layout: 4-byte little-endian length of the header, the header (JSON, padded with spaces so that data start on a
multiple of 8), then the arrays one after the other, widest first, so that each is aligned. Equal content gives equal
bytes.
"""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Header = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode  # json.dumps makes one each time


def pack(header: Header, arrays: Arrays) -> bytes:
    """Header (JSON types) and arrays (any fixed-width dtype and shape) -> bytes."""
    ordered = sorted(arrays.items(), key=lambda item: -item[1].itemsize)
    layout = [[name, array.dtype.str, array.shape] for name, array in ordered]
    text = _ENCODE({**header, "arrays": layout}).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return b"".join([len(text).to_bytes(4, "little"), text, *(array.tobytes() for _, array in ordered)])


def unpack(data: bytes) -> tuple[Header, Arrays]:
    """The header and read-only arrays of `pack`, without a copy of the arrays."""
    at = 4 + int.from_bytes(data[:4], "little")
    header = json.loads(str(data[4:at], "utf-8"))  # bytes would be searched for their encoding first
    arrays: Arrays = {}
    for name, dtype, shape in header.pop("arrays"):
        count = math.prod(shape)
        arrays[name] = np.frombuffer(data, dtype, count, at).reshape(shape)
        at += arrays[name].nbytes
    return header, arrays
