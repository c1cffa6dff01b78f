"""Every pair at every bar: `python -m tests.bench.comatrix [N ...]` (one process, one core unless said, no Flink).

Live is a call a bar, with the share of the next core that is due; blocked one call for many bars. The floor is one pass
that reads and writes both matrices, which is the least that any update in place needs; numpy makes the matrix again
from its window, on all cores.
"""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from udfs.comatrix.matrix import Comatrix
from udfs.comatrix.window import Window

ROLLING, DECAYING = Window.rolling(60), Window.decaying(0.94, 60)
WINDOWS = {"rolling 60": ROLLING, "decaying 0.94": DECAYING}
SIZES = (500, 3_000, 10_000)


def tape(members: int, bars: int) -> np.ndarray:
    """Seeded returns with a market in them, float64[bars, members]."""
    random = np.random.default_rng(0)
    return random.normal(0, 1e-3, (bars, members)) + random.normal(0, 5e-4, (bars, 1))


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def show(what: str, times: list[float], bars: int = 1) -> float:
    """Print and return the median a bar, beside the slowest."""
    middle = float(np.median(times)) / bars
    print(f"  {what:34s} median {middle:9.2f} ms, slowest {max(times) / bars:9.2f} ms a bar ({len(times)} times)")
    return middle


def floor(members: int) -> float:
    """Read and write both matrices."""
    both = [np.zeros((members, members)) for _ in WINDOWS]
    return show("floor: read and write both", [timed(lambda: [np.add(m, 1.0, out=m) for m in both]) for _ in range(7)])


def engines(returns: np.ndarray, bar: int) -> dict[str, Comatrix]:
    """Both matrices, restored at a bar."""
    made = {}
    for name, window in WINDOWS.items():
        ring = returns[max(0, bar + 1 - window.reach) : bar + 1]
        print(f"  restore, {name + ',':15s} {len(ring):4d} bars: ", end="")
        print(f"{timed(lambda: made.update({name: Comatrix(window, ring, bar)})):.0f} ms")  # noqa: B023
    return made


def ours(members: int, bars: int) -> None:
    """Live, a call a bar; then blocked."""
    start = DECAYING.reach + 40
    returns = tape(members, start + 2 * bars)
    made, total = engines(returns, start - 1), np.zeros(bars)
    for name, engine in made.items():
        times = [timed(lambda bar=bar: engine.advance(returns[bar : bar + 1])) for bar in range(start, start + bars)]  # noqa: B023
        show(f"live, {name}", times[1:])
        total += times
    least = floor(members)
    live = show("live, both", total[1:].tolist())
    tiles(returns, start, bars)
    blocked = 0.0
    for name, engine in made.items():
        blocked += show(f"blocked, {name}", [timed(lambda: engine.advance(returns[start + bars :]))], bars)  # noqa: B023
    print(f"  live / floor {live / least:.2f}, live / blocked {live / blocked:.2f}")


def tiles(returns: np.ndarray, start: int, bars: int) -> None:
    """Both matrices live again, in two tiles beside each other, as two operators have them."""
    halves = [np.arange(tile, returns.shape[1], 2) for tile in range(2)]
    jobs = [Comatrix(window, returns[:start], start - 1, half) for window in WINDOWS.values() for half in halves]
    with ThreadPoolExecutor(2) as pool:
        times = []
        for bar in range(start, start + bars):
            each = returns[bar : bar + 1]
            times.append(timed(lambda each=each: list(pool.map(lambda job: job.advance(each), jobs))))
    show("live, both, two tiles on two cores", times[1:])


def others(members: int) -> None:
    """The same windows anew, by numpy; pandas where it can be waited for."""
    returns = tape(members, DECAYING.reach)
    show("numpy.corrcoef, rolling 60", [timed(lambda: np.corrcoef(returns[-60:].T)) for _ in range(3)])
    if members <= 500:
        frame = pd.DataFrame(returns[-62:, : members // 5])
        seconds = timed(lambda: frame.rolling(60).corr())
        print(f"  pandas rolling(60).corr, N = {members // 5}: {seconds / 3:.0f} ms a bar")


def main() -> None:
    """All sizes, or those that are named."""
    engines(tape(16, 700), 699)
    Comatrix(ROLLING, tape(16, 60), 59).advance(tape(16, 1))  # compiles
    for members in [int(each) for each in sys.argv[1:]] or SIZES:
        print(f"N = {members:,}, load {os.getloadavg()[0]:.1f}")
        ours(members, 200 if members <= 3_000 else 40)
        others(members)


if __name__ == "__main__":
    main()
