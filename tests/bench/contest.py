"""Many processes write the same keys of one Redis, in the worst order: `python -m tests.bench.contest [--writes N]`.

Each of 8 processes writes every event time of every entity once, in an order of its own; two readers poll throughout.
Then every entity must hold the newest of all, and no reader may have seen an older vector after a newer one, or a
checksum that does not fit. `stale` counts what a plain SET in the same orders would have left wrong: the last writer
to come wins there.
"""

import argparse
import os
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np

from feature_repo.stores import open_store
from tests.redis_server import redis_server
from udfs.vector import Layout

LAYOUT = Layout("contest", (("x", "f8"), ("writer", "f8")))
ENTITIES, PROCESSES, GROUP = 500, 8, 500
NAMES = [f"S{i:03}" for i in range(ENTITIES)]


def write(url: str, seed: int, times: int) -> int:
    """Every time once, in random order, all entities at a time; how many won."""
    store, won = open_store(url), 0
    for at in np.random.default_rng(seed).permutation(times).tolist():
        vectors = LAYOUT.pack(at, 1, 0, 0, np.tile([float(at), float(seed)], (ENTITIES, 1)))
        won += store.write("p", "contest", NAMES, vectors, shard="0", fence=1)
    store.close()
    return won


def poll(url: str, stop: Event) -> tuple[int, int]:
    """Reads until told to stop: how many, and how many went back in time. A damaged vector is an error."""
    store, last, reads, back = open_store(url), np.zeros(ENTITIES, np.int64), 0, 0
    while not stop.is_set():
        found = LAYOUT.unpack(store.read("p", "contest", NAMES))
        back += int((found.event_time < last).sum())
        last = found.event_time
        reads += ENTITIES
        torn = found.present & (found.values[:, 0] != found.event_time)
        back += int(torn.sum())
    store.close()
    return reads, back


def main() -> None:
    """Run it and print what was found; exit 1 if anything was stale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=10_000_000)
    options = parser.parse_args()
    times = options.writes // (PROCESSES * ENTITIES)
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url, context.Manager() as manager:
        stop, load, begun = manager.Event(), os.getloadavg()[0], time.monotonic()
        with context.Pool(PROCESSES + 2) as pool:
            polls = [pool.apply_async(poll, (url, stop)) for _ in range(2)]
            won = sum(pool.starmap(write, [(url, seed, times) for seed in range(PROCESSES)]))
            seconds = time.monotonic() - begun
            stop.set()
            reads, back = (sum(each) for each in zip(*(each.get() for each in polls), strict=True))
        store = open_store(url)
        found = LAYOUT.unpack(store.read("p", "contest", NAMES))
        store.close()
    stale = int((found.event_time != times - 1).sum())
    last = [np.random.default_rng(seed).permutation(times)[-1] for seed in range(PROCESSES)]
    blind = sum(at != times - 1 for at in last) / PROCESSES
    written = times * PROCESSES * ENTITIES
    print(f"{written:,} writes of {PROCESSES} processes to {ENTITIES} entities, load {load:.1f} before")
    print(f"{seconds:.1f} s, {written / seconds:,.0f} writes/s, {won:,} won")
    print(f"{stale} entities hold a stale vector; had the last to come won, {blind:.0%} of the time it was stale")
    print(f"{reads:,} vectors read meanwhile, {back} of them older than one read before, or torn")
    raise SystemExit(bool(stale or back))


if __name__ == "__main__":
    main()
