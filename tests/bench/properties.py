"""The properties of change on many worlds: `python -m tests.bench.properties [--cases 10000] [--only NAME --seed N]`.

Two processes; case n of a property is drawn from `random.Random(n)`, so that a failure is seen again by its seed.
Prints a row a property, and exits 1 when any case failed.
"""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from random import Random

from rich.console import Console
from rich.table import Table

from tests.oracles.world import short_windows
from tests.property import test_ex_day, test_kernels, test_pairs_inside, test_real_events, test_truth

ALL = (
    test_kernels.scales_by_its_degrees,
    *test_truth.PROPERTIES,
    *test_pairs_inside.PROPERTIES,
    *test_ex_day.PROPERTIES,
    test_real_events.a_real_event_ends_as_known,
)
PROPERTIES: dict[str, Callable[[Random], None]] = {each.__name__: each for each in ALL}
# cases of one property beside those of another
SHARES = {"any_order_ends_like_the_batch": 6, "scales_by_its_degrees": 3, "heard_late_is_heard_in_time": 0.5}
BATCH = 25
Failed = list[tuple[int, str]]


def main() -> int:
    """Run all, or one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--only", choices=PROPERTIES)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    if options.seed is not None:
        with short_windows():
            PROPERTIES[options.only](Random(options.seed))
        return 0
    names = [options.only] if options.only else list(PROPERTIES)
    whole = sum(SHARES.get(name, 1) for name in names)
    cases = {name: round(options.cases * SHARES.get(name, 1) / whole) for name in names}
    batches = [(name, range(at, min(at + BATCH, n))) for name, n in cases.items() for at in range(0, n, BATCH)]
    started = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        done = list(pool.map(run, *zip(*batches, strict=True)))
    rows = [(name, *each) for (name, _), each in zip(batches, done, strict=True)]
    return show(cases, rows, time.monotonic() - started)


def run(name: str, seeds: range) -> tuple[Failed, float]:
    """Seeds that failed, each with the first line of why, and the seconds that all took."""
    failed: Failed = []
    started = time.monotonic()
    with short_windows():
        for seed in seeds:
            try:
                PROPERTIES[name](Random(seed))
            except Exception as error:  # noqa: BLE001
                failed.append((seed, f"{type(error).__name__}: {error}".splitlines()[0]))
    return failed, time.monotonic() - started


def show(cases: dict[str, int], rows: list[tuple[str, Failed, float]], seconds: float) -> int:
    """The table; 1 if anything failed."""
    table = Table("property", "cases", "failures", "seconds", title=f"{sum(cases.values()):,} worlds, {seconds:.0f} s")
    for name, count in cases.items():
        failed = [each for of, found, _ in rows for each in found if of == name]
        spent = sum(took for of, _, took in rows if of == name)
        table.add_row(name.replace("_", " "), f"{count:,}", str(len(failed)), f"{spent:.0f}")
        for seed, why in failed[:3]:
            sys.stderr.write(f"python -m tests.bench.properties --only {name} --seed {seed}: {why}\n")
    Console(width=100).print(table)
    return int(any(found for _, found, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
