"""What may go back to its topic: only what the jobs will take, with the key, partition and time that they want.

In: a letter and the bytes that are to go back for it. Out: a Message, or a Refusal with a reason, for a record that
would be a dead letter again is never put back. This file must not know Kafka's transactions, nor what a repair is.
"""

import time
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import numpy as np

from jobs.runtime import committed
from schemas.errors import DecodeError
from schemas.registry import Lookup
from schemas.settings import Settings, parse_duration
from schemas.wire import MOST_BYTES, REASONS, decode
from tickloom.dlq_letters import Letter
from tickloom.tape.messages import ACTION, PRICE, Message
from udfs import validate
from udfs.adjustment import problem, when
from udfs.decode import Decoder
from udfs.ticks import HEARTBEAT

REQUEST, BAR = "scoring.request.v1", "market.bar.v1"
COLUMNS = ("symbol", "event_time", "price", "size", "sequence", "trade_id", "kind")
MARGIN = 0.9
"""Of the horizon, up to which something is put back: bars go on closing meanwhile."""
LAST_BARS = 200
"""Records at the end of a partition of bars that are looked at for the newest, and for the shortest interval."""


class Refusal(Exception):
    """Why a message would be a dead letter again: the word of the reason, and what else there is to say."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Rules:
    """The rules of all topics that jobs read.

    partitions: of the topic; oldest_us: the earliest event time that a job can still take, 0 if any.
    """

    def __init__(self, config: Settings, partitions: int, oldest_us: int) -> None:
        self._lookup = Lookup(config.registry.url)
        self._config, self._partitions, self._oldest_us = config, partitions, oldest_us
        self._prices: Decoder | None = None

    def message(self, letter: Letter, raw: bytes) -> Message:
        """What goes back for a letter; Refusal if the jobs would not take it."""
        topic = letter.place[0]
        if len(raw) > MOST_BYTES:
            raise Refusal("too_large", f"{len(raw)} bytes")
        if raw == letter.raw[:MOST_BYTES] and letter.reason == "too_large":
            raise Refusal("too_large", letter.detail)
        make = {PRICE: self._price, ACTION: self._action, REQUEST: self._request}.get(topic)
        if make is None:
            raise Refusal("no_reader", f"no job reads {topic}")
        return make(letter, raw)

    def _price(self, letter: Letter, raw: bytes) -> Message:
        self._prices = self._prices or Decoder(PRICE, self._lookup, COLUMNS)
        decoded = self._prices.decode([raw])
        if decoded.error[0]:
            raise Refusal(REASONS[decoded.error[0]])
        columns = decoded.columns
        event_time = int(columns["event_time"][0])
        reason = validate.validate(
            columns["symbol"], decoded.places["symbol"][1], columns["event_time"], columns["price"], columns["size"],
            columns["kind"], np.array([event_time]), np.array([event_time + 1]))[0]  # fmt: skip
        if reason:
            raise Refusal(validate.REASONS[reason])
        self._check_time(event_time, ahead=True)
        if columns["kind"][0] == HEARTBEAT:
            return Message(raw, b"", letter.place[1], event_time // 1000)
        return self._to(decoded.texts("symbol", [0])[0], raw, event_time)

    def _action(self, letter: Letter, raw: bytes) -> Message:
        action = self._decode(raw, ACTION)
        if fault := problem(action):
            raise Refusal("bad_action", fault)
        self._check_time(when(action, self._config.bars.calendar))
        return self._to(action["symbol"], raw, action["known_at"])

    def _request(self, letter: Letter, raw: bytes) -> Message:
        request = self._decode(raw, REQUEST)
        if letter.reason == "wrong_interval" and request["interval"] == self._decode(letter.raw, REQUEST)["interval"]:
            raise Refusal("wrong_interval", letter.detail)
        return self._to(request["interval"], raw, request["event_time"])

    def _decode(self, raw: bytes, topic: str) -> dict[str, Any]:
        try:
            return decode(raw, self._lookup, topic)
        except DecodeError as error:
            raise Refusal(error.what, error.hint) from error

    def _check_time(self, event_time: int, *, ahead: bool = False) -> None:
        if event_time < self._oldest_us:
            raise Refusal("beyond_horizon", "rebuild by replay: docs/runbook.md")
        if ahead and event_time > time.time_ns() // 1000 + parse_duration(self._config.bars.max_future):
            raise Refusal("event_time_gap", "of the future")

    def _to(self, key: str, raw: bytes, time_us: int) -> Message:
        return Message(raw, key.encode(), crc32(key.encode()) % self._partitions, time_us // 1000)


def oldest_us(config: Settings) -> int:
    """The earliest event time that can still change bars, by the newest committed bar; 0 where there is none."""
    return oldest(_last_bars(), config.state.horizon_bars)


def oldest(bars: Iterable[dict[str, Any]], horizon_bars: int) -> int:
    """The same of records of market.bar.v1, of whatever intervals: the shortest is that of the bars."""
    ends = [(parse_duration(record["interval"]), record["event_time"]) for record in bars]
    if not ends:
        return 0
    interval = min(interval for interval, _ in ends)
    return int(max(end for _, end in ends) - int(MARGIN * (horizon_bars - 1)) * interval)


def _last_bars() -> Iterable[dict[str, Any]]:
    from confluent_kafka import TopicPartition

    from schemas.settings import settings

    lookup, found = Lookup(settings().registry.url), []
    with committed.consumer() as reader:
        ends = {
            number: reader.get_watermark_offsets(TopicPartition(BAR, number), 10)[1]
            for number in reader.list_topics(BAR, 10).topics[BAR].partitions
        }
        reader.assign([TopicPartition(BAR, number, max(0, end - LAST_BARS)) for number, end in ends.items()])
        waiting = set(ends)
        while waiting:
            for message in reader.consume(1000, 1.0):
                if message.error() and message.error().name() == "_PARTITION_EOF":
                    waiting.discard(message.partition())
                elif not message.error():
                    found.append(decode(message.value(), lookup))
    return found
