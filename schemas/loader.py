"""The contracts: one Avro schema a topic, beside this file, and nothing written in code."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from fastavro import parse_schema

from schemas.errors import SchemaError, nearest

FOLDER = Path(__file__).parent
DEAD_LETTER = "dead_letter.v1"
TOPICS: tuple[str, ...] = tuple(sorted(path.stem for path in FOLDER.glob("*.avsc") if path.stem != DEAD_LETTER))
"""The topics that carry data, by name. Each has dead letters in ``<topic>.dlq``, all of the schema DEAD_LETTER."""
CHANGEABLE = ("market.price.v1", "market.corporate_action.v1")
"""Topics whose records can be about a time that is too long ago: those of theirs go to ``<topic>.late.dlq``."""


def dead_letter_topics() -> list[str]:
    """The topics of dead letters."""
    return [f"{topic}.dlq" for topic in TOPICS] + [f"{topic}.late.dlq" for topic in CHANGEABLE]


def text(name: str) -> str:
    """The schema of a topic (or of DEAD_LETTER) as it is written; SchemaError for an unknown name."""
    if name not in (*TOPICS, DEAD_LETTER):
        raise SchemaError(f"no schema named {name!r}", where=str(FOLDER), hint=nearest(name, (*TOPICS, DEAD_LETTER)))
    return (FOLDER / f"{name}.avsc").read_text(encoding="utf-8")


@cache
def load(name: str) -> dict[str, Any]:
    """The schema of a topic, parsed by fastavro; SchemaError for an unknown name."""
    return dict(parse_schema(json.loads(text(name))))
