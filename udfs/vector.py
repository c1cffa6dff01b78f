"""Packed vectors: all features of one entity in one view, as the bytes that the online store keeps.

In: float64 matrices and columns of text, with event time, fence, revision and created time. Out: one `bytes` an entity,
and many of them back into one matrix by one numpy operation. Must not know: any store, Feast, or who computes.

Version 1, little-endian; n float64 fields, then m of float32, then k of text, each kind in the layout's order:

    offset size  field
    0      2     magic "TV"
    2      2     version, 1
    4      4     CRC-32 (zlib) of all bytes from offset 8 to the end
    8      8     event time, int64 microseconds UTC
    16     8     fence of the writer, int64; 0: written without one, through Feast's API
    24     8     revision, int64: how often this event time was corrected
    32     8     created (known) time, int64 microseconds UTC; 0: not known
    40     8     fingerprint of the layout
    48     8*b   validity, one bit a field, lowest bit first, b = ceil((n + m + k) / 64)
    ...    8*n   values; an invalid one is the canonical NaN
    ...    4*m   values as float32, and 4 bytes of 0 if m is odd
    ...    4*k   length of each text in bytes
    ...          the texts, UTF-8, one after the other

float32 keeps seven digits. What it cannot hold, beyond +-3.4e38 or infinite, is invalid: no infinity comes of a number.
A store compares (event time, fence, revision) at offsets 8 to 31 without reading the rest. All four numbers stay below
2**53, because Redis's Lua knows doubles only.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from schemas.errors import DataError, FeatureError, StoreError
from udfs.crc import crc32

Kind = Literal["f8", "f4", "str", "bytes"]
Text = str | bytes | None
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

NUMBERS: tuple[Kind, ...] = ("f8", "f4")
MAGIC, VERSION = b"TV", 1
HEADER_BYTES = 48
WRITE_AGAIN = "write the entity again, or read it with the schema that wrote it"
LIMIT = 1 << 53
ABSENT = 0xFFFFFFFF
_STAMP = struct.Struct("<8x4q")
_NUMBERS = ("event_time", "fence", "revision", "created")
_HEADER: list[Any] = [("magic", "S2"), ("version", "<u2"), ("crc", "<u4")]
_HEADER += [(name, "<i8") for name in _NUMBERS] + [("fingerprint", "<u8")]


class UnknownSchema(StoreError):
    """A vector was written with a schema that the reader was not told of, or that contradicts its own."""


class Stamp(NamedTuple):
    """What orders two vectors of one entity: microseconds UTC, writer's fence, revision; and the created time."""

    event_time: int
    fence: int
    revision: int
    created: int


def stamp(vector: bytes) -> Stamp:
    """The stamp in a packed vector's header; not checked against the checksum."""
    return Stamp(*_STAMP.unpack_from(vector))


@dataclass(frozen=True)
class Vectors:
    """M vectors as columns; an entity that the store does not hold has present False, NaN, None and zeros.

    values float64[M, n], NaN where missing; strings: one list a text field, None where missing; event_time and created
    int64[M] microseconds UTC; fence and revision int64[M]; present bool[M].
    """

    values: Float64
    strings: list[list[Any]]
    event_time: Int64
    fence: Int64
    revision: Int64
    created: Int64
    present: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """The fields of a view in order: "f8" (float64), "f4" (float32), "str" (UTF-8) or "bytes" (as they are)."""

    view: str
    fields: tuple[tuple[str, Kind], ...]

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Names of the number fields, the columns of `values`: float64 ones, then float32 ones."""
        return tuple(name for number in NUMBERS for name, kind in self.fields if kind == number)

    @cached_property
    def doubles(self) -> int:
        """How many of the numbers are float64."""
        return sum(kind == "f8" for _, kind in self.fields)

    @cached_property
    def texts(self) -> tuple[tuple[str, Kind], ...]:
        """Names and kinds of the text fields: the rows of `strings`."""
        return tuple(field for field in self.fields if field[1] not in NUMBERS)

    @cached_property
    def fingerprint(self) -> int:
        """64 bits of the SHA-256 of view, names and kinds: another schema has another fingerprint."""
        return int.from_bytes(hashlib.sha256(repr((self.view, self.fields)).encode()).digest()[:8], "little")

    @cached_property
    def row(self) -> np.dtype[Any]:
        """The part of a vector that has the same size for every entity, as a numpy type."""
        n, m, k = self.doubles, len(self.numbers) - self.doubles, len(self.texts)
        bitmap = 8 * ((n + m + k + 63) // 64)
        numbers: list[Any] = [("doubles", "<f8", (n,)), ("singles", "<f4", (m + m % 2,))]
        return np.dtype([*_HEADER, ("valid", "u1", (bitmap,)), *numbers, ("lengths", "<u4", (k,))])

    def pack(
        self,
        event_time_us: Int64 | int,
        fence: Int64 | int,
        revision: Int64 | int,
        created_us: Int64 | int,
        values: Float64,
        strings: Sequence[Sequence[Text]] = (),
    ) -> list[bytes]:
        """One vector a row of values float64[M, n]; strings hold one sequence[M] a text field, None where missing.

        The four numbers are one for all or int64[M]. FeatureError if a shape does not fit, DataError if a number is
        outside +-2**53.
        """
        rows = self._rows(values, strings)
        for name, number in zip(_NUMBERS, (event_time_us, fence, revision, created_us), strict=True):
            rows[name] = _bounded(name, number)
        tails = self._tails(rows, strings)
        values = self.kept(values)
        valid = np.hstack([~np.isnan(values), rows["lengths"] != ABSENT])
        rows["lengths"][~valid[:, len(self.numbers) :]] = 0
        bits = np.packbits(valid, axis=1, bitorder="little")
        rows["valid"][:, : bits.shape[1]] = bits
        rows["doubles"] = values[:, : self.doubles]
        rows["singles"][:, : len(self.numbers) - self.doubles] = values[:, self.doubles :]
        return _sealed(rows, tails)

    def kept(self, values: Float64) -> Float64:
        """What vectors give back of values float64[M, n]: float32 fields rounded, one NaN for all that is missing."""
        kept = np.where(np.isnan(values), np.nan, values)
        if self.doubles < len(self.numbers):
            with np.errstate(over="ignore"):
                singles = kept[:, self.doubles :].astype("<f4")
            kept[:, self.doubles :] = np.where(np.isinf(singles), np.nan, singles)
        return kept

    def to_json(self) -> str:
        """The schema as text."""
        return json.dumps({"view": self.view, "fields": self.fields})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Back from `to_json`."""
        found = json.loads(text)
        return cls(found["view"], tuple((name, kind) for name, kind in found["fields"]))

    def unpack(
        self, vectors: Sequence[bytes | None], others: Mapping[int, "Layout"] | None = None, texts: bool = True
    ) -> Vectors:
        """The columns of packed vectors, in their order; StoreError if one is damaged, UnknownSchema if of another one.

        others: schemas of the same view by fingerprint; what they lack is missing, what only they have is left out.
        texts: whether text is wanted, which costs as much as all the rest; without, strings is empty.
        """
        if others:
            vectors = [vector and self._adopted(vector, others) for vector in vectors]
        size, blank = self.row.itemsize, bytes(self.row.itemsize)
        end = size if self.texts else None  # without text the whole vector is the fixed part, and needs no copy
        rows = self._checked(vectors, b"".join([blank if vector is None else vector[:end] for vector in vectors]))
        present = rows["version"] != 0
        singles = rows["singles"][:, : len(self.numbers) - self.doubles]
        values = np.concatenate([rows["doubles"], singles], axis=1, dtype=np.float64)
        values[~present] = np.nan
        columns = {name: rows[name].astype(np.int64) for name in _NUMBERS}
        strings = self._read_texts(vectors, rows) if texts else []
        return Vectors(values=values, strings=strings, present=present, **columns)

    def _rows(self, values: Float64, strings: Sequence[Sequence[Text]]) -> npt.NDArray[Any]:
        n, k = len(self.numbers), len(self.texts)
        if values.ndim != 2 or values.shape[1] != n or [len(column) for column in strings] != [len(values)] * k:
            found = f"values {values.shape} and texts of {[len(column) for column in strings]}"
            raise FeatureError(f"{found} do not fit {n} numbers and {k} texts", where=f"view {self.view}")
        rows = np.zeros(len(values), self.row)
        rows["magic"], rows["version"], rows["fingerprint"] = MAGIC, VERSION, self.fingerprint
        return rows

    def _tails(self, rows: npt.NDArray[Any], strings: Sequence[Sequence[Text]]) -> list[bytes]:
        """The text part of each vector; sets rows' lengths, ABSENT for a missing text."""
        columns = [[text.encode() if isinstance(text, str) else text for text in column] for column in strings]
        for j, column in enumerate(columns):
            rows["lengths"][:, j] = [ABSENT if text is None else len(text) for text in column]
        if not columns:
            return [b""] * len(rows)
        return [b"".join([text or b"" for text in texts]) for texts in zip(*columns, strict=True)]

    def _checked(self, vectors: Sequence[bytes | None], fixed: bytes) -> npt.NDArray[Any]:
        """The fixed part of each vector, zeros for an absent one."""
        if len(fixed) == len(vectors) * self.row.itemsize:
            rows = np.frombuffer(fixed, self.row)
            known = (rows["magic"] == MAGIC) & (rows["version"] == VERSION) & (rows["fingerprint"] == self.fingerprint)
            absent = np.array([vector is None for vector in vectors], np.bool_)
            if bool(np.all(absent | known & (self._sums(vectors, fixed) == rows["crc"]))):
                return rows
        raise self._problem(
            next(v for v in vectors if v is not None and (self._wrong(v) or _fingerprint(v) != self.fingerprint))
        )

    def _sums(self, vectors: Sequence[bytes | None], fixed: bytes) -> npt.NDArray[np.uint32]:
        """The checksum of each vector; any number for an absent one."""
        whole = self.row.itemsize // 8 * 8
        words = np.frombuffer(fixed, "u1").reshape(len(vectors), self.row.itemsize)[:, :whole]
        sums = crc32(np.ascontiguousarray(words).view("<u8"), skip=1)
        if not self.texts:
            return sums
        pairs = zip(vectors, sums.tolist(), strict=True)
        return np.array([zlib.crc32(vector[whole:], crc) if vector else 0 for vector, crc in pairs], np.uint32)

    def _wrong(self, vector: bytes) -> str:
        """What is wrong with one vector, "" if nothing; the slow way, taken when the fast check failed."""
        if vector[:4] != MAGIC + VERSION.to_bytes(2, "little") or len(vector) < HEADER_BYTES:
            return f"is no packed vector of version {VERSION}: it begins with {vector[:4]!r}"
        return "" if zlib.crc32(vector[8:]) == int.from_bytes(vector[4:8], "little") else "does not match its checksum"

    def _adopted(self, vector: bytes, others: Mapping[int, "Layout"]) -> bytes:
        """A vector of another schema as one of this; itself if it is, or if the schema is not known."""
        other = others.get(_fingerprint(vector))
        if other is None or other.fingerprint == self.fingerprint:
            return vector
        kinds = dict(other.fields)
        if wrong := [n for n, kind in self.fields if kinds.get(n, kind) != kind and not {kind, kinds[n]} <= {*NUMBERS}]:
            what = f"{wrong[0]} is {kinds[wrong[0]]} in a vector and {dict(self.fields)[wrong[0]]} in its reader"
            raise UnknownSchema(f"view {self.view}: {what}", where=f"{other.told()}; {self.told()}", hint=WRITE_AGAIN)
        found, at = other.unpack([vector]), stamp(vector)
        places = [other.numbers.index(name) if name in kinds else -1 for name in self.numbers]
        values = np.append(found.values, np.nan)[None, places]
        texts = [found.strings[other.texts.index(field)] if field[0] in kinds else [None] for field in self.texts]
        return self.pack(*at, values, texts)[0]

    def told(self) -> str:
        """The schema for a person: fingerprint and fields."""
        return f"schema {self.fingerprint:016x}: " + ", ".join(f"{name} {kind}" for name, kind in self.fields)

    def _problem(self, vector: bytes) -> StoreError:
        what, found = self._wrong(vector), _fingerprint(vector)
        if what or found == self.fingerprint:
            return StoreError(f"a vector of view {self.view} {what}", where=self.told(), hint="write the entity again")
        what = f"a vector of view {self.view} was written with schema {found:016x}, which is not described"
        return UnknownSchema(what, where=f"expected {self.told()}", hint=WRITE_AGAIN)

    def _read_texts(self, vectors: Sequence[bytes | None], rows: npt.NDArray[Any]) -> list[list[Any]]:
        columns: list[list[Any]] = [[None] * len(vectors) for _ in self.texts]
        if not columns:
            return columns
        valid = np.unpackbits(rows["valid"], axis=1, bitorder="little")[:, len(self.numbers) :].tolist()
        ends = (self.row.itemsize + np.cumsum(rows["lengths"], axis=1, dtype=np.int64)).tolist()
        for i, vector in enumerate(vectors):
            start = self.row.itemsize
            for j, (_, kind) in enumerate(self.texts):
                if vector is not None and valid[i][j]:
                    text = vector[start : ends[i][j]]
                    columns[j][i] = text.decode() if kind == "str" else text
                start = ends[i][j]
        return columns


def _fingerprint(vector: bytes) -> int:
    return int.from_bytes(vector[40:48], "little")


def _bounded(name: str, number: Int64 | int) -> Int64 | int:
    if abs(number) >= LIMIT if isinstance(number, int) else np.any(np.abs(np.asarray(number)) >= LIMIT):
        raise DataError(f"{name} {number} is outside +-2**53", hint="times are microseconds of the years 1685 to 2255")
    return number


def _sealed(rows: npt.NDArray[Any], tails: list[bytes]) -> list[bytes]:
    size, body = rows.dtype.itemsize, memoryview(rows.tobytes())
    starts = range(0, size * len(rows), size)
    rows["crc"] = [zlib.crc32(tail, zlib.crc32(body[i + 8 : i + size])) for i, tail in zip(starts, tails, strict=True)]
    data = rows.tobytes()
    return [data[i : i + size] + tail for i, tail in zip(starts, tails, strict=True)]
