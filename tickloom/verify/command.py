"""`tickloom verify`: one input by batch, by Parquet in Flink, by Kafka and Flink; one answer, to the last bit.

In: a folder as `tickloom synth` makes it. Out: a table of the paths, and one line that names input, code, features and
output by their digests; exit status 1 where a path differs or fails. A stack of its own runs meanwhile.
"""

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.settings import settings
from tickloom.verify.tape import Tape, code_digest

console = Console(highlight=False, soft_wrap=True)


def verify(
    folder: Annotated[Path, typer.Argument(help="A folder as `tickloom synth` makes it.", metavar="DIR")],
    parallelism: Annotated[list[int] | None, typer.Option(min=1, help="Of Flink; may be given more than once.")] = None,
    interval: Annotated[str, typer.Option(help="Width of the bars; that of the tape when empty.")] = "",
    savepoint: Annotated[bool, typer.Option(help="Move the job from the first to the last in mid-stream.")] = True,
    keep: Annotated[Path | None, typer.Option(help="Folder for the features of every path, as Parquet.")] = None,
) -> None:
    """Compute the features of a tape on every path and compare them to the last bit; exit 1 unless all are equal."""
    tape = Tape(folder)
    at = parallelism or [1, 2]
    ways = ", ".join(map(str, at))
    console.print(f"{folder}: {tape.records:,} records, bars of {interval or tape.interval}; parallelism {ways}")
    from tickloom.verify.paths import Outcome, run

    outcomes: list[Outcome] = run(tape, interval or tape.interval, at, savepoint, keep, console.print)
    grid = Table("path", "rows", "seconds", "ticks/s", "digest")
    for each in outcomes:
        rate = f"{tape.records / each.seconds:,.0f}" if each.reads_ticks and each.seconds else ""
        grid.add_row(each.path, f"{each.rows:,}", f"{each.seconds:.1f}", rate, each.digest)
    console.print(grid)
    for each in outcomes:
        if each.problem:
            console.print(f"{each.path}: {each.problem}", style="red", markup=False)
    if any(each.problem for each in outcomes):
        raise typer.Exit(1)
    console.print(line(tape, interval or tape.interval, outcomes[0].digest))


def line(tape: Tape, interval: str, output: str) -> str:
    """What anyone who has the same files and the same code gets."""
    from tickloom.verify.compare import DIGITS
    from udfs.catalogue import chosen
    from udfs.plan import Plan

    calendar = settings().bars.calendar
    plans = [Plan(interval, rows, calendar) for across in (False, True) if (rows := chosen(across=across))]
    across = hashlib.sha256(settings().cross_asset.model_dump_json(exclude={"tiles", "threads"}).encode()).hexdigest()
    features = "+".join([*(plan.digest() for plan in plans), across[:DIGITS]])
    parts = {"input": tape.digest(), "code": code_digest(), "features": features, "output": output}
    return "digest " + " ".join(f"{name}={digest}" for name, digest in parts.items())
