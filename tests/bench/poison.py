"""What bad messages cost: `python -m tests.bench.poison [--ticks N] [--rounds N]`. Goal: 1 % of them at most 5 %.

A stack of its own; 500 symbols, 20,000 ticks a second of event time, bars of 1 s. The same ticks, with and without 1 %
of bad messages (each way of `tickloom synth --bad` in turn), are in Kafka before a job starts; rounds alternate, and
the medians are compared. Rates are of good ticks, by the slope of committed frames as in tests.bench.
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

from tests.bench.__main__ import INTERVAL, RATE, SYMBOLS, features_job
from tests.e2e import pipeline
from tests.e2e.conftest import own_home
from tickloom.replay import Order, Target, replay
from tickloom.stack import control
from tickloom.synth import synth


def main() -> None:
    """One line a run, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bad", type=float, default=0.01)
    options = parser.parse_args()
    found: dict[bool, list[int]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, own_home(Path(folder) / "home"):
        control.up(auto_ports=True)
        tape = Path(folder)
        synth(SYMBOLS, options.ticks, 1, tape, bad=options.bad, interval=INTERVAL, rate=RATE)
        for turn in range(2 * options.rounds):
            bad = turn % 4 in {1, 2}  # either is first as often, for the machine warms up
            pipeline.empty()
            paths = [tape / "ticks.parquet", *[tape / "bad.parquet"] * bad]
            replay(paths, Target.KAFKA, None, INTERVAL, Order.ARRIVAL)
            load = os.getloadavg()[0]
            rate = features_job("", options.ticks)["ticks_per_s"]
            found[bad].append(rate)
            print(f"{options.bad if bad else 0:5.1%} bad: {rate:,} ticks/s; load {load:.1f} before", flush=True)
    good, poisoned = (median(found[bad]) for bad in (False, True))
    print(f"medians of {options.rounds}: {good:,.0f} and {poisoned:,.0f} ticks/s; cost {1 - poisoned / good:.1%}")


if __name__ == "__main__":
    main()
