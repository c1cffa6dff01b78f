"""Requests in, scores and dead letters out: status and age by table, one read a view, good neighbours unharmed."""

import math

import numpy as np
import pytest

from feature_repo.stores.sqlite import SqliteStore
from feature_repo.views import layout
from jobs.stages.answer import DEAD_LETTERS, REQUESTS, SCORES, Answering, Place
from schemas import wire
from schemas.errors import ModelError, SchemaError
from schemas.loader import load
from tests.oracles.scoring import made
from udfs.scoring.model import Model

DAY = 86_400_000_000
NOW = 15_000 * DAY
NAN = math.nan
IDS = {SCORES: 7, DEAD_LETTERS: 8}
WRITERS = {1: load(REQUESTS), 2: load("market.price.v1"), 7: load(SCORES), 8: load("dead_letter.v1")}
FULL = {"rsi_14": 61.0, "log_return": 0.01, "beta_market_60": 1.2}

# symbol -> (days before the request of its indicators vector, of its cross-asset vector, features)
HELD = {
    "FRESH": (0, 0, FULL),
    "OLD": (3, 1, FULL),
    "OLDER": (0, 4, FULL),
    "AHEAD": (1, -1, FULL),
    "HOLE": (0, 0, FULL | {"rsi_14": NAN}),
    "HOLES": (0, 0, FULL | {"rsi_14": NAN, "log_return": NAN}),
    "NO_CROSS": (2, None, FULL),
    "ONLY_CROSS": (None, 0, FULL),
}
STATUS = {  # symbol -> status, age in days
    "FRESH": ("OK", 0),
    "OLD": ("OK", 3),
    "OLDER": ("STALE", 4),
    "AHEAD": ("AHEAD", 1),
    "HOLE": ("OK", 0),
    "HOLES": ("MISSING", 0),
    "NO_CROSS": ("OK", 2),
    "ONLY_CROSS": ("MISSING", 0),
    "UNKNOWN": ("MISSING", None),
}


def lookup(writer):
    if writer not in WRITERS:
        raise SchemaError(f"no schema has id {writer}")
    return WRITERS[writer]


def fill(store):
    for prefix, which in (("indicators_1d", 0), ("cross_asset_1d", 1)):
        of = layout(prefix)
        held = {symbol: row for symbol, row in HELD.items() if row[which] is not None}
        values = np.array([[row[2].get(name, NAN) for name in of.numbers] for row in held.values()])
        times = np.array([NOW - row[which] * DAY for row in held.values()])
        fence = store.fence("p", prefix, "0")
        vectors = of.pack(times, fence, 0, 0, values, [[None] * len(held)] * len(of.texts))
        store.write("p", prefix, list(held), vectors, shard="0", fence=fence)


class Reads:
    """A store that keeps what was read of it."""

    def __init__(self, store):
        self.store, self.reads = store, []

    def read(self, project, view, entities):
        self.reads.append((project, view, list(entities)))
        return self.store.read(project, view, entities)


@pytest.fixture
def model():
    return Model(*made(4)[:2], "cpu")


@pytest.fixture
def reads(tmp_path):
    store = SqliteStore(tmp_path / "online.db")
    fill(store)
    yield Reads(store)
    store.close()


@pytest.fixture
def answering(model, reads):
    return Answering(model, reads, "p", lookup, IDS, 3 * DAY)


def request(request_id="r", symbols=("FRESH",), **changes):
    record = {"request_id": request_id, "event_time": NOW, "interval": "1d", "symbols": list(symbols)}
    return wire.encode(REQUESTS, 1, record | changes)


def answer(answering, *messages):
    answers = answering.answer(messages, [Place(i % 2, 100 + i) for i in range(len(messages))])
    return [(a.topic, a.key, wire.decode(a.value, lookup)) for a in answers]


def test_status_and_age(answering, model):
    [(topic, key, record)] = answer(answering, request("r1", STATUS))
    assert (topic, key) == (SCORES, b"r1")
    assert record["symbols"] == list(STATUS)
    found = dict(zip(STATUS, zip(record["status"], record["feature_age_ms"], strict=True), strict=True))
    assert found == {s: (status, -1 if age is None else age * DAY // 1000) for s, (status, age) in STATUS.items()}
    assert (record["model"], record["model_version"]) == (model.manifest.name, model.manifest.version)
    assert record["event_time"] == NOW
    assert record["scored_at"] > NOW


def test_scores_are_the_models(answering, model):
    """In the manifest's order of features, with the holes where they are; NaN exactly where MISSING."""
    [(_, _, record)] = answer(answering, request("r1", STATUS))
    scores = dict(zip(record["symbols"], record["scores"], strict=True))
    rows = {"FRESH": [61.0, 0.01, 1.2], "HOLE": [NAN, 0.01, 1.2], "NO_CROSS": [61.0, 0.01, NAN]}
    assert [scores[s] for s in rows] == model.score(np.array(list(rows.values()))).tolist()
    assert {s for s, score in scores.items() if math.isnan(score)} == {"HOLES", "ONLY_CROSS", "UNKNOWN"}


def test_one_read_a_view_for_the_batch(answering, reads):
    answers = answer(answering, request("a", ["OLD", "FRESH"]), request("b", ["FRESH", "HOLE"]), request("c", []))
    assert reads.reads == [("p", view, ["FRESH", "HOLE", "OLD"]) for view in ("indicators_1d", "cross_asset_1d")]
    assert [a[2]["symbols"] for a in answers] == [["OLD", "FRESH"], ["FRESH", "HOLE"], []]


def test_each_request_has_its_own_clock(answering):
    early, late = answer(answering, request(event_time=NOW - DAY), request(event_time=NOW + 4 * DAY))
    assert (early[2]["status"], early[2]["feature_age_ms"]) == (["AHEAD"], [-DAY // 1000])
    assert (late[2]["status"], late[2]["feature_age_ms"]) == (["STALE"], [4 * DAY // 1000])
    assert early[2]["scores"] == late[2]["scores"]


def test_batch_does_not_change_a_score(answering):
    together = answer(answering, *(request(s, [s]) for s in HELD))
    for symbol, (_, _, record) in zip(HELD, together, strict=True):
        [(_, _, alone)] = answer(answering, request(symbol, [symbol, symbol]))
        assert repr(alone["scores"]) == repr(record["scores"] * 2)


BAD = {
    "nothing": (None, "no_magic"),
    "empty": (b"", "no_magic"),
    "no magic": (b"\x01garbage", "no_magic"),
    "unknown id": (request().replace(b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x63", 1), "unknown_schema_id"),
    "another record": (request().replace(b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x02", 1), "wrong_schema"),
    "truncated": (request()[:-3], "truncated"),
    "trailing": (request() + b"\x00", "trailing_bytes"),
    "not utf-8": (request().replace(b"FRESH", b"\xff\xff\xff\xff\xff"), "bad_value"),
    "other interval": (request(interval="1m"), "wrong_interval"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_request_is_a_dead_letter(answering, name):
    raw, reason = BAD[name]
    before, bad, after = answer(answering, request("a"), raw, request("b"))
    assert [before[1], after[1]] == [b"a", b"b"]
    assert before[2]["status"] == after[2]["status"] == ["OK"]
    topic, key, letter = bad
    assert (topic, key, letter["raw"], letter["reason"]) == (DEAD_LETTERS, None, raw or b"", reason)
    assert (letter["topic"], letter["partition"], letter["offset"], letter["stage"]) == (REQUESTS, 1, 101, "score")


def test_all_bad(answering):
    assert [a[0] for a in answer(answering, b"", None)] == [DEAD_LETTERS] * 2


def test_a_feature_that_no_view_has(reads):
    features = ("indicators_1d:rsi_15", "indicators_1d:log_return", "cross_asset_1d:beta_market_60")
    model = Model(*made(4, features=features)[:2], "cpu")
    with pytest.raises(ModelError, match="rsi_15") as caught:
        Answering(model, reads, "p", lookup, IDS, DAY)
    assert "rsi_14" in caught.value.hint
