"""The store with `dtype = "float32"`: half the bytes, the same by every way into it, float64 arrays out of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.reader import Flags, VectorReader
from feature_repo.stores import open_store
from feature_repo.views import feature_log, layout, vectors
from jobs.runtime.rebuild import Row, write
from schemas.settings import store_url
from tests.unit.serving import SYMBOLS, ask, at, command, us
from udfs.frame import INDICATORS, Frame
from udfs.vector import Layout

pytestmark = pytest.mark.usefixtures("home")
VIEW = "indicators_1d"
FINGERPRINT = 40
TENTH = float(np.float32(0.1))
ROWS = ((0.1, 1e300, np.inf, -0.0), (np.nan, -3.5e38, 1e-60, 16777217.0), (2.5, -0.1, -np.inf, 3e38))


@pytest.fixture(scope="module")
def dtype() -> str:
    return "float32"


def of_rows() -> np.ndarray:
    """float64[3, n], a row a symbol, the four values again and again."""
    return np.array([np.resize(row, len(layout(VIEW).numbers)) for row in ROWS])


def job_frame() -> Frame:
    """The rows as the features job has them."""
    time = us(at(7))
    return Frame(INDICATORS, 0, time, time + 5, 0, [*SYMBOLS], layout(VIEW).numbers, of_rows(), {}, [])


def stored(symbols: Sequence[str] = SYMBOLS, project: str = "tickloom") -> list[bytes]:
    """The vectors from the fingerprint on: what of them is no stamp."""
    store = open_store(store_url())
    found = store.read(project, VIEW, symbols)
    store.close()
    return [vector[FINGERPRINT:] for vector in found if vector]


def test_views_hold_float32(feast: Any) -> None:
    from feast.types import Float32, String

    from feature_repo.stores.rows import layout_of

    views = feast.list_feature_views()
    assert {field.dtype for view in views for field in view.features} == {Float32, String}
    assert [layout_of(view) for view in views] == [layout(view.name) for view in views]


def test_the_job_a_rebuild_and_materialize_write_the_same_bytes(feast: Any) -> None:
    table = pq.read_table(feature_log("1d"))
    times = pa.array([us(at(7))] * len(SYMBOLS), pa.timestamp("us", "UTC"))
    rows = pa.table(
        {"symbol": SYMBOLS, "event_time": times} | dict(zip(layout(VIEW).numbers, of_rows().T, strict=True))
    )
    pq.write_table(pa.concat_tables([rows, table.slice(0, 0)], promote_options="default"), feature_log("1d"))
    command("materialize", at(6).isoformat(), at(8).isoformat(), "-v", VIEW)
    pq.write_table(table, feature_log("1d"))
    by_job = [vector[FINGERPRINT:] for vector in vectors(VIEW, job_frame().complete(), 3, 9)]
    store = open_store(store_url())
    write(store, "rebuilt", VIEW, [Row(job_frame().complete(), place) for place in range(len(SYMBOLS))])
    store.close()
    assert stored() == stored(project="rebuilt") == by_job


def test_readers_get_float64_and_no_infinity(feast: Any) -> None:
    symbols = ["R1", "R2", "R3"]
    store = open_store(store_url())
    fence = store.fence("tickloom", VIEW, "r")
    packed = vectors(VIEW, job_frame().complete(), fence, 9)
    store.write("tickloom", VIEW, symbols, packed, shard="r", fence=fence)
    names = layout(VIEW).numbers[:4]
    columns = [f"{VIEW}:{name}" for name in names]
    found = VectorReader(store, "tickloom", columns).read(symbols, us(at(8)))
    store.close()
    assert found.values.dtype == np.float64
    wanted = [
        [TENTH, np.nan, np.nan, -0.0],
        [np.nan, np.nan, 0.0, 16777216.0],
        [2.5, -TENTH, np.nan, float(np.float32(3e38))],
    ]
    assert found.values.tobytes() == np.array(wanted).tobytes()
    assert (found.flags & Flags.MISSING).all()
    for symbol, row in zip(symbols, wanted, strict=True):
        assert ask(feast, symbol, *columns) == [None if np.isnan(value) else value for value in row]


def test_an_entity_takes_half_the_bytes() -> None:
    narrow, wide = layout(VIEW), Layout(VIEW, tuple((name, "f8") for name, _ in layout(VIEW).fields))
    sizes = [len(each.pack(1, 2, 3, 4, of_rows())[0]) for each in (narrow, wide)]
    n = len(narrow.numbers)
    assert sizes == [48 + 8 + 4 * (n + n % 2), 48 + 8 + 8 * n]
    assert narrow.fingerprint != wide.fingerprint


def test_what_was_written_as_float64_is_read_until_it_is_written_again(feast: Any) -> None:
    wide = Layout(VIEW, tuple((name, "f8") for name, _ in layout(VIEW).fields))
    store = open_store(store_url())
    fence = store.fence("tickloom", VIEW, "wide")
    store.describe("tickloom", wide)
    packed = wide.pack(us(at(7)), fence, 0, 9, of_rows()[:1])
    store.write("tickloom", VIEW, ["WIDE"], packed, shard="wide", fence=fence)
    columns = [f"{VIEW}:{name}" for name in wide.numbers[:2]]
    found = VectorReader(store, "tickloom", columns).read(["WIDE"], us(at(8))).values
    store.close()
    np.testing.assert_array_equal(found, [[TENTH, np.nan]])
    assert ask(feast, "WIDE", *columns) == [TENTH, None]
