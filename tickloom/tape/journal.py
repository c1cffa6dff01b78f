"""Where each topic ended when a replay began: what makes it possible to go on after a kill, without loss or repeats.

A replay publishes the same messages in the same order to the same partitions each time, and its producer is idempotent,
so a partition holds a gapless beginning of its messages. How many were delivered is the topic's own knowledge: the
offset at its end, less the offset at which the replay began. Only the latter is kept here, in one small file per input
and topic in the state folder, until the replay is complete. A lock keeps a second run of the same replay out.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.errors import StackError


def digest(paths: Iterable[Path], *words: str) -> str:
    """Name (16 hexadecimal digits) of a replay: the content of its files, in order, and the words of its options."""
    found = hashlib.sha256("\0".join(words).encode())
    for path in paths:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


class Journal:
    """The start offsets of one replay, by topic. Use it as a context: the lock is held inside."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.json"

    def __enter__(self) -> Self:
        self._file = self.path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StackError("this replay is running already", where=str(self.path)) from None
        self._file.seek(0)
        self._starts: dict[str, list[int]] = json.loads(self._file.read() or "{}")
        self.resumed = bool(self._starts)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def begin(self, ends: Callable[[], dict[str, list[int]]]) -> dict[str, list[int]]:
        """Topic -> offsets at which the replay began: those kept, else those of `ends`, which are kept now.

        All are safe on disk at once, before the first message is sent.
        """
        if not self._starts:
            self._starts = ends()
            self._file.write(json.dumps(self._starts))
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._starts

    def complete(self) -> None:
        """The replay is delivered whole: forget it, so that it may be run again."""
        self.path.unlink()
