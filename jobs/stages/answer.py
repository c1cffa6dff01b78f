"""Score requests to score records: a batch of raw messages at once.

In: raw `scoring.request.v1` messages of one batch, each with its place in Kafka. Out: for each a `scoring.score.v1`
message or a dead letter. The online store is read once a view for all symbols of the batch, the model runs once.
Must not know: how messages arrive and leave, nor what a feature means.

The clock of age is the request's event_time, not this machine's: `feature_age_ms` = request's event_time minus that of
the oldest vector that was used, so a replay of a request says the same. Status of a symbol, the first that holds:
MISSING  no vector, or more features missing than the model allows; the score is NaN
STALE    the oldest vector is older than `max_age`; the score stands
AHEAD    a vector is newer than the request: the store has moved on, and the score knows what was not yet known then
OK
"""

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from feature_repo.stores import Store
from feature_repo.views import layout
from jobs.runtime.dead_letters import DeadLetters
from schemas import wire
from schemas.errors import DecodeError, ModelError, SchemaError, nearest
from schemas.loader import load
from udfs.scoring.manifest import Manifest
from udfs.vector import Layout

REQUESTS, SCORES = "scoring.request.v1", "scoring.score.v1"
DEAD_LETTERS = f"{REQUESTS}.dlq"
UNKNOWN_AGE_MS = -1

Message = bytes | None
Int64 = npt.NDArray[np.int64]


class Scores(Protocol):
    """What is asked of a model; see udfs.scoring.model.Model."""

    manifest: Manifest

    def score(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values float64[M, features] -> float64[M], NaN where too much is missing."""


class Place(NamedTuple):
    """Where a message lies in scoring.request.v1."""

    partition: int
    offset: int


class Answer(NamedTuple):
    """A message to write: topic, key (the request_id; none for a dead letter) and value."""

    topic: str
    key: Message
    value: bytes


class Refused(NamedTuple):
    """Why a request cannot be answered: a word to count by, and more for a person."""

    reason: str
    detail: str


class Latest(NamedTuple):
    """What the store holds of M symbols: model inputs, oldest and newest event time (µs) of a symbol's vectors."""

    values: npt.NDArray[np.float64]
    oldest: Int64
    newest: Int64
    present: npt.NDArray[np.bool_]


class Answering:
    """Answers batches of requests from one store with one model.

    ids: topic -> schema id of SCORES and DEAD_LETTERS. lookup: writer's schema of an id. max_age_us: STALE beyond it.
    """

    def __init__(
        self, model: Scores, store: Store, project: str, lookup: wire.Lookup, ids: dict[str, int], max_age_us: int
    ) -> None:
        self._model, self._store, self._project, self._lookup = model, store, project, lookup
        self._max_age_us = max_age_us
        self._signature = {"model": model.manifest.name, "model_version": model.manifest.version}
        self._columns = {view: _places(view, columns) for view, columns in model.manifest.columns().items()}
        self._score = wire.encoder(SCORES, ids[SCORES])
        self._dead_letters = DeadLetters(REQUESTS, ids[DEAD_LETTERS])

    def answer(self, messages: Sequence[Message], places: Sequence[Place]) -> list[Answer]:
        """One answer a message, in order. StoreError if the store cannot be read: then nothing was answered."""
        requests = [self._request(message) for message in messages]
        good = [request for request in requests if not isinstance(request, Refused)]
        symbols = sorted({symbol for request in good for symbol in request["symbols"]})
        rows = {symbol: row for row, symbol in enumerate(symbols)}
        latest = self._latest(symbols)
        scores = self._model.score(latest.values)
        return [
            self._refusal(message or b"", place, request)
            if isinstance(request, Refused)
            else self._record(request, latest, scores, np.array([rows[s] for s in request["symbols"]], np.int64))
            for message, place, request in zip(messages, places, requests, strict=True)
        ]

    def _request(self, message: Message) -> wire.Record | Refused:
        request = read(message or b"", self._lookup)
        interval = self._model.manifest.interval
        if not isinstance(request, Refused) and request["interval"] != interval:
            return Refused("wrong_interval", f"asked for {request['interval']!r}, the model knows {interval!r}")
        return request

    def _latest(self, symbols: list[str]) -> Latest:
        m = len(symbols)
        latest = Latest(
            values=np.full((m, len(self._model.manifest.features)), np.nan),
            oldest=np.full(m, np.iinfo(np.int64).max),
            newest=np.full(m, np.iinfo(np.int64).min),
            present=np.zeros(m, np.bool_),
        )
        for view, (of, there, here) in self._columns.items():
            found = of.unpack(self._store.read(self._project, view, symbols))
            latest.values[:, here] = found.values[:, there]
            np.minimum(latest.oldest, found.event_time, out=latest.oldest, where=found.present)
            np.maximum(latest.newest, found.event_time, out=latest.newest, where=found.present)
            latest.present[:] |= found.present
        return latest

    def _record(self, request: wire.Record, latest: Latest, scores: npt.NDArray[np.float64], rows: Int64) -> Answer:
        now_us = request["event_time"]
        age_us = np.where(latest.present[rows], now_us - latest.oldest[rows], 0)
        missing, stale, ahead = np.isnan(scores[rows]), age_us > self._max_age_us, latest.newest[rows] > now_us
        record = {
            "request_id": request["request_id"],
            "event_time": now_us,
            **self._signature,
            "scored_at": time.time_ns() // 1000,
            "symbols": request["symbols"],
            "scores": scores[rows].tolist(),
            "feature_age_ms": np.where(latest.present[rows], age_us // 1000, UNKNOWN_AGE_MS).tolist(),
            "status": np.select([missing, stale, ahead], ["MISSING", "STALE", "AHEAD"], "OK").tolist(),
        }
        return Answer(SCORES, request["request_id"].encode(), self._score(record))

    def _refusal(self, raw: bytes, place: Place, refused: Refused) -> Answer:
        letter = self._dead_letters.message(raw, place._asdict(), refused.reason, "score", refused.detail)
        return Answer(DEAD_LETTERS, None, letter)


def _places(view: str, columns: dict[str, int]) -> tuple[Layout, list[int], list[int]]:
    """A view's layout, and where its features are in the vectors and in the model's input."""
    of = layout(view)
    if unknown := set(columns) - set(of.numbers):
        name = min(unknown)
        raise ModelError(f"the model needs {name!r}", where=f"view {view}", hint=nearest(name, of.numbers))
    return of, [of.numbers.index(name) for name in columns], list(columns.values())


def read(message: bytes, lookup: wire.Lookup) -> wire.Record | Refused:
    """The request of a message, or one of wire.REASONS why it is none."""
    try:
        name = wire.record_name(lookup(wire.schema_id(message)))
    except DecodeError as error:
        return Refused(error.what, str(error))
    except SchemaError as error:
        return Refused("unknown_schema_id", str(error))
    if name != wire.record_name(load(REQUESTS)):
        return Refused("wrong_schema", f"a {name}")
    try:
        return wire.decode(message, lookup)
    except SchemaError as error:
        return Refused("wrong_schema", str(error))
    except DecodeError as error:
        return Refused(error.what, str(error))
