"""`tickloom verify` finds one flipped bit, and its digest names everything that decides an answer."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feature_repo.stores import open_store
from feature_repo.views import layout
from schemas.errors import DataError
from schemas.settings import PROJECT, settings
from tests.unit.verifying import NAN, ROWS, features, small_tape, with_bits
from tickloom.synth import write_tape
from tickloom.tape.spec import Spec
from tickloom.verify import store
from tickloom.verify.command import line
from tickloom.verify.compare import difference, digest
from tickloom.verify.tape import NAMES, Tape, code_digest
from udfs.batch import compute, compute_views
from udfs.frame import PAIRS, UNIVERSE


def changed(row: int, *cells: Any) -> pa.Table:
    """The table with a row replaced, or left out where there are no cells."""
    rows = list(ROWS)
    rows[row : row + 1] = [cells] if cells else []
    return features(rows)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (with_bits(2, 1), ["rsi_14 of A at 1970-01-01 00:00:02: ", "0x4000000000000001", "1 values differ"]),
        (with_bits(1, 1), ["rsi_14 of B at 1970-01-01 00:00:01", "0x7ff8000000000001"]),  # another NaN
        (with_bits(3, 1 << 63), ["rsi_14 of B at 1970-01-01 00:00:02: -0.0"]),
        (changed(2, "A", 2, 3.0, "C"), ["rsi_14 of A", "2 values differ in rsi_14, peer_60"]),
        (changed(4, "A", 3, NAN, None), ["peer_60 of A at 1970-01-01 00:00:03: None is not 'B'"]),
        (changed(3, "B", 2, 0.0, ""), ["peer_60 of B at 1970-01-01 00:00:02: '' is not None"]),
        (changed(1, "B", 1, None, None), ["rsi_14 of B at 1970-01-01 00:00:01: None is not nan"]),
        (changed(1), ["no row of B at 1970-01-01 00:00:01; 4 rows, not 5"]),
        (changed(4), ["no row of A at 1970-01-01 00:00:03; 4 rows, not 5"]),
        (changed(0, "AA", 1, 1.0, "B"), ["no row of A at 1970-01-01 00:00:01; 5 rows, not 5"]),
        (features([*ROWS, ("B", 3, 1.0, None)]), ["a row of B at 1970-01-01 00:00:03 too many; 6 rows, not 5"]),
        (features([("9", 1, 1.0, None), *ROWS]), ["a row of 9 at 1970-01-01 00:00:01 too many"]),
        (features().drop_columns("peer_60"), ["not peer_60: string"]),
        (features().set_column(2, "rsi_14", pa.array([1] * 5, pa.int64())), ["rsi_14: int64, not rsi_14: double"]),
        (features().select(["symbol", "event_time", "peer_60", "rsi_14"]), ["columns are symbol: string, event_time"]),
    ],
)
def test_what_differs_first_is_named_and_changes_the_digest(found: pa.Table, words: list[str]) -> None:
    problem = difference(features(), found)
    assert [word for word in words if word not in problem] == [], problem
    assert digest(found) != digest(features())


def test_equal_tables_are_equal_however_they_lie_in_memory() -> None:
    parts = pa.concat_tables([features(ROWS[:2]), features(ROWS[2:])])
    later = features([("Z", 0, 9.0, None), *ROWS]).slice(1)
    for found in (features(), parts, later):
        assert difference(features(), found) == ""
        assert digest(found) == digest(features())


def pairs(*rows: tuple[str, str, int, float]) -> pa.Table:
    first, second, time, number = zip(*rows, strict=True)
    times = pa.array([second * 1_000_000 for second in time], pa.timestamp("us", "UTC"))
    return pa.table({"symbol_a": first, "symbol_b": second, "event_time": times, "corr_60": number})


PAIRED = [("A", "B", 1, 0.5), ("A", "C", 1, 0.5), ("A", "B", 2, 0.25)]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (PAIRED, ""),
        (PAIRED[:2], "no row of A|B at 1970-01-01 00:00:02; 2 rows, not 3"),
        ([PAIRED[0], ("B", "C", 1, 0.5), PAIRED[2]], "no row of A|C at 1970-01-01 00:00:01; 3 rows, not 3"),
        ([*PAIRED[:2], ("A", "B", 2, 0.5)], "corr_60 of A|B at 1970-01-01 00:00:02: 0.5 (0x"),
    ],
)
def test_rows_of_pairs_are_found_by_both_keys(found: list[tuple[str, str, int, float]], words: str) -> None:
    assert difference(pairs(*PAIRED), pairs(*found)).startswith(words)
    assert (difference(pairs(*PAIRED), pairs(*found)) == "") == (not words)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    return small_tape(tmp_path_factory.mktemp("tape"))


def test_the_tape_knows_its_interval_and_its_records(tape: Tape, tmp_path: Path) -> None:
    assert (tape.interval, tape.records) == ("5s", 300)
    assert [Path(path).name for path in tape.prices] == ["ticks.parquet", "bad.parquet"]
    write_tape(Spec(3, 300, 1, 3_600_000_000, 10.0, 2_000_000, 1_000_000), 1_000_000, tmp_path)
    clean = Tape(tmp_path)
    assert clean.interval == "1h"
    assert [Path(path).name for path in clean.prices] == ["ticks.parquet"]
    (tmp_path / "bars.parquet").unlink()
    with pytest.raises(DataError, match=r"no bars\.parquet"):
        Tape(tmp_path)


def test_the_digest_changes_with_every_file_with_the_features_and_with_the_output(tape: Tape, tmp_path: Path) -> None:
    lines = [line(tape, "5s", "0"), line(tape, "5s", "1"), line(tape, "1m", "0")]
    for name in NAMES:
        folder = tmp_path / name
        shutil.copytree(tape.folder, folder)
        assert line(Tape(folder), "5s", "0") == lines[0]
        with (folder / name).open("ab") as file:
            file.write(b" ")
        lines.append(line(Tape(folder), "5s", "0"))
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    ("path", "decides"),
    [("udfs/kernels/obv.py", True), ("schemas/market.price.v1.avsc", True), ("jobs/features.py", False)],
)
def test_the_digest_of_the_code_is_of_what_decides_numbers(path: str, decides: bool, tmp_path: Path) -> None:
    for name in ("udfs", "schemas", "jobs"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert code_digest(tmp_path) == code_digest()
    file = tmp_path / path
    file.write_bytes(file.read_bytes() + b" ")
    assert (code_digest(tmp_path) != code_digest()) == decides
    file.rename(file.with_name(f"other{file.suffix}"))
    assert (code_digest(tmp_path) != code_digest()) == decides


def test_the_digest_changes_with_what_is_computed_across_members(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    before = line(tape, "5s", "0")
    for name, value, same in (("PEERS", "4", False), ("PAIRS", '["A|B"]', False), ("TILES", "2", True)):
        with monkeypatch.context() as patch:
            patch.setenv(f"TICKLOOM_CROSS_ASSET__{name}", value)
            settings.cache_clear()
            assert (line(tape, "5s", "0") == before) == same, name
        settings.cache_clear()


@pytest.fixture
def paired(monkeypatch: pytest.MonkeyPatch, tape: Tape) -> Iterator[str]:
    """The settings name a pair of the tape."""
    names = sorted(set(pq.read_table(tape.path("bars.parquet"))["symbol"].to_pylist()))
    monkeypatch.setenv("TICKLOOM_CROSS_ASSET__PAIRS", f'["{names[1]}|{names[0]}"]')
    settings.cache_clear()
    layout.cache_clear()
    yield f"{names[1]}|{names[0]}"
    monkeypatch.undo()
    settings.cache_clear()
    layout.cache_clear()


def test_the_store_is_held_to_the_newest_row_of_the_universe_and_of_pairs(
    paired: str, tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "store_url", lambda: f"sqlite:///{tmp_path / 'online.db'}")
    expected = compute_views(pq.read_table(tape.path("bars.parquet")), None, "5s")
    online = open_store(store.store_url())
    for view, entity in ((UNIVERSE, "universe"), (PAIRS, paired)):
        shape = layout(f"{view}_5s")
        for at in (-2, -1):
            row = expected[view].slice(len(expected[view]) + at, 1)
            numbers = np.column_stack([row[name].to_numpy() for name in shape.numbers])
            texts = [row[name].to_pylist() for name, _ in shape.texts]
            vectors = shape.pack(row["event_time"].cast("int64").to_numpy(), 0, 0, 0, numbers, texts)
            fence = online.fence(settings().store.project, shape.view, "0")
            online.write(settings().store.project, shape.view, [entity], vectors, shard="0", fence=fence)
            problem = f"{view}_5s of {entity} in the online store is not its newest row; 1 of 1 are so"
            assert store.stale(expected[view], "5s", view) == (problem if at == -2 else "")


def test_the_store_is_held_to_the_newest_row_of_each_symbol(
    tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "store_url", lambda: f"sqlite:///{tmp_path / 'online.db'}")
    expected = compute(pq.read_table(tape.path("bars.parquet")), None, "5s")
    names = sorted(set(expected["symbol"].to_pylist()))
    online = open_store(store.store_url())

    def put(view: str, symbol: str, at_most: int, revision: int) -> None:
        shape = layout(view)
        rows = expected.filter(pc.field("symbol") == symbol).slice(0, at_most)
        last = rows.slice(len(rows) - 1)
        numbers = np.column_stack([last[name].to_numpy() for name in shape.numbers])
        texts = [last[name].to_pylist() for name, _ in shape.texts]
        vectors = shape.pack(last["event_time"].cast("int64").to_numpy(), 0, revision, 0, numbers, texts)
        fence = online.fence(settings().store.project, view, "0")
        online.write(settings().store.project, view, [symbol], vectors, shard="0", fence=fence)

    for view in ("indicators_5s", "cross_asset_5s"):
        for name in names[:-1]:
            put(view, name, 1_000, 0)
        put(view, names[-1], 2, 0)
    problem = store.stale(expected, "5s")
    assert f"indicators_5s of {names[-1]} in the online store is not its newest row; 1 of {len(names)}" in problem
    assert f"cross_asset_5s of {names[-1]}" in problem
    for view in ("indicators_5s", "cross_asset_5s"):
        put(view, names[-1], 1_000, 1)
    assert store.stale(expected, "5s") == ""
