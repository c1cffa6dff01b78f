"""Somebody who reads the store all the time: what he sees is whole, and never older than what he saw."""

import struct
import zlib

from tests.simulation.store import Key, Server

STAMP = struct.Struct("<8x3q")


class StaleError(Exception):
    """An older version after a newer one."""


class TornError(Exception):
    """Half a vector."""


class Reader:
    """Looks at all that was touched."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.seen: dict[Key, tuple[int, ...]] = {}

    def look(self) -> None:
        """Once."""
        if not self.server.touched:
            return
        for key in self.server.touched:
            vector = self.server.vectors.get(key, b"")
            if not vector:
                continue
            if vector[:2] != b"TV" or zlib.crc32(vector[8:]) != int.from_bytes(vector[4:8], "little"):
                raise TornError(f"{key}")
            now = STAMP.unpack_from(vector)
            if now < self.seen.get(key, now):
                raise StaleError(f"{key}: {now} after {self.seen[key]}")
            self.seen[key] = now
        self.server.touched.clear()

    def forget(self) -> None:
        """The store has lost what it held."""
        self.seen.clear()
        self.server.touched.clear()
