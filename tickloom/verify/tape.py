"""The input of `tickloom verify`, a folder as `tickloom synth` makes it; digests of it and of the code."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.errors import DataError
from schemas.settings import PROJECT, UNITS, duration
from tickloom import package
from tickloom.tape.journal import digest

NAMES = ("ticks.parquet", "actions.parquet", "bars.parquet", "bad.parquet", "truth.json")
NUMBERS = ("udfs", "schemas")
"""Folders whose sources decide numbers."""


@dataclass(frozen=True)
class Tape:
    """A folder of `tickloom synth`; DataError where a file is missing."""

    folder: Path

    def __post_init__(self) -> None:
        if missing := [name for name in NAMES if not (self.folder / name).is_file()]:
            raise DataError(f"no {', '.join(missing)}", where=str(self.folder), hint="tickloom synth --out writes them")

    def path(self, name: str) -> str:
        """The whole path of a file."""
        return str((self.folder / name).absolute())

    @cached_property
    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = json.loads((self.folder / "truth.json").read_text())["spec"]
        return spec

    @cached_property
    def interval(self) -> str:
        """Width of the true bars."""
        return duration(int(self._spec["interval_us"]))

    @cached_property
    def records(self) -> int:
        """Trades, repeats and cancels."""
        return int(pq.read_metadata(self.path("ticks.parquet")).num_rows)

    @cached_property
    def bar_records(self) -> float:
        """Trades during a bar, of all symbols."""
        return float(self._spec["rate"]) * int(self._spec["interval_us"]) / UNITS["s"]

    @cached_property
    def prices(self) -> list[str]:
        """The files of records, and of bad messages if there are any."""
        names = ["ticks.parquet", "bad.parquet"]
        return [path for path in map(self.path, names) if pq.read_metadata(path).num_rows]

    def digest(self) -> str:
        """16 hexadecimal digits of the content of all files."""
        return digest([self.folder / name for name in NAMES])


def code_digest(project: Path = PROJECT) -> str:
    """16 hexadecimal digits of the sources that decide numbers: their names, in order, and their content."""
    found = [path for path in package.sources(project) if path.parts[0] in NUMBERS]
    return digest([project / path for path in found], *(path.as_posix() for path in found))
