"""Run worlds of many seeds: `python -m tests.simulation --seeds 10000 [--first N] [--processes 2] [--trace]`.

Prints what was injected, by kind, worlds a second, and for a world that fails how to see it again alone. The last line
is the verdict; the exit status is 1 if any world failed.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from tests.simulation.many import Part, prepare, worlds

BATCH, SHOWN = 100, 10


def main() -> int:
    """Run them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="print each step; one process")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    parts = [seeds[i : i + BATCH] for i in range(0, len(seeds), BATCH)]
    started = time.monotonic()
    if options.trace or options.processes == 1 or len(parts) == 1:
        prepare()
        return show(seeds, [worlds(part, trace=options.trace) for part in parts], started)
    with ProcessPoolExecutor(options.processes, get_context("spawn"), prepare) as pool:
        return show(seeds, pool.map(worlds, parts), started)


def show(seeds: range, parts: Iterable[Part], started: float) -> int:
    """The table and the verdict; 1 if any world failed."""
    bit: Counter[str] = Counter()
    failed, records = 0, 0
    for of, wrong, more in parts:
        bit, records = bit + of, records + more
        for seed, why in wrong[: max(0, SHOWN - failed)]:
            sys.stderr.write(f"python -m tests.simulation --first {seed} --seeds 1 --trace: {why}\n")
        failed += len(wrong)
    seconds = time.monotonic() - started
    table = Table("what", "times", title=f"{len(seeds):,} worlds, {records:,} records, {seconds:.0f} s")
    for kind in sorted(bit):
        table.add_row(kind, f"{bit[kind]:,}")
    Console(width=80).print(table)
    faults = sum(times for kind, times in bit.items() if kind.startswith("fault"))
    rate = f"{len(seeds) / seconds:.1f} worlds/s"
    verdict = f"FAILED in {failed:,}" if failed else "0 lost, 0 doubled, 0 torn, 0 stale"
    sys.stdout.write(f"{len(seeds):,} seeds from {seeds.start}, {faults:,} faults, {rate}: {verdict}\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
