"""The packed format, byte by byte, and back."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.errors import DataError, FeatureError, StoreError
from udfs.crc import crc32
from udfs.vector import LIMIT, Layout, UnknownSchema, stamp

PLAIN = Layout("plain", (("a", "f8"), ("b", "f8")))
MIXED = Layout("mixed", (("name", "str"), ("a", "f8"), ("raw", "bytes"), ("b", "f8")))


HALF = Layout("half", (("s", "f4"), ("a", "f8"), ("name", "str"), ("t", "f4"), ("u", "f4")))


def naive(layout: Layout, numbers: tuple[int, int, int, int], values: list[float], texts: list[bytes | None]) -> bytes:
    """The documented table of the format, written out with struct; values in the order of layout.numbers."""
    kinds = sorted((kind for _, kind in layout.fields if kind in ("f8", "f4")), reverse=True)
    values = [single(value) if kind == "f4" else value for kind, value in zip(kinds, values, strict=True)]
    missing = [np.isnan(value) for value in values] + [text is None for text in texts]
    words = (len(missing) + 63) // 64
    bitmap = sum(1 << i for i, absent in enumerate(missing) if not absent).to_bytes(8 * words, "little")
    nan = {"f8": b"\0\0\0\0\0\0\xf8\x7f", "f4": b"\0\0\xc0\x7f"}
    codes = {"f8": "<d", "f4": "<f"}
    body = struct.pack("<4qQ", *numbers, layout.fingerprint) + bitmap
    body += b"".join(
        nan[kind] if np.isnan(value) else struct.pack(codes[kind], value)
        for kind, value in zip(kinds, values, strict=True)
    )
    body += bytes(4 * (kinds.count("f4") % 2))
    body += b"".join(struct.pack("<I", len(text or b"")) for text in texts) + b"".join(text or b"" for text in texts)
    return b"TV\x01\x00" + struct.pack("<I", zlib.crc32(body)) + body


def single(value: float) -> float:
    """The value in float32, NaN where it cannot hold it."""
    try:
        near: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return np.nan
    return np.nan if np.isinf(near) else near


NUMBER = st.integers(-LIMIT + 1, LIMIT - 1)
VALUES = hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(2)), elements=st.floats(width=64))


@given(numbers=st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), values=VALUES, data=st.data())
def test_format_is_the_documented_table(numbers: tuple[int, int, int, int], values: Any, data: st.DataObject) -> None:
    rows = len(values)
    names = data.draw(st.lists(st.none() | st.text(max_size=9), min_size=rows, max_size=rows))
    raws = data.draw(st.lists(st.none() | st.binary(max_size=9), min_size=rows, max_size=rows))
    packed = MIXED.pack(*numbers, values, [names, raws])
    encoded = [name if name is None else name.encode() for name in names]
    assert packed == [naive(MIXED, numbers, list(v), [e, r]) for v, e, r in zip(values, encoded, raws, strict=True)]
    back = MIXED.unpack(packed)
    assert back.strings == [names, raws]
    assert np.array_equal(back.values, values, equal_nan=True)


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, np.inf, -np.inf, 1 / 3, 1.7976931348623157e308])
def test_a_value_comes_back_bit_for_bit(value: float) -> None:
    back = PLAIN.unpack(PLAIN.pack(1, 2, 3, 4, np.array([[value, 1.0]])))
    assert back.values[0, 0].tobytes() == np.float64(value).tobytes()


def test_every_nan_becomes_the_canonical_one() -> None:
    odd = np.array([[0x7FF8DEADBEEF0001, 0xFFF8000000000000]], np.uint64).view(np.float64)
    back = PLAIN.unpack(PLAIN.pack(1, 2, 3, 4, odd))
    assert back.values.view(np.uint64).tolist() == [[0x7FF8000000000000] * 2]


HALVES = hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats(width=64))


@given(values=HALVES)
def test_float32_fields_are_rounded_and_never_become_infinite(values: Any) -> None:
    names = [None] * len(values)
    packed = HALF.pack(1, 2, 3, 4, values, [names])
    assert HALF.numbers == ("a", "s", "t", "u")
    assert packed == [naive(HALF, (1, 2, 3, 4), row, [None]) for row in values.tolist()]
    found, wanted = HALF.unpack(packed).values, values.copy()
    wanted[:, 1:] = [[single(value) for value in row] for row in values[:, 1:].tolist()] or wanted[:, 1:]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(HALF.kept(values), wanted)


@pytest.mark.parametrize(("value", "kept"), [
    (3.4028234663852886e38, 3.4028234663852886e38), (3.4028235677973366e38, np.nan), (1e300, np.nan), (-1e300, np.nan),
    (np.inf, np.nan), (-np.inf, np.nan), (0.1, float(np.float32(0.1))), (1e-60, 0.0), (np.nan, np.nan),
])  # fmt: skip
def test_what_float32_cannot_hold_is_missing(value: float, kept: float) -> None:
    lone = Layout("lone", (("x", "f4"),))
    np.testing.assert_array_equal(lone.unpack(lone.pack(1, 2, 3, 4, np.array([[value]]))).values, [[kept]])


def test_numbers_of_the_other_width_are_read() -> None:
    wide, narrow = (Layout("v", (("x", kind), ("y", kind))) for kind in ("f8", "f4"))
    others = {each.fingerprint: each for each in (wide, narrow)}
    vectors = [*wide.pack(1, 2, 3, 4, np.array([[0.1, 1e300]])), *narrow.pack(1, 2, 3, 4, np.array([[0.1, 0.5]]))]
    single_tenth = float(np.float32(0.1))
    np.testing.assert_array_equal(narrow.unpack(vectors, others).values, [[single_tenth, np.nan], [single_tenth, 0.5]])
    np.testing.assert_array_equal(wide.unpack(vectors, others).values, [[0.1, 1e300], [single_tenth, 0.5]])


def test_absent_rows_keep_their_place() -> None:
    times = np.array([7, 8])
    first, second = MIXED.pack(times, 5, 6, 9, np.array([[1.0, 2.0], [3.0, 4.0]]), [["A", None], [b"", b"x"]])
    back = MIXED.unpack([None, second, None, first])
    assert back.present.tolist() == [False, True, False, True]
    assert back.event_time.tolist() == [0, 8, 0, 7]
    assert (back.fence[1], back.revision[1], back.created[1]) == (5, 6, 9)
    assert back.strings == [[None, None, None, "A"], [None, b"x", None, b""]]
    assert np.array_equal(back.values, [[np.nan] * 2, [3.0, 4.0], [np.nan] * 2, [1.0, 2.0]], equal_nan=True)


def test_nothing_packs_to_nothing() -> None:
    assert PLAIN.pack(1, 2, 3, 4, np.empty((0, 2))) == []
    assert PLAIN.unpack([]).values.shape == (0, 2)
    assert PLAIN.unpack([None]).present.tolist() == [False]


def test_stamp_reads_the_header() -> None:
    assert stamp(PLAIN.pack(-1, 2, 3, 4, np.zeros((1, 2)))[0]) == (-1, 2, 3, 4)


@pytest.mark.parametrize("at", range(0, len(naive(MIXED, (1, 2, 3, 4), [1.0, 2.0], [b"AB", b"C"])), 3))
def test_one_changed_bit_is_refused(at: int) -> None:
    good = MIXED.pack(1, 2, 3, 4, np.array([[1.0, 2.0]]), [["AB"], [b"C"]])[0]
    bad = good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :]
    with pytest.raises(StoreError, match=r"checksum|no packed vector"):
        MIXED.unpack([good, None, bad])


@pytest.mark.parametrize("length", [0, 1, 7, 47, 48, 60, 80])
def test_a_cut_vector_is_refused(length: int) -> None:
    good = MIXED.pack(1, 2, 3, 4, np.array([[1.0, 2.0]]), [["AB"], [b"C"]])[0]
    with pytest.raises(StoreError):
        MIXED.unpack([good, good[:length]])


def test_another_schema_is_named() -> None:
    other = Layout("plain", (("a", "f8"), ("c", "f8")))
    with pytest.raises(StoreError) as error:
        PLAIN.unpack(other.pack(1, 2, 3, 4, np.zeros((1, 2))))
    assert f"{other.fingerprint:016x}" in error.value.what
    assert f"{PLAIN.fingerprint:016x}: a f8, b f8" in error.value.where


NOW = Layout("mixed", (("b", "f8"), ("name", "str"), ("new", "f8"), ("note", "bytes")))


def test_a_described_schema_is_read_by_name() -> None:
    """What the older one lacks is missing, what only it has is left out; text in any place."""
    older = MIXED.pack(5, 6, 7, 8, np.array([[1.0, -0.0], [np.nan, 2.0]]), [["A", None], [b"r", b""]])
    own = NOW.pack(9, 1, 1, 1, np.array([[3.0, 4.0]]), [["C"], [b"n"]])
    found = NOW.unpack([older[0], None, *own, older[1]], {MIXED.fingerprint: MIXED, NOW.fingerprint: NOW})
    assert found.values.tobytes() == np.array([[-0.0, np.nan], [np.nan] * 2, [3.0, 4.0], [2.0, np.nan]]).tobytes()
    assert found.strings == [["A", None, "C", None], [None, None, b"n", None]]
    stamps = [found.event_time, found.fence, found.revision, found.created]
    assert [each.tolist() for each in stamps] == [[5, 0, 9, 5], [6, 0, 1, 6], [7, 0, 1, 7], [8, 0, 1, 8]]
    assert found.present.tolist() == [True, False, True, True]


def test_a_schema_that_was_not_described_is_unknown() -> None:
    with pytest.raises(UnknownSchema, match=f"{MIXED.fingerprint:016x}, which is not described"):
        NOW.unpack(MIXED.pack(5, 6, 7, 8, np.zeros((1, 2)), [["A"], [b"r"]]), {NOW.fingerprint: NOW})


def test_a_field_of_another_kind_names_both_schemas() -> None:
    other = Layout("mixed", (("b", "str"), ("name", "str")))
    with pytest.raises(UnknownSchema, match="b is str in a vector and f8 in its reader") as error:
        NOW.unpack(other.pack(1, 2, 3, 4, np.zeros((1, 0)), [["1"], ["A"]]), {other.fingerprint: other})
    assert all(f"{each.fingerprint:016x}" in error.value.where for each in (other, NOW))


def test_a_damaged_vector_of_another_schema_is_damaged() -> None:
    good = MIXED.pack(5, 6, 7, 8, np.zeros((1, 2)), [["A"], [b"r"]])[0]
    with pytest.raises(StoreError, match="checksum"):
        NOW.unpack([good[:-1] + b"x"], {MIXED.fingerprint: MIXED})


def test_a_schema_comes_back_from_its_text() -> None:
    assert Layout.from_json(MIXED.to_json()) == MIXED


def test_fingerprint_knows_view_names_kinds_and_order() -> None:
    fields = PLAIN.fields
    layouts = [
        PLAIN,
        Layout("other", fields),
        Layout("plain", fields[::-1]),
        Layout("plain", (("a", "f8"), ("b", "str"))),
    ]
    assert len({layout.fingerprint for layout in layouts}) == 4
    assert PLAIN.fingerprint == Layout("plain", fields).fingerprint


@pytest.mark.parametrize(
    ("values", "strings"),
    [(np.zeros(2), []), (np.zeros((1, 3)), []), (np.zeros((1, 2)), [["x"]])],
    ids=["one dimension", "a column too many", "a text too many"],
)
def test_wrong_shapes_are_refused(values: Any, strings: list[list[str]]) -> None:
    with pytest.raises(FeatureError, match="do not fit 2 numbers and 0 texts"):
        PLAIN.pack(1, 2, 3, 4, values, strings)


@pytest.mark.parametrize("number", [LIMIT, -LIMIT, np.array([1, LIMIT])])
def test_a_time_that_redis_cannot_compare_is_refused(number: Any) -> None:
    with pytest.raises(DataError, match="event_time"):
        PLAIN.pack(number, 2, 3, 4, np.zeros((2, 2)))


def test_sizes() -> None:
    fifty = Layout("wide", tuple((f"f{i}", "f8") for i in range(50)))
    assert fifty.row.itemsize == 48 + 8 + 400
    assert Layout("wide", tuple((f"f{i}", "f8") for i in range(65))).row.itemsize == 48 + 16 + 520
    halves = [Layout("wide", tuple((f"f{i}", "f4") for i in range(n))).row.itemsize for n in (50, 51)]
    assert halves == [48 + 8 + 200, 48 + 8 + 208]


@given(rows=st.integers(0, 5), words=st.integers(1, 9), data=st.binary(min_size=360, max_size=360))
def test_checksums_of_many_rows_are_zlib_s(rows: int, words: int, data: bytes) -> None:
    table = np.frombuffer(data[: 8 * rows * words], "<u8").reshape(rows, words)
    for skip in (0, 1):
        assert crc32(table, skip).tolist() == [zlib.crc32(row[skip:].tobytes()) for row in table]
