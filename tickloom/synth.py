"""`tickloom synth`: a seeded tape of any size in order of arrival, and the truth beside it.

Out: ticks.parquet (records in order of arrival), actions.parquet, bad.parquet (raw payloads with their place),
bars.parquet (what the bars must be in the end), truth.json (counts). Memory: one window of the tape.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.progress import track

from schemas.settings import parse_duration, settings
from tickloom.tape import noise
from tickloom.tape.files import price_writer, to_price, write_actions
from tickloom.tape.generate import WINDOW_TICKS, Arrivals, Rows, chosen, to_table, windows
from tickloom.tape.poison import BAD, Poisoner
from tickloom.tape.spec import Spec
from tickloom.tape.truth import FINAL_BAR, FinalBars, Tally


def synth(
    symbols: Annotated[int, typer.Option(help="Number of symbols.")],
    ticks: Annotated[int, typer.Option(help="Number of trades, repeats and cancels not counted.")],
    seed: Annotated[int, typer.Option(help="Equal seeds and options give equal files.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    late: Annotated[float, typer.Option(help="Fraction of trades that arrive too late for their block.")] = 0.0,
    duplicates: Annotated[float, typer.Option(help="Fraction of trades that are published twice.")] = 0.0,
    cancels: Annotated[float, typer.Option(help="Fraction of trades that are cancelled later.")] = 0.0,
    bad: Annotated[float, typer.Option(help="Bad messages, as a fraction of trades.")] = 0.0,
    actions: Annotated[int, typer.Option(help="Number of splits, dividends and changes of ticker.")] = 0,
    interval: Annotated[str, typer.Option(help="Width of the true bars.")] = "1m",
    rate: Annotated[float, typer.Option(help="Trades per second of event time, all symbols together.")] = 1000.0,
    delay: Annotated[str, typer.Option(help="How late a record may be; three bars when empty.")] = "",
) -> None:
    """Write a seeded tape in order of arrival, and beside it the bars and counts that it must come to."""
    width, block_us = parse_duration(interval), parse_duration(settings().bars.block)
    bound_us = block_us + parse_duration(settings().bars.lateness)
    delay_us = parse_duration(delay) if delay else 3 * width
    spec = Spec(symbols, ticks, seed, width, rate, bound_us, delay_us, late, duplicates, cancels, bad, actions)
    counts = write_tape(spec, block_us, out)
    counts["bad"] = sum(counts["bad"].values())
    typer.echo(f"{out}: " + ", ".join(f"{n:,} {what}" for what, n in counts.items()))


class Tape:
    """The open files of a tape, and what has been counted."""

    def __init__(self, spec: Spec, block_us: int, out: Path) -> None:
        self._spec = spec
        self._ticks = price_writer(out / "ticks.parquet")
        self._bars = pq.ParquetWriter(out / "bars.parquet", FINAL_BAR)
        self._bad = pq.ParquetWriter(out / "bad.parquet", BAD)
        self._arrivals, self._final = Arrivals(spec), FinalBars(spec)
        self.tally, self.poisoner = Tally(spec, block_us), Poisoner(spec)

    def push(self, trades: Rows, end: int) -> None:
        """Write what arrives before the end of a window (microseconds), and the bars that its trades complete."""
        records = self._arrivals.push(trades, end)
        _write(self._bars, self._final.push(trades, chosen(self._spec, trades, noise.CANCEL, self._spec.cancels)))
        _write(self._bad, self.poisoner.push(trades, records, self.tally.counts["records"]))
        self._publish(records)

    def close(self) -> None:
        """Write what arrives after the last trade, and the last bars."""
        self._publish(self._arrivals.rest())
        _write(self._bars, self._final.close())
        for file in (self._ticks, self._bars, self._bad):
            file.close()

    def _publish(self, records: Rows) -> None:
        self.tally.push(records)
        _write(self._ticks, to_price(to_table(self._spec, records)))


def write_tape(spec: Spec, block_us: int, out: Path) -> dict[str, Any]:
    """Write all files of a tape into a folder; the counts of truth.json."""
    out.mkdir(parents=True, exist_ok=True)
    tape = Tape(spec, block_us, out)
    screen, quiet = Console(stderr=True), not sys.stderr.isatty()
    for end, trades in track(windows(spec), "ticks", spec.ticks / WINDOW_TICKS, console=screen, disable=quiet):
        tape.push(trades, end)
    tape.close()
    announced = [record for event in spec.events for record in event.records()]
    write_actions(announced, out / "actions.parquet")
    counts = dict(tape.tally.counts) | {"actions": len(announced), "bad": tape.poisoner.reasons}
    (out / "truth.json").write_text(json.dumps({"counts": counts, "spec": asdict(spec)}, indent=2) + "\n")
    return counts


def _write(file: pq.ParquetWriter, table: pa.Table) -> None:
    if len(table):
        file.write_table(table)
