"""Frames that a bounded job wrote into files, found again by interval, view and time; memory holds their places only.

In: the folder of a filesystem sink, a frame a line. Out: frames by event time.
"""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from udfs.frame import Frame


class Spool:
    """The frames in a folder's `part-*` files, each packed and in base64."""

    def __init__(self, folder: Path) -> None:
        self._places: defaultdict[tuple[str, str], list[tuple[int, Path, int]]] = defaultdict(list)
        for path in sorted(folder.glob("part-*")):
            at = 0
            with path.open("rb") as lines:
                for line in lines:
                    frame = Frame.unpack(b64decode(line))
                    self._places[frame.interval, frame.view].append((frame.event_time, path, at))
                    at += len(line)

    def frames(self, interval: str, views: Sequence[str]) -> Iterator[Frame]:
        """Those of these views, each view's by event time."""
        for view in views:
            for _, path, at in sorted(self._places[interval, view]):
                with path.open("rb") as file:
                    file.seek(at)
                    yield Frame.unpack(b64decode(file.readline()))
