"""A run of the fuzz lane: the corpus into Kafka, the real job on the real stack, and what must have come of it."""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from confluent_kafka import KafkaError, KafkaException, Producer

from jobs.runtime import committed
from schemas.errors import SchemaError
from schemas.registry import Lookup, register
from schemas.settings import settings
from schemas.wire import decode
from tests.e2e import pipeline
from tests.fuzz import writers
from tests.fuzz.corpus import BEGIN_US, HEARTBEAT, PARTITIONS, RATE, Ids, Sent, Tick, corpus, frame, large
from tests.fuzz.oracle import MOST_BYTES, verdict
from tests.oracles.bars import Record, trades_of
from tickloom.flink_rest import FlinkRest
from tickloom.stack.components import flink_url

TOPIC, SECOND_US = "market.price.v1", 1_000_000
PATIENCE_S, SURPLUS_S = 3_600, 3
FATES = ("used", "cancelled", "duplicates", "amendments", "orphans")
OVERHEAD, MOST_IDS = 2_000, 64
Place = tuple[int, int]
Letter = tuple[str, str, bytes]
"""Stage, reason, digest of the raw bytes."""


@dataclass
class Expected:
    """What was sent, by what must become of it."""

    writers: dict[int, Any]
    offsets: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    letters: dict[Place, Letter] = field(default_factory=dict)
    ticks: list[Record] = field(default_factory=list)
    heartbeats: int = 0

    def add(self, sent: Sent) -> None:
        """One record that the broker took."""
        place = sent.partition, self.offsets[sent.partition]
        self.offsets[sent.partition] += 1
        found = verdict(sent.value, sent.time_ms, self.writers)
        if not isinstance(found, Record):
            self.letters[place] = (*found, digest((sent.value or b"")[:MOST_BYTES]))
        elif found.kind == HEARTBEAT:
            self.heartbeats += 1
        else:
            self.ticks.append(found)

    def bars(self) -> tuple[dict[tuple[int, str], list[float]], Counter[str]]:
        """Open, high, low, close, number of trades of each (bar end, symbol), and the fates of all ticks."""
        of, fates = defaultdict(list), Counter[str](dict.fromkeys(FATES, 0))
        for tick in self.ticks:
            of[tick.event_time // SECOND_US * SECOND_US + SECOND_US].append(tick)
        found = {}
        for end, ticks in of.items():
            trades, counts = trades_of(ticks)
            fates.update(counts | {"used": len(trades)})
            prices = defaultdict(list)
            for trade in sorted(trades, key=lambda each: (each.event_time, each.sequence)):
                prices[trade.symbol].append(trade.price)
            found |= {(end, name): [p[0], max(p), min(p), p[-1], len(p)] for name, p in prices.items()}
        return found, fates


def digest(raw: bytes) -> bytes:
    """Eight bytes that stand for many."""
    return hashlib.blake2b(raw, digest_size=8).digest()


def learn() -> Ids:
    """The ids of all writers, registered."""
    ids = register(settings().registry.url)
    flat, nested = enrol("fuzz-flat", writers.FLAT), enrol("fuzz-nested", writers.NESTED)
    foreign = [enrol(f"fuzz-{i}", schema) for i, schema in enumerate(writers.FOREIGN)]
    assert max(foreign) < MOST_IDS
    return Ids(ids[TOPIC], flat, nested, tuple(foreign))


def given(ids: Ids) -> dict[int, Any]:
    """Schema by id; None: a record of something else, which a flipped bit may name, too."""
    lookup, strangers = Lookup(settings().registry.url), []
    for number in range(MOST_IDS):
        with suppress(SchemaError):
            lookup(number)
            strangers.append(number)
    return dict.fromkeys(strangers) | writers.readable(ids)


def enrol(subject: str, schema: Any) -> int:
    """The id of a schema in the registry, under a subject that nobody checks."""
    body = json.dumps({"schema": json.dumps(schema)}).encode()
    kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    with urlopen(Request(f"{settings().registry.url}/subjects/{subject}/versions", body, kind)) as answer:
        return int(json.load(answer)["id"])


def publish(records: Iterable[Sent], expected: Expected, **options: Any) -> int:
    """Records in order, each as the oracle sees it; how many the broker refused as too large."""
    refused = [0]
    producer = Producer({
        "bootstrap.servers": settings().kafka.bootstrap, "enable.idempotence": True, "linger.ms": 5,
        "message.max.bytes": 10**9, "queue.buffering.max.kbytes": 2**20, "log_level": 0, **options,
    })  # fmt: skip

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            assert error.code() == KafkaError.MSG_SIZE_TOO_LARGE, error
            refused[0] += 1
        else:
            assert message.offset() == expected.offsets[message.partition()], "order"

    for each in records:
        alone = each.value is not None and len(each.value) > MOST_BYTES // 8
        if alone:  # whether the broker takes it decides what is expected
            producer.flush()
            before = refused[0]
            producer.produce(TOPIC, each.value, each.key, each.partition, delivered, timestamp=each.time_ms)
            producer.flush()
            if refused[0] > before:
                continue
        else:
            while True:
                try:
                    producer.produce(TOPIC, each.value, each.key, each.partition, timestamp=each.time_ms)
                    break
                except BufferError:
                    producer.poll(0.1)
        expected.add(each)
    producer.flush()
    return refused[0]


def oversized(ids: Ids, last_us: int) -> Iterator[Sent]:
    """Near and beyond the broker's largest message, a second each."""
    tick = Tick("S00", last_us, 100.0, 1.0, 0, "large")
    for step in (1 << 18, MOST_BYTES, MOST_BYTES + OVERHEAD, 1 << 24):
        for i in range(len(large(ids, tick, 100))):
            tick = tick._replace(event_time=tick.event_time + SECOND_US, sequence=tick.sequence + 1)
            yield Sent(large(ids, tick, step)[i], b"large", i % PARTITIONS, tick.event_time // 1000)


def closing(ids: Ids, last_us: int) -> Iterator[Sent]:
    """A heartbeat for each partition, after all bars."""
    beat = frame(ids.price) + Tick("", last_us, 0.0, 0.0, 0, "", HEARTBEAT).body()
    for partition in range(PARTITIONS):
        yield Sent(beat, b"", partition, last_us // 1000)


def run(bad: int, seed: int, parallelism: int = 2) -> str:
    """The whole lane on the running stack; the verdict, or AssertionError."""
    pipeline.empty()
    ids = learn()
    expected = Expected(given(ids))
    job = pipeline.start_features(parallelism, "--interval", "1s")
    began = time.monotonic()
    publish(corpus(seed, bad, ids), expected)
    last_us = BEGIN_US + sum(expected.offsets) * SECOND_US // RATE
    drawn = sum(expected.offsets)
    refused = publish(oversized(ids, last_us), expected, **{"compression.type": "lz4"})
    # whose own block nothing closes
    publish(closing(ids, last_us + 60 * SECOND_US), Expected(expected.writers))
    check_letters(expected)
    bars, fates = expected.bars()
    cluster = FlinkRest(flink_url())

    def ended() -> dict[str, float]:
        return cluster.metrics(job, "tickloom.")

    eventually(lambda: sum(ended().get(fate, 0) for fate in FATES) >= len(expected.ticks))
    found = ended()
    took = time.monotonic() - began
    assert cluster.restarts(job) == 0, cluster.exceptions(job)
    assert cluster.exceptions(job) == []
    assert {fate: found[fate] for fate in FATES} == fates
    assert found["on_time"] + found["late"] == len(expected.ticks)
    assert (found["heartbeats"], found["dead_letters"]) == (expected.heartbeats, len(expected.letters))
    total = sum(expected.offsets)
    assert total == len(expected.ticks) + expected.heartbeats + len(expected.letters)
    check_bars(bars)
    pipeline.assert_committed_once(pipeline.feature_records())
    cluster.cancel(job)
    return (
        f"FUZZ OK: seed {seed}, {bad:,} bad among {drawn:,} and {total - drawn} large: {total:,} in = "
        + " + ".join(f"{int(found[name]):,} {name}" for name in (*FATES, "heartbeats"))
        + f" + {len(expected.letters):,} dead letters; {refused} refused by the broker; {len(bars):,} bars exact; "
        f"0 restarts; {took:.0f} s"
    )


def eventually(true: Any) -> None:
    """Wait for long."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(1)


def check_letters(expected: Expected) -> None:
    """Wait for all dead letters; each is there once, with its bytes, stage and reason, and no other."""
    topic, lookup = f"{TOPIC}.dlq", Lookup(settings().registry.url)
    found: dict[Place, Letter] = {}
    deadline, quiet = time.monotonic() + PATIENCE_S, 0.0
    with committed.consumer() as reader:
        reader.assign([_start(topic, partition) for partition in range(PARTITIONS)])
        while len(found) < len(expected.letters) or quiet < SURPLUS_S:
            assert time.monotonic() < deadline, f"{len(found)} of {len(expected.letters)} dead letters"
            messages = reader.consume(10_000, 0.5)
            quiet = 0.0 if any(not each.error() for each in messages) else quiet + 0.5
            for message in messages:
                if message.error():
                    if message.error().name() != "_PARTITION_EOF":
                        raise KafkaException(message.error())
                    continue
                letter = decode(message.value(), lookup)
                place = letter["partition"], letter["offset"]
                assert place not in found, f"twice: {place}"
                found[place] = letter["stage"], letter["reason"], digest(letter["raw"])
    every = found.keys() | expected.letters.keys()
    wrong = {place for place in every if found.get(place) != expected.letters.get(place)}
    shown = [(place, found.get(place), expected.letters.get(place)) for place in sorted(wrong)[:5]]
    assert not wrong, f"{len(wrong)} dead letters differ: {shown}"


def _start(topic: str, partition: int) -> Any:
    from confluent_kafka import TopicPartition

    return TopicPartition(topic, partition, 0)


def check_bars(expected: dict[tuple[int, str], list[float]]) -> None:
    """The newest revision of each bar."""
    found: dict[tuple[int, str], list[float]] = {}
    records = [each for each in committed.records("market.bar.v1") if each["interval"] == "1s"]
    for record in sorted(records, key=lambda each: (each["event_time"], each["shard"], each["revision"])):
        end = record["event_time"]
        for name in record["removed"]:
            found.pop((end, name), None)
        columns = (record[name] for name in ("open", "high", "low", "close", "trade_count"))
        found |= {(end, row[0]): list(row[1:]) for row in zip(record["symbols"], *columns, strict=True)}
    wrong = {bar for bar in found.keys() | expected.keys() if found.get(bar) != expected.get(bar)}
    assert not wrong, [(bar, found.get(bar), expected.get(bar)) for bar in sorted(wrong)[:5]]
