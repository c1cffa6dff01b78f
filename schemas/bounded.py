"""Whether a stranger's schema lets a few bytes cost more than a few bytes' work.

A record that holds itself lets a message nest as deep as it is long, which overflows the stack of fastavro's C code; an
array of items without bytes lets one number ask for any number of items. A registry takes both.
"""

from typing import Any

from schemas.errors import SchemaError

LEAST = {"null": 0, "float": 4, "double": 8}
"""Bytes of a primitive value, where it is not at least one."""


def least_bytes(schema: Any, inside: tuple[str, ...] = (), named: dict[str, int] | None = None) -> int:
    """The fewest bytes of a value of a schema as fastavro parsed it; SchemaError if their work has no bound.

    inside: records that are being described; named: the same of the names that were.
    """
    named = {} if named is None else named
    if isinstance(schema, list):
        return 1 + min((least_bytes(branch, inside, named) for branch in schema), default=0)
    if isinstance(schema, str):
        if schema in inside:
            raise SchemaError(f"a record {schema} that holds itself")
        return named.get(schema, LEAST.get(schema, 1))
    kind = schema["type"]
    if kind == "record":
        within = (*inside, schema["name"])
        named[schema["name"]] = sum([least_bytes(field["type"], within, named) for field in schema["fields"]])
        return named[schema["name"]]
    if kind in {"array", "map"}:
        least = least_bytes(schema["items" if kind == "array" else "values"], inside, named)
        if not least and kind == "array":
            raise SchemaError("an array of items without bytes")
        return 1
    if kind in {"enum", "fixed"}:
        named[schema["name"]] = schema.get("size", 1)
        return named[schema["name"]]
    return least_bytes(kind, inside, named)
