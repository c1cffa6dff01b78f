"""Score requests to score records: a batch of raw messages at once.

In: raw `scoring.request.v1` messages of one batch, each with its place in Kafka. Out: for each a `scoring.score.v1`
message or a dead letter. The online store is read once for all symbols of the batch, by models of one moment.
Must not know: how messages arrive and leave, nor what a feature means.

The clock of age is the request's event_time, not this machine's: `feature_age_ms` = request's event_time minus that of
the oldest vector that was used, so a replay of a request says the same. Status of a symbol, the first that holds:
REFUSED  it is STALE, SUSPECT or AHEAD and the setting scoring.refuse names that; the score is NaN
MISSING  no vector, or more features missing than the model allows; the score is NaN
STALE    the oldest vector is older than `max_age`; the score stands
SUSPECT  suspect_split: the price moved as by a split that no action explains; the score stands
AHEAD    a vector is newer than the request: the store has moved on, and the score knows what was not yet known then
OK
"""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.reader import Flags
from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.scorer import NEVER, Scored, Scorer
from schemas import wire
from schemas.errors import ConfigError, DecodeError, SchemaError, nearest
from schemas.loader import load

REQUESTS, SCORES = "scoring.request.v1", "scoring.score.v1"
DEAD_LETTERS = f"{REQUESTS}.dlq"
UNKNOWN_AGE_MS = -1
REFUSABLE = ("STALE", "SUSPECT", "AHEAD")
STATUSES = ("REFUSED", "MISSING", *REFUSABLE, "OK")

Message = bytes | None


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


class Answering:
    """Answers batches of requests by one scorer.

    ids: topic -> schema id of SCORES and DEAD_LETTERS. lookup: writer's schema of an id. max_age_us: STALE beyond it.
    refuse: some of REFUSABLE. statuses: how many symbols got which, since somebody cleared it.
    """

    def __init__(
        self,
        scorer: Scorer,
        lookup: wire.Lookup,
        ids: dict[str, int],
        max_age_us: int,
        refuse: Collection[str] = (),
    ) -> None:
        if unknown := set(refuse) - set(REFUSABLE):
            name = min(unknown)
            raise ConfigError(f"setting scoring.refuse: {name!r} cannot be refused", hint=nearest(name, REFUSABLE))
        self._scorer, self._lookup, self._max_age_us, self._refuse = scorer, lookup, max_age_us, frozenset(refuse)
        self._score = wire.encoder(SCORES, ids[SCORES])
        self._dead_letters = DeadLetters(REQUESTS, ids[DEAD_LETTERS])
        self.statuses: Counter[str] = Counter()

    def answer(self, messages: Sequence[Message], places: Sequence[Place]) -> list[Answer]:
        """One answer a message, in order. StoreError if the store cannot be read: then nothing was answered."""
        interval = self._scorer.begin().interval
        requests = [self._request(message, interval) for message in messages]
        good = [request for request in requests if not isinstance(request, Refused)]
        symbols = sorted({symbol for request in good for symbol in request["symbols"]})
        rows = {symbol: row for row, symbol in enumerate(symbols)}
        scored = self._scorer.score(symbols, max((request["event_time"] for request in good), default=0))
        return [
            self._refusal(message or b"", place, request)
            if isinstance(request, Refused)
            else self._record(request, scored, np.array([rows[s] for s in request["symbols"]], np.int64))
            for message, place, request in zip(messages, places, requests, strict=True)
        ]

    def _request(self, message: Message, interval: str) -> wire.Record | Refused:
        request = read(message or b"", self._lookup)
        if not isinstance(request, Refused) and request["interval"] != interval:
            return Refused("wrong_interval", f"asked for {request['interval']!r}, the model knows {interval!r}")
        return request

    def _record(self, request: wire.Record, scored: Scored, rows: npt.NDArray[np.int64]) -> Answer:
        now_us, present = request["event_time"], scored.newest[rows] != NEVER
        age_us = np.where(present, now_us - scored.oldest[rows], 0)
        troubles = {
            "STALE": age_us > self._max_age_us,
            "SUSPECT": scored.flags[rows] & int(Flags.SUSPECT) != 0,
            "AHEAD": scored.newest[rows] > now_us,
        }
        scores = scored.scores[rows]
        refused = np.logical_or.reduce([troubles[name] for name in self._refuse] or [np.zeros(len(rows), np.bool_)])
        scores[refused] = np.nan
        status = np.select([refused, np.isnan(scores), *troubles.values()], STATUSES[:-1], STATUSES[-1]).tolist()
        self.statuses.update(status)
        record = {
            "request_id": request["request_id"],
            "event_time": now_us,
            **self._scorer.signature,
            "scored_at": time.time_ns() // 1000,
            "symbols": request["symbols"],
            "scores": scores.tolist(),
            "feature_age_ms": np.where(present, age_us // 1000, UNKNOWN_AGE_MS).tolist(),
            "status": status,
            "scored_by": scored.by[rows].tolist(),
        }
        return Answer(SCORES, request["request_id"].encode(), self._score(record))

    def _refusal(self, raw: bytes, place: Place, refused: Refused) -> Answer:
        letter = self._dead_letters.message(raw, place._asdict(), refused.reason, "score", refused.detail)
        return Answer(DEAD_LETTERS, None, letter)


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
