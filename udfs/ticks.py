"""Ticks as columns: what the decoder hands over and the log keeps.

In: decoded columns of many trade records. Out: bytes per shard and block, and back.
This file must not know prices' meaning (see bars.py), Kafka or Flink.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from udfs import packing

FNV_OFFSET, FNV_PRIME = 14695981039346656037, 1099511628211
NUMBERS = ("event_time", "price", "size", "sequence", "trade_id", "kind")
TRADE, CANCEL, CORRECT, HEARTBEAT = range(4)


@cache
def fnv1a(text: str) -> int:
    """64-bit FNV-1a hash of the UTF-8 bytes (http://www.isthe.com/chongo/tech/comp/fnv)."""
    value = FNV_OFFSET
    for byte in text.encode():
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def shard_of(symbol: str, shards: int) -> int:
    """The shard that owns a symbol: a function of the symbol alone, whatever the message key was."""
    return fnv1a(symbol) % shards


@dataclass(frozen=True)
class Ticks:
    """Trade records as columns, all of length n.

    symbols: the names that code (int32) points into, each once; event_time: int64 microseconds UTC; price, size:
    float64; sequence: int64; trade_id: uint64 FNV-1a; kind: int8 (TRADE, CANCEL, CORRECT, HEARTBEAT).
    """

    symbols: list[str]
    code: np.ndarray
    event_time: np.ndarray
    price: np.ndarray
    size: np.ndarray
    sequence: np.ndarray
    trade_id: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: np.ndarray) -> "Ticks":
        """The ticks at these positions or under this mask."""
        return Ticks(self.symbols, self.code[rows], *(getattr(self, name)[rows] for name in NUMBERS))

    def pack(self) -> bytes:
        """Bytes in which only the names that occur are written."""
        used, code = np.unique(self.code, return_inverse=True)
        arrays = {"code": code.astype("i4")} | {name: getattr(self, name) for name in NUMBERS}
        return packing.pack({"symbols": [self.symbols[i] for i in used]}, arrays)

    @staticmethod
    def unpack(data: bytes) -> "Ticks":
        """The ticks of `pack`, without a copy of the numbers."""
        header, arrays = packing.unpack(data)
        return Ticks(header["symbols"], **arrays)

    @staticmethod
    def concat(parts: Sequence["Ticks"]) -> "Ticks":
        """All ticks under one list of names, sorted by name."""
        symbols = sorted({name for part in parts for name in part.symbols})
        place = {name: i for i, name in enumerate(symbols)}
        codes = [np.array([place[name] for name in part.symbols], "i4")[part.code] for part in parts]
        return Ticks(symbols, np.concatenate(codes),
                     *(np.concatenate([getattr(part, name) for part in parts]) for name in NUMBERS))  # fmt: skip
