"""Upgrades as a user makes them: the command, run in a copy of the sources that is changed between two runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.runtime import committed
from schemas.settings import PROJECT, settings
from tests.upgrades.load import Load, newer
from tickloom.tape.messages import PRICE

PACK = """
from udfs.expressions import expression
PULL = expression("pull", "(ema(close, 5) - turnover / volume) / atr(high, low, close, 5)")
SPAN = expression("span", "ts_max(high, 7) - ts_min(low, 7)")
"""
ADDED = ("pull", "span")
PACKS = (["core", "of_a_user:PULL"], ["core", "of_a_user:PULL", "of_a_user:SPAN"], ["of_a_user:SPAN", "core"])
"""Features: one is added, another one, and the first is taken away while the order changes."""
COPIED = ("feature_repo", "jobs", "schemas", "udfs", "tickloom", "flink-conf")
GAP = re.compile(r"a gap of ([\d.]+) s")
PATIENCE_S = 300


def prepare(folder: Path, patch: pytest.MonkeyPatch, interval: str) -> None:
    """The environment of the stack and of all commands: the length of bars, a package of a user's own, no rollups."""
    (folder / "of_a_user.py").write_text(PACK)
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "target")
        shutil.copytree(PROJECT / name, folder / "copy" / name, ignore=ignored)
    found = [str(folder), os.environ.get("PYTHONPATH", "")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, found)))
    patch.setenv("TICKLOOM_BARS__INTERVAL", interval)
    patch.setenv("TICKLOOM_STACK__TIMEOUT", "9m")
    patch.setenv("TICKLOOM_FEATURES__PACKS", '["core"]')
    patch.syspath_prepend(str(folder))
    settings.cache_clear()


@dataclass
class Done:
    """One upgrade: what it was, whether it ended as it should, what it printed, the gap of output, -1: none told."""

    what: str
    code: int
    printed: str
    seconds: float

    @property
    def gap_s(self) -> float:
        """Seconds without committed output."""
        found = GAP.search(self.printed)
        return float(found[1]) if found else -1.0

    def __str__(self) -> str:
        gap = f"gap {self.gap_s:5.1f} s" if self.gap_s >= 0 else f"exit {self.code}"
        return f"{self.what:24} {gap} in {self.seconds:5.1f} s"


class Steps:
    """Upgrades of the features job, one of each kind in turn."""

    def __init__(self, folder: Path, load: Load) -> None:
        self._copy, self._load, self._parallelism, self._packs, self._n = folder / "copy", load, 1, 0, 0

    def take(self, turn: str) -> Done:
        """One upgrade."""
        self._n += 1
        words = {"parallelism": self._other_parallelism, "schema": self._newer_schema, "features": self._features}
        what, more = words.get(turn, lambda: (turn, []))()
        (self._copy / "jobs" / "__init__.py").write_text(f"# {self._n}\n")  # another digest, the same numbers
        path = self._copy / "jobs" / "runtime" / "keyed.py"
        sound = path.read_text("utf-8")
        if turn == "broken":
            path.write_text(
                sound.replace("        self._state = ", "        raise RuntimeError('planted')\n        self._state = ")
            )
        begun = time.monotonic()
        program = [sys.executable, "-c", "from tickloom.cli import main; main()", "upgrade", "features", *more]
        done = subprocess.run(program, cwd=self._copy, capture_output=True, text=True, check=False)
        path.write_text(sound)
        return Done(what, done.returncode, done.stdout + done.stderr, time.monotonic() - begun)

    def caught_up(self, job: str) -> None:
        """Wait until the job has read all that was published."""
        deadline = time.monotonic() + PATIENCE_S
        while committed.consumed(PRICE, "tickloom-price") < committed.length(PRICE):
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job} has not read all of the tape")
            time.sleep(0.5)

    def _other_parallelism(self) -> tuple[str, list[str]]:
        self._parallelism = 3 - self._parallelism
        return f"parallelism {self._parallelism}", ["--parallelism", str(self._parallelism)]

    def _newer_schema(self) -> tuple[str, list[str]]:
        path = self._copy / "schemas" / f"{PRICE}.avsc"
        if path.read_text("utf-8") == newer():
            return "code", []
        path.write_text(newer(), "utf-8")
        self._load.add_a_field()
        return "schema of prices + 1", []

    def _features(self) -> tuple[str, list[str]]:
        packs = PACKS[self._packs % len(PACKS)]
        self._packs += 1
        os.environ["TICKLOOM_FEATURES__PACKS"] = json.dumps(packs)
        settings.cache_clear()
        return f"features {' '.join(name.removeprefix('of_a_user:') for name in packs)}", []
