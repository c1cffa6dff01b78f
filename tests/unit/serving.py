"""A feature repo with a log to materialize, and ways to write and read it; Feast is imported when one is called."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from feature_repo.stores import open_store
from feature_repo.views import layout
from schemas.settings import PROJECT, store_url
from udfs.vector import NUMBERS

REPO = PROJECT / "feature_repo"
SYMBOLS = ["AAPL", "BRK.B", "MSFT"]
PAIR = ("MSFT", "AAPL")
BARS = 30
FIRST = datetime(2002, 11, 8, tzinfo=UTC)
INDICATORS = layout("indicators_1d")


def at(bar: int) -> datetime:
    return FIRST + bar * timedelta(days=1, microseconds=1)


def us(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def features() -> pa.Table:
    """Random columns as `tickloom features compute` writes them: a fifth of the values missing."""
    return of_views({"symbol": SYMBOLS}, "indicators_1d", "cross_asset_1d")


def universe() -> pa.Table:
    """The table of the universe beside it."""
    return of_views({"universe": ["universe"]}, "universe_1d")


def pairs() -> pa.Table:
    """The table of pairs beside it."""
    return of_views({"symbol_a": [PAIR[0]], "symbol_b": [PAIR[1]]}, "pairs_1d")


def of_views(keys: dict[str, list[str]], *views: str) -> pa.Table:
    rng = np.random.default_rng(11)
    count = len(next(iter(keys.values())))
    rows = BARS * count
    times = pa.array([us(at(i // count)) for i in range(rows)], pa.timestamp("us", "UTC"))
    columns: dict[str, Any] = {name: pa.array(of * BARS) for name, of in keys.items()} | {"event_time": times}
    for view in views:
        for name, kind in layout(view).fields:
            values = np.where(rng.uniform(size=rows) < 0.2, np.nan, rng.normal(size=rows))
            texts = [None if np.isnan(value) else f"P{value:.0f}" for value in values]
            columns[name] = pa.array(values) if kind in NUMBERS else pa.array(texts)
    return pa.table(columns)


def command(*arguments: str) -> str:
    """What `feast -c feature_repo ...` prints."""
    from click.testing import CliRunner
    from feast.cli.cli import cli

    result = CliRunner().invoke(cli, ["-c", str(REPO), *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return str(result.output)


def ask(feast: Any, symbol: str, *references: str) -> Any:
    found = feast.get_online_features(list(references), [{"symbol": symbol}]).to_dict()
    return [found[reference.split(":")[1]][0] for reference in references]


def write(feast: Any, symbol: str, rows: list[tuple[datetime, datetime | None, float]]) -> None:
    """Through the store class as Feast calls it: event time, created time, sma_20."""
    from feast.protos.feast.types.Value_pb2 import Value

    [key] = entity_key(symbol)
    data = [(key, {"sma_20": Value(double_val=value)}, time, created) for time, created, value in rows]
    online, view = feast._get_provider().online_store, feast.get_feature_view("indicators_1d")
    online.online_write_batch(feast.config, view, data, None)


def native(symbol: str, time: datetime, value: float, revision: int = 0) -> int:
    """As the features job writes: with a fence."""
    store = open_store(store_url())
    fence = store.fence("tickloom", "indicators_1d", symbol)
    values = np.full((1, len(INDICATORS.numbers)), np.nan)
    values[0, INDICATORS.numbers.index("sma_20")] = value
    vectors = INDICATORS.pack(us(time), fence, revision, us(time), values)
    won = store.write("tickloom", "indicators_1d", [symbol], vectors, shard=symbol, fence=fence)
    store.close()
    return won


def entity_key(symbol: str) -> list[Any]:
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    return [EntityKey(join_keys=["symbol"], entity_values=[Value(string_val=symbol)])]


def keys_of(**columns: list[Any]) -> list[Any]:
    """Entity keys of these join keys' values: text or whole numbers."""
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    cells = [[Value(string_val=v) if isinstance(v, str) else Value(int64_val=v) for v in c] for c in columns.values()]
    return [EntityKey(join_keys=list(columns), entity_values=list(row)) for row in zip(*cells, strict=True)]
