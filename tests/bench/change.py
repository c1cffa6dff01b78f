"""What a change of the past costs: `python -m tests.bench.change` (one process, one core, no Flink).

A shard of 63 symbols (500 over 8 shards), bars of a minute, every feature. First: an action known in time, and one
heard 60 bars late. Then, by horizon and distance of anchors: bytes kept, a rewind of one and of all symbols from the
far end of the horizon, and a restore.
"""

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.oracles.world import MINUTE, action
from udfs.bars import COLUMNS
from udfs.feature_shard import FeatureShard
from udfs.frame import BARS, Frame
from udfs.log import Horizon
from udfs.plan import Plan

SYMBOLS = [f"S{i:03}" for i in range(63)]
PLAN = Plan("1m")
START_DAY = 19_723
START = START_DAY * 1440


def bars(minute: int, names: list[str] = SYMBOLS) -> Frame:
    """A seeded frame of bars that ends then."""
    random = np.random.default_rng(minute)
    close = 100 + random.normal(0, 1, len(names))
    volume, none = random.integers(1, 10**4, len(names)), np.zeros(len(names))
    columns = (close, close + 1, close - 1, close, volume, none + 9, close * volume, close, none, none, none, volume)
    end = (START + minute) * MINUTE
    return Frame(BARS, 0, end, end, 0, names, COLUMNS, np.column_stack(columns))


def shard(horizon: Horizon, minutes: int) -> FeatureShard:
    """A shard that has seen these bars."""
    made = FeatureShard(0, PLAN, MINUTE, {}, horizon)
    for minute in range(1, minutes + 1):
        made.hear(bars(minute))
        made.advance((START + minute) * MINUTE)
    return made


def split(minute: int, name: str) -> dict[str, object]:
    """A 2-for-1 of the first bar that ends after this minute; a listing that opens then stands in for its session."""
    return action(f"{name}-{minute}", "SPLIT", name, numerator=2, ex_date=START_DAY + minute // 1440)


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(make: Callable[[], Callable[[], object]]) -> str:
    """Milliseconds of what is made anew each time, median of 5."""
    return f"{1e3 * np.median([timed(make()) for _ in range(5)]):.1f}"


def change(of: FeatureShard, back: int, names: list[str]) -> Callable[[], object]:
    """Bars of these symbols that ended `back` bars ago come with another close: to be applied."""
    minute = of.clock // MINUTE - START - back
    frame = bars(minute, SYMBOLS)
    rows = [SYMBOLS.index(name) for name in names]
    values = frame.values[rows] * 1.001
    of.hear(Frame(BARS, 0, frame.event_time, of.clock, 1, names, COLUMNS, values))
    return of.amend


def in_time() -> float:
    """Microseconds a symbol for splits of all symbols at one bar, beyond what the bar costs anyway: median of 7."""
    found = []
    for _ in range(7):
        plain, with_splits = (shard(Horizon(512, 64), 1430) for _ in range(2))
        for name in SYMBOLS:
            with_splits.act(split(1440, name))
        for each in (plain, with_splits):
            each.amend()
            for minute in range(1431, 1441):
                each.hear(bars(minute))
                each.advance((START + minute) * MINUTE)
            each.hear(bars(1441))
        cost = [timed(lambda each=each: each.advance((START + 1441) * MINUTE)) for each in (plain, with_splits)]
        found.append(1e6 * (cost[1] - cost[0]) / len(SYMBOLS))
    return float(np.median(found))


def late(names: list[str]) -> float:
    """Milliseconds a symbol for splits heard 60 bars after they took effect: median of 7."""
    found = []
    for _ in range(7):
        of = shard(Horizon(512, 64), 1500)
        for name in names:
            of.act(split(1440, name))
        found.append(1e3 * timed(of.amend) / len(names))
    return float(np.median(found))


def main() -> None:
    """Both figures, then the table."""
    console = Console(width=140)
    console.print(f"{len(PLAN.outputs)} outputs, {PLAN.width} slots of state a symbol")
    console.print(f"split known in time: {in_time():.1f} us a symbol")
    console.print(
        f"split heard 60 bars late: {late(SYMBOLS[:1]):.2f} ms for one symbol, {late(SYMBOLS):.3f} ms each of 63"
    )
    names = (
        "H",
        "K",
        "log MB",
        "of it anchors",
        "60 back, 1 symbol",
        "60 back, all",
        "H back, 1 symbol",
        "H back, all",
        "restore",
    )
    table = Table(*names, title="a shard of 63 symbols; milliseconds, medians of 5")
    for horizon in (Horizon(h, k) for h in (128, 256, 512, 1024) for k in (32, 64, 128)):
        of = shard(horizon, horizon.bars + 2 * horizon.anchor)
        anchors = sum(of.log._size(f"a/{end}") for end in of.log.anchors)
        cells = [f"{of.log.meta['bytes'] / 1e6:.1f}", f"{anchors / of.log.meta['bytes']:.0%}"]
        for back in (60, horizon.bars - 1):
            cells += [median(lambda of=of, b=back, s=some: change(of, b, s)) for some in (SYMBOLS[:1], SYMBOLS)]
        cells.append(median(lambda of=of: lambda: FeatureShard(0, PLAN, MINUTE, of.log._store, of.horizon)))
        table.add_row(str(horizon.bars), str(horizon.anchor), *cells)
    console.print(table)


if __name__ == "__main__":
    main()
