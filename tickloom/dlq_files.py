"""Letters in a file that a person edits: what `dlq show --out` writes and `dlq replay --from` reads.

One row a letter, JSON lines or Parquet: its place, what was said of it, `raw` (base64 in JSON lines) and `record`, the
decoded fields where it decodes (a text of JSON in Parquet). A record that was changed goes before the raw bytes.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import DataError, DecodeError
from schemas.registry import Lookup
from schemas.wire import decode, encode
from tickloom.dlq_letters import Letter, Place

Row = dict[str, Any]
SUFFIXES = (".parquet", ".jsonl")
HINT = "take a file that `tickloom dlq show --out` wrote, edit `record` or `raw`, and leave the rest"


def decoded(topic: str, raw: bytes, lookup: Lookup) -> Row | None:
    """The record of a message in our schema of its topic; None if it has none."""
    try:
        return decode(raw, lookup, topic)
    except DecodeError:
        return None


def said_at(letter: Letter) -> str:
    """When a letter was written, ISO 8601, UTC."""
    return datetime.fromtimestamp(letter.time_ms / 1000, UTC).isoformat(timespec="milliseconds")


def write(path: Path, letters: Iterable[Letter], lookup: Lookup) -> int:
    """Write letters to a new file; how many."""
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path.suffix or 'no suffix'} is no format", where=str(path), hint=f"{', '.join(SUFFIXES)}")
    rows = []
    for letter in letters:
        topic, partition, offset = letter.place
        words = {"stage": letter.stage, "reason": letter.reason, "detail": letter.detail, "time": said_at(letter)}
        place: Row = {"topic": topic, "partition": partition, "offset": offset}
        rows.append(place | words | {"raw": letter.raw, "record": decoded(topic, letter.raw, lookup)})
    if path.suffix == ".parquet":
        _write_parquet(path, rows)
    else:
        lines = (json.dumps(row | {"raw": base64.b64encode(row["raw"]).decode()}) for row in rows)
        path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return len(rows)


def _write_parquet(path: Path, rows: list[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ("stage", "reason", "detail", "time")
    schema = pa.schema(
        [("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64())]
        + [(name, pa.string()) for name in texts]
        + [("raw", pa.binary()), ("record", pa.string())]
    )
    flat = [row | {"record": row["record"] and json.dumps(row["record"])} for row in rows]
    pq.write_table(pa.Table.from_pylist(flat, schema), path)


def read(path: Path) -> dict[Place, Row]:
    """The rows of a file by the place of their letter: raw as bytes, record as a dict or None. DataError: no such."""
    rows = {}
    for number, row in enumerate(_rows(path), 1):
        try:
            place = str(row["topic"]), int(row["partition"]), int(row["offset"])
            raw, record = row["raw"], row.get("record")
            raw = raw if isinstance(raw, bytes) else base64.b64decode(raw, validate=True)
            rows[place] = {"raw": raw, "record": json.loads(record) if isinstance(record, str) else record}
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise DataError(f"not a letter: {error!r}", where=f"{path}, row {number}", hint=HINT) from error
    return rows


def _rows(path: Path) -> list[Any]:
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            found: list[Any] = pq.read_table(path).to_pylist()
            return found
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"not a file of letters: {error}", where=str(path), hint=HINT) from error


def repaired(letter: Letter, row: Row, lookup: Lookup, ids: Mapping[str, int]) -> bytes:
    """The message that a row wants: its record, if that was changed, under our schema; else its raw bytes."""
    topic, record = letter.place[0], row["record"]
    if record is not None and json.dumps(record) != json.dumps(decoded(topic, letter.raw, lookup)):
        return encode(topic, ids[topic], record)
    return bytes(row["raw"])
