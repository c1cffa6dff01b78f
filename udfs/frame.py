"""A frame: one bar time of one shard as columns, the unit that travels between stages."""

from dataclasses import dataclass, field, replace

import numpy as np

from udfs import packing
from udfs.kernels.state import Floats

BARS, INDICATORS, FACTORS, CROSS_ASSET = "bars", "indicators", "factors", "cross_asset"
UNIVERSE, PAIRS = "universe", "pairs"
SYMBOL_VIEWS = (INDICATORS, FACTORS, CROSS_ASSET)
"""In the order of their columns in one table."""
FEATURE_VIEWS = (*SYMBOL_VIEWS, UNIVERSE, PAIRS)
MOVED = "moved"
"""A view that stays inside a job: bars that turn out to belong to another security, as its shard gets them."""
PATHS, PATH = "paths", ("left_us", "price")
"""Another one: a row a trade of the pairs' tickers, in the order of the bar, symbols repeated; and its columns, the
time to the bar's end and the price. Each frame is all that its shard has of that bar; removed is empty."""


@dataclass(frozen=True)
class Frame:
    """Rows of one view at one event time.

    symbols: ascending; names: the columns of values float64[len(symbols), len(names)], NaN = no value yet;
    strings: text columns, "" = no value; removed: symbols whose bar at this time ceased to exist by an amendment;
    securities: of symbols and then of removed, where they differ from the symbols, else empty; interval: length of
    the bars (1m); times in microseconds UTC; revision: 0 when first emitted, higher with each amendment. known_at is
    the event time by which these numbers were known: the bar's own end, or for an amendment the end of the bar during
    which it was heard.
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
    securities: list[str] = field(default_factory=list)
    interval: str = ""

    @property
    def feature_view(self) -> str:
        """Name of the view together with the interval."""
        return f"{self.view}_{self.interval}"

    def column(self, name: str) -> Floats:
        """One column, float64[len(symbols)]."""
        return self.values[:, self.names.index(name)]

    def ids(self) -> tuple[list[str], list[str]]:
        """The securities of symbols, and of removed."""
        all_ = self.securities or [*self.symbols, *self.removed]
        return all_[: len(self.symbols)], all_[len(self.symbols) :]

    def complete(self) -> "Frame":
        """The same with a row at the end, without values, for each symbol that was removed."""
        if not (gone := len(self.removed)):
            return self
        return replace(
            self,
            symbols=[*self.symbols, *self.removed],
            values=np.vstack([self.values, np.full((gone, len(self.names)), np.nan)]),
            strings={name: [*texts, *[""] * gone] for name, texts in self.strings.items()},
            removed=[],
        )

    def part(self, rows: list[int]) -> "Frame":
        """The rows at these places of a complete frame."""
        strings = {name: [texts[i] for i in rows] for name, texts in self.strings.items()}
        securities = [self.securities[i] for i in rows] if self.securities else []
        symbols = [self.symbols[i] for i in rows]
        return replace(self, symbols=symbols, values=self.values[rows], strings=strings, securities=securities)

    def pack(self) -> bytes:
        """Bytes of the whole frame."""
        header = {key: value for key, value in vars(self).items() if key != "values"}
        return packing.pack(header, {"values": self.values})

    @staticmethod
    def unpack(data: bytes) -> "Frame":
        """The frame of `pack`."""
        header, arrays = packing.unpack(data)
        header["names"] = tuple(header["names"])
        return Frame(values=arrays["values"], **header)
