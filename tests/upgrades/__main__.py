"""`python -m tests.upgrades --times 20`: a features job is upgraded again and again under load, and its output judged.

Upgrades in turn: other code, parallelism 1 to 2 and back, a newer version of the schema of prices in sources and
producer, features added, and one that fails and goes back by itself. In: a seed. Out: a line for each, with the gap of
its output; last line the verdict: committed output against a batch over the true bars. Exit 1 if it does not hold.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e.conftest import own_home
from tests.upgrades import checks
from tests.upgrades.load import Load
from tests.upgrades.steps import ADDED, Done, Steps, prepare
from tickloom import flink
from tickloom.flink_rest import FlinkRest
from tickloom.stack import control
from tickloom.stack.components import flink_url
from tickloom.synth import synth
from tickloom.verify.tape import Tape
from udfs import batch

INTERVAL = "5s"
RATE = 200.0
"""Trades a second of event time."""


TURNS = ("code", "parallelism", "schema", "features", "parallelism", "broken")


@dataclass(frozen=True)
class Options:
    """turns: the upgrades, one after the other; minutes: of the tape, which has to last; speed: event time per time."""

    turns: tuple[str, ...]
    minutes: float = 30.0
    seed: int = 1
    symbols: int = 20
    speed: float = 1.0


def main() -> None:
    """Make the tape, start the stack and the job, upgrade, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="upgrades that succeed; others come on top")
    for name, kind in (("seed", int), ("symbols", int), ("minutes", float), ("speed", float)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Options, name))
    given = vars(parser.parse_args())
    options = Options(turns(given.pop("times")), **given)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tickloom-upgrades-") as folder, pytest.MonkeyPatch.context() as patch:
        verdict, done = run(Path(folder), patch, options)
    for each in verdict.first[:10]:
        print(each)
    gaps = [each.gap_s for each in done if each.gap_s >= 0] or [0.0]
    sound = verdict.holds and all((each.code == 0) == (each.what != "broken") for each in done)
    failed = sum(each.code != 0 for each in done)
    took, gap = time.monotonic() - begun, f"p50 {statistics.median(gaps):.1f} s, max {max(gaps):.1f} s"
    print(f"{len(done) - failed} upgrades and {failed} that went back, in {took:.0f} s, seed {options.seed}: "
          f"{verdict.frames:,} frames, {verdict.rows:,} rows, {verdict.numbers:,} values ({verdict.newer:,} of added "
          f"features): {verdict.lost} lost, {verdict.doubled} doubled, {verdict.differing} differing; "
          f"gap of output {gap}: {'OK' if sound else 'FAILED'}")  # fmt: skip
    sys.exit(not sound)


def turns(times: int) -> tuple[str, ...]:
    """So many upgrades that succeed, and among them some that do not."""
    found: list[str] = []
    for turn in cycle(TURNS):
        if sum(each != "broken" for each in found) == times:
            return tuple(found)
        found.append(turn)
    return ()


def run(folder: Path, patch: pytest.MonkeyPatch, options: Options) -> tuple[checks.Verdict, list[Done]]:
    """The verdict, and the upgrades."""
    prepare(folder, patch, INTERVAL)
    ticks, done = int(options.minutes * 60 * RATE), list[Done]()
    with own_home(folder / "home"):
        synth(options.symbols, ticks, options.seed, folder / "tape", 0.005, 0.005, 0.001, interval=INTERVAL, rate=RATE)
        tape = Tape(folder / "tape")
        control.up(auto_ports=True)
        FlinkRest(flink_url()).ready(flink.run_job("jobs.features", [], 1))
        with Load(tape, INTERVAL, options.speed) as load:
            steps = Steps(folder, load)
            for turn in options.turns:
                done.append(steps.take(turn))
                print(done[-1], flush=True)
                if (done[-1].code == 0) == (turn == "broken"):
                    print(done[-1].printed, flush=True)
            if not load.running():
                print("the tape was over before the upgrades were: more --minutes")
        return judged(tape, steps), done


def judged(tape: Tape, steps: Steps) -> checks.Verdict:
    """Let the job do the rest, stop it, and compare."""
    cluster = FlinkRest(flink_url())
    (job,) = [job for job, state in cluster.jobs().items() if state == "RUNNING"]
    steps.caught_up(job)
    flink.stop_job(job, "--drain")
    expected = batch.compute(pq.read_table(tape.path("bars.parquet")), None, INTERVAL)
    return checks.judge(checks.frames(), expected, set(expected.column_names[2:]) - set(ADDED))


if __name__ == "__main__":
    main()
