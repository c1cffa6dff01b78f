"""`tickloom matrix`, and `read`: the matrix of all pairs, of the returns that each row of the universe carries.

In: the newest universe of the online store, or one of a feature log (Parquet). Out: a matrix in Python, a file of it, a
summary, a plot. This file must not know how a matrix is computed, nor how one is drawn.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

from feature_repo.stores import open_store
from feature_repo.views import layout
from schemas.errors import ConfigError, DataError, StoreError, nearest
from schemas.settings import duration, parse_duration, settings, store_url
from udfs.frame import UNIVERSE
from udfs.panel.snapshot import KINDS, Snapshot
from udfs.panel.tables import ALL

Floats = npt.NDArray[np.float64]
LARGE = 12
"""Members beyond which the summary leaves the matrix out."""
EXTREMES = 5
"""Pairs shown of either end."""
NO_RETURNS = "set cross_asset.matrix = true and compute the universe again"
console = Console(highlight=False, soft_wrap=True)


class Matrix(NamedTuple):
    """symbols ascending; values float64[N, N], NaN for a member without returns enough; event_time: microseconds UTC,

    the end of the window's last bar.
    """

    symbols: list[str]
    values: Floats
    event_time: int

    def correlations(self) -> "Matrix":
        """Of the members that have values, their entries divided by the deviations: a covariance's correlations."""
        has = np.flatnonzero(~np.isnan(np.diag(self.values)))
        if not len(has):
            where = f"universe of {_text(self.event_time)}, {len(self.symbols)} members"
            raise DataError("no member has returns enough", where=where, hint="wait for a full window")
        values = self.values[np.ix_(has, has)]
        scale = np.sqrt(np.diag(values))
        values /= scale[:, None]
        values /= scale
        return Matrix([self.symbols[i] for i in has], values, self.event_time)


def read(
    interval: str = "1d", kind: str = "correlation", *, log: Path | str | None = None, at: int | None = None
) -> Matrix:
    """The matrix of the newest universe in the online store, or in a feature log of the universe at or before a time.

    kind: see `Snapshot.matrix`. log: a Parquet file with universe, event_time and the text of returns; at: microseconds
    UTC. ConfigError for an interval or setting, FeatureError for a kind, StoreError or DataError where nothing is.
    """
    snapshot, event_time = _universe(interval, log, at)
    return Matrix(snapshot.symbols, snapshot.matrix(kind), event_time)


def matrix(
    interval: Annotated[str, typer.Option(help="length of a bar: 1s, 1m, 1h, 1d")] = "1d",
    kind: Annotated[str, typer.Option(help=", ".join(KINDS))] = KINDS[0],
    log: Annotated[Path | None, typer.Option(help="Parquet log of the universe, instead of the online store")] = None,
    at: Annotated[datetime | None, typer.Option(help="Newest of the log at or before this time, UTC")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write: .npy, .npz, .parquet or .csv")] = None,
    plot: Annotated[Path | None, typer.Option(help="Heat map to draw, ordered by clusters: .png, .svg or .pdf")] = None,
) -> None:
    """Read the matrix of all pairs at the newest bar, or at one of a log: a file of it, a plot, a summary."""
    _check_suffix(out, FORMATS)
    _check_suffix(plot, (".png", ".svg", ".pdf"))
    upto = None if at is None else int(at.replace(tzinfo=UTC).timestamp() * 1_000_000)
    snapshot, event_time = _universe(interval, log, upto)
    found = Matrix(snapshot.symbols, snapshot.matrix(kind), event_time)
    window = f"{len(snapshot.returns)} bars" + ("" if log else f" of {interval}")
    if out:
        _replace(out, lambda file: FORMATS[out.suffix](found, file))
        typer.echo(f"{kind} of {len(found.symbols):,} members, {window} to {_text(event_time)}: {out}")
    if plot:
        from tickloom import heat_map

        shown = found.correlations()
        name = kind if kind in ("correlation", "spearman") else f"correlation ({kind})"
        lines = f"{name} of {_members(shown, found)}", f"{window} to {_text(event_time)}"
        title = "\n".join(lines)
        _replace(plot, lambda file: heat_map.draw(shown.values, shown.symbols, title, file, plot.suffix[1:]))
        typer.echo(f"{', '.join(lines)}: {plot}")
    if not (out or plot):
        _summary(found, kind, window)


def _universe(interval: str, log: Path | str | None, at: int | None) -> tuple[Snapshot, int]:
    if log is not None:
        return _of_log(Path(log), at)
    if at is not None:
        raise ConfigError("--at without --log: the store keeps the newest only", hint="--log FILE --at TIME")
    return _of_store(duration(parse_duration(interval)))


def _of_store(interval: str) -> tuple[Snapshot, int]:
    if not settings().cross_asset.matrix:
        raise ConfigError("setting cross_asset.matrix is false: rows of the universe hold no returns", hint=NO_RETURNS)
    view, project, store = layout(f"{UNIVERSE}_{interval}"), settings().store.project, open_store(store_url())
    try:
        raw, others = store.read(project, view.view, [ALL]), store.layouts(project, view.view)
    finally:
        store.close()
    found = view.unpack(raw, others)
    where = f"{store_url()}, project {project}, view {view.view}"
    if not found.present[0]:
        hint = f"run a features job with bars of {interval}, or give a log by --log"
        raise StoreError(f"no universe of {interval} is in the store yet", where=where, hint=hint)
    text = found.strings[0][0]
    if text is None:
        raise StoreError(f"the newest universe has no {view.texts[0][0]}", where=where, hint=NO_RETURNS)
    return Snapshot.unpack(text), int(found.event_time[0])


def _of_log(path: Path, at: int | None) -> tuple[Snapshot, int]:
    try:
        with pq.ParquetFile(path) as file:
            return _of_file(file, str(path), at)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"this is not a Parquet file that can be read: {error}", where=str(path)) from error


def _of_file(file: pq.ParquetFile, where: str, at: int | None) -> tuple[Snapshot, int]:
    """Returns are read of one row group only: those of a long log need not fit into memory."""
    schema = file.schema_arrow
    if not {UNIVERSE, "event_time"} <= set(schema.names):
        hint = "tickloom features compute writes one beside the features"
        raise DataError("this is no log of the universe", where=f"{where}: {', '.join(schema.names[:5])} ..", hint=hint)
    texts = [field.name for field in schema if pa.types.is_string(field.type) and field.name != UNIVERSE]
    if not texts:
        raise DataError("this log of the universe holds no returns", where=where, hint=NO_RETURNS)
    times = file.read(["event_time"])["event_time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    newest = pc.max(times if at is None else times.filter(pc.less_equal(times, at)))
    if newest.as_py() is None:
        before = "" if at is None else f" at or before {_text(at)}"
        raise DataError(f"there is no universe{before}", where=where)
    place, group = pc.index(times, newest).as_py(), 0
    while place >= (rows := file.metadata.row_group(group).num_rows):
        place, group = place - rows, group + 1
    text = file.read_row_group(group, texts)[0][place].as_py()
    if text is None:
        raise DataError(f"the universe of {_text(newest.as_py())} holds no returns", where=where, hint=NO_RETURNS)
    return Snapshot.unpack(text), newest.as_py()


def _summary(found: Matrix, kind: str, window: str) -> None:
    """What a person can read; correlations also where the kind is a covariance."""
    shown = found.correlations()
    n, values = len(shown.symbols), shown.values
    console.print(f"universe of {_text(found.event_time)}, {window}: {kind} of {_members(shown, found)}")
    if gone := sorted(set(found.symbols) - set(shown.symbols)):
        more = ", .." * (len(gone) > LARGE)
        console.print(f"without returns enough, or constant: {', '.join(gone[:LARGE])}{more}")
    if n <= LARGE:
        grid = Table("", *shown.symbols)
        places = [found.symbols.index(symbol) for symbol in shown.symbols]
        for symbol, row in zip(shown.symbols, found.values[np.ix_(places, places)].tolist(), strict=True):
            grid.add_row(symbol, *(f"{value:.4g}" for value in row))
        console.print(grid)
    if n > 1:
        mean = (values.sum() - np.trace(values)) / (n * (n - 1))
        console.print(f"mean correlation {mean:.4f}")
        for name, sign in (("highest", -1.0), ("lowest", 1.0)):
            pairs = (f"{shown.symbols[i]} {shown.symbols[j]} {values[i, j]:.4f}" for i, j in _first(values, sign))
            console.print(f"{name}: {', '.join(pairs)}")


def _members(shown: Matrix, found: Matrix) -> str:
    """How many, and of how many where some have no values."""
    n, of = len(shown.symbols), len(found.symbols)
    return f"{n:,} members" if n == of else f"{n:,} of {of:,} members"


def _first(values: Floats, sign: float) -> list[tuple[int, int]]:
    """The pairs with the smallest sign * value; row by row, for all pairs at once take several times the matrix."""
    found: list[tuple[float, int, int]] = []
    for i, row in enumerate(values):
        later = sign * row[i + 1 :]
        least = np.argpartition(later, EXTREMES)[:EXTREMES] if len(later) > EXTREMES else np.arange(len(later))
        found += [(float(later[j]), i, i + 1 + int(j)) for j in least]
    return [(i, j) for _, i, j in sorted(found)[:EXTREMES]]


def _table(found: Matrix) -> pa.Table:
    """A row and a column a member; null where there is no value."""
    columns = {"symbol": pa.array(found.symbols, pa.string())}
    columns |= {s: pa.array(column, from_pandas=True) for s, column in zip(found.symbols, found.values.T, strict=True)}
    return pa.table(columns, metadata={"event_time": _text(found.event_time)})


def _npz(found: Matrix, file: IO[bytes]) -> None:
    time = np.datetime64(found.event_time, "us")
    np.savez(file, matrix=found.values, symbols=np.array(found.symbols, np.str_), event_time=time)


FORMATS: dict[str, Callable[[Matrix, IO[bytes]], None]] = {
    ".npy": lambda found, file: np.save(file, found.values),
    ".npz": _npz,
    ".parquet": lambda found, file: pq.write_table(_table(found), file),
    ".csv": lambda found, file: pyarrow.csv.write_csv(_table(found), file),
}


def _check_suffix(path: Path | None, known: Collection[str]) -> None:
    if path and path.suffix not in known:
        raise DataError(f"no file of the kind {path.suffix!r}", where=str(path), hint=nearest(path.suffix, known))


def _replace(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        write(file)
    partial.replace(path)


def _text(us: int) -> str:
    """Seconds only where there are any."""
    return str(np.datetime64(us, "us").astype(datetime)).removesuffix(":00") + " UTC"
