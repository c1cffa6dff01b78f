"""Decode: arrays of raw messages -> validated ticks per shard, actions, and dead letters for all others.

In: blocks of raw Avro messages with their places in Kafka, on time or late. Out: rows (shard, kind, payload). Each
message ends in exactly one of them: ticks, an action, a heartbeat that is counted, or a dead letter.
This file must not know Avro's bytes, bars, or what an action does to a price.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from pyflink.table import FunctionContext, TableFunction

from jobs.runtime.dead_letters import DeadLetters, bundles, pack_raw
from jobs.runtime.envelope import ACTION, LATE, TICKS
from schemas.errors import DecodeError
from schemas.registry import Lookup
from schemas.wire import REASONS, decode
from udfs import validate
from udfs.adjustment import problem
from udfs.decode import Decoded, Decoder
from udfs.ticks import HEARTBEAT, Ticks, shard_of

PRICE, CORPORATE_ACTION = "market.price.v1", "market.corporate_action.v1"
EPOCH, MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001 -- Flink's times have no zone
MOST_BYTES = 1 << 16
"""Of an action: it goes to every shard, and stays there."""
COLUMNS = ("symbol", "event_time", "price", "size", "sequence", "trade_id", "kind")


class DecodePrices(TableFunction):
    """(late, ends of blocks, messages, partitions, offsets) -> rows (shard, kind, payload); one end, or one each."""

    def __init__(self, registry_url: str, dead: DeadLetters, shards: int, block_us: int, max_gap_us: int) -> None:
        self.registry_url, self.dead, self.shards = registry_url, dead, shards
        self.block_us, self.max_gap_us = block_us, max_gap_us

    def open(self, context: FunctionContext) -> None:
        """The compiled decoder of this worker."""
        self.decoder = Decoder(PRICE, Lookup(self.registry_url), COLUMNS)
        self.heartbeats = context.get_metric_group().add_group("tickloom").counter("heartbeats")

    def eval(
        self, late: bool, ends: list[datetime], messages: list[bytes | None], partitions: list[int], offsets: list[int]
    ) -> Iterator[tuple[int, str, bytes]]:
        """One block, or late records of several; good neighbours of a bad message are unharmed."""
        decoded = self.decoder.decode(messages)
        columns = decoded.columns
        last = np.array([(end - EPOCH) // MICROSECOND for end in ends]) + self.max_gap_us
        last = np.ascontiguousarray(np.broadcast_to(last, len(messages)))
        reason = validate.validate(
            columns["symbol"], decoded.places["symbol"][1], columns["event_time"], columns["price"], columns["size"],
            columns["kind"], last - self.block_us - 2 * self.max_gap_us, last)  # fmt: skip
        fine = (decoded.error == 0) & (reason == 0)
        letters = (
            self.dead.message(messages[i] or b"", {"partition": partitions[i], "offset": offsets[i]}, word, stage)
            for i, word, stage in _reasons(np.flatnonzero(~fine), decoded.error, reason)
        )
        for bundle in bundles(letters):
            yield 0, self.dead.target, bundle
        good = np.flatnonzero(fine & (columns["kind"] != HEARTBEAT))
        self.heartbeats.inc(int(fine.sum()) - len(good))
        for shard, ticks, rows in self._by_shard(decoded, good):
            if late:
                columns = ([of[i] for i in rows] for of in (messages, partitions, offsets))
                yield shard, LATE, pack_raw(*columns, ticks.pack())
            else:
                yield shard, TICKS, ticks.pack()

    def _by_shard(self, decoded: Decoded, good: NDArray[np.int64]) -> Iterator[tuple[int, Ticks, NDArray[np.int64]]]:
        """Shard, its ticks, and which of the block's messages they are."""
        if len(good):
            symbols, code = decoded.dictionary("symbol", good)
            ticks = Ticks(symbols, code, *(decoded.columns[name][good] for name in COLUMNS[1:]))
            shard = np.array([shard_of(name, self.shards) for name in symbols])[code]
            for number in np.unique(shard):
                yield int(number), ticks.take(shard == number), good[shard == number]


def _reasons(
    bad: NDArray[np.int64], error: NDArray[np.int8], reason: NDArray[np.int8]
) -> Iterator[tuple[int, str, str]]:
    """Place in the block, reason and stage of each bad message."""
    for i in bad.tolist():
        if error[i]:
            yield i, REASONS[error[i]], "decode"
        else:
            yield i, validate.REASONS[reason[i]], "validate"


class DecodeActions(TableFunction):
    """(message, partition, offset) -> the action for every shard: a change of symbol or a merger concerns several."""

    def __init__(self, registry_url: str, dead: DeadLetters, shards: int) -> None:
        self.registry_url, self.dead, self.shards = registry_url, dead, shards

    def open(self, context: FunctionContext) -> None:
        """The registry's schemas by id."""
        self.lookup = Lookup(self.registry_url)

    def eval(self, message: bytes | None, partition: int, offset: int) -> Iterator[tuple[int, str, bytes]]:
        """One action."""
        raw, place = message or b"", {"partition": partition, "offset": offset}
        try:
            action = decode(raw, self.lookup, CORPORATE_ACTION)
            fault = problem(action)
            reason = "too_large" if len(raw) > MOST_BYTES else fault and "bad_action"
        except DecodeError as error:
            reason, fault = error.what, ""
        if reason:
            for bundle in bundles([self.dead.message(raw, place, reason, "decode", fault)]):
                yield 0, self.dead.target, bundle
            return
        payload = json.dumps({"action": action, "raw": raw.hex(), **place}).encode()
        for shard in range(self.shards):
            yield shard, ACTION, payload
