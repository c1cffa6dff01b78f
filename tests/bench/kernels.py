"""How long the numbers alone take: `python -m tests.bench.kernels` (one process, one core, no Flink)."""

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from schemas.settings import settings
from udfs import batch
from udfs.panel.columns import Columns
from udfs.panel.panel import Panel
from udfs.plan import Plan

SYMBOLS, DAYS = 500, 4_000
NAMES = ("open", "high", "low", "close", "volume")


def bars() -> dict[str, np.ndarray]:
    """Seeded bars of all symbols, day by day: float64[DAYS, SYMBOLS] a column."""
    random = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, (DAYS, SYMBOLS)) + random.normal(0, 0.01, (DAYS, 1)), 0))
    volume = random.integers(1, 10**6, close.shape).astype("f8")
    return dict(zip(NAMES, (close, close * 1.01, close * 0.99, close, volume), strict=True))


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def show(what: str, seconds: list[float]) -> None:
    """Median and 99th percentile in milliseconds."""
    median, high = np.percentile(seconds, [50, 99]) * 1e3
    print(f"{what}: median {median:.3f} ms, p99 {high:.3f} ms of {len(seconds)}")


def main() -> None:
    """Live frames, the cross-section, then the whole history by the batch path."""
    columns, plan = bars(), Plan("1d")
    state, rows = np.zeros((SYMBOLS, plan.width)), np.arange(SYMBOLS)
    frames = [{name: column[day] for name, column in columns.items()} for day in range(1_000)]
    seconds = [timed(lambda frame=frame: plan.step(state, rows, frame)) for frame in frames]
    show(f"frame of {SYMBOLS} symbols, {len(plan.outputs)} outputs", seconds[1:])
    returns, across = np.diff(np.log(columns["close"][:361]), axis=0), Columns(settings().cross_asset)
    panel, none = Panel(across, returns[:60], 59), np.empty((1, 0), int)
    seconds = [timed(lambda day=day: panel.advance(returns[day : day + 1], none, none.reshape(1, 0, 2)))
               for day in range(60, 360)]  # fmt: skip
    show(f"cross-section of {SYMBOLS} symbols, {len(across.numbers)} outputs", seconds[1:])
    names = [f"S{k:04d}" for k in range(SYMBOLS)] * DAYS
    ends = pa.array(np.repeat(np.arange(1, DAYS + 1), SYMBOLS) * 86_400_000_000).cast(pa.timestamp("us", "UTC"))
    table = pa.table({"symbol": names, "event_time": ends, **{n: c.ravel() for n, c in columns.items()}})
    elapsed = timed(lambda: batch.compute(table, None, "1d"))
    outputs = len(plan.outputs) + len(across.numbers) + len(across.members)
    print(f"batch: {len(table):,} bars in {elapsed:.1f} s, {len(table) * outputs / elapsed / 1e6:.1f} M values/s")


if __name__ == "__main__":
    main()
