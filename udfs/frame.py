"""A frame: one bar time of one shard as columns, the unit that travels between stages."""

from dataclasses import dataclass, field, replace

import numpy as np

from udfs import packing
from udfs.kernels.state import Floats

BARS, INDICATORS, CROSS_ASSET = "bars", "indicators", "cross_asset"


@dataclass(frozen=True)
class Frame:
    """Rows of one view at one event time.

    symbols: ascending; names: the columns of values float64[len(symbols), len(names)], NaN = no value yet;
    strings: text columns, "" = no value; removed: symbols whose bar at this time ceased to exist by an amendment;
    times in microseconds UTC; revision: 0 when first emitted, higher with each amendment. known_at is the event-time
    clock when these numbers became known: the bar's end itself, or for an amendment the newest bar closed by then.
    """

    view: str
    shard: int
    event_time: int
    known_at: int
    revision: int
    symbols: list[str]
    names: tuple[str, ...]
    values: Floats
    strings: dict[str, list[str]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def column(self, name: str) -> Floats:
        """One column, float64[len(symbols)]."""
        return self.values[:, self.names.index(name)]

    def complete(self) -> "Frame":
        """The same with a row at the end, without values, for each symbol that was removed."""
        gone = len(self.removed)
        return replace(
            self,
            symbols=[*self.symbols, *self.removed],
            values=np.vstack([self.values, np.full((gone, len(self.names)), np.nan)]),
            strings={name: [*texts, *[""] * gone] for name, texts in self.strings.items()},
            removed=[],
        )

    def pack(self) -> bytes:
        """Bytes of the whole frame."""
        header = {key: value for key, value in vars(self).items() if key != "values"}
        return packing.pack(header, {"values": self.values})

    @staticmethod
    def unpack(data: bytes) -> "Frame":
        """The frame of `pack`."""
        header, arrays = packing.unpack(data)
        return replace(Frame(values=arrays["values"], **header), names=tuple(header["names"]))
