"""One input, three paths, one answer: the command as a user types it, on a stack of its own."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from udfs.batch import roll_up

SYNTH = ["--symbols", "20", "--ticks", "60000", "--seed", "7", "--late", "0.01", "--duplicates", "0.01", "--cancels",
         "0.001", "--actions", "20", "--bad", "0.0001", "--interval", "5s", "--rate", "100"]  # fmt: skip
ROLLUPS = ["15s", "1m", "1d"]
PACKS = '["core", "across", "of_a_user:ROWS"]'
CROSS_ASSET = {"TILES": "2", "PAIRS": '["S000|S001", "S002|S003"]', "BENCHMARKS": '["S004"]'}
PACK = """
from udfs.expressions import expression
ROWS = expression("pull", "(ema(close, 5) - turnover / volume) / atr(high, low, close, 5)")
"""
PATHS = ("batch", "parquet, parallelism 1", "parquet, parallelism 2", "kafka, parallelism 1 then 2")


def tickloom(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, its temporary files in a folder."""
    program = [sys.executable, "-c", "from tickloom.cli import main; main()", *words]
    (folder / "of_a_user.py").write_text(PACK)  # a package of somebody's own, wherever Python finds it
    found = os.pathsep.join([str(folder), str(Path.cwd())])
    rolled = {"PYTHONPATH": found, "TICKLOOM_BARS__INTERVAL": "5s", "TICKLOOM_BARS__ROLLUPS": json.dumps(ROLLUPS)}
    rolled |= {f"TICKLOOM_CROSS_ASSET__{key}": value for key, value in CROSS_ASSET.items()}
    environment = {**os.environ, **rolled, "TMPDIR": str(folder), "COLUMNS": "120", "TICKLOOM_FEATURES__PACKS": PACKS}
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)


def bars(tape: Path) -> int:
    """How many there are, of all intervals."""
    found = [pq.read_table(tape / "bars.parquet")]
    actions = pq.read_table(tape / "actions.parquet")
    for of, each in pairwise(["5s", *ROLLUPS]):
        found.append(roll_up(found[-1], actions, of, each))
    assert all(map(len, found))
    return sum(map(len, found))


def number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.timeout(1200)
def test_batch_parquet_and_kafka_give_the_same_bits_across_savepoints(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    assert tickloom("synth", *SYNTH, "--out", str(tape), folder=tmp_path).returncode == 0
    done = tickloom("verify", str(tape), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"│ (\S.*?) +│ +([\d,]+) +│.*│ +([0-9a-f]{16}) +│", done.stdout)
    assert [path for path, _, _ in rows] == list(PATHS)
    assert {number(count) for _, count, _ in rows} == {bars(tape)}
    answer = {digest for _, _, digest in rows}
    assert len(answer) == 1
    assert re.search(
        rf"^digest input=\w{{16}} code=\w{{16}} features=\w{{16}}\+\w{{16}}\+\w{{16}} output={answer.pop()}$",
        done.stdout,
        re.MULTILINE,
    )
    moves = re.findall(r"^moved to parallelism (\d) after ([\d,]+) of ([\d,]+) records", done.stdout, re.MULTILINE)
    assert [(to, int(at.replace(",", "")) < int(of.replace(",", ""))) for to, at, of in moves] == [
        ("2", True),
    ]
    for command in ("flink run -d -p 1 ", "flink stop --savepointPath", "flink run -d -p 2 "):
        assert f"$ {command}" in done.stdout
    assert list(tmp_path.glob("tickloom-verify-*")) == [], "it left its stack behind"
