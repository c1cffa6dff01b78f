"""Dead letters: a message that cannot be used, with its raw bytes, its place and the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyflink.common import Row

from schemas.loader import DEAD_LETTER
from schemas.wire import encode
from udfs import packing


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
        """The Avro message; place gives partition and offset."""
        at = {"topic": self.topic, "partition": place["partition"], "offset": place["offset"]}
        why = {"reason": reason, "stage": stage, "detail": detail}
        return encode(DEAD_LETTER, self.schema_id, {"raw": raw, **at, **why})

    @property
    def late_target(self) -> str:
        """The topic of what is older than the horizon."""
        return f"{self.topic}.late.dlq"

    def late(self, shard: int, raw: bytes, place: Mapping[str, Any], stage: str, detail: str = "") -> Row:
        """The message of what is older than the horizon, on its way."""
        return Row(shard, self.late_target, self.message(raw, place, "beyond_horizon", stage, detail))


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
