"""Keyed state of a Python operator as a mapping of text to bytes."""

from collections.abc import Iterator, MutableMapping

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from jobs.runtime.envelope import BYTES


class KeyedBytes(MutableMapping[str, bytes]):
    """A Flink MapState of the key at hand as a dict: what a log writes here is in the next checkpoint."""

    def __init__(self, context: RuntimeContext, name: str) -> None:
        self._state = context.get_map_state(MapStateDescriptor(name, Types.STRING(), BYTES))

    def __getitem__(self, key: str) -> bytes:
        value = self._state.get(key)
        if value is None:
            raise KeyError(key)
        return bytes(value)

    def __setitem__(self, key: str, value: bytes) -> None:
        self._state.put(key, value)

    def __delitem__(self, key: str) -> None:
        self._state.remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._state.keys()))

    def __len__(self) -> int:
        return len(list(self._state.keys()))

    def __contains__(self, key: object) -> bool:
        return bool(self._state.contains(key))
