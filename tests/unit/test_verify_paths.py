"""`tickloom verify` runs each path once, publishes in step with the job, and goes on when a path fails."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from feature_repo.log import files
from jobs.runtime import committed
from schemas.errors import DataError, StackError
from schemas.settings import state_dir
from tests.unit.verifying import features, small_tape, universe, with_bits
from tickloom.stack import process
from tickloom.tape.messages import ACTION, PRICE
from tickloom.verify import paths, publication
from tickloom.verify.command import line, verify
from tickloom.verify.compare import difference, digest
from tickloom.verify.private import COMMAND, private_home, tickloom
from tickloom.verify.publication import Publication
from tickloom.verify.tape import Tape
from udfs.batch import FEATURES
from udfs.frame import UNIVERSE


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    return small_tape(tmp_path_factory.mktemp("tape"))


class Reader:
    """A job that reads when it is told to, and a replay that goes through the gate as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]) -> None:
        self.read, self.steps, self.passed = 0, steps, 0
        monkeypatch.setattr(committed, "consumed", lambda _topic, _group: self.read)
        monkeypatch.setattr(publication, "to_kafka", self._to_kafka)
        monkeypatch.setattr(publication, "POLL_S", 0.001)

    def _to_kafka(self, _replay: Any, _settings: Any, gate: Callable[[str, int], object]) -> None:
        for step in self.steps:
            gate(*step)
            self.passed += 1


def eventually(true: Callable[[], bool]) -> None:
    """Wait for another thread."""
    for _ in range(10_000):
        if true():
            return
        publication.threading.Event().wait(0.001)
    raise AssertionError("did not happen in time")


def test_an_action_waits_until_the_job_has_read_what_was_before_it(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [(ACTION, 2), (PRICE, 100), (ACTION, 1), (PRICE, 24), (ACTION, 1), (PRICE, 176)]
    job = Reader(monkeypatch, steps)
    assert tape.bar_records == 50
    with Publication(tape, "5s", hold=False) as publishing:
        eventually(lambda: publishing.published == 100)
        job.read = 99
        assert (job.passed, publishing.done()) == (2, False)
        job.read = 100
        eventually(publishing.done)
    assert (job.passed, publishing.published) == (6, 300)  # an action half a bar after one that waited goes by


def test_part_of_the_tape_is_held_back_for_the_job_that_goes_on(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Reader(monkeypatch, [(PRICE, 100), (PRICE, 80), (PRICE, 1), (PRICE, 119)])
    with Publication(tape, "5s", hold=True) as publishing:
        eventually(lambda: publishing.held)
        assert (job.passed, publishing.published, publishing.done()) == (2, 180, False)
        publishing.release()
        eventually(publishing.done)
    assert publishing.published == 300


@pytest.mark.parametrize("steps", [[(PRICE, 300)], [(PRICE, 100), (ACTION, 1)]])
def test_a_publication_that_is_left_ends(
    steps: list[tuple[str, int]], tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Reader(monkeypatch, steps)
    with Publication(tape, "5s", hold=True):
        pass
    assert job.passed < len(steps)


def test_the_error_of_a_publication_is_raised(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise DataError("no such file")

    monkeypatch.setattr(publication, "to_kafka", fail)
    with Publication(tape, "5s", hold=False) as publishing, pytest.raises(DataError, match="no such file"):
        eventually(publishing.done)


class Calls:
    """Stands in for stack, commands and job; notes what is asked of them."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, home: Path, wrong: str = "", failing: str = "", wrong_text: str = ""
    ) -> None:
        self.said: list[str] = []
        self.wrong, self.failing, self.wrong_text = wrong, failing, wrong_text
        monkeypatch.setattr(paths, "private_home", lambda: nullcontext(home))
        monkeypatch.setattr(paths.control, "down", lambda **_: self.said.append("down"))
        monkeypatch.setattr(paths.control, "up", lambda **_: self.said.append("up"))
        monkeypatch.setattr(paths, "tickloom", self._command)
        monkeypatch.setattr(paths, "Stream", self._stream)
        monkeypatch.setattr(paths, "stale", lambda *_: "")

    def _answer(self, path: str) -> dict[str, pa.Table]:
        if path == self.failing:
            raise StackError("it broke", where="here")
        symbols = with_bits(2, 1) if path == self.wrong else features()
        return {FEATURES: symbols, UNIVERSE: universe("of one") if path == self.wrong_text else universe()}

    def _command(self, words: list[str], _tell: Any) -> None:
        at = words[words.index("--parallelism") + 1] if "--parallelism" in words else ""
        self.said.append(words[0] + at)
        out = words[words.index("--out") + 1] if "--out" in words else words[2]
        for view, table in self._answer(words[0] + at).items():
            pq.write_table(table, files(Path(out))[view])

    def _stream(self, *_: Any) -> Any:
        def start(parallelism: int, then: int | None) -> float:
            self.said.append(f"kafka{parallelism}>{then}")
            return 2.0

        return SimpleNamespace(run=start, tables=lambda _: self._answer(self.said[-1]))


@pytest.mark.parametrize(
    ("parallelisms", "savepoint", "said"),
    [
        ([1, 2], True, "features down up replay1 replay2 kafka1>2"),
        ([1, 2], False, "features down up replay1 replay2 kafka1>None down up kafka2>None"),
        ([4], True, "features down up replay4 kafka4>4"),
    ],
)
def test_each_path_once_and_a_new_stack_for_each_job(
    parallelisms: list[int], savepoint: bool, said: str, tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, tmp_path)
    outcomes = paths.run(tape, "5s", parallelisms, savepoint, None, lambda _: None)
    assert " ".join(calls.said) == said
    assert {(each.rows, each.problem, each.digest) for each in outcomes} == {(5, "", digest(features(), universe()))}


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ({"wrong": "replay2"}, "parquet, parallelism 2: bars of 5s: rsi_14 of A at 1970-01-01 00:00:02"),
        ({"wrong": "kafka1>2"}, "kafka, parallelism 1 then 2: bars of 5s: rsi_14 of A"),
        ({"wrong_text": "kafka1>2"}, "bars of 5s, universe: returns_60 of universe at 1970-01-01 00:00:02: 'of one'"),
        ({"failing": "kafka1>2"}, "kafka, parallelism 1 then 2: failed: it broke"),
    ],
)
def test_a_path_that_differs_or_fails_is_named_and_the_others_go_on(
    calls: dict[str, str], words: str, tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    made = Calls(monkeypatch, tmp_path, **calls)
    with pytest.raises(typer.Exit) as left:
        verify(tape.folder)
    assert left.value.exit_code == 1
    printed = capsys.readouterr().out
    assert words in printed
    assert "digest input=" not in printed
    assert made.said[-1] == "kafka1>2"


def test_where_all_is_equal_the_digest_is_told(
    tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Calls(monkeypatch, tmp_path)
    verify(tape.folder, keep=tmp_path / "kept")
    printed = capsys.readouterr().out
    assert printed.startswith(f"{tape.folder}: 300 records, bars of 5s; parallelism 1, 2\n")
    assert printed.endswith(line(tape, "5s", digest(features(), universe())) + "\n")
    kept = pq.read_table(tmp_path / "kept" / "kafka_parallelism_1_then_2.parquet")
    assert difference(features(), kept) == ""
    assert (
        difference(universe(), pq.read_table(tmp_path / "kept" / "kafka_parallelism_1_then_2_universe.parquet")) == ""
    )


def test_without_a_batch_there_is_nothing_to_compare_with(
    tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Calls(monkeypatch, tmp_path, failing="features")
    with pytest.raises(StackError, match="it broke"):
        verify(tape.folder)


def test_what_was_started_is_gone_at_the_end_even_without_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = dict(os.environ)
    homes = []

    def interrupted() -> None:
        with private_home() as home:
            assert state_dir() == home
            homes.append(process.Place(home))
            subprocess.check_output(["sh", "-c", "sleep 1000 >&- &"])
            assert len(process.family(homes[0], [COMMAND])) == 1
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        interrupted()
    assert process.family(homes[0], [COMMAND]) == []
    assert dict(os.environ) == before
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_an_error_with_its_own_words() -> None:
    told: list[str] = []
    with pytest.raises(StackError, match=r"not a Parquet file that can be read: nothing\.parquet"):
        tickloom(["features", "compute", "--bars", "nothing.parquet", "--out", "x"], told.append)
    assert told == ["$ tickloom features compute --bars nothing.parquet --out x"]
