"""Small tapes, and small tables of features, for the tests of `tickloom verify`."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tickloom.synth import write_tape
from tickloom.tape.spec import Spec
from tickloom.verify.tape import Tape

NAN = float("nan")
ROWS = [("A", 1, 1.0, "B"), ("B", 1, NAN, None), ("A", 2, 2.0, "B"), ("B", 2, 0.0, None), ("A", 3, NAN, "B")]


def features(rows: list[tuple[Any, ...]] = ROWS) -> pa.Table:
    """A table as `features compute` writes it; times in seconds."""
    symbol, time, number, peer = zip(*rows, strict=True)
    return pa.table(
        {
            "symbol": pa.array(symbol, pa.string()),
            "event_time": pa.array([second * 1_000_000 for second in time], pa.timestamp("us", "UTC")),
            "rsi_14": pa.array(number, pa.float64()),
            "peer_60": pa.array(peer, pa.string()),
        }
    )


def universe(text: str = "of both") -> pa.Table:
    """The table of the universe beside it."""
    times = pa.array([1_000_000, 2_000_000], pa.timestamp("us", "UTC"))
    return pa.table({"universe": ["universe"] * 2, "event_time": times, "oas_60": [NAN, 0.5], "returns_60": ["", text]})


def with_bits(row: int, flip: int) -> pa.Table:
    """The table with some bits of a number flipped."""
    bits = features()["rsi_14"].to_numpy().copy().view("u8")
    bits[row] ^= np.uint64(flip)
    return features().set_column(2, "rsi_14", pa.array(bits.view("f8")))


def small_tape(folder: Path) -> Tape:
    """300 trades of three symbols in bars of 5 s, with some bad messages and actions."""
    write_tape(Spec(3, 300, 1, 5_000_000, 10.0, 2_000_000, 1_000_000, bad=0.01, actions=20), 1_000_000, folder)
    return Tape(folder)
