"""The corpus of the fuzz lane through the compiled decoder and the validation: each message as the oracle says."""

from itertools import islice
from typing import Any

import numpy as np

from jobs.stages.decode import COLUMNS, PRICE
from schemas.errors import SchemaError
from schemas.wire import REASONS
from tests.fuzz import writers
from tests.fuzz.corpus import HEARTBEAT, Ids, Sent, corpus
from tests.fuzz.oracle import BLOCK_US, MAX_GAP_US, Record, verdict
from udfs import validate
from udfs.decode import Decoder

IDS = Ids(1, 2, 3, tuple(range(10, 10 + len(writers.FOREIGN))))
WRITERS = {1: writers.PRICE, 2: writers.FLAT, 3: writers.NESTED} | dict(zip(IDS.foreign, writers.FOREIGN, strict=True))
BLOCK = 5_000


def lookup(schema_id: int) -> Any:
    if schema_id not in WRITERS:
        raise SchemaError("unknown")
    return WRITERS[schema_id]


def found(decoder: Decoder, sent: list[Sent]) -> list[Any]:
    """A record or (stage, reason) of each message."""
    decoded = decoder.decode([each.value for each in sent])
    columns = decoded.columns
    start = np.array([each.time_ms * 1000 // BLOCK_US * BLOCK_US for each in sent])
    reason = validate.validate(
        columns["symbol"], decoded.places["symbol"][1], columns["event_time"], columns["price"], columns["size"],
        columns["kind"], start - MAX_GAP_US, start + BLOCK_US + MAX_GAP_US)  # fmt: skip
    texts = {name: decoded.texts(name, range(len(sent))) for name in ("symbol", "trade_id")}
    rows = zip(*(texts.get(name) or columns[name].tolist() for name in COLUMNS), strict=True)
    return [
        ("decode", REASONS[error]) if error else ("validate", validate.REASONS[why]) if why else Record(*row)
        for error, why, row in zip(decoded.error, reason, rows, strict=True)
    ]


def test_every_message_becomes_what_the_oracle_says() -> None:
    decoder, messages = Decoder(PRICE, lookup, COLUMNS), corpus(3, 40_000, IDS)
    kinds = set()
    while sent := list(islice(messages, BLOCK)):
        expected = [verdict(each.value, each.time_ms, writers.readable(IDS)) for each in sent]
        for each, what, got in zip(sent, expected, found(decoder, sent), strict=True):
            assert repr(what) == repr(got), (each.value or b"")[:200]
        kinds |= {what if not isinstance(what, Record) else what.kind for what in expected}
    reasons = {word for what in kinds if isinstance(what, tuple) for word in what[1:]}
    assert reasons == {*REASONS[1:], *validate.REASONS[1:]} - {"too_large"}
    assert {what for what in kinds if isinstance(what, int)} == set(range(HEARTBEAT + 1))
