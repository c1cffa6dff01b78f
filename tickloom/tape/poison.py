"""Bad messages for a tape: each of the ways in which a payload can be wrong, in turn.

In: trades whose places get a bad message. Out: rows of `BAD`: raw payloads, and where they are published.
"""

import numpy as np
import pyarrow as pa

from schemas.settings import UNITS
from tickloom.tape import noise
from tickloom.tape.generate import Rows, chosen, to_table
from tickloom.tape.spec import Spec
from udfs.encode import encode_ticks
from udfs.tick_files import TIME

BAD = pa.schema(
    {"position": pa.int64(), "symbol": pa.string(), "event_time": TIME, "payload": pa.binary(), "framed": pa.bool_(),
     "reason": pa.string()}
)  # fmt: skip
"""position: how many records of ticks.parquet come before it; event_time: its record's time; framed: the magic byte and
the schema id of the registry go before the payload; reason: one of REASONS."""
VALUES = {"nan_price": np.nan, "infinite_price": np.inf, "zero_price": 0.0, "negative_price": -1.0}
REASONS = ("random_bytes", "unknown_schema_id", "truncated", "trailing_bytes", *VALUES, "future")
FUTURE_US = UNITS["d"]
"""How far an event_time of the future lies after its record's time."""


class Poisoner:
    """Puts a bad message after some trades; `reasons` counts them."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self.reasons = dict.fromkeys(REASONS, 0)

    def push(self, trades: Rows, records: Rows, before: int) -> pa.Table:
        """Rows of `BAD` for a window: its trades, the records that arrive in it, how many records came before it."""
        places = trades[chosen(self._spec, trades, noise.BAD, self._spec.bad)]
        positions = before + np.searchsorted(records["arrival"], places["event_time"], side="right")
        first = sum(self.reasons.values())
        reasons = [REASONS[(first + i) % len(REASONS)] for i in range(len(places))]
        bodies = encode_ticks(_spoiled(to_table(self._spec, places), reasons))
        payloads = [_payload(reason, body) for reason, body in zip(reasons, bodies, strict=True)]
        for reason in reasons:
            self.reasons[reason] += 1
        return pa.table(
            {
                "position": positions,
                "symbol": pa.array(self._spec.tickers).take(pa.array(places["ticker"])),
                "event_time": pa.array(places["event_time"]),
                "payload": pa.array([payload for payload, _ in payloads], pa.binary()),
                "framed": pa.array([framed for _, framed in payloads], pa.bool_()),
                "reason": pa.array(reasons, pa.string()),
            }
        ).cast(BAD)


def _spoiled(trades: pa.Table, reasons: list[str]) -> pa.Table:
    """The trades under ids of their own, with values that no trade has where the reason is one of value."""
    prices = [VALUES.get(reason, price) for reason, price in zip(reasons, trades["price"].to_pylist(), strict=True)]
    ids = [f"bad-{trade}" for trade in trades["trade_id"].to_pylist()]
    times = trades["event_time"].to_numpy() + FUTURE_US * (np.array(reasons) == "future")
    columns = {"event_time": times, "price": pa.array(prices, pa.float64()), "trade_id": pa.array(ids, pa.string())}
    return pa.table([columns.get(name, trades[name]) for name in trades.column_names], trades.schema)


def _payload(reason: str, body: bytes) -> tuple[bytes, bool]:
    """(payload, framed) of a reason, from a body that is fine."""
    if reason == "random_bytes":
        return b"\xff" + body[::-1], False
    if reason == "unknown_schema_id":
        return b"\x00\x7f\xff\xff\xff" + body, False
    if reason == "truncated":
        return body[: len(body) // 2], True
    return body + b"\x00\x01" * (reason == "trailing_bytes"), True
