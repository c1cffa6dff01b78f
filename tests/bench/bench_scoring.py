"""What scoring costs: `python -m tests.bench.bench_scoring`.

The first table needs numpy, torch, pydantic and cryptography only: an MLP of 11 features (32-16-1) and a GRU of 16 bars
of 8 channels (32), on one thread of the CPU and, where there is one, on a CUDA device. Rows per second count all that
`Model.score` does: float64 features in the host's memory, to float64 scores in it. Differences are beside `Model.score`
of all rows at once on the CPU, and beside the bound that the model states.
The second table needs a redis-server: features of 1,000 entities fetched from two views by one round trip, and scored.
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from tests.oracles.scoring import made
from udfs.scoring.model import Model, trial

SIZES = (1, 100, 1_000, 4_096, 32_768, 262_144, 1_048_576)
GRU_SIZES = (1, 100, 500, 1_000, 4_096, 32_768)
SECONDS = 2.0  # of each measurement
STEPS, CHANNELS = 16, 8


def mlp() -> Any:
    """Manifest and weights of the MLP that `tickloom train` makes of eleven features."""
    features = tuple(f"indicators_1d:f{i}" for i in range(11))
    shape = {"features": features, "mean": (0.0,) * 11, "std": (1.0,) * 11, "max_missing": 5}
    return made(1, (32, 16), **shape)[:2]


def gru() -> Any:
    """Manifest and weights of a GRU over 16 bars."""
    names = [f"c{c}_lag_{STEPS - 1 - s}" for s in range(STEPS) for c in range(CHANNELS)]
    n = len(names)
    shape = {"features": tuple(f"indicators_1d:{name}" for name in names), "mean": (0.0,) * n, "std": (1.0,) * n}
    return made(1, (32,), architecture="gru", steps=STEPS, max_missing=n // 2, **shape)[:2]


def timed(action: Callable[[], Any], seconds: float = SECONDS) -> np.ndarray:
    """Seconds that each call took, for about so long, after two that are not counted."""
    taken: list[float] = []
    for _ in range(2):
        action()
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end or len(taken) < 5:
        action()
        taken.append(time.perf_counter() - begun)
    return np.array(taken)


def devices() -> list[str]:
    """The CPU, and a CUDA device where there is one."""
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def rates(kind: str, artifact: Any, sizes: tuple[int, ...]) -> Iterator[str]:
    """A line for each device and size."""
    reference = Model(*artifact, "cpu")
    rows = trial(artifact[0], max(sizes))
    scored = {}
    for device in devices():
        model = Model(*artifact, device)
        for size in sizes:
            part = rows[:size]
            if size not in scored:
                scored[size] = reference.score(part)
            off = np.nanmax(np.abs(model.score(part) - scored[size]))
            taken = timed(lambda model=model, part=part: model.score(part))
            p50, p99 = np.percentile(taken, [50, 99])
            yield (
                f"{kind:<5}{device:<6}{size:>10,}{size / p50:>16,.0f}{size / taken.min():>16,.0f}"
                f"{p50 * 1e6:>12,.0f}{p99 * 1e6:>12,.0f}{off:>12.1e}{reference.bound:>12.1e}"
            )


def fetch_and_score(count: int = 1000) -> Iterator[str]:
    """Features of `count` entities out of a Redis of our own, and their scores, 2,000 times."""
    import tempfile
    from pathlib import Path

    from feature_repo.reader import VectorReader
    from feature_repo.stores import open_store
    from feature_repo.views import layout
    from tests.redis_server import redis_server

    names = [f"S{i:05}" for i in range(count)]
    features = tuple(f"{view}:{name}" for view in ("indicators_1d", "cross_asset_1d") for name in layout(view).numbers)
    shape = {"features": features, "mean": (0.0,) * len(features), "std": (1.0,) * len(features)}
    model = Model(*made(1, (32, 16), max_missing=5, **shape)[:2])
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        store = open_store(url)
        for view in ("indicators_1d", "cross_asset_1d"):
            of, fence = layout(view), store.fence("bench", view, "0")
            values = np.random.default_rng(0).normal(size=(count, len(of.numbers)))
            vectors = of.pack(1, fence, 0, 0, values, [["X"] * count] * len(of.texts))
            store.write("bench", view, names, vectors, shard="0", fence=fence)
        reader, out = VectorReader(store, "bench", features), np.empty((count, len(features)))
        read = timed(lambda: reader.read(names, 1, out))
        both = timed(lambda: model.score(reader.read(names, 1, out).values), 3 * SECONDS)
        store.close()
    for what, taken in (("fetch", read), (f"fetch + score ({model.device})", both)):
        p50, p99 = np.percentile(taken, [50, 99]) * 1e3
        yield f"{what:<32}{count:>8,}{len(features):>10}{p50:>12.2f}{p99:>12.2f}{len(taken):>10,}"


def main() -> None:
    """Both tables, and the load of the machine before and after."""
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    print(f"torch {torch.__version__}, CUDA device: {cuda}, load {os.getloadavg()[0]:.1f}")
    titles = ("rows/s, median", "best", "p50 us", "p99 us", "off", "bound")
    print(f"{'':<5}{'':<6}{'rows':>10}{titles[0]:>16}{titles[1]:>16}" + "".join(f"{title:>12}" for title in titles[2:]))
    for kind, artifact, sizes in (("MLP", mlp(), SIZES), ("GRU", gru(), GRU_SIZES)):
        for line in rates(kind, artifact, sizes):
            print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")
    try:
        lines = list(fetch_and_score())
    except ImportError as error:
        print(f"no second table: {error}")
        return
    print(f"\n{'':<32}{'rows':>8}{'features':>10}{'p50 ms':>12}{'p99 ms':>12}{'calls':>10}")
    print("\n".join(lines), f"load {os.getloadavg()[0]:.1f}", sep="\n")


if __name__ == "__main__":
    main()
