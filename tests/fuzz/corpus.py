"""Messages of every bad kind among good ticks, as a pure function of (seed, number of the block).

Good ticks: 40 symbols, 20,000 records a second of event time, some repeated, some cancelled. Bad ones stand between
them, at the record time of their place. A flipped bit may leave a message good: the oracle says which.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

BEGIN_US = 1_704_272_400_000_000  # 2024-01-03 09:00 UTC
RATE, BLOCK, SYMBOLS, PARTITIONS = 20_000, 10_000, 40, 2
CANCEL, HEARTBEAT = 1, 3


class Sent(NamedTuple):
    """One record; time in milliseconds since 1970."""

    value: bytes | None
    key: bytes
    partition: int
    time_ms: int


@dataclass(frozen=True)
class Ids:
    """Schema ids of the registry: our price, prices with more fields or other types, records that are no price."""

    price: int
    flat: int
    nested: int
    foreign: tuple[int, ...]


def zigzag(value: int) -> bytes:
    """A long as Avro writes it."""
    rest, out = (value << 1) ^ (value >> 63), bytearray()
    while rest >= 128:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    """A string as Avro writes it."""
    data = value.encode() if isinstance(value, str) else value
    return zigzag(len(data)) + data


def frame(schema_id: int) -> bytes:
    """Magic byte and id."""
    return struct.pack(">bI", 0, schema_id)


class Tick(NamedTuple):
    """The fields of a price that are written."""

    symbol: str | bytes
    event_time: int
    price: float
    size: float
    sequence: int
    trade_id: str
    kind: int = 0
    rest: bytes = b"\0\0"

    def body(self) -> bytes:
        """As market.price.v1 has them; rest: venue and conditions."""
        numbers = struct.pack("<dd", self.price, self.size)
        head = text(self.symbol) + zigzag(self.event_time) + numbers + zigzag(self.sequence)
        return head + text(self.trade_id) + zigzag(self.kind) + self.rest


class Block:
    """The records of one block."""

    def __init__(self, seed: int, number: int, ids: Ids, share: float) -> None:
        self.random, self.ids, self.share, self.number = np.random.default_rng([seed, number]), ids, share, number
        self.kinds = list(KINDS)
        self.weights = np.array([weight for _, weight in KINDS.values()], float)
        self.weights /= self.weights.sum()

    def records(self) -> Iterator[Sent]:
        """In order of time."""
        random, n = self.random, BLOCK
        bad = random.random(n) < self.share
        chosen = random.choice(len(self.kinds), n, p=self.weights)
        partitions = random.integers(0, PARTITIONS, n).tolist()
        last = None
        for i in range(n):
            tick = self.tick(i)
            key, time_ms = str(tick.symbol).encode(), tick.event_time // 1000
            if bad[i]:
                value = KINDS[self.kinds[chosen[i]]][0](self, tick)
            else:
                tick = last = self.good(tick, last)
                value = frame(self.ids.price) + tick.body()
            yield Sent(value, key, partitions[i], time_ms)

    def tick(self, i: int) -> Tick:
        """A good trade at the time of place i."""
        number, random = self.number * BLOCK + i, self.random
        at = BEGIN_US + number * 1_000_000 // RATE
        price, size = round(100 + float(random.normal()), 2), float(random.integers(1, 100))
        return Tick(f"S{int(random.integers(SYMBOLS)):02}", at, price, size, number, random.bytes(6).hex())

    def good(self, tick: Tick, last: Tick | None) -> Tick:
        """The trade; now and then instead the last one again, or its cancel, in the same bar."""
        choice = self.random.random()
        if last is None or choice > 0.02 or last.event_time // 1_000_000 != tick.event_time // 1_000_000:
            return tick
        return last if choice < 0.01 else last._replace(kind=CANCEL, sequence=tick.sequence)

    def pick(self, *values: Any) -> Any:
        """One of them."""
        return values[int(self.random.integers(len(values)))]

    def ours(self, tick: Tick) -> bytes:
        """The message of a trade."""
        return frame(self.ids.price) + tick.body()

    def noise(self, most: int) -> bytes:
        """Random bytes."""
        return self.random.bytes(int(self.random.integers(most)))

    def cut(self, whole: bytes) -> bytes:
        """A part from the beginning."""
        return whole[: int(self.random.integers(len(whole)))]

    def flip(self, tick: Tick) -> bytes:
        """One to three bits of a message."""
        data = bytearray(self.flat(tick) if self.random.random() < 0.15 else self.ours(tick))
        for _ in range(int(self.random.integers(1, 4))):
            data[int(self.random.integers(len(data)))] ^= 1 << int(self.random.integers(8))
        return bytes(data)

    def wrong_magic(self, tick: Tick) -> bytes:
        """Another first byte."""
        return bytes([int(self.random.integers(1, 256))]) + self.ours(tick)[1:]

    def unknown_id(self, tick: Tick) -> bytes:
        """An id that nobody gave out."""
        return frame(self.pick(0, 77_777, 2**31 - 1, 2**31, 2**32 - 1, 50_000 + self.number % 64)) + tick.body()

    def wrong_type(self, tick: Tick) -> bytes:
        """A record of something else."""
        return frame(self.pick(*self.ids.foreign)) + self.pick(tick.body(), self.noise(60), b"\2" * 5_000)

    def values(self, tick: Tick) -> bytes:
        """Values that no trade has."""
        far = self.pick(-6_000_001, 7_000_001, -(10**12), 10**15)
        wrong = self.pick(
            {"price": float("nan")}, {"price": float("inf")}, {"price": 0.0}, {"price": -1.5}, {"size": -1.0},
            {"size": float("nan")}, {"symbol": ""}, {"event_time": tick.event_time + far}, {"symbol": "X" * 256},
            {"event_time": self.pick(-(2**63), 2**63 - 1)}, {"symbol": b"A\xffB"}, {"kind": 4}, {"kind": -1},
        )  # fmt: skip
        return self.ours(tick._replace(**wrong))

    def edges(self, tick: Tick) -> bytes:
        """Values that are odd and good."""
        odd = self.pick(
            {"price": 5e-324}, {"price": 1e308}, {"size": 0.0}, {"size": 1e300}, {"symbol": "Ü|/\x00\n"},
            {"symbol": "Y" * 255}, {"sequence": -(2**63)}, {"event_time": tick.event_time - 3_000_000},
            {"event_time": tick.event_time + 4_000_000}, {"trade_id": ""}, {"kind": CANCEL}, {"kind": 2},
            {"kind": HEARTBEAT, "symbol": ""}, {"kind": HEARTBEAT, "price": float("nan")},
            {"kind": CANCEL, "price": float("nan")}, {"rest": b"\2" + text("XNYS") + b"\2" + text("ÄÖ" * 20)},
        )  # fmt: skip
        return self.ours(tick._replace(**odd))

    def flat(self, tick: Tick) -> bytes:
        """By a writer with another order, a float, an int and a field more."""
        body = struct.pack("<f", tick.price) + zigzag(self.pick(7, -7)) + text(tick.symbol) + zigzag(tick.event_time)
        return frame(self.ids.flat) + body + struct.pack("<d", tick.size) + zigzag(tick.sequence % 2**31)

    def nested(self, tick: Tick, most: int = 2_000) -> bytes:
        """By a writer with an array of records."""
        legs = int(self.random.integers(most)) + 1
        leg = text("leg") + b"\2" + zigzag(5)
        return frame(self.ids.nested) + zigzag(legs) + leg * legs + b"\0" + tick.body()

    def deep(self, tick: Tick) -> bytes:
        """More items than there are bytes, or a part of a nested message."""
        endless = frame(self.ids.nested) + zigzag(self.pick(2**40, -(2**40), 2**62, -(2**63))) + self.noise(50)
        return self.pick(endless, self.cut(self.nested(tick)), self.nested(tick) + b"\0", self.nested(tick))

    def long(self, tick: Tick) -> bytes:
        """Larger than usual, good or not."""
        size = int(self.random.integers(1_000, 100_000))
        note = b"\0\2" + text("n" * size)
        bad = self.random.bytes(size)
        return self.pick(self.ours(tick._replace(rest=note)), bad, self.ours(tick) + bad, frame(self.ids.price) + bad)


Make = Callable[[Block, Tick], bytes | None]
KINDS: dict[str, tuple[Make, float]] = {
    "random_bytes": (lambda self, tick: self.noise(200), 10),
    "random_body": (lambda self, tick: frame(self.ids.price) + self.noise(100), 10),
    "truncated": (lambda self, tick: self.cut(self.ours(tick)), 10),
    "trailing": (lambda self, tick: self.ours(tick) + self.noise(9) + b"\0", 5),
    "wrong_magic": (Block.wrong_magic, 10),
    "unknown_id": (Block.unknown_id, 5),
    "wrong_type": (Block.wrong_type, 10),
    "values": (Block.values, 10),
    "edges": (Block.edges, 3),
    "flip": (Block.flip, 20),
    "flat": (Block.flat, 3),
    "deep": (Block.deep, 0.3),
    "long": (Block.long, 0.3),
    "empty": (lambda self, tick: b"", 3),
    "tombstone": (lambda self, tick: None, 3),
}
"""How each kind is made, and how often it is drawn."""


def large(ids: Ids, tick: Tick, most: int) -> list[bytes | None]:
    """Around the largest message that a broker takes; the last one gets there compressed only."""
    noise = np.random.default_rng(most).bytes(most)
    body = tick.body()
    room = most - len(body) - 9
    return [
        frame(ids.price) + tick._replace(rest=b"\0\2" + text(noise[:room].hex()[:room])).body(),
        frame(ids.price) + tick._replace(symbol="Z" * room).body(),
        frame(ids.price) + noise[: most // 2],
        noise[:most],
        frame(ids.price) + body + bytes(3 * most),
    ]


def corpus(seed: int, bad: int, ids: Ids, share: float = 0.8) -> Iterator[Sent]:
    """Blocks until about so many bad messages are among them."""
    for number in range(-(-bad // int(BLOCK * share))):
        yield from Block(seed, number, ids, share).records()
