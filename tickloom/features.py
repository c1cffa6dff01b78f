"""`tickloom features`: the batch path over Parquet files, and the list of what it computes."""

import json
import time
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from schemas.errors import DataError


def compute(
    bars: Annotated[Path, typer.Option(help="Parquet of unadjusted bars: symbol, event_time, open .. volume")],
    out: Annotated[Path, typer.Option(help="Parquet to write: a row a bar, a column a feature")],
    actions: Annotated[Path | None, typer.Option(help="Parquet of corporate actions")] = None,
    interval: Annotated[str, typer.Option(help="length of a bar: 1s, 1m, 1h, 1d")] = "1d",
) -> None:
    """Compute every feature of a file of bars, without Flink: the same bytes as the live job."""
    from udfs import batch

    started = time.monotonic()
    table = batch.compute(_read(bars), _read(actions) if actions else None, interval)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    pq.write_table(table, partial)
    partial.replace(out)
    typer.echo(f"{table.num_rows:,} bars, {table.num_columns - 2} features, {time.monotonic() - started:.1f} s: {out}")


def list_features(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    interval: Annotated[str, typer.Option(help="length of a bar: 1s, 1m, 1h, 1d")] = "1d",
) -> None:
    """List the features: outputs, inputs, parameters, warm-up, how a split scales them, bytes of state."""
    from udfs.plan import Plan

    rows = Plan(interval).describe()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        degrees = f"price^{row['degree_price']} volume^{row['degree_volume']}"
        typer.echo(
            f"{', '.join(row['outputs'])}: of {', '.join(row['inputs'])}, after {row['lookback']} bars, {degrees}"
        )


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"this is not a Parquet file that can be read: {error}", where=str(path)) from error
