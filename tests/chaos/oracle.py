"""What the committed output of a run must be, from the Market alone: which input is in which bar, and in which letter.

In: the Market, and what is committed in Kafka. Out: a line for each thing that is wrong. Bars are proved trade by trade
(count, sum and exclusive or of ids) and by their prices and volume, to the last bit; every bad message must have its
dead letter, every other input must be in its bar, or be a repeat, or cancelled, or in the late letters. Shares no code
with the jobs: it reads Kafka by confluent-kafka, Avro by fastavro, and counts with numpy.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from fastavro import parse_schema, schemaless_reader

from tests.chaos.trades import BAD, CANCEL, SECOND, TRADE, Events, Hashes, Market, Messages, name, window

SCHEMAS = Path(__file__).parents[2] / "schemas"
BAR_US = SECOND
SLICE = 2_000
OFFSET, PRIME = 0xCBF29CE484222325, 0x100000001B3
Key = tuple[str, int]


@dataclass(frozen=True)
class Letter:
    """A dead letter: where its message stood, the bytes, why."""

    partition: int
    offset: int
    raw: bytes
    reason: str


@dataclass
class Bar:
    """What a bar is made of and shows."""

    count: int = 0
    id_sum: int = 0
    id_xor: int = 0
    numbers: tuple[float, ...] = ()


@dataclass
class Findings:
    """What was compared, and what is wrong."""

    problems: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)

    def say(self, what: str) -> None:
        """One more problem."""
        self.problems.append(what)


def read(bootstrap: str, topic: str) -> Iterator[Any]:
    """Every committed message of a topic up to its present end, partition by partition."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "chaos-oracle", "isolation.level": "read_committed",
                       "enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0})  # fmt: skip
    partitions = reader.list_topics(topic, 10).topics[topic].partitions
    for partition in partitions:
        reader.assign([TopicPartition(topic, partition, 0)])
        while True:
            message = reader.poll(20)
            if message is None:
                raise AssertionError(f"{topic} cannot be read to its end: an open transaction?")
            if message.error():
                break
            yield message
    reader.close()


def decoder(schema: str) -> Any:
    """Message -> record."""
    parsed = parse_schema(json.loads((SCHEMAS / f"{schema}.avsc").read_text()))
    return lambda value: schemaless_reader(io.BytesIO(value[5:]), parsed)


def bars(bootstrap: str, found: Findings, interval: str) -> dict[Key, Bar]:
    """The newest revision of each committed bar by symbol and end; frames that are there twice are a problem."""
    decode, frames = decoder("market.bar.v1"), Counter[tuple[int, int, int]]()
    newest: dict[Key, tuple[int, Bar | None]] = {}
    for message in read(bootstrap, "market.bar.v1"):
        record = decode(message.value())
        if record["interval"] != interval:
            continue
        end, revision = round(record["event_time"].timestamp() * SECOND), record["revision"]
        frames[record["shard"], end, revision] += 1
        columns = [record[of] for of in ("open", "high", "low", "close", "volume")]
        made = [Bar(*of) for of in zip(record["trade_count"], record["id_sum"], record["id_xor"],
                                       zip(*columns, strict=True), strict=True)]  # fmt: skip
        rows: list[tuple[str, Bar | None]] = [*zip(record["symbols"], made, strict=True)]
        for symbol, bar in rows + [(each, None) for each in record["removed"]]:
            if revision >= newest.get((symbol, end), (-1, None))[0]:
                newest[symbol, end] = revision, bar
    for key, times in frames.items():
        if times > 1:
            found.say(f"doubled: bar frame (shard, end, revision) {key} is committed {times} times")
    found.compared["bar frames"] += len(frames)
    return {key: bar for key, (_, bar) in newest.items() if bar is not None}


def letters(bootstrap: str, topic: str, found: Findings) -> list[Letter]:
    """The dead letters of a topic; a place that has two is a problem."""
    decode = decoder("dead_letter.v1")
    records = [decode(message.value()) for message in read(bootstrap, topic)]
    places = Counter((each["topic"], each["partition"], each["offset"]) for each in records)
    for place, times in places.items():
        if times > 1:
            found.say(f"doubled: {topic} has {times} letters of {place}")
    return [Letter(each["partition"], each["offset"], each["raw"], each["reason"]) for each in records]


def expected(market: Market, late: set[tuple[int, int, int]]) -> dict[Key, Bar]:
    """The bars that the market comes to; late: (symbol, sequence, what) of events that were refused as too late."""
    made: dict[Key, Bar] = {}
    for first in range(0, market.counts, SLICE):
        events = window(market, first, first + SLICE)
        cancels = events[events["what"] == CANCEL]
        gone = {(s, k) for s, k in zip(cancels["symbol"].tolist(), cancels["sequence"].tolist(), strict=True)
                if (s, k, CANCEL) not in late}  # fmt: skip
        gone |= {(symbol, sequence) for symbol, sequence, what in late if what == TRADE}
        trades = events[events["what"] == TRADE]
        pairs = zip(trades["symbol"].tolist(), trades["sequence"].tolist(), strict=True)
        standing = trades[[pair not in gone for pair in pairs]]
        _add(standing[np.lexsort((standing["sequence"], standing["time"], standing["symbol"]))], made)
    return made


def _add(trades: Events, made: dict[Key, Bar]) -> None:
    """Trades by symbol and time; the bars at the edges of a slice are completed by the next one."""
    ends = (trades["time"] // BAR_US + 1) * BAR_US
    cuts = np.flatnonzero((np.diff(trades["symbol"]) != 0) | (np.diff(ends) != 0)) + 1
    starts = np.concatenate([[0], cuts])
    stops = np.concatenate([cuts, [len(trades)]]) - 1
    ids, prices = _ids(trades), trades["cents"] / 100
    columns = (trades["symbol"][starts], ends[starts], stops - starts + 1, np.add.reduceat(ids % 2**32, starts),
               np.bitwise_xor.reduceat(ids % 2**52, starts), prices[starts], np.maximum.reduceat(prices, starts),
               np.minimum.reduceat(prices, starts), prices[stops],
               np.add.reduceat(trades["size"], starts).astype("f8"))  # fmt: skip
    for symbol, end, count, total, mixed, *numbers in zip(*(each.tolist() for each in columns), strict=True):
        bar = made.setdefault((name(symbol), end), Bar())
        bar.count += count
        bar.id_sum += total
        bar.id_xor ^= mixed
        before = bar.numbers or (numbers[0], numbers[0], numbers[0], 0.0, 0.0)
        high, low = max(before[1], numbers[1]), min(before[2], numbers[2])
        bar.numbers = (before[0], high, low, numbers[3], before[4] + numbers[4])


def _ids(trades: Events) -> Hashes:
    """uint64[n]: FNV-1a (Fowler, Noll, Vo) of the trades' ids, letter by letter."""
    names = np.array([name(i).encode() + b"-" for i in range(trades["symbol"].max(initial=0) + 1)])
    texts = np.char.add(names[trades["symbol"]], trades["sequence"].astype("S20"))
    found = np.full(len(trades), OFFSET, "u8")
    columns = texts.view("u1").reshape(len(trades), -1)
    for letter in columns.T:
        found = np.where(letter, (found ^ letter) * np.uint64(PRIME), found)
    return found


def check_letters(market: Market, schema_id: int, bootstrap: str, found: Findings) -> set[tuple[int, int, int]]:
    """Compare both topics of letters with what was bad; (symbol, sequence, what) of what was too late."""
    messages, wanted = Messages(market, schema_id), Counter[bytes]()
    for first in range(0, market.counts, SLICE):
        events = window(market, first, first + SLICE)
        wanted.update(messages.value(event) for event in events[events["what"] == BAD])
    there = Counter(letter.raw for letter in letters(bootstrap, "market.price.v1.dlq", found))
    found.compared["dead letters"] += there.total()
    for raw, n in (wanted - there).items():
        found.say(f"lost: {n} dead letters of {raw[:40]!r}")
    for raw, n in (there - wanted).items():
        found.say(f"doubled: {n} dead letters too many of {raw[:40]!r}")
    decode, late = decoder("market.price.v1"), set()
    for letter in letters(bootstrap, "market.price.v1.late.dlq", found):
        record = decode(letter.raw)
        late.add((int(record["symbol"][1:]), record["sequence"], CANCEL if record["kind"] == "CANCEL" else TRADE))
    found.compared["late letters"] += len(late)
    return late


def check_bars(market: Market, there: dict[Key, Bar], late: set[tuple[int, int, int]], found: Findings) -> None:
    """Every trade in its bar and in no other; every bar as its trades make it."""
    wanted = expected(market, late)
    found.compared["bars"] += len(wanted)
    found.compared["trades"] += sum(bar.count for bar in wanted.values())
    for key in sorted(wanted.keys() | there.keys()):
        want, have = wanted.get(key), there.get(key)
        if want != have:
            found.say(f"bar {key[0]} at {key[1]}: {have} is not {want}")


def check_late(market: Market, late: set[tuple[int, int, int]], horizon_us: int, found: Findings) -> None:
    """Only what came later than the state reaches back may be refused for it."""
    for first in range(0, market.counts, SLICE):
        events = window(market, first, first + SLICE)
        soon = events[events["arrival"] - events["time"] < horizon_us - 30 * SECOND]
        for event in soon[np.isin(soon["what"], (TRADE, CANCEL))]:
            if (int(event["symbol"]), int(event["sequence"]), int(event["what"])) in late:
                found.say(f"refused as too late: {event}")


def check_serials(bootstrap: str, topic: str, found: Findings) -> None:
    """The serials of each key of a topic of the job's follow each other from 1 on."""
    last: dict[bytes, int] = {}
    for message in read(bootstrap, topic):
        serial, key = int(dict(message.headers() or [])["serial"]), bytes(message.key())
        if serial != last.get(key, 0) + 1:
            found.say(f"{topic} {key.decode()}: serial {serial} follows {last.get(key, 0)}")
        last[key] = serial
    found.compared[f"records of {topic}"] += sum(last.values())
