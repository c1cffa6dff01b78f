"""The schemas of the fuzz lane: writers that are prices, and strangers."""

import json
from typing import Any

from schemas.loader import text
from tests.fuzz.corpus import Ids

PRICE = json.loads(text("market.price.v1"))
LEG = {
    "type": "record",
    "name": "Leg",
    "fields": [{"name": "name", "type": "string"}, {"name": "weight", "type": ["null", "int"]}],
}


def price(*fields: Any, tail: Any = ()) -> dict[str, Any]:
    """A record named as ours."""
    return {"type": "record", "name": "Price", "namespace": "tickloom", "fields": [*fields, *tail]}


OURS = {field["name"]: field for field in PRICE["fields"]}
FLAT = price(
    {"name": "price", "type": "float"}, {"name": "extra", "type": "int"}, OURS["symbol"], OURS["event_time"],
    OURS["size"], {"name": "sequence", "type": "int"},
)  # fmt: skip
NESTED = price({"name": "legs", "type": {"type": "array", "items": LEG}}, tail=PRICE["fields"])
AS_TEXT = price(*(field | {"type": "string"} if field["name"] == "price" else field for field in PRICE["fields"]))
HOLDS_ITSELF = price({"name": "next", "type": ["null", "Price"], "default": None}, tail=PRICE["fields"])
NO_BYTES = price({"name": "none", "type": {"type": "array", "items": "null"}, "default": []}, tail=PRICE["fields"])


def arrays(depth: int) -> Any:
    """Arrays of arrays."""
    kind: Any = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind


FOREIGN = [
    AS_TEXT, HOLDS_ITSELF, NO_BYTES, price(), json.loads(text("dead_letter.v1")), json.loads(text("scoring.score.v1")),
    price({"name": "deep", "type": arrays(800), "default": []}), "string",
    {"type": "enum", "name": "E", "symbols": ["A"]},
]  # fmt: skip


def readable(ids: Ids) -> dict[int, Any]:
    """Schema by id; None: nobody can read it as a price."""
    return {ids.price: PRICE, ids.flat: FLAT, ids.nested: NESTED} | dict.fromkeys(ids.foreign)
