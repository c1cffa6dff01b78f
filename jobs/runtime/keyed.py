"""Keyed state of a Python operator as a mapping of text to bytes."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from jobs.runtime.envelope import BYTES


class KeyedBytes(MutableMapping[str, bytes]):
    """A Flink MapState of the key at hand as a dict: what a log writes here is in the next checkpoint."""

    def __init__(self, context: RuntimeContext, name: str) -> None:
        self._state = context.get_map_state(MapStateDescriptor(name, Types.STRING(), BYTES))
        self._read: dict[str, bytes] | None = None

    @contextmanager
    def read_whole(self) -> Iterator[None]:
        """For as long as the context, what is read was read at once: each value is a trip to the JVM otherwise."""
        self._read = {key: bytes(value) for key, value in self._state.items()}
        try:
            yield
        finally:
            self._read = None

    def __getitem__(self, key: str) -> bytes:
        if self._read is not None:
            return self._read[key]
        value = self._state.get(key)
        if value is None:
            raise KeyError(key)
        return bytes(value)

    def __setitem__(self, key: str, value: bytes) -> None:
        self._state.put(key, value)
        if self._read is not None:
            self._read[key] = value

    def __delitem__(self, key: str) -> None:
        self._state.remove(key)
        if self._read is not None:
            del self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._state.keys() if self._read is None else self._read))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return bool(self._state.contains(key)) if self._read is None else key in self._read
