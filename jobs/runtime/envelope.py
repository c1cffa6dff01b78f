"""What travels between Python stages: one row type, whatever is in it."""

import json
from collections.abc import Mapping

from pyflink.common import Row, Types

from udfs.frame import BARS, FEATURE_VIEWS, Frame

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
ENVELOPE = Types.ROW_NAMED(["shard", "kind", "payload"], [Types.INT(), Types.STRING(), BYTES])
RECORD = Types.ROW_NAMED(["topic", "k", "v", "ts"], [Types.STRING(), BYTES, BYTES, Types.LONG()])

TICKS, LATE, ACTION, RESTORED = "ticks", "late", "action", "restored"
VIEWS = (BARS, *FEATURE_VIEWS)
"""Kinds of payload: Ticks, late ticks with raw messages, an action (JSON), a Frame of one of the VIEWS, of MOVED
bars or of PATHS, or that a shard of features was restored. Any other kind is the name of a topic, and the payload a
bundle of messages that go there as they are."""


def envelope(frame: Frame) -> Row:
    """A frame on its way."""
    return Row(frame.shard, frame.view, frame.pack())


def restored(shard: int, clocks: Mapping[str, int]) -> Row:
    """A shard goes on from a checkpoint: the clock then, microseconds UTC, by interval; for those who write vectors."""
    return Row(shard, RESTORED, json.dumps(clocks).encode())
