"""Ticks as columns: what the decoder hands over and the log keeps.

In: decoded columns of many trade records. Out: bytes per shard and block, and back.
This file must not know prices' meaning (see bars.py), Kafka or Flink.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from udfs import packing
from udfs.fnv import fnv1a

NUMBERS = ("event_time", "price", "size", "sequence", "trade_id", "kind")
TRADE, CANCEL, CORRECT, HEARTBEAT = range(4)


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
    code: NDArray[np.int32]
    event_time: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    sequence: NDArray[np.int64]
    trade_id: NDArray[np.uint64]
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: NDArray[np.int64 | np.bool_]) -> "Ticks":
        """The ticks at these positions or under this mask."""
        return Ticks(self.symbols, self.code[rows], *(getattr(self, name)[rows] for name in NUMBERS))

    def pack(self) -> bytes:
        """Bytes in which only the names that occur are written."""
        used = np.bincount(self.code, minlength=len(self.symbols)) > 0
        code = (np.cumsum(used, dtype="i4") - 1)[self.code]
        arrays = {"code": code} | {name: getattr(self, name) for name in NUMBERS}
        return packing.pack({"symbols": [*compress(self.symbols, used.tolist())]}, arrays)

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
