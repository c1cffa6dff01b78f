"""The online store beside Feast's own Redis store, in one run: `python -m tests.bench.bench_store`.

1 / 100 / 1,000 entities of 50 float64 features in one Redis: packed vectors into a matrix, and `get_online_features`
through our class and through Feast's; then rows written per second, in groups of 100 and 1,000 keys.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.stores import open_store
from tests.redis_server import redis_server
from udfs.vector import Layout

LAYOUT = Layout("wide", tuple((f"f{i}", "f8") for i in range(50)))
NAMES = [f"S{i:04}" for i in range(1000)]
VALUES = np.random.default_rng(0).normal(size=(1000, 50))


def timed(action: Callable[[int], Any], repeats: int) -> tuple[float, float, float]:
    """Median and 99th percentile in milliseconds, and CPU a call in this process; one call before is not counted."""
    action(0)
    taken, cpu = [], time.process_time()
    for i in range(1, repeats + 1):
        start = time.perf_counter()
        action(i)
        taken.append(time.perf_counter() - start)
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return float(p50), float(p99), (time.process_time() - cpu) * 1000 / repeats


def feast_store(folder: Path, online: dict[str, str]) -> Any:
    """A Feast repo of one wide view on that online store."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64

    registry = str(folder / f"{online['type'].rsplit('.', 1)[-1]}.db")
    config = RepoConfig(
        project="bench", provider="local", registry=registry, online_store=online, entity_key_serialization_version=3
    )
    store = FeatureStore(config=config)
    symbol = Entity(name="symbol", value_type=ValueType.STRING)
    source = FileSource(name="none", path=str(folder / "none.parquet"), timestamp_field="event_time")
    fields = [Field(name=name, dtype=Float64) for name in LAYOUT.numbers]
    store.apply([symbol, FeatureView(name="wide", entities=[symbol], schema=fields, source=source)])
    return store


def feast_rows(count: int, turn: int) -> list[Any]:
    """Rows as Feast writes them; made beforehand, so that only the store is timed."""
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    when = datetime.fromtimestamp(1_700_000_000 + turn, UTC)
    keys = [EntityKey(join_keys=["symbol"], entity_values=[Value(string_val=name)]) for name in NAMES[:count]]
    features = [dict(zip(LAYOUT.numbers, (Value(double_val=x) for x in row), strict=True)) for row in VALUES.tolist()]
    return [(key, values, when, None) for key, values in zip(keys, features, strict=False)]


def feast_writer(store: Any, count: int, turns: int) -> Callable[[int], None]:
    """Writes `count` rows, newer with each turn."""
    batches = [feast_rows(count, turn) for turn in range(turns + 1)]
    online, view = store._get_provider().online_store, store.get_feature_view("wide")
    return lambda turn: online.online_write_batch(store.config, view, batches[turn], None)


def show(what: str, count: int, times: tuple[float, float, float]) -> None:
    """One row of the table."""
    print(f"{what:<44}{count:>6}{times[0]:>10.2f}{times[1]:>10.2f}{times[2]:>10.2f}{count / times[0] * 1000:>14,.0f}")


def bench_writes(packed: Any, ours: Any, stock: Any, count: int) -> None:
    """Three rows of the table: groups of `count` keys, each newer than the one before."""
    fence = packed.fence("packed", "wide", "0")
    groups = [LAYOUT.pack(1000 * count + turn, fence, 0, 0, VALUES[:count]) for turn in range(101)]
    names = NAMES[:count]

    def write(turn: int) -> None:
        packed.write("packed", "wide", names, groups[turn], shard="0", fence=fence)

    show("write packed vectors, compare-and-set", count, timed(write, 100))
    show("write through Feast's API, our class", count, timed(feast_writer(ours, count, 5), 5))
    show("write through Feast's API, Feast's Redis", count, timed(feast_writer(stock, count, 5), 5))


def bench_reads(packed: Any, ours: Any, stock: Any, count: int) -> None:
    """Three rows of the table: `count` entities, all 50 features."""
    names = NAMES[:count]
    rows, references = [{"symbol": name} for name in names], [f"wide:{name}" for name in LAYOUT.numbers]
    show("read packed vectors", count, timed(lambda _: LAYOUT.unpack(packed.read("packed", "wide", names)), 500))
    show("get_online_features, our class", count, timed(lambda _: ours.get_online_features(references, rows), 10))
    show("get_online_features, Feast's Redis", count, timed(lambda _: stock.get_online_features(references, rows), 10))


def main() -> None:
    """Start a Redis, run both stores, print the table."""
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as url:
        packed = open_store(url)
        stock = feast_store(Path(name), {"type": "redis", "connection_string": url.split("/")[2]})
        ours = feast_store(Path(name), {"type": "feature_repo.stores.online.VectorOnlineStore", "url": url})
        print(f"{'':<44}{'rows':>6}{'p50 ms':>10}{'p99 ms':>10}{'cpu ms':>10}{'rows/s':>14}")
        for count in (100, 1000):
            bench_writes(packed, ours, stock, count)
        for count in (1, 100, 1000):
            bench_reads(packed, ours, stock, count)
        print(f"bytes of one vector: {LAYOUT.row.itemsize}")


if __name__ == "__main__":
    main()
