"""Every pair at every bar: `python -m tests.bench.comatrix [N ...]` (one process, no Flink).

Live is a call a bar, with the share of the next core that is due; blocked one call for many bars. The floor is one pass
that reads and writes both matrices, which is the least that any update in place needs; numpy makes the matrix again
from its window, on all cores. Without peers (top 0) the matrices are only kept up to date.
"""

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from udfs.comatrix.matrix import TOP, Comatrix
from udfs.comatrix.window import Window
from udfs.estimators import shrinkage

ROLLING, DECAYING = Window.rolling(60), Window.decaying(0.94, 60)
WINDOWS = {"rolling 60": ROLLING, "decaying 0.94": DECAYING}
SIZES = (500, 3_000, 10_000)
DOLPHINDB = """  DolphinDB, as published: 2,630 ms for one matrix of 500 stocks out of a day of minutes, the query
  of 190 million quotes included ("High Frequency Data Analysis: Working with Pivoting", a tutorial whose text is in
  nvidia/Nemotron-CC-Math-v1)"""


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
    """Print all three, and return the mean a bar: preparation and writing are work of some bars only."""
    middle, mean, most = (float(of(times)) / bars for of in (np.median, np.mean, max))
    print(f"  {what:34s} median {middle:9.2f}, mean {mean:9.2f}, slowest {most:9.2f} ms a bar ({len(times)} times)")
    return mean


def floor(members: int) -> float:
    """Read and write both matrices."""
    both = [np.zeros((members, members)) for _ in WINDOWS]
    times = [timed(lambda: [np.add(m, 1.0, out=m) for m in both]) for _ in range(9)]
    return show("floor: read and write both", times[2:])


def engines(returns: np.ndarray, bar: int, top: int = TOP, threads: int = 1) -> list[Comatrix]:
    """Both matrices, restored at a bar."""
    rings = [(window, returns[max(0, bar + 1 - window.reach) : bar + 1]) for window in WINDOWS.values()]
    return [Comatrix(window, ring, bar, top=top, threads=threads) for window, ring in rings]


def restores(members: int) -> None:
    """From the ring of returns alone."""
    for name, window in WINDOWS.items():
        made = Comatrix(window, tape(members, window.reach), window.reach - 1, top=0)
        ring, bar = made.ring, made.bar
        took = timed(lambda window=window, ring=ring, bar=bar: Comatrix(window, ring, bar))
        print(f"  restore, {name}, {len(ring)} bars: {took:.0f} ms; checkpoint {ring.nbytes / 1e6:.1f} MB, the ring")
    window, ring = Window.rolling(390), tape(members, 390)
    print(f"  restore, rolling 390: {timed(lambda: Comatrix(window, ring, 389)):.0f} ms")


def live(what: str, made: list[Comatrix], returns: np.ndarray) -> float:
    """A call a bar of both matrices."""
    return show(what, [timed(lambda bar=bar: [each.advance(bar) for each in made]) for bar in returns[:, None]][1:])


def blocked(what: str, made: list[Comatrix], returns: np.ndarray) -> float:
    """One call for all bars."""
    return show(what, [timed(lambda: [each.advance(returns) for each in made])], len(returns))


def ours(members: int, bars: int) -> None:
    """Live and blocked, with peers and without, on one core and on two; Ledoit-Wolf beside."""
    start = DECAYING.reach + 40
    returns = tape(members, start + 2 * bars)
    now, later = returns[start : start + bars], returns[start + bars :]
    lw = [timed(lambda: shrinkage.identity(shrinkage.norms(returns[-60:]))) for _ in range(7)][1:]
    shrunk, least = show("Ledoit-Wolf, rolling 60", lw), floor(members)
    made = engines(returns, start - 1)
    one = live("live, both, 20 peers", made, now) + shrunk
    print(f"  in all {one:.1f} ms a bar, {one / least:.1f} x the floor")
    print(f"  live / blocked {one / (blocked('blocked, both, 20 peers', made, later) + shrunk):.2f}")
    made.clear()  # at N = 10,000 an engine has 1.6 GB
    made = engines(returns, start - 1, top=0)
    alone = live("live, both, no peers", made, now)
    print(f"  live / blocked {alone / blocked('blocked, both, no peers', made, later):.2f}")
    made.clear()
    two = live("live, both, 20 peers, two threads", engines(returns, start - 1, threads=2), now) + shrunk
    print(f"  in all {two:.1f} ms a bar, {two / least:.1f} x the floor")
    restores(members)


def others(members: int) -> None:
    """The same windows anew, by numpy; pandas where it can be waited for."""
    returns = tape(members, DECAYING.reach)
    show("numpy.corrcoef, rolling 60", [timed(lambda: np.corrcoef(returns[-60:].T)) for _ in range(3)])
    if members <= 500:
        few = members // 5
        frame = pd.DataFrame(returns[-62:, :few])
        took = timed(lambda: frame.rolling(60).corr()) / 3
        print(f"  pandas rolling(60).corr, N = {few}: {took:.0f} ms a bar; by pairs, N = {members}: {25 * took:.0f} ms")
        print(DOLPHINDB)


def main() -> None:
    """All sizes, or those that are named."""
    ours(16, 4)  # compiles
    for members in [int(each) for each in sys.argv[1:]] or SIZES:
        print(f"N = {members:,}, load {os.getloadavg()[0]:.1f}")
        ours(members, 66 if members <= 3_000 else 20)
        others(members)


if __name__ == "__main__":
    main()
