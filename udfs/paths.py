"""The trades of the pairs' tickers inside each bar, as the cross-section keeps them.

In: frames of the view PATHS. Out: by ticker its path, float64[n, 2]: microseconds left to the bar's end, descending,
and price. This file must not know pairs, nor what is computed of a path.

    k/<bar end>/<shard>   the paths of one shard's tickers at one time
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby

from udfs import packing
from udfs.frame import Frame
from udfs.kernels.state import Floats
from udfs.log import Log

Paths = Mapping[str, Floats]


def paths(frame: Frame) -> dict[str, Floats]:
    """The path of each ticker of a frame, ascending."""
    found, at = {}, 0
    for name, rows in groupby(frame.symbols):
        start, at = at, at + len(list(rows))
        found[name] = frame.values[start:at]
    return found


def read(slots: Iterable[bytes]) -> Paths:
    """The paths in the slots of one time."""
    return {name: path for slot in slots for name, path in packing.unpack(slot)[1].items()}


class PathSlots:
    """The slots in a log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._shards: defaultdict[int, set[int]] = defaultdict(set)
        for kind, place in log.places():
            if kind == "k":
                self._shards[int(place[0])].add(int(place[1]))

    def put(self, frame: Frame) -> None:
        """A shard's paths at a time, instead of those that it had; without any there is no slot."""
        end, shard = frame.event_time, frame.shard
        if frame.symbols:
            self._log[f"k/{end}/{shard}"] = packing.pack({}, paths(frame))
            self._shards[end].add(shard)
        elif shard in self._shards[end]:
            self._drop(end, shard)

    def at(self, end: int) -> list[bytes]:
        """The slots of a time."""
        return [self._log[f"k/{end}/{shard}"] for shard in sorted(self._shards.get(end, ()))]

    def forget(self, floor: int) -> None:
        """Times before this one."""
        for end in [end for end in self._shards if end < floor]:
            for shard in list(self._shards[end]):
                self._drop(end, shard)
            del self._shards[end]

    def _drop(self, end: int, shard: int) -> None:
        del self._log[f"k/{end}/{shard}"]
        self._shards[end].remove(shard)
