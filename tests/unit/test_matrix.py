"""The matrix of all pairs as a person reads it: out of the store or a log, into Python, files, a summary, a plot."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from feature_repo.stores import Store, open_store
from feature_repo.views import layout
from schemas.errors import ConfigError, DataError, FeatureError, StoreError, TickloomError
from schemas.settings import settings
from tests.unit.storing import url  # noqa: F401  a fixture
from tickloom import cli, sample
from tickloom.matrix import FORMATS, read
from udfs.batch import compute_views
from udfs.catalogue import chosen
from udfs.panel.snapshot import KINDS, Snapshot

BARS, DAY_US = 20, 86_400_000_000
NAMES = ["A", "B", "C", "D", "E"]  # E lacks a return


def snapshot(seed: int, names: list[str] = NAMES) -> Snapshot:
    draw = np.random.default_rng(seed)
    returns = draw.normal(size=(BARS, 1)) + draw.normal(size=(BARS, len(names))) * np.linspace(0.2, 2, len(names))
    returns[3, -1] = np.nan
    return Snapshot(names, 0.01 * returns, BARS)


def write_log(path: Path, texts: dict[int, str | None], **rows: Any) -> Path:
    times = pa.array(list(texts)).cast(pa.timestamp("us", "UTC"))
    columns = {"universe": ["universe"] * len(texts), "event_time": times, "mean_corr_20": [0.5] * len(texts)}
    pq.write_table(pa.table(columns | {"returns_20": pa.array(texts.values(), pa.string())}), path, **rows)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Days 1, 2, 3, 5, two a row group."""
    texts = {day * DAY_US: snapshot(day).pack() for day in (1, 2, 3, 5)}
    return write_log(tmp_path / "universe.parquet", texts, row_group_size=2)


def run(*words: object) -> str:
    """What the command prints."""
    typed = ["matrix", *map(str, words)]
    result = CliRunner().invoke(cli.build(typed), typed, terminal_width=200)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("at", "day"), [(None, 5), (5 * DAY_US, 5), (5 * DAY_US - 1, 3), (3 * DAY_US, 3), (2 * DAY_US, 2), (DAY_US, 1)]
)
def test_a_log_is_read_at_or_before_a_time(log: Path, at: int | None, day: int) -> None:
    symbols, values, event_time = read(log=log, at=at)
    assert (symbols, event_time) == (NAMES, day * DAY_US)
    assert values.tobytes() == snapshot(day).matrix().tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(log: Path, kind: str) -> None:
    assert read(kind=kind, log=log).values.tobytes() == snapshot(5).matrix(kind).tobytes()


def test_real_prices(tmp_path: Path) -> None:
    """The batch's own log against numpy on the closes; no split in these days."""
    sample.sample(tmp_path)
    bars = pq.read_table(tmp_path / "bars.parquet").slice(11_600)
    returns = [feature for feature in chosen() if "log_return" in feature.outputs]
    universe = compute_views(bars, None, "1d", features=returns)["universe"]
    pq.write_table(universe, tmp_path / "universe.parquet")
    for row in (universe.num_rows - 1, 80):
        end = universe["event_time"][row].cast(pa.int64()).as_py()
        symbols, values, event_time = read(log=tmp_path / "universe.parquet", at=end)
        known = bars.filter(pc.less_equal(bars["event_time"], universe["event_time"][row]))
        closes = [known.filter(pc.equal(known["symbol"], name))["close"].to_numpy()[-61:] for name in symbols]
        assert (symbols, event_time) == (list(sample.SYMBOLS), end)
        np.testing.assert_allclose(values, np.corrcoef(np.diff(np.log(closes))), rtol=0, atol=1e-12)
        mean = universe["mean_corr_60"][row].as_py()
        assert values[np.triu_indices(5, 1)].mean() == pytest.approx(mean, abs=1e-12)


# the store


@pytest.fixture
def online(url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Store]:  # noqa: F811
    """An empty store that the settings name; its project is this test's."""
    monkeypatch.setenv("TICKLOOM_STORE__URL", url)
    monkeypatch.setenv("TICKLOOM_STORE__PROJECT", request.node.name)
    forget()
    store = open_store(url)
    yield store
    store.close()
    monkeypatch.undo()
    forget()


def forget() -> None:
    """What was read of the settings."""
    settings.cache_clear()
    layout.cache_clear()


def put(store: Store, view: str, time: int, text: str | None) -> None:
    of, project = layout(view), settings().store.project
    store.describe(project, of)
    [vector] = of.pack(time, 1, 0, 0, np.zeros((1, len(of.numbers))), [[text] for _ in of.texts])
    store.write(project, view, ["universe"], [vector], shard="0", fence=store.fence(project, view, "0"))


def test_the_newest_of_an_interval_is_read_from_the_store(online: Store) -> None:
    for day in (1, 3, 2):
        put(online, "universe_1d", day * DAY_US, snapshot(day).pack())
    put(online, "universe_5m", 7 * DAY_US, snapshot(7).pack())
    for interval, day in (("1d", 3), ("24h", 3), ("5m", 7)):
        symbols, values, event_time = read(interval, "oas")
        assert (symbols, event_time) == (NAMES, day * DAY_US)
        assert values.tobytes() == snapshot(day).matrix("oas").tobytes()
    assert "1970-01-04 00:00 UTC, 20 bars of 1d" in run()


def test_a_store_without_a_universe_says_so(online: Store) -> None:
    with pytest.raises(StoreError, match=r"no universe of 1d is in the store yet\n.*view universe_1d\n.*--log"):
        read()
    put(online, "universe_1d", DAY_US, None)
    with pytest.raises(StoreError, match="the newest universe has no returns_60"):
        read()


def test_a_universe_of_other_settings_has_no_returns(online: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written under another schema: what the present one asks for is not in it."""
    put(online, "universe_1d", DAY_US, snapshot(1).pack())
    for key, value, error in (("WINDOWS", "[30]", StoreError), ("MATRIX", "false", ConfigError)):
        monkeypatch.setenv(f"TICKLOOM_CROSS_ASSET__{key}", value)
        forget()
        with pytest.raises(error, match=r"cross_asset\.matrix"):
            read()


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"interval": "1x"}, ConfigError, "'1x' is not a duration"),
        ({"kind": "spaerman"}, FeatureError, "did you mean 'spearman'"),
        ({"log": None, "at": 1}, ConfigError, "the store keeps the newest only"),
        ({"at": DAY_US - 1}, DataError, "no universe at or before 1970-01-01 23:59:59.999999 UTC"),
        ({"log": "absent.parquet"}, DataError, "not a Parquet file that can be read"),
    ],
)
def test_what_is_not_there_is_said(log: Path, asked: dict[str, Any], error: type[TickloomError], words: str) -> None:
    asked = asked if "interval" in asked else {"log": log} | asked
    with pytest.raises(error, match=words):
        read(**asked)


def test_a_file_that_is_no_log_of_returns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"symbol": ["A"], "event_time": pa.array([1]).cast(pa.timestamp("us", "UTC"))}), path)
    with pytest.raises(DataError, match=r"this is no log of the universe\n.*symbol, event_time"):
        read(log=path)
    times = pa.array([1]).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"universe": ["universe"], "event_time": times, "mean_corr_60": [0.1]}), path)
    with pytest.raises(DataError, match="holds no returns"):
        read(log=path)
    with pytest.raises(DataError, match="no packed universe"):
        read(log=write_log(path, {DAY_US: "????"}))
    with pytest.raises(DataError, match="the universe of 1970-01-02 00:00 UTC holds no returns"):
        read(log=write_log(path, {DAY_US: None}))
    with pytest.raises(DataError, match="there is no universe"):
        read(log=write_log(path, {}))
    path.write_text("no Parquet")
    with pytest.raises(DataError, match="not a Parquet file"):
        read(log=path)


# files


def test_files_hold_the_same_numbers(log: Path, tmp_path: Path) -> None:
    folder, expected = tmp_path / "new" / "folder", read(log=log, kind="covariance").values
    for suffix in FORMATS:
        run("--log", log, "--kind", "covariance", "--out", folder / f"x{suffix}")
    assert {path.name for path in folder.iterdir()} == {"x.npy", "x.npz", "x.parquet", "x.csv"}
    assert np.load(folder / "x.npy").tobytes() == expected.tobytes()
    with np.load(folder / "x.npz") as packed:
        assert packed["matrix"].tobytes() == expected.tobytes()
        assert (packed["symbols"].tolist(), packed["event_time"]) == (NAMES, np.datetime64("1970-01-06"))
    for table in (pq.read_table(folder / "x.parquet"), pyarrow.csv.read_csv(folder / "x.csv")):
        assert table.column_names == ["symbol", *NAMES]
        assert table["symbol"].to_pylist() == NAMES
        found = np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in NAMES])
        np.testing.assert_array_equal(found, expected)
        assert table["A"].null_count == 1
    assert pq.read_schema(folder / "x.parquet").metadata[b"event_time"] == b"1970-01-06 00:00 UTC"


@pytest.mark.parametrize(("option", "name", "hint"), [("--out", "x.npyz", "'.npz'"), ("--plot", "x.pgn", "'.png'")])
def test_a_file_of_another_kind_is_refused_before_anything_is_done(
    tmp_path: Path, option: str, name: str, hint: str
) -> None:
    with pytest.raises(DataError, match=f"did you mean {hint}"):
        run("--log", tmp_path / "absent", option, tmp_path / name)


# the summary


def test_the_summary_names_the_nearest_and_the_farthest(tmp_path: Path) -> None:
    names = [f"S{i:02}" for i in range(30)]
    log, of = write_log(tmp_path / "x.parquet", {DAY_US: snapshot(1, names).pack()}), snapshot(1, names).matrix()
    pairs = sorted((of[i, j], f"{names[i]} {names[j]} {of[i, j]:.4f}") for i, j in itertools.combinations(range(29), 2))
    mean = np.mean([value for value, _ in pairs])
    assert run("--log", log).splitlines() == [
        "universe of 1970-01-02 00:00 UTC, 20 bars: correlation of 29 of 30 members",
        "without returns enough, or constant: S29",
        f"mean correlation {mean:.4f}",
        f"highest: {', '.join(text for _, text in pairs[:-6:-1])}",
        f"lowest: {', '.join(text for _, text in pairs[:5])}",
    ]


def test_a_small_matrix_is_printed_a_covariance_s_pairs_are_correlations(log: Path) -> None:
    text, of = run("--log", log, "--kind", "covariance", "--at", "1970-01-03"), snapshot(2)
    assert all(f"{value:.4g}" in text for value in of.matrix("covariance")[:4, :4].ravel())
    assert f"A B {of.matrix()[0, 1]:.4f}" in text


def test_nobody_with_returns_enough(tmp_path: Path) -> None:
    log = write_log(tmp_path / "x.parquet", {DAY_US: Snapshot(["A"], np.zeros((3, 1)), 20).pack()})
    assert np.isnan(read(log=log).values).all()
    with pytest.raises(DataError, match=r"no member has returns enough\n.*1970-01-02 00:00 UTC, 1 members"):
        run("--log", log)


def test_a_lone_member_has_no_pairs(tmp_path: Path) -> None:
    log = write_log(tmp_path / "x.parquet", {DAY_US: Snapshot(["A"], np.arange(4.0)[:, None], 4).pack()})
    assert "correlation of 1 members" in run("--log", log)


# the plot


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_of_each_kind(log: Path, tmp_path: Path, kind: str) -> None:
    told = run("--log", log, "--kind", kind, "--plot", tmp_path / "x.png")
    assert "of 4 of 5 members, 20 bars to 1970-01-06 00:00 UTC" in told
    assert kind in told
    assert matplotlib.image.imread(tmp_path / "x.png").std() > 0.1


def test_a_plot_as_svg_and_pdf(log: Path, tmp_path: Path) -> None:
    for suffix, head in ((".svg", b"<?xml"), (".pdf", b"%PDF")):
        run("--log", log, "--plot", tmp_path / f"x{suffix}")
        assert (tmp_path / f"x{suffix}").read_bytes().startswith(head)
