"""The market of a seed: records as a pure function of (seed, symbol, sequence), and the partitions they lie in.

What a record is, and what must become of it, is said here once, for the checker; the job sees bytes only.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from schemas.wire import encoder
from tests.oracles.synth import draw
from tests.oracles.world import draw_records
from tests.simulation.small import DAY, SECOND

PRICE, ACTION, DEAD = "market.price.v1", "market.corporate_action.v1", "dead_letter.v1"
IDS = {PRICE: 1, ACTION: 2, DEAD: 3}
SYMBOLS = "ABCDE"
LONG = 200_000  # bars, more than two days
KINDS = ("TRADE", "CANCEL", "CORRECT", "HEARTBEAT")
TRADE, CANCEL, CORRECT, HEARTBEAT = KINDS
Row = dict[str, Any]
Place = tuple[int, int]


@dataclass(frozen=True)
class Message:
    """A record in a partition: time of the record (ms), bytes; row: what it says, reason: why it is a dead letter."""

    time_ms: int
    value: bytes
    row: Row | None = None
    reason: str = ""


@dataclass
class Market:
    """All that is ever sent: partitions of prices, of which some are there later only, and the actions' one."""

    start: int
    bars: int
    prices: list[list[Message]]
    actions: list[Message]
    horizon: int = LONG
    """Of the job, in bars: a short one refuses what is later than that."""
    added_ms: int = 0
    """From when on there is one more partition, the last; it has no older record. 0: never."""
    inputs: dict[str, int] = field(default_factory=dict)
    """How many of each kind of trouble is in the input."""

    @property
    def end(self) -> int:
        """End of the last bar, microseconds UTC."""
        return self.start + self.bars * SECOND


def trade(seed: int, symbol: int, sequence: int, start: int, pace: int) -> Row:
    """The trade of a symbol with that number; pace: microseconds from one to the next, about.

    Half of them fall on quarters of a second, so some share a time, and some begin a bar. No two trades of one bar have
    the same size, which is a power of two: the volume of a bar says which trades are in it.
    """
    time = start + sequence * pace + draw(seed, symbol, sequence, 0) % (2 * pace)
    if draw(seed, symbol, sequence, 1) % 2:
        time -= time % (SECOND // 4)
    price, name = (640 + draw(seed, symbol, sequence, 2) % 640) / 64, SYMBOLS[symbol]
    return {"symbol": name, "event_time": max(time, start), "price": price, "size": float(1 << sequence % 16),
            "sequence": sequence, "trade_id": f"{name}{sequence}", "kind": TRADE}  # fmt: skip


def market(seed: int, random: Random) -> Market:
    """Draw it."""
    bars = random.randint(4, 7)
    start = DAY - random.randint(1, bars - 1) * SECOND
    partitions, symbols = random.choice([2, 2, 3]), random.randint(2, 4)
    made = Market(start, bars, [], [], horizon=random.choice([LONG, LONG, LONG, 6]))
    if random.random() < 0.15:
        made.added_ms = (start + random.randint(1, bars - 1) * SECOND) // 1000
        made.inputs["partition added"] = 1
    sent: list[tuple[int, int, int, Message]] = []  # arrival, partition, order, message
    for symbol in range(symbols):
        sent += _symbol(seed, symbol, made, partitions, random)
    sent += _heartbeats(made, partitions)
    if random.random() < 0.4:
        sent += _poison(made, partitions, random)
    sent = _silent(made, sent, partitions, random)
    sent.sort(key=lambda each: each[:3])
    whole = partitions + bool(made.added_ms)
    made.prices = [[message for _, at, _, message in sent if at == p] for p in range(whole)]
    made.actions = _actions(made, random)
    return made


def beat(made: Market) -> None:
    """One more heartbeat of each partition."""
    for messages in made.prices:
        time = max(message.time_ms for message in messages) * 1000 + SECOND
        messages.append(price_message(_BLANK | {"event_time": time}))


def price_message(row: Row, time_ms: int | None = None, reason: str = "") -> Message:
    """A price record as its producer sends it: the record's time is that of the event."""
    return Message(row["event_time"] // 1000 if time_ms is None else time_ms, _PRICE(row), row, reason)


def _symbol(
    seed: int, symbol: int, made: Market, partitions: int, random: Random
) -> list[tuple[int, int, int, Message]]:
    """The trades of one symbol, said again, taken back and corrected, some of it late or by another producer."""
    first, last = (0, made.bars) if random.random() < 0.6 else sorted(random.sample(range(made.bars + 1), 2))
    pace = SECOND // random.choice([1, 2, 2])
    since, late = made.start + first * SECOND, random.choice([0.0, 0.1, 0.3])
    amended, strays = random.choice([0.05, 0.3]), made.horizon > 10
    found = []

    def send(row: Row, arrival: int, gap_ms: int = 0) -> None:
        other = random.random() < 0.15
        where = random.randrange(partitions) if other else symbol % partitions
        late_by = int(random.choice([0.2, 1.5, 4, 9]) * SECOND) if random.random() < late else 0
        made.inputs["late"] = made.inputs.get("late", 0) + (late_by > 0)
        message = price_message(row, row["event_time"] // 1000 + gap_ms)
        if 0 < made.added_ms <= message.time_ms and random.random() < 0.5:
            where = partitions
        found.append((arrival + late_by, where, len(found), message))

    for sequence in range((last - first) * SECOND // pace):
        row = trade(seed, symbol, sequence, since, pace)
        gap = random.choice([-300, 700]) if random.random() < 0.1 else 0
        send(row, row["event_time"], gap)
        if draw(seed, symbol, sequence, 3) % 1000 < 1000 * amended:
            again, amend = draw(seed, symbol, sequence, 4) % 3, row
            if again:
                later = random.choice([0, 0, SECOND, 3 * SECOND]) * strays
                price = row["price"] + (draw(seed, symbol, sequence, 5) % 64) / 64
                amend = row | {"kind": KINDS[again], "sequence": 1000 + sequence, "price": price,
                               "event_time": row["event_time"] + later}  # fmt: skip
            made.inputs[("duplicate", "cancel", "correct")[again]] = 1
            send(amend, amend["event_time"] + random.choice([0, SECOND // 10, 2 * SECOND]))
    return found


def _heartbeats(made: Market, partitions: int) -> list[tuple[int, int, int, Message]]:
    """One a partition and second; the last ones close all that is open."""
    times = [made.start + i * SECOND for i in range(made.bars + 6)]
    beats = [(t, p) for t in times for p in range(partitions)]
    beats += [(t, partitions) for t in times if 0 < made.added_ms * 1000 <= t]
    return [(t, p, 1 << 30, price_message(_BLANK | {"event_time": t})) for t, p in beats]


def _poison(made: Market, partitions: int, random: Random) -> list[tuple[int, int, int, Message]]:
    """Payloads that cannot be used, each with the reason that its dead letter must give."""
    good = trade(0, 0, 0, made.start, SECOND) | {"trade_id": "poison"}
    time = made.start + random.randrange(made.bars * SECOND)
    body = _PRICE(good | {"event_time": time})
    bad = [
        (b"", "no_magic"), (b"\x01" + body[1:], "no_magic"), (body[:-1], "truncated"), (body + b"\0", "trailing_bytes"),
        (body[:1] + b"\0\0\0\x63" + body[5:], "unknown_schema_id"),
        (_PRICE(good | {"event_time": time, "price": float("nan")}), "price_not_finite"),
        (_PRICE(good | {"event_time": time, "price": -1.0}), "price_not_positive"),
        (_PRICE(good | {"event_time": time, "size": -1.0}), "size_not_valid"),
        (_PRICE(good | {"event_time": time, "symbol": ""}), "empty_symbol"),
        (_PRICE(good | {"event_time": time - 60 * SECOND}), "event_time_gap"),
    ]  # fmt: skip
    chosen = random.sample(bad, random.randint(1, 4))
    made.inputs["poison"] = len(chosen)
    return [
        (time, random.randrange(partitions), i, Message(time // 1000, value, None, reason))
        for i, (value, reason) in enumerate(chosen)
    ]


def _silent(
    made: Market, sent: list[tuple[int, int, int, Message]], partitions: int, random: Random
) -> list[tuple[int, int, int, Message]]:
    """A partition may say nothing for a while, and then all at once."""
    if random.random() > 0.3:
        return sent
    made.inputs["silent partition"] = 1
    who, since = random.randrange(partitions), made.start + random.randrange(made.bars) * SECOND
    until = since + random.randint(1, 4) * SECOND
    return [(until if p == who and since <= at < until else at, p, n, message) for at, p, n, message in sent]


def _actions(made: Market, random: Random) -> list[Message]:
    """Actions announced, amended and withdrawn, most of them heard after they took effect."""
    records = draw_records(random, random.choice([0, 1, 1, 2]) * (made.horizon > 10))
    records = [each | {"ex_date": 1} if random.random() < 0.7 else each for each in records]
    made.inputs["action"] = len(records)
    found = [(random.randrange(made.bars * SECOND) + made.start, i, each) for i, each in enumerate(records)]
    messages = [Message(at // 1000, _ACTION(each), each) for at, _, each in sorted(found, key=lambda of: of[:2])]
    if records and random.random() < 0.2:
        bad = records[0] | {"event_id": "bad", "action_type": "SPLIT", "numerator": 0, "function": "NEW"}
        messages.insert(
            random.randrange(len(messages) + 1), Message(made.start // 1000, _ACTION(bad), None, "bad_action")
        )
        made.inputs["poison"] = made.inputs.get("poison", 0) + 1
    return messages


_BLANK = {"symbol": "", "price": 0.0, "size": 0.0, "sequence": 0, "kind": HEARTBEAT}
_PRICE, _ACTION = encoder(PRICE, IDS[PRICE]), encoder(ACTION, IDS[ACTION])
