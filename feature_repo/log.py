"""The feature log: a Parquet file of symbols, beside it one of the universe, and one of pairs if any are configured.

In: tables, some rows at once. Out: whole files, or none. This file must not know what a feature means.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.views import apart, beside
from udfs.batch import FEATURES


def files(out: Path) -> dict[str, Path]:
    """The file of each table, of symbols (FEATURES) first."""
    return {FEATURES: out} | {view: beside(out, view) for view in apart()}


class FeatureLog:
    """Writes the files inside the context; they take the place of older ones when it is left without an error."""

    def __init__(self, out: Path) -> None:
        self._files = files(out)
        self._writers: dict[str, pq.ParquetWriter] = {}
        out.parent.mkdir(parents=True, exist_ok=True)

    def take(self, view: str, part: pa.Table) -> None:
        """More rows of a table, with the columns of those before; of pairs only if any are configured."""
        if view not in self._files:
            return
        if view not in self._writers:
            self._writers[view] = pq.ParquetWriter(self._partial(view), part.schema)
        if len(part):
            self._writers[view].write_table(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for view, writer in self._writers.items():
            writer.close()
            if kind:
                self._partial(view).unlink()
            else:
                self._partial(view).replace(self._files[view])

    def _partial(self, view: str) -> Path:
        of = self._files[view]
        return of.with_name(f".{of.name}.partial")
