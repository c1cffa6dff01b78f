"""Requests in, scores and dead letters out: status and age by table, one read a batch, good neighbours unharmed."""

import math

import numpy as np
import pytest

from feature_repo.stores.sqlite import SqliteStore
from feature_repo.views import layout
from jobs.runtime.scorer import Scorer, fits
from jobs.stages.answer import DEAD_LETTERS, REQUESTS, SCORES, STATUSES, Answering, Place
from schemas import wire
from schemas.errors import ConfigError, FeatureError, ModelError, SchemaError
from schemas.loader import load
from tests.oracles.scoring import made
from udfs.scoring.assign import CHAMPION, Assignment
from udfs.scoring.model import Model
from udfs.scoring.roster import Lineup

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
    "SPLIT": (0, 0, FULL | {"suspect_split": 1.0}),
    "OLD_SPLIT": (4, 0, FULL | {"suspect_split": 1.0}),
    "SPLIT_AHEAD": (-1, 0, FULL | {"suspect_split": 1.0}),
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
    "SPLIT": ("SUSPECT", 0),
    "OLD_SPLIT": ("STALE", 4),
    "SPLIT_AHEAD": ("SUSPECT", 0),
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

    def read_many(self, project, wanted):
        self.reads.append([(project, view, list(entities)) for view, entities in wanted])
        return self.store.read_many(project, wanted)


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
def scorers():
    """Makes scorers, and ends their threads."""
    made_here = []

    def make(*arguments, **options):
        made_here.append(Scorer(*arguments, **options))
        return made_here[-1]

    yield make
    for scorer in made_here:
        scorer.close()


@pytest.fixture
def answering(model, reads, scorers):
    scorer = scorers(reads, "p", lambda: Lineup((model,)), Assignment("s", {CHAMPION: 1.0}))
    return Answering(scorer, lookup, IDS, 3 * DAY)


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


def test_one_read_for_the_batch(answering, reads):
    answers = answer(answering, request("a", ["OLD", "FRESH"]), request("b", ["FRESH", "HOLE"]), request("c", []))
    assert reads.reads == [[("p", view, ["FRESH", "HOLE", "OLD"]) for view in ("indicators_1d", "cross_asset_1d")]]
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


def test_a_feature_that_no_view_has():
    features = ("indicators_1d:rsi_15", "indicators_1d:log_return", "cross_asset_1d:beta_market_60")
    fits(made(4)[0], "1d")
    with pytest.raises(ModelError, match="knows bars of 1d"):
        fits(made(4)[0], "1m")
    with pytest.raises(ModelError, match="rsi_15") as caught:
        fits(made(4, features=features)[0], "1d")
    assert "rsi_14" in caught.value.hint
    with pytest.raises(FeatureError, match="no feature view"):
        fits(made(4, features=("odd_1d:rsi_14", *features[1:]))[0], "1d")


def test_says_which_model_and_which_schemas(answering, model):
    [(_, _, record)] = answer(answering, request("r1", STATUS))
    manifest = model.manifest
    used = {"name": "made", "version": manifest.version, "weights_sha256": manifest.weights_sha256, "serial": 1}
    assert record["models"] == [used]
    assert record["scored_by"] == [0] * len(STATUS)
    assert len(record["feature_fingerprint"]) == 16
    assert dict(answering.statuses) == {s: [each for each, _ in STATUS.values()].count(s) for s in STATUSES[1:]}


@pytest.mark.parametrize("part", [1, 3, 1000])
def test_champion_and_challenger(reads, model, scorers, part):
    """Each symbol's score is its own model's, whatever the parts in which features are fetched."""
    other = Model(*made(5)[:2], "cpu")
    shares = Assignment("salt", {CHAMPION: 0.5, "b": 0.5})
    scorer = scorers(reads, "p", lambda: Lineup((model, other)), shares, part)
    [(_, _, record)] = answer(Answering(scorer, lookup, IDS, 3 * DAY), request("r1", STATUS))
    by = dict(zip(STATUS, record["scored_by"], strict=True))
    assert by == dict(zip(STATUS, shares.of(list(STATUS)).tolist(), strict=True))
    assert set(by.values()) == {0, 1}
    assert [each["version"] for each in record["models"]] == [model.manifest.version, other.manifest.version]
    assert record["model_version"] == model.manifest.version
    for symbol, score in zip(STATUS, record["scores"], strict=True):
        if STATUS[symbol][0] == "OK" and symbol in {"FRESH", "OLD"}:
            assert score == (model, other)[by[symbol]].score(np.array([[61.0, 0.01, 1.2]]))[0]
    assert len(reads.reads) == -(-len(STATUS) // part)


def test_models_are_those_of_the_start_of_a_batch(reads, model, scorers):
    lineups = [Lineup((model,)), Lineup((Model(*made(5)[:2], "cpu"),))]
    scorer = scorers(reads, "p", lambda: lineups[0], Assignment("s", {CHAMPION: 1.0}), 1)
    answering = Answering(scorer, lookup, IDS, 3 * DAY)
    read_many = reads.store.read_many

    def swapped_meanwhile(project, wanted):
        lineups[0] = lineups[1]
        return read_many(project, wanted)

    reads.store.read_many = swapped_meanwhile
    for versions in (lineups[0], lineups[1]):
        records = [record for _, _, record in answer(answering, request("a", ["FRESH", "OLD"]), request("b"))]
        assert {each["model_version"] for each in records} == {versions.models[0].manifest.version}
        assert len({score for each in records for score in each["scores"]}) == 1


REFUSE = {
    (): {},
    ("STALE",): {"OLDER": "REFUSED", "OLD_SPLIT": "REFUSED"},
    ("SUSPECT",): {"SPLIT": "REFUSED", "OLD_SPLIT": "REFUSED", "SPLIT_AHEAD": "REFUSED"},
    ("AHEAD", "STALE"): dict.fromkeys(("AHEAD", "OLDER", "OLD_SPLIT", "SPLIT_AHEAD"), "REFUSED"),
}


@pytest.mark.parametrize("refuse", REFUSE)
def test_what_is_refused_has_no_score(reads, model, scorers, refuse):
    scorer = scorers(reads, "p", lambda: Lineup((model,)), Assignment("s", {CHAMPION: 1.0}))
    [(_, _, record)] = answer(Answering(scorer, lookup, IDS, 3 * DAY, refuse), request("r1", STATUS))
    assert record["status"] == [REFUSE[refuse].get(symbol, status) for symbol, (status, _) in STATUS.items()]
    scored = [not math.isnan(score) for score in record["scores"]]
    assert scored == [status not in {"REFUSED", "MISSING"} for status in record["status"]]


def test_what_cannot_be_refused(answering):
    with pytest.raises(ConfigError, match="'MISSING' cannot be refused"):
        Answering(None, lookup, IDS, DAY, ["MISSING"])
