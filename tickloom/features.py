"""`tickloom features`: the batch path over Parquet files, the log of what a job committed, and the list of all.

In: Parquet files, or what a job committed to Kafka. Out: Parquet, text, pages. This file must not know how a feature is
computed.
"""

import json
import math
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from schemas.errors import ConfigError, DataError
from schemas.settings import PROJECT, settings

if TYPE_CHECKING:
    from udfs.frame import Frame


def compute(
    bars: Annotated[Path, typer.Option(help="Parquet of unadjusted bars: symbol, event_time, open .. volume")],
    out: Annotated[Path, typer.Option(help="Parquet to write: a row a bar, a column a feature")],
    actions: Annotated[Path | None, typer.Option(help="Parquet of corporate actions")] = None,
    interval: Annotated[str, typer.Option(help="length of a bar: 1s, 1m, 1h, 1d")] = "1d",
    bars_of: Annotated[
        str, typer.Option("--from", help="length of the bars of the file, if they are to be rolled up to --interval")
    ] = "",
    ticks: Annotated[
        Path | None, typer.Option(help="Parquet of the ticks that the bars are made of, for pairs; else prints of bars")
    ] = None,
) -> None:
    """Compute every feature of a file of bars, without Flink: the same bytes as the live job.

    The universe's and pairs' rows go to files beside OUT: features_universe.parquet, features_pairs.parquet.
    """
    from feature_repo.log import FeatureLog
    from udfs import batch
    from udfs.rollup import chain

    started = time.monotonic()
    given, known, calendar = _read(bars), _read(actions) if actions else None, settings().bars.calendar
    of = bars_of or interval
    for longer in chain(of, interval, settings().bars.rollups):
        given, of = batch.roll_up(given, known, of, longer, calendar), longer
    trades = _ticks(ticks, rolled=of != (bars_of or interval))
    with FeatureLog(out) as log:
        table = batch.compute(given, known, interval, calendar=calendar, ticks=trades, take=log.take)
        log.take(batch.FEATURES, table)
    typer.echo(f"{table.num_rows:,} bars, {table.num_columns - 2} features, {time.monotonic() - started:.1f} s: {out}")


def log(
    out: Annotated[Path, typer.Option(help="Parquet to write: a row a bar, a column a feature")],
    known_at: Annotated[
        datetime | None, typer.Option(help="As it was known then, UTC; as it is known now if empty")
    ] = None,
    interval: Annotated[str, typer.Option(help="length of a bar: 1s, 1m, 1h, 1d")] = "1d",
) -> None:
    """Write what the job has committed to the feature log, as known now or as known at a time: no later correction.

    The universe's and pairs' rows go to files beside OUT: features_universe.parquet, features_pairs.parquet.
    """
    from feature_repo.log import FeatureLog
    from feature_repo.views import apart
    from jobs.runtime import committed
    from udfs.batch import FEATURES
    from udfs.frame import SYMBOL_VIEWS
    from udfs.table import drained, parts, table

    at = math.inf if known_at is None else int(known_at.replace(tzinfo=UTC).timestamp() * 1_000_000)
    frames: defaultdict[str, list[Frame]] = defaultdict(list)
    for record in committed.records("feature.frame.v1"):
        if record["interval"] == interval and record["known_at"] <= at:
            frame = committed.frame(record)
            frames[frame.view].append(frame)
    found = table(frame for view in SYMBOL_VIEWS for frame in frames.pop(view, []))
    with FeatureLog(out) as log:
        log.take(FEATURES, found)
        for view in apart():
            for part in parts(drained(frames[view]), view):
                log.take(view, part)
    typer.echo(f"{found.num_rows:,} bars, {found.num_columns - 2} features: {out}")


def list_features(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    interval: Annotated[str, typer.Option(help="length of a bar: 1s, 1m, 1h, 1d")] = "1d",
    every: Annotated[bool, typer.Option("--all", help="of all packs, not only those that the settings choose")] = False,
) -> None:
    """List the features: outputs, inputs, parameters, warm-up, how a split scales them, bytes of state."""
    from udfs import catalogue
    from udfs.plan import Plan

    packs = catalogue.names() if every else ()
    chosen = [found for across in (False, True) if (found := catalogue.chosen(packs, across=across))]
    rows = [row for of in chosen for row in Plan(interval, of).describe()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        powers = sorted(set(zip(row["degree_price"], row["degree_volume"], strict=True)), key=str)
        degrees = ", ".join("no degree" if p is None else f"price^{p} volume^{v}" for p, v in powers)
        typer.echo(
            f"{', '.join(row['outputs'])}: of {', '.join(row['inputs'])}, after {row['lookback']} bars, {degrees}"
        )


def reference(
    out: Annotated[Path, typer.Option(help="folder of the pages")] = PROJECT / "docs" / "reference",
    check: Annotated[bool, typer.Option("--check", help="write nothing, fail where a page is not as its row")] = False,
) -> None:
    """Write the reference: a page for each feature of all packs, of its row and its kernel's docstring."""
    from tickloom import reference

    (reference.check if check else reference.write)(out)


def _ticks(path: Path | None, *, rolled: bool) -> pa.Table | None:
    """Those of the pairs' tickers; rolled: bars that are have none."""
    from udfs.panel.columns import Columns
    from udfs.prints import TICK

    if rolled and path:
        raise ConfigError("bars that are rolled up have no ticks", where=str(path), hint="leave out --ticks")
    watched = sorted(Columns(settings().cross_asset).watched)
    if rolled or (path and not watched):
        return TICK.empty_table()
    return _read(path, [("symbol", "in", watched)]) if path else None


def _read(path: Path, filters: list[tuple[str, str, list[str]]] | None = None) -> pa.Table:
    try:
        return pq.read_table(path, filters=filters)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"this is not a Parquet file that can be read: {error}", where=str(path)) from error
