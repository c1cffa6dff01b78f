"""Dead letters: a message that cannot be used, with its raw bytes, its place and the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyflink.common import Row

from schemas.loader import DEAD_LETTER
from schemas.wire import encode


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of one topic; they go to `<topic>.dlq` under schema_id."""

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

    def envelope(
        self, shard: int, raw: bytes, place: Mapping[str, Any], reason: str, stage: str, detail: str = ""
    ) -> Row:
        """The message on its way to the dead-letter topic."""
        return Row(shard, self.target, self.message(raw, place, reason, stage, detail))
