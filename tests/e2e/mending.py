"""A repair as a user writes one: `tickloom dlq replay --repair tests.e2e.mending:mend`."""

import struct

from tests.fuzz.corpus import Tick, frame

PRICE = struct.pack("<d", 100.25)


def mend(raw: bytes) -> bytes:
    """What `spoil` did, undone; a message that was cut stays as it is."""
    if raw[:1] == b"\xff":
        return raw[:0:-1]
    if raw.endswith(b"\0\1" * 2):
        return raw[:-4]
    for wrong in (float("nan"), float("inf"), -1.5):
        raw = raw.replace(struct.pack("<d", wrong), PRICE)
    return raw


def spoil(tick: Tick, reason: str, schema_id: int, unknown: int) -> bytes:
    """A message that is bad for a reason; tick: what it should have been, at the price of a repair."""
    good = frame(schema_id) + tick.body()
    spoiled = {
        "no_magic": b"\xff" + good[::-1],
        "unknown_schema_id": frame(unknown) + tick.body(),
        "truncated": good[: len(good) // 2],
        "trailing_bytes": good + b"\0\1" * 2,
        "price_not_finite": frame(schema_id) + tick._replace(price=float("nan")).body(),
        "price_not_positive": frame(schema_id) + tick._replace(price=-1.5).body(),
    }
    return spoiled[reason]
