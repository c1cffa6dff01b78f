"""The scoring UDF as a worker has it, without an engine around it: models that change under it, and what it counts."""

import argparse
import time
from collections import Counter
from http.server import ThreadingHTTPServer
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from pyflink.table.udf import FunctionContext

from feature_repo.stores.sqlite import SqliteStore
from feature_repo.views import layout
from jobs import scoring as entry
from jobs.stages.answer import DEAD_LETTERS, SCORES
from jobs.stages.score import BOUNDS_US, Score, Scoring
from schemas import wire
from schemas.errors import ConfigError, ModelError
from schemas.loader import load
from tests.oracles.scoring import KEY, TRUSTED, made, publish
from tests.stages.test_scoring import Registry
from udfs.scoring import artifact
from udfs.scoring.assign import Folders


class Group:
    """A metric group whose counters can be read: {("tickloom", "le", "100", "score_us_bucket"): 3}."""

    def __init__(self, path=(), counts=None):
        self._path, self.counts = path, Counter() if counts is None else counts

    def add_group(self, name, extra=None):
        return Group((*self._path, name, *([extra] if extra else [])), self.counts)

    def counter(self, name):
        return Count(self.counts, (*self._path, name))


class Count:
    def __init__(self, counts, name):
        self._counts, self._name = counts, name

    def inc(self, n=1):
        self._counts[self._name] += n


NOW = 15_000 * 86_400_000_000
SYMBOLS = [f"S{i}" for i in range(50)]
REQUEST = wire.encode(
    "scoring.request.v1", 1, {"request_id": "r", "event_time": NOW, "interval": "1d", "symbols": SYMBOLS}
)
WAIT_S = 30


@pytest.fixture
def store(tmp_path):
    """Address of a store with the features of all symbols."""
    found = SqliteStore(tmp_path / "online.db")
    for view in ("indicators_1d", "cross_asset_1d"):
        of, fence = layout(view), found.fence("p", view, "0")
        values = np.random.default_rng(1).normal(size=(len(SYMBOLS), len(of.numbers)))
        if "suspect_split" in of.numbers:
            values[:, of.numbers.index("suspect_split")] = np.arange(len(SYMBOLS)) < 20
        vectors = of.pack(NOW, fence, 0, 0, values, [[None] * len(SYMBOLS)] * len(of.texts))
        found.write("p", view, SYMBOLS, vectors, shard="0", fence=fence)
    found.close()
    return f"sqlite:///{tmp_path / 'online.db'}"


@pytest.fixture
def registry():
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def worker(tmp_path, store, registry):
    """An open UDF over the model in tmp_path / a."""
    publish(tmp_path / "a", *made(1, serial=5)[::2])
    ids = {SCORES: 2, DEAD_LETTERS: 3}
    udf = Score(Scoring(Folders("a", {}, str(tmp_path)), TRUSTED, "s", store, "p", registry, ids, 10**9, (), 0.01))
    udf.counts = (group := Group()).counts
    udf.open(FunctionContext(group, {}))
    yield udf
    udf.close()


def ask(udf, count=3):
    """What a batch of equal requests is answered."""
    rows = pd.DataFrame({"v": [REQUEST] * count, "p": [0] * count, "o": range(count), "t": [pd.Timestamp(0)] * count})
    answers = udf.eval(rows)
    assert list(answers["topic"]) == [SCORES] * count
    return [wire.decode(value, lambda _: load(SCORES)) for value in answers["v"]]


def until(udf, holds):
    """Ask until an answer holds; the last one."""
    end = time.monotonic() + WAIT_S
    while not holds(answers := ask(udf)):
        assert time.monotonic() < end
    return answers


def test_a_newer_model_is_taken_up_between_batches(worker, tmp_path):
    old, new = made(1, serial=5)[0].version, made(2, serial=6)[0].version
    assert {each["model_version"] for each in ask(worker)} == {old}
    publish(tmp_path / "a", *made(2, serial=6)[::2])

    def holds(answers):
        versions = {each["model_version"] for each in answers}
        assert len(versions) == 1
        assert {str(each["scores"]) for each in answers} == {str(answers[0]["scores"])}
        return versions == {new}

    until(worker, holds)


def test_a_bad_model_is_counted_and_the_old_one_goes_on(worker, tmp_path, caplog):
    before = ask(worker)
    manifest, _, data = made(2, serial=6)
    (artifact.save(tmp_path / "a", manifest, data, KEY) / artifact.WEIGHTS).write_bytes(b"")
    artifact.publish(tmp_path / "a", manifest.version)  # only now: a worker looks every 10 ms
    answers = until(worker, lambda _: worker.counts["tickloom", "models_refused"])
    assert worker.counts["tickloom", "models_refused"] == 1
    assert answers[0]["scores"] == before[0]["scores"]
    assert any("SHA-256" in record.getMessage() for record in caplog.records if record.levelname == "ERROR")


def test_what_is_counted(worker):
    """Three requests of 50 symbols, 20 of them suspect; every request is in the last bucket and in the sum."""
    ask(worker, 3)
    found = {name[1:]: count for name, count in worker.counts.items()}
    assert (found["status", "OK", "symbols_scored"], found["status", "SUSPECT", "symbols_scored"]) == (90, 60)
    assert found["le", "+Inf", "score_us_bucket"] == found["score_us_count",] == 3
    assert found["score_us_sum",] > 0
    buckets = [found.get(("le", str(bound), "score_us_bucket"), 0) for bound in BOUNDS_US]
    assert buckets == sorted(buckets)


def test_a_worker_that_could_not_open_closes(tmp_path, store):
    udf = Score(Scoring(Folders("nowhere", {}, str(tmp_path)), TRUSTED, "s", store, "p", "", {}, 1, (), 1.0))
    with pytest.raises(ModelError, match="no model"):
        udf.open(FunctionContext(Group(), {}))
    udf.close()


def test_challengers_of_the_command_line():
    given = argparse.Namespace(challenger=["models/b=0.25", "models/c=d=0.5"])
    assert entry.challengers(given) == {"models/b": 0.25, "models/c=d": 0.5}
    assert entry.challengers(argparse.Namespace(challenger=None)) == {}


@pytest.mark.parametrize("text", ["models/b", "models/b=", "models/b=half"])
def test_what_is_no_challenger(text):
    with pytest.raises(ConfigError, match="not FOLDER=SHARE"):
        entry.challengers(argparse.Namespace(challenger=[text]))
