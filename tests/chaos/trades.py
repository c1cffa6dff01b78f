"""The market of a run: every trade, repeat, cancel and bad message, each a pure function of (seed, symbol, sequence).

In: a Market. Out: `window`, the events of a stretch of event time as columns, with the time at which each arrives; and
their messages. Shares no code with what it checks: numpy and fastavro only.
"""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastavro import parse_schema, schemaless_writer
from numpy.typing import NDArray

SECOND = 1_000_000
DAY = 86_400 * SECOND
SCHEMAS = Path(__file__).parents[2] / "schemas"
SCHEMA, ACTION = (parse_schema(json.loads((SCHEMAS / f"market.{each}.v1.avsc").read_text()))
                  for each in ("price", "corporate_action"))  # fmt: skip
START_US = 1_700_006_400 * SECOND - 120 * SECOND
"""Two minutes before a midnight: the 15th of November 2023."""
TRADE, REPEAT, CANCEL, BAD = range(4)
EVENT = np.dtype([("symbol", "i4"), ("sequence", "i8"), ("time", "i8"), ("cents", "i8"), ("size", "i8"), ("what", "i1"),
                  ("arrival", "i8")])  # fmt: skip
Events = NDArray[np.void]
Hashes = NDArray[np.uint64]
PRICE, SIZE, TIME, JITTER, FATE, DELAY, KIND = range(7)
"""What a number is drawn for."""
LATEST_US = 40 * SECOND
"""No delay is longer, but of what is to be beyond the horizon."""


@dataclass(frozen=True)
class Market:
    """So many symbols, trades a second of all together, seconds of event time; shares of what goes wrong with a trade.

    start_us: event time of the first trade; actions: splits and dividends at the next midnight, UTC, some of them heard
    late, one withdrawn. beyond: arrives `beyond_us` late, which no state reaches back for.
    """

    seed: int
    symbols: int = 48
    rate: float = 2000.0
    seconds: int = 60
    start_us: int = 0
    late: float = 2e-4
    repeated: float = 5e-3
    cancelled: float = 1e-4
    bad: float = 1e-3
    beyond: float = 1e-5
    beyond_us: int = 300 * SECOND
    actions: int = 6

    @property
    def period_us(self) -> int:
        """Between two trades of a symbol."""
        return round(self.symbols / self.rate * SECOND)

    @property
    def counts(self) -> int:
        """Trades of each symbol."""
        return self.seconds * SECOND // self.period_us

    @property
    def end_us(self) -> int:
        """All trades are before."""
        return self.start_us + self.counts * self.period_us

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)))

    @staticmethod
    def load(path: Path) -> "Market":
        """What was saved."""
        return Market(**json.loads(path.read_text()))


def name(symbol: int) -> str:
    """The ticker."""
    return f"S{symbol:03d}"


def draw(market: Market, symbol: NDArray[np.int64], sequence: NDArray[np.int64], purpose: int) -> Hashes:
    """uint64[n]: MurmurHash3's finaliser (Appleby) over the four, one after the other."""
    found = np.full(len(symbol), market.seed, "u8")
    with np.errstate(over="ignore"):
        for part in (symbol, sequence, purpose):
            found ^= np.asarray(part).astype("u8") * np.uint64(0x9E3779B97F4A7C15)
            for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
                found = (found ^ (found >> np.uint64(33))) * np.uint64(factor)
            found ^= found >> np.uint64(33)
    return found


def window(market: Market, first: int, last: int) -> Events:
    """All events of the trades first..last (exclusive) of every symbol, unsorted; their copies among them."""
    count = max(0, min(last, market.counts) - first)
    symbol = np.repeat(np.arange(market.symbols), count)
    sequence = np.tile(np.arange(first, first + count), market.symbols)
    of = (market, symbol, sequence)
    trades = np.zeros(len(symbol), EVENT)
    trades["symbol"], trades["sequence"], trades["what"] = symbol, sequence, TRADE
    trades["time"] = market.start_us + sequence * market.period_us + (draw(*of, TIME) % market.period_us).astype("i8")
    trades["cents"] = 5_000 + 100 * symbol + (draw(*of, PRICE) % 500).astype("i8")
    trades["size"] = 1 + (draw(*of, SIZE) % 20).astype("i8")
    delay = (draw(*of, DELAY) % (LATEST_US - 5 * SECOND)).astype("i8") + 3 * SECOND
    fate = draw(*of, FATE) / 2.0**64
    edges = np.cumsum([market.late, market.repeated, market.cancelled, market.bad, market.beyond])
    late, repeated, cancelled, bad, beyond = (np.searchsorted(edges, fate, "right") == i for i in range(5))
    trades["arrival"] = trades["time"] + (draw(*of, JITTER) % 300_000).astype("i8")
    trades["arrival"][late] += delay[late]
    trades["arrival"][beyond] += market.beyond_us
    copies = [trades]
    for which, what in ((repeated, REPEAT), (cancelled, CANCEL), (bad, BAD)):
        copy = trades[which].copy()
        copy["what"], copy["arrival"] = what, copy["arrival"] + delay[which] * (what != BAD)
        copies.append(copy)
    return np.concatenate(copies)


def bad_message(market: Market, symbol: int, sequence: int, good: bytes) -> bytes:
    """What comes beside a trade whose fate is BAD: no message at all, or one with a price that is none."""
    kind = int(draw(market, np.array([symbol]), np.array([sequence]), KIND)[0]) % 4
    mark = f"bad-{symbol}-{sequence}".encode()
    return (b"\xff" + mark, good[: len(good) // 2], good + mark, b"\x00\x7f\xff\xff\xff" + mark)[kind]


def actions(market: Market) -> list[dict[str, Any]]:
    """Records of market.corporate_action.v1 in the order in which they are heard of, at known_at."""
    day = market.start_us // DAY + 1
    number = np.arange(market.actions)
    heard = day * DAY - 30 * SECOND + (draw(market, number, number, DELAY) % (90 * SECOND)).astype("i8")
    symbols = draw(market, number, number, KIND) % market.symbols
    found: list[dict[str, Any]] = []
    for i in number.tolist():
        terms = {"numerator": 2 + i % 3} if i % 2 == 0 else {"cash_amount": 0.25 * (1 + i)}
        kind = "SPLIT" if i % 2 == 0 else "CASH_DIVIDEND"
        said = {"event_id": f"e{i}", "version": 1, "function": "NEW", "symbol": name(int(symbols[i])), "ex_date": day}
        found.append({**said, **terms, "action_type": kind, "status": "FINAL", "known_at": int(heard[i])})
    withdrawn = {"version": 2, "function": "CANCEL"}
    found += [each | withdrawn | {"known_at": each["known_at"] + 20 * SECOND} for each in found[:1]]
    return sorted(found, key=lambda each: int(each["known_at"]))


def framed(schema_id: int, schema: Any, record: dict[str, Any]) -> bytes:
    """A record as a message, under the id of its schema in the registry."""
    out = io.BytesIO(b"\x00" + schema_id.to_bytes(4, "big"))
    out.seek(0, io.SEEK_END)
    schemaless_writer(out, schema, record)
    return out.getvalue()


class Messages:
    """Events as Kafka messages under a schema id of the registry."""

    def __init__(self, market: Market, schema_id: int) -> None:
        self.market, self.schema_id = market, schema_id

    def value(self, event: Events) -> bytes:
        """The bytes of one event."""
        symbol, sequence, time, cents, size, what, _ = event.item()
        trade = {"symbol": name(symbol), "event_time": time, "price": cents / 100, "size": float(size),
                 "sequence": sequence, "trade_id": f"{name(symbol)}-{sequence}",
                 "kind": "CANCEL" if what == CANCEL else "TRADE"}  # fmt: skip
        good = framed(self.schema_id, SCHEMA, trade)
        return bad_message(self.market, symbol, sequence, good) if what == BAD else good

    def heartbeat(self, time: int) -> bytes:
        """A mark of time."""
        mark = {"symbol": "", "event_time": time, "price": 0.0, "size": 0.0, "sequence": 0, "kind": "HEARTBEAT"}
        return framed(self.schema_id, SCHEMA, mark)
