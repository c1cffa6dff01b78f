"""A bar's Section as rows of the three views: members by ticker, the universe, and pairs; and what was said of them.

In: a Section, a Ring. Out: Tables, and digests by which a later one is compared. This file must not know frames' times.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from udfs.frame import CROSS_ASSET, PAIRS, UNIVERSE
from udfs.kernels.state import Floats, Rows
from udfs.panel.columns import Columns
from udfs.panel.panel import Section
from udfs.panel.snapshot import Snapshot
from udfs.ring import Ring

ALL = "universe"
"""The one entity of the universe's view."""


@dataclass(frozen=True)
class Table:
    """Rows of one view at one time; symbols ascending, values float64[n, len(names)], texts "" where there is none."""

    names: tuple[str, ...]
    symbols: list[str]
    values: Floats
    texts: dict[str, list[str]] = field(default_factory=dict)

    @staticmethod
    def empty(columns: Columns, view: str) -> "Table":
        """No row."""
        names = columns.names(view)
        return Table(names, [], np.empty((0, len(names))), {name: [] for name in columns.texts(view)})

    def part(self, rows: Sequence[int]) -> "Table":
        """The rows at these places."""
        texts = {name: [of[i] for i in rows] for name, of in self.texts.items()}
        return Table(self.names, [self.symbols[i] for i in rows], self.values[list(rows)], texts)

    def digests(self) -> dict[str, int]:
        """64 bits of each row by symbol, for this process only."""
        texts = list(zip(*self.texts.values(), strict=True)) or [()] * len(self.symbols)
        found = (hash((row.tobytes(), each)) for row, each in zip(self.values, texts, strict=True))
        return dict(zip(self.symbols, found, strict=True))


@dataclass(frozen=True)
class Said:
    """What was emitted of a time, by view: its symbols and their digests int64[n]."""

    views: dict[str, tuple[list[str], NDArray[np.int64]]]

    @staticmethod
    def of(tables: dict[str, Table]) -> "Said":
        """Of these."""
        found = {view: table.digests() for view, table in tables.items()}
        return Said({view: (list(of), np.array(list(of.values()), np.int64)) for view, of in found.items()})

    def digests(self, view: str) -> dict[str, int]:
        """By symbol."""
        symbols, digests = self.views.get(view, ([], np.empty(0, np.int64)))
        return dict(zip(symbols, digests.tolist(), strict=True))


def tables(
    section: Section, columns: Columns, ring: Ring, end: int, rows: Rows, inside: Floats | None,
    owns: Callable[[str], bool] = lambda _: True,
) -> dict[str, Table]:  # fmt: skip
    """The rows of a time: of the tile's tickers that have a bar then, of the universe, and of pairs.

    rows: the columns that the section is of; inside: what the bar's own trades say of each pair, float64[K, 8]; None:
    without the universe and pairs.
    """
    shown = ring.shown(end)
    there = np.flatnonzero(ring.present[end][rows]).tolist()
    held = sorted((i for i in there if owns(shown[rows[i]])), key=lambda i: shown[rows[i]])
    names = np.array([*shown, ""], object)
    texts = names[section.members[held]].T.tolist() if held else [[] for _ in columns.members]
    members = [shown[rows[i]] for i in held]
    peers = dict(zip(columns.members, texts, strict=True))
    found = {CROSS_ASSET: Table(columns.numbers, members, section.numbers[held], peers)}
    if inside is not None:
        found[UNIVERSE] = _universe(section, columns, shown)
        found[PAIRS] = _pairs(np.hstack([section.pairs, inside]), columns)
    return found


def _universe(section: Section, columns: Columns, shown: list[str]) -> Table:
    row = section.universe.reshape(1, -1)
    if not columns.of.matrix:
        return Table(columns.universe, [ALL], row)
    there = np.flatnonzero(~np.isnan(section.returns).all(axis=0))
    order = sorted(there.tolist(), key=lambda i: shown[i])
    least = next(of.least for _, of in columns.spans if of.bars == max(columns.of.windows))
    snapshot = Snapshot([shown[i] for i in order], section.returns[:, order], least)
    return Table(columns.universe, [ALL], row, {columns.snapshot: [snapshot.pack()]})


def _pairs(values: Floats, columns: Columns) -> Table:
    """Pairs of which anything is known."""
    of = columns.of.pairs
    known = (values[:, columns.counts] > 0).any(axis=1)
    rows = [i for i in np.argsort(of).tolist() if known[i]]
    return Table(columns.pair, [of[i] for i in rows], values[rows])
