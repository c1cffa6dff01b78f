"""Feature values a second on one core, the whole catalogue: `python -m tests.bench.catalogue [--slowest N]`.

Ours steps frames of 500 and of 3,000 symbols, bar after bar, all state kept. Beside it, in the same run: TA-Lib's
stream functions, which compute the newest value from an array and keep nothing; talipp, which keeps its state in Python
objects; and KunQuant's Alpha101 in its streaming mode, compiled from C++ before (where there is a compiler).
"""

import argparse
import os
import shutil
import time
from collections.abc import Iterator

import numpy as np
from talib import stream

from tests.bench.kernels import NAMES, timed
from tests.oracles.beside_talib import parameters
from tests.oracles.packs import needed
from udfs import catalogue
from udfs.plan import Plan
from udfs.registry import COLUMNS, Feature

WARM, BARS = 300, 300
PEER_SYMBOLS = 504  # KunQuant wants whole vectors of 8


def frames(symbols: int, bars: int) -> list[dict[str, np.ndarray]]:
    """Seeded bars with all their columns, one dict of columns a bar time."""
    rng = np.random.default_rng(0)
    shape = bars, symbols
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), 0))
    start = close * np.exp(rng.normal(0, 0.005, shape))
    spread = 1 + rng.random((2, *shape)) * 0.01
    volume = rng.integers(1, 10**6, shape).astype("f8")
    variance = rng.random(shape) * 1e-4
    minutes = np.broadcast_to(np.arange(bars, dtype="f8")[:, None], shape)
    of = {
        "open": start, "high": np.maximum(start, close) * spread[0], "low": np.minimum(start, close) / spread[1],
        "close": close, "volume": volume, "trade_count": np.ceil(volume / 100), "turnover": close * volume,
        "twap": (start + close) / 2, "realised_variance": variance, "bipower_variation": variance * rng.random(shape),
        "signed_volume": volume * rng.uniform(-1, 1, shape), "largest_trade": np.ceil(volume / 10),
        "session": minutes // 390, "session_time": (minutes % 390 + 1) * 60,
    }  # fmt: skip
    return [{name: of[name][t].copy() for name in COLUMNS} for t in range(bars)]


def ours(symbols: int, rows: tuple[Feature, ...], bars: int = BARS) -> tuple[float, int, int]:
    """Median seconds of a frame, its values, and bytes of state a symbol."""
    plan = Plan("1m", rows)
    state, place = plan.blank(symbols), np.arange(symbols)
    taken = [timed(lambda f=frame: plan.step(state, place, f)) for frame in frames(symbols, WARM + bars)]
    return float(np.median(taken[WARM:])), symbols * len(plan.outputs), 8 * plan.width


def of_talib(rows: tuple[Feature, ...]) -> Iterator[float]:
    """Seconds a value of each stream function, over the bars that its row looks back and as many more."""
    history = {name: np.array([frame[name][0] for frame in frames(1, 400)]) for name in NAMES}
    for row in rows:
        if row.oracle and hasattr(stream, row.oracle):
            short = {name: column[-min(400, 2 * row.lookback + 2) :] for name, column in history.items()}
            given, function = parameters(row), getattr(stream, row.oracle)
            inputs = [short[name] for name in row.inputs]
            taken = [timed(lambda function=function, i=inputs, g=given: function(*i, **g)) for _ in range(300)]
            yield float(np.median(taken)) / len(row.outputs)


def of_talipp() -> float:
    """Seconds a value of eight common indicators, one symbol, bar after bar."""
    from talipp.indicators import BB, EMA, MACD, ROC, RSI, SMA, TEMA, WMA

    made = [SMA(20), EMA(20), RSI(14), MACD(12, 26, 9), BB(20, 2), WMA(20), TEMA(20), ROC(20)]
    values = sum(3 if isinstance(each, MACD | BB) else 1 for each in made)
    closes = [float(frame["close"][0]) for frame in frames(1, WARM + BARS)]
    taken = [timed(lambda c=close: [each.add(c) for each in made]) for close in closes]
    return float(np.median(taken[WARM:])) / values


def of_kunquant() -> tuple[float, int]:
    """Seconds a value of Alpha101 for 504 symbols, float64, one thread; and how many alphas there are."""
    from KunQuant.Driver import KunCompilerConfig
    from KunQuant.jit import cfake
    from KunQuant.Op import Builder, Input, Output
    from KunQuant.predefined.Alpha101 import AllData, all_alpha
    from KunQuant.runner import KunRunner
    from KunQuant.Stage import Function

    builder = Builder()
    with builder:
        inputs = {name: Input(name) for name in (*NAMES, "amount")}
        data = AllData(**inputs)
        for alpha in all_alpha:
            Output(alpha(data), alpha.__name__)
    layout = {"input_layout": "STREAM", "output_layout": "STREAM", "dtype": "double"}
    config = KunCompilerConfig(options={"opt_reduce": False, "fast_log": True}, **layout)
    library = cfake.compileit([("alpha", Function(builder.ops), config)], "alpha", cfake.CppCompilerConfig())
    context = KunRunner.StreamContext(KunRunner.createSingleThreadExecutor(), library.getModule("alpha"), PEER_SYMBOLS)
    handles, taken = {name: context.queryBufferHandle(name) for name in inputs}, []
    for frame in frames(PEER_SYMBOLS, WARM + BARS):
        for name, handle in handles.items():
            context.pushData(handle, frame["turnover" if name == "amount" else name])
        taken.append(timed(context.run))
    return float(np.median(taken[WARM:])) / (len(all_alpha) * PEER_SYMBOLS), len(all_alpha)


def line(what: str, seconds: float, note: str, base: float) -> None:
    """One row of the table: rate, and the ratio to the first."""
    print(f"{what:<44}{1e-6 / seconds:>12,.2f}{seconds * 1e9:>12,.1f}{base / seconds:>9.3f}  {note}", flush=True)


def main() -> None:
    """The table; then the slowest rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slowest", type=int, default=0)
    slowest, rows = parser.parse_args().slowest, catalogue.chosen(catalogue.names())
    print(f"load {os.getloadavg()[0]:.1f}; M values/s on one core, ns a value, ratio to the first")
    base = 0.0
    for symbols in (500, 3_000):
        seconds, values, size = ours(symbols, rows)
        base = base or seconds / values
        line(f"ours, {symbols:,} symbols, {values // symbols} outputs", seconds / values, f"{size:,} bytes each", base)
    seconds = float(np.mean(list(of_talib(rows))))
    line("TA-Lib stream, its functions of the same", seconds, "an array in, one value out, no state", base)
    line("talipp, 8 indicators, 12 outputs", of_talipp(), "Python objects", base)
    seconds, values, size = ours(PEER_SYMBOLS, catalogue.rows("alpha101"))
    line(
        f"ours, 504 symbols, Alpha101, {values // PEER_SYMBOLS} alphas", seconds / values, f"{size:,} bytes each", base
    )
    line("KunQuant stream, 504 symbols, Alpha101", *_kunquant(), base)
    print(f"load {os.getloadavg()[0]:.1f}")
    if slowest:
        costs = sorted(((*ours(500, (*needed(row), row), 60)[:2], row) for row in rows), key=lambda c: -c[0])
        for seconds, _, row in costs[:slowest]:
            print(f"{row.name:<24}{seconds / 500 * 1e9:>10.1f} ns a symbol, {len(row.outputs)} outputs")


def _kunquant() -> tuple[float, str]:
    if not shutil.which("g++"):
        return np.inf, "no C++ compiler here"
    started = time.monotonic()
    seconds, alphas = of_kunquant()
    return seconds, f"{alphas} alphas, compiled in {time.monotonic() - started:.0f} s"


if __name__ == "__main__":
    main()
