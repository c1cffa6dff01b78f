"""The compiled decoder reads what fastavro reads, of any writer, and refuses what fastavro refuses."""

import struct
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SchemaError
from schemas.loader import load
from schemas.wire import HEAD, REASONS
from tests.oracles import avro
from udfs.decode import Decoded, Decoder
from udfs.decode.primitives import is_utf8

HEADS = [HEAD.pack(0, 0), HEAD.pack(0, 1), HEAD.pack(0, 2)]
FRAMED = st.builds(bytes.__add__, st.sampled_from([*HEADS, b"\1", b""]), st.binary(max_size=60))
EDGES = bytes.fromhex("00417f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f3f4f5ff")
MUTATIONS = st.sampled_from(["none", "cut", "more", "flip", "noise"])


def decoder(reader: avro.Schema, *writers: avro.Schema) -> Decoder:
    """A decoder into all columns, of writers with the ids 0, 1, ..."""

    def lookup(schema_id: int) -> avro.Schema:
        if schema_id >= len(writers):
            raise SchemaError("unknown")
        return writers[schema_id]

    return Decoder(reader, lookup, tuple(field["name"] for field in reader["fields"]))


def row(decoded: Decoded, reader: avro.Schema, k: int) -> dict[str, Any]:
    """Message k as fastavro gives it; doubles as bits, so that -0.0 and 0.0 differ and all NaN are one."""
    found = {}
    for field in reader["fields"]:
        name, core = field["name"], avro.core(field["type"])
        value = decoded.columns[name][k].item()
        if not decoded.valid.get(name, np.ones(k + 1))[k]:
            value = None
        elif core == "string":
            value = decoded.texts(name, [k])[0]
        elif isinstance(core, dict):
            value = core["symbols"][value]
        found[name] = bits(value)
    return found


def bits(value: Any) -> Any:
    return struct.pack("d", np.nan if np.isnan(value) else value) if isinstance(value, float) else value


@st.composite
def corrupt(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with or without a fault."""
    place, noise = draw(st.integers(0, len(body))), draw(st.binary(max_size=4))
    faults = {
        "none": body,
        "cut": body[:place],
        "more": body + noise,
        "flip": body[:place] + noise[:1] + body[place + 1 :],
        "noise": body[:place] + noise,
    }
    return faults[draw(MUTATIONS)]


@settings(deadline=None)
@given(st.data())
def test_any_writer_any_fault_as_fastavro(data: st.DataObject) -> None:
    reader = data.draw(avro.reader_schemas())
    writers = data.draw(st.lists(avro.writer_schemas(reader), min_size=1, max_size=3))
    messages = []
    for _ in range(data.draw(st.integers(1, 6))):
        writer = data.draw(st.integers(0, len(writers) - 1))
        body = data.draw(corrupt(avro.write(writers[writer], data.draw(avro.values(writers[writer])))))
        messages.append((writer, body))
    decoded = decoder(reader, *writers).decode([HEADS[writer] + body for writer, body in messages])
    for k, (writer, body) in enumerate(messages):
        expected = avro.read(body, writers[writer], reader)
        if not decoded.error[k]:
            assert expected is not None
            assert row(decoded, reader, k) == {name: bits(value) for name, value in expected.items()}
        else:
            assert expected is None or not avro.is_canonical(body, writers[writer])


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_every_cut_is_truncated_and_every_addition_trailing(data: st.DataObject) -> None:
    reader = data.draw(avro.reader_schemas())
    writer = data.draw(avro.writer_schemas(reader))
    body = avro.write(writer, data.draw(avro.values(writer)))
    if avro.read(body, writer, reader) is None:  # a value that our schema does not have
        return
    whole = HEADS[0] + body
    decoded = decoder(reader, writer).decode([*(whole[:n] for n in range(len(whole))), whole, whole + b"\0"])
    expected = ["no_magic"] * HEAD.size + ["truncated"] * len(body) + ["", "trailing_bytes"]
    assert [REASONS[code] for code in decoded.error] == expected


@settings(deadline=None)
@given(st.lists(FRAMED, min_size=1, max_size=8), st.data())
def test_no_byte_outside_a_message_matters(messages: list[bytes], data: st.DataObject) -> None:
    """Each message alone, and between others in a larger buffer, decodes to the same: nothing is read out of bounds."""
    reader = load("market.price.v1")
    whole = decoder(reader, reader, data.draw(avro.writer_schemas(reader)))
    before, after = data.draw(st.binary(max_size=9)), data.draw(st.binary(max_size=9))
    starts = np.cumsum([len(before), *map(len, messages)])
    together = whole.decode_joined(np.frombuffer(before + b"".join(messages) + after, np.uint8), starts)
    for k, one in enumerate(messages):
        alone = whole.decode([one])
        assert alone.error[0] == together.error[k]
        for name, column in together.columns.items():
            assert alone.columns[name][:1].tobytes() == column[k : k + 1].tobytes()


def test_utf8_is_what_python_reads() -> None:
    """Every first byte, each edge of the second, and what may follow."""
    for lead, second, rest in product(range(256), EDGES, (b"", b"\x80", b"\x80\xbf", b"\x80A", b"\x80\xbfA")):
        text = bytes([lead, second]) + rest
        expected = text.decode(errors="ignore").encode() == text
        assert is_utf8(np.frombuffer(text, np.uint8), 0, len(text)) == expected
