"""`tickloom train`: a model of the next bar's log return, from the features that the batch path computed.

In: a Parquet table as `tickloom features compute` writes it. Out: a model folder, and walk-forward metrics on paper.
Inputs are the features that have no unit (price and volume degree 0, such as rsi_14): they compare symbols and do not
jump at a split. Columns of text (peer_60) and of unknown name are no inputs. Lags (log_return_lag_3) are the inputs of
a `gru`, with the features that they are lags of, and none of an `mlp`.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from feature_repo.views import CROSS_ASSET, FACTORS, INDICATORS, layout
from schemas.errors import DataError, ModelError
from schemas.settings import PROJECT, settings
from udfs.catalogue import chosen
from udfs.kernels.state import Degree
from udfs.plan import Plan

if TYPE_CHECKING:
    from udfs.scoring.learn import Rows
    from udfs.scoring.walkforward import Fold, Metrics

RETURN = "log_return"
LAG = re.compile(r"_lag_(\d+)$")
GRU_HIDDEN = (16,)
Architecture = Literal["mlp", "gru"]
METRICS = ("ic", "hit_rate", "up_rate", "mse_ratio")


def train(
    features: Annotated[Path, typer.Option(help="Parquet of `tickloom features compute`.")],
    out: Annotated[Path | None, typer.Option(help="Model folder; setting scoring.model if left out.")] = None,
    interval: Annotated[str, typer.Option(help="Bar interval of the table; setting bars.interval if left out.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed and table give the same model.")] = 0,
    folds: Annotated[int, typer.Option(min=1, help="Stretches of time to test on.")] = 5,
    name: Annotated[str, typer.Option(help="Name of the model; its architecture if left out.")] = "",
    architecture: Annotated[Architecture, typer.Option(help="mlp, or gru over the lags of the table.")] = "mlp",
) -> None:
    """Learn the next bar's return walk-forward, print how good that was, and keep a model of all rows."""
    from udfs.scoring import artifact, tensors
    from udfs.scoring.learn import Recipe, learn, walk_forward
    from udfs.scoring.signature import public_hex
    from udfs.scoring.trust import signing_key, trusted_keys

    folder = out or PROJECT / settings().scoring.model  # where a job that is started from the checkout looks for it
    key = signing_key()
    interval = interval or settings().bars.interval
    rows = read(features, interval, architecture)
    steps = 1 + max(map(lag, rows.features)) if architecture == "gru" else 1
    hidden = GRU_HIDDEN if architecture == "gru" else Recipe.hidden
    recipe = Recipe(name or architecture, interval, seed, next_serial(folder), architecture, steps, hidden)
    results = walk_forward(rows, recipe, folds)
    metrics = mean([found for _, found in results])
    typer.echo(report(rows, results, metrics))
    manifest, weights = learn(rows, recipe, metrics)
    artifact.save(folder, manifest, tensors.encode(weights), key)
    artifact.publish(folder, manifest.version)
    typer.echo(f"final fit on all {manifest.rows:,} rows, to {manifest.train_end[:10]}: its future is untested")
    typer.echo(f"{folder}: {manifest.name} version {manifest.version}, serial {manifest.serial}")
    public = public_hex(key.public_key())
    if public not in trusted_keys():
        typer.echo(f"signed by {public}, which scoring.trusted_keys does not name: no job here will load it")


def loads(folder: Path) -> bool:
    """Whether a job started here would load the folder's model: it is whole, and signed by a key trusted here."""
    from udfs.scoring import artifact
    from udfs.scoring.trust import trusted_keys

    with suppress(ModelError):
        artifact.load(folder, trusted_keys())
        return True
    return False


def next_serial(folder: Path) -> int:
    """One more than the highest serial in the folder under a trusted signature, or one of this state folder's key."""
    from udfs.scoring import artifact
    from udfs.scoring.signature import public_hex
    from udfs.scoring.trust import signing_key, trusted_keys

    keys = (*trusted_keys(), public_hex(signing_key().public_key()))
    serials = [0]
    for path in sorted(folder.glob("*/" + artifact.MANIFEST)):
        with suppress(ModelError):
            serials.append(artifact.read_manifest(path.parent, keys).serial)
    return max(serials) + 1


def read(path: Path, interval: str, architecture: Architecture = "mlp") -> "Rows":
    """Rows with a label from a feature table; DataError if it cannot be used."""
    from udfs.scoring.learn import Rows

    table = _sorted(path)
    found = [(ref, name) for ref, name in _unit_free(interval) if name in table.column_names]
    inputs = sequence(found) if architecture == "gru" else {ref: name for ref, name in found if not lag(name)}
    if not inputs:
        kind = "a feature that comes with its lags" if architecture == "gru" else "a feature without units"
        raise DataError(f"no column is {kind}", where=str(path), hint=f"is it of interval {interval}?")
    symbol = table["symbol"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    time = table["event_time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    follows = symbol[1:] == symbol[:-1]  # the next row is the same symbol's next bar
    if np.any(follows & (time[1:] == time[:-1])):
        raise DataError(
            "a symbol has two rows of one event_time", where=str(path), hint="give the latest revision only"
        )
    label = np.where(follows, _numbers(table, RETURN)[1:], np.nan)
    known = np.isfinite(label)
    values = np.column_stack([_numbers(table, name) for name in inputs.values()])
    return Rows(tuple(inputs), values[:-1][known], label[known], time[:-1][known], time[1:][known])


def lag(name: str) -> int:
    """How many bars ago a feature was: 3 of `log_return_lag_3`; 0 of one that is no lag."""
    found = LAG.search(name)
    return int(found[1]) if found else 0


def sequence(found: list[tuple[str, str]]) -> dict[str, str]:
    """Of (view:feature, feature) those that come with all their lags, the oldest bar first, the same at each bar.

    A feature with fewer lags than the one with most is left out.
    """
    known = dict(found)
    lags: dict[str, int] = {}
    for ref in known:
        if not lag(ref):
            last = 0
            while f"{ref}_lag_{last + 1}" in known:
                last += 1
            lags[ref] = last
    steps = max(lags.values(), default=0)
    channels = [ref for ref, last in lags.items() if last == steps and steps]
    names = [f"{ref}_lag_{ago}" if ago else ref for ago in reversed(range(steps + 1)) for ref in channels]
    return {ref: known[ref] for ref in names} if steps else {}


def mean(found: "list[Metrics]") -> dict[str, float]:
    """Metrics averaged over the folds that have them."""
    columns = {key: np.array([getattr(m, key) for m in found]) for key in METRICS}
    return {key: float(np.nanmean(values)) for key, values in columns.items() if not np.isnan(values).all()}


def report(rows: "Rows", results: "list[tuple[Fold, Metrics]]", metrics: dict[str, float]) -> str:
    """The metrics as a table, and what they amount to."""
    lines = [
        f"{len(rows.labels):,} rows, {len(rows.features)} features: {', '.join(rows.features)}",
        f"{'test from':<12}{'to':<12}{'rows':>9}{'IC':>10}{'hit rate':>10}{'up rate':>10}{'MSE/zero':>10}",
    ]
    for fold, found in results:
        lines.append(f"{_day(fold.start):<12}{_day(fold.end):<12}{found.rows:>9,}" + _cells(found._asdict()))
    lines.append(f"{'mean':<33}" + _cells(metrics))
    if not metrics.get("mse_ratio", np.nan) < 1:
        lines.append("The squared error is no smaller than that of a forecast of zero: expect nothing of this model.")
    return "\n".join(lines)


def _cells(metrics: dict[str, float]) -> str:
    return "".join(f"{metrics.get(key, np.nan):>10.4f}" for key in METRICS)


def _sorted(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"not a Parquet table: {error}", where=str(path), hint="tickloom features compute") from error
    if missing := {"symbol", "event_time", RETURN} - set(table.column_names):
        raise DataError(f"column {min(missing)} is missing", where=str(path), hint="tickloom features compute")
    return table.sort_by([("symbol", "ascending"), ("event_time", "ascending")])


def _unit_free(interval: str) -> list[tuple[str, str]]:
    """(view:feature, feature) of all numeric features that have no unit."""
    names = {}
    for prefix, across in ((INDICATORS, False), (FACTORS, True)):
        if rows := chosen(across=across):
            plan = Plan(interval, rows)
            names[prefix + interval] = [name for name in plan.outputs if plan.degree(name) == Degree()]
    names[CROSS_ASSET + interval] = [*layout(CROSS_ASSET + interval).numbers]
    return [(f"{view}:{name}", name) for view, of in names.items() for name in of]


def _numbers(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = table[name].cast(pa.float64()).to_numpy()
    return found


def _day(event_time_us: int) -> str:
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event_time_us)).date())
