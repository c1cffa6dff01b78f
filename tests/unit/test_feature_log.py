"""The feature log's files: all of them or none, and frames of a bounded job on their way there."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.log import FeatureLog, files
from feature_repo.views import layout
from jobs import replay
from jobs.runtime.spool import Spool
from schemas.settings import settings
from udfs.batch import FEATURES
from udfs.frame import CROSS_ASSET, INDICATORS, PAIRS, UNIVERSE, Frame
from udfs.panel.columns import Columns


@pytest.fixture
def paired(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TICKLOOM_CROSS_ASSET__PAIRS", '["A|B"]')
    settings.cache_clear()
    layout.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()
    layout.cache_clear()


def rows(*values: float) -> pa.Table:
    return pa.table({"x": values})


@pytest.mark.usefixtures("paired")
def test_parts_of_each_table_are_one_file(tmp_path: Path) -> None:
    out = tmp_path / "new" / "log.parquet"
    with FeatureLog(out) as log:
        for view, part in ((UNIVERSE, rows(1.0)), (FEATURES, rows(2.0)), (UNIVERSE, rows(3.0, 4.0)), (PAIRS, rows())):
            log.take(view, part)
        assert not out.exists()
    assert {path.name for path in out.parent.iterdir()} == {path.name for path in files(out).values()}
    assert {view: pq.read_table(path)["x"].to_pylist() for view, path in files(out).items()} == {
        FEATURES: [2.0], UNIVERSE: [1.0, 3.0, 4.0], PAIRS: [],
    }  # fmt: skip


def test_after_an_error_the_older_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    with FeatureLog(out) as log:
        log.take(FEATURES, rows(1.0))
        log.take(PAIRS, rows(1.0))  # of none that are configured
    with pytest.raises(ValueError, match="schema"):
        interrupted(out)
    assert [path.name for path in tmp_path.iterdir()] == ["log.parquet"]
    assert pq.read_table(out)["x"].to_pylist() == [1.0]


def frame(view: str, interval: str, end: int, symbol: str, revision: int = 0) -> Frame:
    columns = Columns(settings().cross_asset)
    names = ("sma",) if view == INDICATORS else columns.names(view)
    texts = {} if view == INDICATORS else {name: [f"{end}/{revision}"] for name in columns.texts(view)}
    return Frame(view, 0, end, end, revision, [symbol], names, np.full((1, len(names)), float(end)), texts,
                 interval=interval)  # fmt: skip


def interrupted(out: Path) -> None:
    with FeatureLog(out) as log:
        log.take(FEATURES, rows(2.0))
        log.take(FEATURES, pa.table({"y": [2.0]}))


@pytest.mark.usefixtures("paired")
def test_a_bounded_job_s_frames_become_the_files_of_each_interval(tmp_path: Path) -> None:
    entities = {INDICATORS: "A", CROSS_ASSET: "A", UNIVERSE: "universe", PAIRS: "A|B"}
    frames = [frame(view, each, end, name) for end in (9, 3, 6) for each in ("1m", "5m") for view, name in
              entities.items()]  # fmt: skip
    frames.append(frame(UNIVERSE, "1m", 3, "universe", 1))
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(2):
        lines = [b64encode(each.pack()) + b"\n" for each in frames[i::2]]
        (folder / f"part-{i}").write_bytes(b"".join(lines))
    spool = Spool(folder)
    assert [each.event_time for each in spool.frames("5m", (UNIVERSE,))] == [3, 6, 9]
    for interval in ("1m", "5m"):
        assert replay.write(spool, interval, tmp_path / f"{interval}.parquet") == 3
        found = {of: pq.read_table(path) for of, path in files(tmp_path / f"{interval}.parquet").items()}
        assert found[FEATURES]["sma"].to_pylist() == [3.0, 6.0, 9.0]
        assert found[PAIRS]["corr_60"].to_pylist() == [3.0, 6.0, 9.0]
        assert found[UNIVERSE]["returns_60"].to_pylist() == [f"3/{int(interval == '1m')}", "6/0", "9/0"]
