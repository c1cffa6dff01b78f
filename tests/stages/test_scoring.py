"""The scoring stage on a mini-cluster, its Python workers in processes of their own, as on a real one."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from feature_repo.stores.sqlite import SqliteStore
from feature_repo.views import layout
from schemas import wire
from schemas.loader import load, text
from tests.oracles import scoring as twin
from udfs.scoring.assign import Assignment, Folders

REQUESTS, SCORES = "scoring.request.v1", "scoring.score.v1"
WRITERS = {1: REQUESTS, 2: SCORES, 3: "dead_letter.v1"}
IDS = {SCORES: 2, f"{REQUESTS}.dlq": 3}
NOW = 15_000 * 86_400_000_000
SYMBOLS = [f"S{i:03}" for i in range(60)]
MESSAGES = 300
UTC_START = datetime(2013, 3, 1)  # noqa: DTZ001 - a timestamp without zone, as in the table


class Registry(BaseHTTPRequestHandler):
    """GET /schemas/ids/<id>, as the Confluent API has it."""

    def do_GET(self) -> None:
        body = json.dumps({"schema": text(WRITERS[int(self.path.rpartition("/")[2])])}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fill(path: Path) -> np.ndarray:
    """The model's three features of each symbol, written to both views."""
    values = np.random.default_rng(1).normal([50, 0, 1], [15, 0.02, 0.5], (len(SYMBOLS), 3))
    store = SqliteStore(path)
    for view, columns in twin.made(6)[0].columns().items():
        of, fence = layout(view), store.fence("tickloom", view, "0")
        wide = np.full((len(SYMBOLS), len(of.numbers)), np.nan)
        for name, column in columns.items():
            wide[:, of.numbers.index(name)] = values[:, column]
        vectors = of.pack(NOW, fence, 0, 0, wide, [[None] * len(SYMBOLS)] * len(of.texts))
        store.write("tickloom", view, SYMBOLS, vectors, shard="0", fence=fence)
    store.close()
    return values


def message(i: int) -> bytes:
    """Request i asks for up to nine symbols; every tenth message is cut short."""
    asked = [SYMBOLS[(i * 7 + j) % len(SYMBOLS)] for j in range(i % 10)]
    record = {"request_id": f"r{i}", "event_time": NOW, "interval": "1d", "symbols": asked}
    raw = wire.encode(REQUESTS, 1, record)
    return raw[:-1] if i % 10 == 9 else raw


def run(scoring: dict[str, object]) -> list[tuple[str, bytes | None, bytes, datetime]]:
    """The answers to all messages, from a mini-cluster in this process."""
    from pyflink.table import DataTypes

    from jobs.runtime.environment import environment
    from jobs.stages.score import Scoring, score

    stream, tables = environment("test.scoring")
    stream.set_parallelism(2)
    tables.get_config().set("_python_worker_execution_mode", "process")
    tables.get_config().set("python.executable", sys.executable)
    tables.get_config().set("python.fn-execution.bundle.time", "20")
    kinds = {"a": DataTypes.BYTES(), "b": DataTypes.INT(), "c": DataTypes.BIGINT(), "d": DataTypes.TIMESTAMP(3)}
    rows = [(bytearray(message(i)), i % 4, i, UTC_START + timedelta(seconds=i)) for i in range(MESSAGES)]
    source = tables.from_elements(rows, DataTypes.ROW([DataTypes.FIELD(n, k) for n, k in kinds.items()]))
    tables.create_temporary_view("source", source)  # whose names the planner passes on, as it does with metadata
    requests = tables.sql_query("select a v, b part, c pos, d ts from source")
    with score(requests, Scoring(**scoring)).execute().collect() as found:
        return [(topic, key and bytes(key), bytes(value), ts) for topic, key, value, ts in found]


def read(found: list[tuple[str, bytes | None, bytes, datetime]]) -> dict[str, dict[int, wire.Record]]:
    """Answers by topic and number of the request, each once, with its key and its request's time."""
    answers: dict[str, dict[int, wire.Record]] = {SCORES: {}, f"{REQUESTS}.dlq": {}}
    for topic, key, value, ts in found:
        record = wire.decode(value, lambda i: load(WRITERS[i]))
        i = int(record["request_id"][1:]) if topic == SCORES else record["offset"]
        assert i not in answers[topic]
        assert ts == UTC_START + timedelta(seconds=i)
        assert key == (f"r{i}".encode() if topic == SCORES else None)
        answers[topic][i] = record
    return answers


def test_every_request_once(tmp_path: Path, registry: str) -> None:
    """By two workers side by side: each request answered once, in its place, with the score of any other batch.

    A symbol is scored by the champion or the challenger, in every request by the same one.
    """
    values = fill(tmp_path / "online.db")
    models = {"champion": twin.made(6), "next": twin.made(7)}
    for name, (manifest, _, data) in models.items():
        twin.publish(tmp_path / name, manifest, data)
    by = Assignment("s", {"champion": 0.6, "next": 0.4}).of(SYMBOLS).tolist()
    scoring = {
        "folders": Folders("champion", {"next": 0.4}, str(tmp_path)),
        "trusted": twin.TRUSTED,
        "salt": "s",
        "store": f"sqlite:///{tmp_path / 'online.db'}",
        "project": "tickloom",
        "registry": registry,
        "ids": IDS,
        "max_age_us": 86_400_000_000,
        "refuse": (),
        "watch_s": 0.1,
    }
    with ProcessPoolExecutor(1, get_context("spawn")) as child:  # the JVM goes with it
        scores, letters = read(child.submit(run, scoring).result()).values()
    assert sorted(letters) == list(range(9, MESSAGES, 10))
    assert sorted([*scores, *letters]) == list(range(MESSAGES))
    assert all((r["raw"], r["reason"], r["partition"]) == (message(i), "truncated", i % 4) for i, r in letters.items())
    made = list(models.values())
    expected = {
        symbol: twin.forward(*made[which][:2], row)
        for symbol, which, row in zip(SYMBOLS, by, values.tolist(), strict=True)
    }
    seen: dict[str, float] = {}
    for record in scores.values():
        assert record["status"] == ["OK"] * len(record["symbols"])
        assert record["feature_age_ms"] == [0] * len(record["symbols"])
        assert [each["version"] for each in record["models"]] == [manifest.version for manifest, _, _ in made]
        assert record["scored_by"] == [by[SYMBOLS.index(symbol)] for symbol in record["symbols"]]
        for symbol, score in zip(record["symbols"], record["scores"], strict=True):
            assert score == pytest.approx(expected[symbol], rel=1e-5, abs=1e-5)
            assert seen.setdefault(symbol, score) == score  # the same bytes in whatever batch
    assert set(seen) == set(SYMBOLS)
    assert set(by) == {0, 1}
