"""What travels between Python stages: one row type, whatever is in it."""

from pyflink.common import Row, Types

from udfs.frame import BARS, FEATURE_VIEWS, Frame

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
ENVELOPE = Types.ROW_NAMED(["shard", "kind", "payload"], [Types.INT(), Types.STRING(), BYTES])
RECORD = Types.ROW_NAMED(["topic", "k", "v", "ts"], [Types.STRING(), BYTES, BYTES, Types.LONG()])

TICKS, LATE, ACTION = "ticks", "late", "action"
VIEWS = (BARS, *FEATURE_VIEWS)
"""Kinds of payload: Ticks, late ticks with raw messages, an action (JSON), a Frame of one of the VIEWS, of MOVED
bars or of PATHS. Any other kind is the name of a topic, and the payload a bundle of messages that go there as they
are."""


def envelope(frame: Frame) -> Row:
    """A frame on its way."""
    return Row(frame.shard, frame.view, frame.pack())
