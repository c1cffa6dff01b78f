"""What a job committed against a clean run, by symbol, time and column: nothing lost, nothing twice, equal to the bit.

In: all committed feature frames, a batch over the true bars. Out: counts, and what differs first.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from jobs.runtime import committed
from udfs.frame import Frame

Cell = tuple[int, str, str]
OURS = ("indicators", "cross_asset")


@dataclass
class Verdict:
    """lost: rows and numbers that a clean run has; doubled: frames that stand twice; differing: in other bits."""

    rows: int = 0
    numbers: int = 0
    frames: int = 0
    newer: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    first: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether output is as if nothing had been."""
        return not (self.lost or self.doubled or self.differing) and self.rows > 0


def frames() -> list[Frame]:
    """All that is committed."""
    return [committed.frame(record) for record in committed.records("feature.frame.v1")]


def judge(found: Iterable[Frame], expected: pa.Table, always: Iterable[str]) -> Verdict:
    """always: the columns that were there all along; others count where a frame has them."""
    seen, verdict, kept = Counter[tuple[str, int, int, int]](), Verdict(), dict[tuple[str, int, str], Row]()
    for frame in found:
        verdict.frames += 1
        seen[frame.feature_view, frame.shard, frame.event_time, frame.revision] += 1
        _keep(kept, frame)
    doubled = [key for key, n in seen.items() if n > 1]
    verdict.doubled, verdict.first = len(doubled), [f"twice: {key}" for key in doubled[:3]]
    rows = _rows(kept)
    times, symbols = expected["event_time"].cast(pa.int64()).to_pylist(), expected["symbol"].to_pylist()
    columns = {name: _bits(expected[name]) for name in expected.column_names[2:]}
    wanted = set(always)
    for i, key in enumerate(zip(times, symbols, strict=True)):
        has = rows.pop(key, {})
        verdict.rows += 1
        for name, column in columns.items():
            if name in has:
                verdict.numbers += 1
                verdict.newer += name not in wanted
                if has[name] != column[i]:
                    verdict.differing += 1
                    verdict.first.append(f"{name} of {key}: {_shown(has[name])} is not {_shown(column[i])}")
            elif name in wanted:
                verdict.lost += 1
                verdict.first.append(f"no {name} of {key}")
    verdict.differing += len(rows)
    verdict.first += [f"a row of {key} too many" for key in list(rows)[:3]]
    return verdict


@dataclass
class Row:
    """The newest of a view, time and symbol; without a frame it was removed."""

    revision: int
    frame: Frame | None
    place: int = 0


def _keep(kept: dict[tuple[str, int, str], Row], frame: Frame) -> None:
    if frame.view not in OURS:
        return
    new = [(name, Row(frame.revision, frame, i)) for i, name in enumerate(frame.symbols)]
    new += [(name, Row(frame.revision, None)) for name in frame.removed]
    for name, row in new:
        key = frame.view, frame.event_time, name
        if key not in kept or kept[key].revision <= row.revision:
            kept[key] = row


def _rows(kept: dict[tuple[str, int, str], Row]) -> dict[tuple[int, str], dict[str, object]]:
    """Time and symbol -> column -> bits."""
    rows: dict[tuple[int, str], dict[str, object]] = {}
    for (_, time, name), row in kept.items():
        if row.frame is not None:
            cells = rows.setdefault((time, name), {})
            numbers = row.frame.values[row.place].view("i8").tolist()
            cells |= dict(zip(row.frame.names, numbers, strict=True))
            cells |= {key: texts[row.place] or None for key, texts in row.frame.strings.items()}
    return rows


def _bits(column: pa.ChunkedArray) -> list[object]:
    if pa.types.is_floating(column.type):
        return list(column.to_numpy().astype("f8").view("i8").tolist())
    return list(column.to_pylist())


def _shown(value: object) -> str:
    return str(np.array(value).view("f8")) if isinstance(value, int) else repr(value)
