"""Random flat Avro schemas, how writers of them evolve, and what fastavro reads in the end."""

from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import strategies as st

Schema = dict[str, Any]
WRITERS = {"long": ["int"], "float": ["int", "long"], "double": ["int", "long", "float"], "string": ["bytes"]}
VALUES = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "string": st.text(max_size=5),
    "bytes": st.text(max_size=5).map(str.encode),
}
LETTERS = "ABCDE"
NESTED = {
    "type": "array",
    "items": {"type": "record", "name": "Leg", "fields": [{"name": "x", "type": ["null", "int"]}]},
}


@st.composite
def reader_schemas(draw: st.DrawFn) -> Schema:
    """A flat record: one to six fields, maybe nullable, maybe with a default."""
    fields = [draw(reader_fields(f"f{i}")) for i in range(draw(st.integers(1, 6)))]
    return {"type": "record", "name": "R", "fields": fields}


@st.composite
def reader_fields(draw: st.DrawFn, name: str) -> Schema:
    """A field of any flat type of ours."""
    kind = draw(st.sampled_from(["boolean", "int", "long", "float", "double", "string", "enum"]))
    kind = draw(enums(name)) if kind == "enum" else kind
    shape = draw(st.sampled_from([kind, ["null", kind], [kind, "null"]]))
    field = {"name": name, "type": shape}
    if draw(st.booleans()):
        default = draw(values(shape[0] if isinstance(shape, list) else shape))
        field["default"] = 0.0 if default != default else default  # noqa: PLR0124 - JSON has no NaN
    return field


@st.composite
def enums(draw: st.DrawFn, name: str) -> Schema:
    """An enum named after its field; its symbols differ from writer to writer."""
    symbols = draw(st.lists(st.sampled_from(LETTERS), min_size=1, unique=True))
    default = {"default": symbols[0]} if draw(st.booleans()) else {}
    return {"type": "enum", "name": f"E_{name}", "symbols": symbols, **default}


@st.composite
def writer_schemas(draw: st.DrawFn, reader: Schema) -> Schema:
    """A writer that a reader can resolve: fields dropped, added, reordered, narrowed, made nullable or not."""
    fields = [draw(writer_fields(f)) for f in reader["fields"] if "default" not in f or draw(st.booleans())]
    extra = draw(
        st.sampled_from([[], ["string"], ["bytes", ["null", "long"]], ["boolean", "float"], ["null"], [NESTED]])
    )
    fields += [{"name": f"x{i}", "type": kind} for i, kind in enumerate(extra)]
    return {"type": "record", "name": "other.R", "fields": draw(st.permutations(fields))}


@st.composite
def writer_fields(draw: st.DrawFn, field: Schema) -> Schema:
    """A field as an older or newer writer has it."""
    kind = core(field["type"])
    kind = draw(enums(field["name"]) if isinstance(kind, dict) else st.sampled_from([kind, *WRITERS.get(kind, [])]))
    return {"name": field["name"], "type": draw(st.sampled_from([kind, ["null", kind], [kind, "null"]]))}


def core(schema: Any) -> Any:
    """The type that is not null."""
    return next(kind for kind in schema if kind != "null") if isinstance(schema, list) else schema


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Values of a type."""
    if isinstance(schema, list):
        return st.one_of(*map(values, schema))
    if isinstance(schema, str):
        return VALUES[schema]
    if schema["type"] == "enum":
        return st.sampled_from(schema["symbols"])
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), max_size=2)
    return st.fixed_dictionaries({field["name"]: values(field["type"]) for field in schema["fields"]})


def write(writer: Schema, record: dict[str, Any]) -> bytes:
    """The body of a message."""
    out = BytesIO()
    schemaless_writer(out, parse_schema(writer), record)
    return out.getvalue()


def read(body: bytes, writer: Schema, reader: Schema | None) -> dict[str, Any] | None:
    """What fastavro reads of a body in the reader's schema; None if it cannot, or does not read all of it."""
    stream = BytesIO(body)
    try:
        record = schemaless_reader(stream, parse_schema(writer), reader and parse_schema(reader))
    except Exception:  # noqa: BLE001 - so many has fastavro
        return None
    return record if stream.tell() == len(body) else None


def is_canonical(body: bytes, writer: Schema) -> bool:
    """Whether a body that fastavro reads is as it would write it, and its ints have 32 bits."""
    record = read(body, writer, None)
    ints = [field["name"] for field in writer["fields"] if "int" in field["type"]]
    short = record is not None and all(-(2**31) <= (record[name] or 0) < 2**31 for name in ints)
    return short and write(writer, record) == body
