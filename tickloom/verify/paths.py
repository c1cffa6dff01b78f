"""The paths from a tape to features, each timed and compared with the batch.

In: a Tape. Out: an Outcome for each path, whether it came to its end or not. A path's own failure is a problem to be
reported; that of the batch or of the stack ends the command. This file must not know how results are shown.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.log import files
from feature_repo.views import beside
from schemas.errors import TickloomError
from schemas.settings import intervals_of, settings
from tickloom.stack import control
from tickloom.verify.compare import difference, digest
from tickloom.verify.private import Tell, private_home, tickloom
from tickloom.verify.store import stale
from tickloom.verify.stream import Stream
from tickloom.verify.tape import Tape
from udfs.batch import FEATURES

BATCH = "batch"
Tables = dict[tuple[str, str], pa.Table]
"""By interval and table, that of symbols (FEATURES) or of a view."""


@dataclass(frozen=True)
class Outcome:
    """How a path ended: rows, seconds and digest of its features, and what is wrong with them ("": nothing)."""

    path: str
    rows: int = 0
    seconds: float = 0.0
    digest: str = ""
    problem: str = ""

    @property
    def reads_ticks(self) -> bool:
        """Whether the path begins with ticks; the batch begins with bars."""
        return self.path != BATCH


def run(
    tape: Tape, interval: str, parallelisms: list[int], savepoint: bool, keep: Path | None, tell: Tell
) -> list[Outcome]:
    """Every path in turn, the batch first; in a stack that is gone afterwards.

    savepoint: the Kafka path moves from the first parallelism to the last in mid-stream; without, each has a run of its
    own. keep: where the features are kept.
    """
    with private_home() as home:
        paths = Paths(tape, interval, keep or home, tell)
        paths.folder.mkdir(parents=True, exist_ok=True)
        outcomes = [paths.batch()]
        paths.stack()
        outcomes += [paths.replay(parallelism) for parallelism in parallelisms]
        for i, parallelism in enumerate(parallelisms[:1] if savepoint else parallelisms):
            if i:
                paths.stack()  # topics, offsets, store and state as new
            outcomes.append(paths.stream(parallelism, parallelisms[-1] if savepoint else None))
    return outcomes


class Paths:
    """The paths of one tape; their features go to `folder`, what is done is told."""

    def __init__(self, tape: Tape, interval: str, folder: Path, tell: Tell) -> None:
        self.tape, self.interval, self.folder, self._tell = tape, interval, folder, tell
        self._intervals = intervals_of(settings(), interval)
        self._actions = ["--actions", tape.path("actions.parquet")]

    def stack(self) -> None:
        """Start all servers with nothing in them."""
        begun = time.monotonic()
        control.down(wipe=True)
        control.up(auto_ports=True)
        self._tell(f"stack: {time.monotonic() - begun:.1f} s")

    def batch(self) -> Outcome:
        """The bars in one go, without Flink; TickloomError if that fails, since there is nothing to compare with."""
        words = ["features", "compute", "--bars", self.tape.path("bars.parquet"), *self._actions]
        ticks = ["--ticks", self.tape.path("ticks.parquet")]
        begun = time.monotonic()
        for each in self._intervals:
            made_of = ["--from", self.interval] if each != self.interval else ticks
            tickloom([*words, "--interval", each, *made_of, "--out", str(self._file(BATCH, each))], self._tell)
        self._expected = self._read(BATCH)
        return self._outcome(BATCH, self._expected, time.monotonic() - begun)

    def replay(self, parallelism: int) -> Outcome:
        """The ticks from Parquet through Flink."""
        path = f"parquet, parallelism {parallelism}"
        words = ["replay", self.tape.path("ticks.parquet"), str(self._file(path)), "--to", "features", *self._actions]
        words += ["--interval", self.interval, "--parallelism", str(parallelism)]

        def replayed() -> tuple[Tables, float]:
            begun = time.monotonic()
            tickloom(words, self._tell)
            return self._read(path), time.monotonic() - begun

        return self._tried(path, replayed)

    def stream(self, parallelism: int, then: int | None) -> Outcome:
        """The ticks as they arrived through Kafka and Flink."""
        path = f"kafka, parallelism {parallelism}" + (f" then {then}" if then else "")

        def streamed() -> tuple[Tables, float]:
            stream = Stream(self.tape, self.interval, self._tell)
            seconds = stream.run(parallelism, then)
            tables = {(each, of): table for each in self._intervals for of, table in stream.tables(each).items()}
            for (each, of), table in tables.items():
                pq.write_table(table, files(self._file(path, each))[of])
            return tables, seconds

        outcome = self._tried(path, streamed)
        if outcome.problem:
            return outcome
        problems = [stale(table, each, of) for (each, of), table in self._expected.items()]
        return Outcome(**vars(outcome) | {"problem": "; ".join(filter(None, problems))})

    def _tried(self, path: str, compute: Callable[[], tuple[Tables, float]]) -> Outcome:
        try:
            return self._outcome(path, *compute())
        except TickloomError as error:
            return Outcome(path, problem=f"failed: {error}")

    def _outcome(self, path: str, tables: Tables, seconds: float) -> Outcome:
        rows = sum(len(table) for (_, of), table in tables.items() if of == FEATURES)
        self._tell(f"{path}: {rows:,} rows, {seconds:.1f} s")
        found = {each: difference(self._expected[each], table) for each, table in tables.items()}
        problem = next((f"bars of {_named(*each)}: {what}" for each, what in found.items() if what), "")
        return Outcome(path, rows, seconds, digest(*tables.values()), problem)

    def _read(self, path: str) -> Tables:
        found = {(each, of): at for each in self._intervals for of, at in files(self._file(path, each)).items()}
        return {each: pq.read_table(at) for each, at in found.items()}

    def _file(self, path: str, interval: str = "") -> Path:
        """The file of a path, and beside it those of rolled bars."""
        out = self.folder.absolute() / f"{path.replace(', ', '_').replace(' ', '_')}.parquet"
        return beside(out, interval) if interval not in ("", self.interval) else out


def _named(interval: str, of: str) -> str:
    return interval if of == FEATURES else f"{interval}, {of}"
