"""Dead letters: a message that cannot be used, with its raw bytes, its place and the reason.

They travel between stages in bundles, for a row through Python costs more than what is in it.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyflink.common import Row

from schemas.loader import DEAD_LETTER
from schemas.wire import MOST_BYTES, encode
from udfs import packing

LENGTH = struct.Struct("<I")
BUNDLE_BYTES = 1 << 20
"""From which on a bundle is sent."""


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of one topic; they go to `<topic>.dlq`, what is older than the horizon to `<topic>.late.dlq`.

    schema_id: of both, whose schema is the same.
    """

    topic: str
    schema_id: int

    @property
    def target(self) -> str:
        """The dead-letter topic."""
        return f"{self.topic}.dlq"

    def message(self, raw: bytes, place: Mapping[str, Any], reason: str, stage: str, detail: str = "") -> bytes:
        """The Avro message; place gives partition and offset.

        Of a raw message that is too large the beginning is kept.
        """
        if len(raw) > MOST_BYTES:
            raw, detail = raw[:MOST_BYTES], f"only the first {MOST_BYTES} bytes; the whole message is at its place"
        at = {"topic": self.topic, "partition": place["partition"], "offset": place["offset"]}
        why = {"reason": reason, "stage": stage, "detail": detail}
        return encode(DEAD_LETTER, self.schema_id, {"raw": raw, **at, **why})

    @property
    def late_target(self) -> str:
        """The topic of what is older than the horizon."""
        return f"{self.topic}.late.dlq"

    def late(self, shard: int, raw: bytes, place: Mapping[str, Any], stage: str, detail: str = "") -> Row:
        """The message of what is older than the horizon, on its way."""
        letter = self.message(raw, place, "beyond_horizon", stage, detail)
        return Row(shard, self.late_target, LENGTH.pack(len(letter)) + letter)


def bundles(letters: Iterable[bytes]) -> Iterator[bytes]:
    """Letters, each behind its length, in parts of about BUNDLE_BYTES."""
    parts, size = list[bytes](), 0
    for letter in letters:
        parts += [LENGTH.pack(len(letter)), letter]
        size += len(letter)
        if size >= BUNDLE_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def unbundle(bundle: bytes) -> Iterator[bytes]:
    """The letters of a bundle."""
    at = 0
    while at < len(bundle):
        end = at + LENGTH.size + LENGTH.unpack_from(bundle, at)[0]
        yield bundle[at + LENGTH.size : end]
        at = end


def pack_raw(messages: Sequence[bytes], partitions: Sequence[int], offsets: Sequence[int], ticks: bytes) -> bytes:
    """Late ticks with what a dead letter of each would need."""
    arrays = {name: np.frombuffer(data, "u1") for name, data in (("ticks", ticks), ("raw", b"".join(messages)))}
    lengths = [len(message) for message in messages]
    return packing.pack({"partition": list(partitions), "offset": list(offsets), "lengths": lengths}, arrays)


def unpack_raw(header: packing.Header, arrays: packing.Arrays, i: int) -> tuple[bytes, dict[str, int]]:
    """The i-th message of `pack_raw`, and its place."""
    start = sum(header["lengths"][:i])
    raw = arrays["raw"][start : start + header["lengths"][i]].tobytes()
    return raw, {name: header[name][i] for name in ("partition", "offset")}
