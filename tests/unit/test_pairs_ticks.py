"""`tickloom features compute --ticks`: pairs by the ticks that the bars are made of, with cancels and corrections."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from schemas.errors import ConfigError
from schemas.settings import settings
from tests.oracles.world import final_bars, tape
from tests.property.test_pairs_inside import as_file, rows
from tickloom import features
from udfs import batch
from udfs.frame import PAIRS
from udfs.panel.columns import INSIDE
from udfs.tape import to_ticks
from udfs.tick_files import conform

FILE = as_file(tape(7, 6, 25, 0.3, list("ABC"), whole=True))


@pytest.fixture(autouse=True)
def paired(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings with a pair."""
    monkeypatch.setenv("TICKLOOM_CROSS_ASSET__PAIRS", '["A|B"]')
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def computed(folder: Path, *words: str, ticks: pa.Table | None = FILE) -> Result:
    """The command over the bars of the tape, and over its ticks."""
    pq.write_table(final_bars(to_ticks(conform(FILE))), folder / "bars.parquet")
    words = "--bars", str(folder / "bars.parquet"), "--out", str(folder / "out.parquet"), *words
    if ticks is not None:
        pq.write_table(ticks, folder / "ticks.parquet")
        words += "--ticks", str(folder / "ticks.parquet")
    app = typer.Typer()
    app.command()(features.compute)
    return CliRunner().invoke(app, words)


def pairs(folder: Path) -> pa.Table:
    return pq.read_table(folder / "out_pairs.parquet")


def test_pairs_of_ticks(tmp_path: Path) -> None:
    done = computed(tmp_path, "--interval", "1m")
    assert done.exit_code == 0, done.output
    bars = pq.read_table(tmp_path / "bars.parquet")
    wanted = batch.compute_views(bars, None, "1m", ticks=FILE)[PAIRS]
    assert rows(pairs(tmp_path)) == rows(wanted) != {}
    assert not np.isnan(wanted["lead_lag_strength"].to_numpy()).all()
    # no order of rows, and no other symbol, is seen
    order = np.random.default_rng(0).permutation(len(FILE))
    computed(tmp_path, "--interval", "1m", ticks=FILE.take(order[FILE["symbol"].to_numpy(False)[order] != "C"]))
    assert rows(pairs(tmp_path)) == rows(wanted)
    computed(tmp_path, "--interval", "1m", ticks=None)
    assert rows(pairs(tmp_path)) == rows(batch.compute_views(bars, None, "1m")[PAIRS]) != rows(wanted)


def test_rolled_bars_have_no_ticks(tmp_path: Path) -> None:
    error = computed(tmp_path, "--interval", "2m", "--from", "1m").exception
    assert isinstance(error, ConfigError)
    assert "rolled up" in error.what
    assert computed(tmp_path, "--interval", "2m", "--from", "1m", ticks=None).exit_code == 0
    found = pairs(tmp_path)
    assert len(found) > 0
    assert all(np.isnan(found[name].to_numpy()).all() for name in INSIDE)
