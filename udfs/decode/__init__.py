"""Blocks of Avro messages into typed columns, with an error code for each message that is not one."""

from schemas.wire import REASONS
from udfs.decode.decoder import Decoded, Decoder

__all__ = ["REASONS", "Decoded", "Decoder"]
