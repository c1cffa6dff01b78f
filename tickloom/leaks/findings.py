"""What was compared, and where it differed: two tables of features of which the past must be the same bytes.

In: tables as `features compute` writes them. Out: for each output and check how many comparisons there were, and the
leaks. A comparison is of one output up to one instant in one other future, and counts only if there was a value in
it; a leak is a comparison that found a difference. This file must not know what was changed, nor why.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

ROWS = "(rows)"
"""Stands for an output: which rows there are."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[int, str]


@dataclass(frozen=True, order=True)
class Leak:
    """An output's first row, by time, that another future changed; times in microseconds UTC."""

    event_time: int
    symbol: str
    cut: int
    check: str
    was: str
    is_now: str

    def __str__(self) -> str:
        row = f"{self.symbol} at {_clock(self.event_time)} was {self.was}, is {self.is_now}"
        return f"{self.check} after {_clock(self.cut)}: {row}"


class View:
    """A table as places of rows by (event time, symbol or other keys), and columns that compare by their bytes.

    of: what the names of its columns begin with where they are told.
    """

    def __init__(self, table: pa.Table, of: str = "") -> None:
        self.of, at = of, table.column_names.index("event_time")
        times, keys = table["event_time"].cast(pa.int64()).to_pylist(), [table[i].to_pylist() for i in range(at)]
        names = ["|".join(key) for key in zip(*keys, strict=True)]
        self.place: dict[Key, int] = {key: i for i, key in enumerate(zip(times, names, strict=True))}
        self.columns: dict[str, NDArray[Any]] = {name: _column(table[name]) for name in table.column_names[at + 1 :]}

    def keys(self, until: int) -> set[Key]:
        """The rows of times up to `until`."""
        return {key for key in self.place if key[0] <= until}

    def take(self, name: str, keys: list[Key]) -> NDArray[Any]:
        """A column at these rows."""
        return self.columns[name][[self.place[key] for key in keys]]


class Findings:
    """compared: comparisons by (output, check); leaks: those of them that found a difference."""

    def __init__(self) -> None:
        self.compared: Counter[tuple[str, str]] = Counter()
        self.leaks: defaultdict[tuple[str, str], list[Leak]] = defaultdict(list)

    def compare(self, check: str, cut: int, was: View, now: View, until: int) -> None:
        """Compare every output of the rows that end by `until`; the two futures part at `cut`."""
        mine, theirs = was.keys(until), now.keys(until)
        self.compared[was.of + ROWS, check] += bool(mine | theirs)
        for key in sorted(mine ^ theirs)[:1]:
            self._leak(
                was.of + ROWS, check, cut, key, *("a row" if key in keys else "no row" for keys in (mine, theirs))
            )
        keys = sorted(mine & theirs)
        for name in [name for name in was.columns if name in now.columns]:
            here, there = was.take(name, keys), now.take(name, keys)
            self.compared[was.of + name, check] += bool((_known(here) | _known(there)).any())
            for row in np.flatnonzero(_bits(here) != _bits(there))[:1].tolist():
                self._leak(was.of + name, check, cut, keys[row], str(here[row]), str(there[row]))

    def first(self) -> dict[str, Leak]:
        """Output -> its earliest leak, for those that leak."""
        found: defaultdict[str, list[Leak]] = defaultdict(list)
        for (output, _), leaks in self.leaks.items():
            found[output] += leaks
        return {output: min(leaks) for output, leaks in found.items()}

    def vacant(self) -> list[str]:
        """Outputs that never had a value to compare."""
        outputs = {output for output, _ in self.compared}
        return sorted(outputs - {output for (output, _), count in self.compared.items() if count})

    def totals(self) -> tuple[int, int]:
        """Leaks, and comparisons."""
        return sum(map(len, self.leaks.values())), self.compared.total()

    def _leak(self, output: str, check: str, cut: int, key: Key, was: str, is_now: str) -> None:
        self.leaks[output, check].append(Leak(*key, cut, check, was, is_now))


def _column(column: pa.ChunkedArray) -> NDArray[Any]:
    """float64[n], or texts with "" for null."""
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(), "f8")
    return np.array([text or "" for text in column.to_pylist()], object)


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    return values.view("i8") if values.dtype == np.float64 else values


def _known(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(values) if values.dtype == np.float64 else values != "")


def _clock(time_us: int) -> str:
    return (EPOCH + timedelta(microseconds=time_us)).strftime("%Y-%m-%d %H:%M:%S")
