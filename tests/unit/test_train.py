"""`tickloom train`: which columns teach, which label they get, and a model folder that comes out the same twice."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from schemas.errors import ConfigError, DataError
from schemas.settings import settings
from tests.oracles.scoring import TRUSTED
from tickloom import cli, train
from udfs.scoring.model import Model
from udfs.scoring.trust import keys_folder, trusted_keys

DAY = 86_400_000_000
NAN = float("nan")


def table(symbols=("A", "B", "C", "D"), bars=60, **columns):
    """A feature table, in the order of `features compute`: event_time, then symbol."""
    rng = np.random.default_rng(1)
    n = len(symbols) * bars
    time = pa.array(np.repeat(np.arange(1, bars + 1) * DAY, len(symbols)), pa.timestamp("us", "UTC"))
    made = {
        "symbol": pa.array(list(symbols) * bars),
        "event_time": time,
        "log_return": rng.normal(0, 0.01, n),
        "sma_20": rng.normal(100, 1, n),
        "rsi_14": rng.uniform(0, 100, n),
        "beta_market_60": rng.normal(1, 1, n),
        "peer_60": pa.array(["A"] * n),
        "mine": rng.normal(0, 1, n),
    }
    return pa.table(made | columns)


@pytest.fixture
def write(tmp_path):
    def put(found):
        pq.write_table(found, tmp_path / "features.parquet")
        return tmp_path / "features.parquet"

    return put


def test_inputs_have_no_units(write):
    """sma_20 is a price, peer_60 text, mine unknown: none of them can teach."""
    names = ("indicators_1d:log_return", "indicators_1d:rsi_14", "cross_asset_1d:beta_market_60")
    assert train.read(write(table()), "1d").features == names


def test_label_is_the_next_bar_of_the_same_symbol(write):
    """B misses its second bar and has no return at its last: its first row is labelled two days later.

    day       1    2    3    4
    A        .1   .2   .3   .4
    B        .5    -   .7  nan
    """
    rows = [("A", 1, 0.1), ("B", 1, 0.5), ("A", 2, 0.2), ("A", 3, 0.3), ("B", 3, 0.7), ("A", 4, 0.4), ("B", 4, NAN)]
    symbol, day, value = zip(*rows, strict=True)
    time = pa.array([d * DAY for d in day], pa.timestamp("us", "UTC"))
    found = train.read(write(pa.table({"symbol": symbol, "event_time": time, "log_return": value})), "1d")
    labels = list(zip(found.event_time // DAY, found.label_time // DAY, found.values[:, 0], found.labels, strict=True))
    assert labels == [(1, 2, 0.1, 0.2), (2, 3, 0.2, 0.3), (3, 4, 0.3, 0.4), (1, 3, 0.5, 0.7)]


def test_order_of_the_table_does_not_matter(write):
    straight = train.read(write(table()), "1d")
    shuffled = train.read(write(table().take(np.random.default_rng(2).permutation(240))), "1d")
    assert straight.values.tobytes() == shuffled.values.tobytes()
    assert straight.labels.tobytes() == shuffled.labels.tobytes()


SEQUENCES = {  # columns -> inputs of a gru
    "none": (["a", "b"], []),
    "no feature of the lag": (["a_lag_1", "b"], []),
    "one": (["a", "a_lag_1", "b"], ["a_lag_1", "a"]),
    "two by two": (["a", "b", "a_lag_1", "b_lag_1"], ["a_lag_1", "b_lag_1", "a", "b"]),
    "fewer lags": (["a", "a_lag_1", "a_lag_2", "b", "b_lag_1"], ["a_lag_2", "a_lag_1", "a"]),
    "a hole": (["a", "a_lag_1", "a_lag_3"], ["a_lag_1", "a"]),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(name):
    columns, inputs = SEQUENCES[name]
    assert train.sequence([(f"v:{column}", column) for column in columns]) == {f"v:{each}": each for each in inputs}


def test_lags_are_for_sequences_only(write, monkeypatch, tmp_path, home):
    """An mlp has the inputs that it had before there were lags; a gru has the lags, and is trained and loads."""
    known = [("indicators_1d:" + name, name) for name in ("log_return", "log_return_lag_1", "rsi_14")]
    monkeypatch.setattr(train, "_unit_free", lambda interval: known)
    path = write(table().append_column("log_return_lag_1", pa.array(np.random.default_rng(3).normal(0, 0.01, 240))))
    assert train.read(path, "1d").features == ("indicators_1d:log_return", "indicators_1d:rsi_14")
    train.train(path, tmp_path / "gru", "1d", folds=1, architecture="gru")
    found = Model.load(tmp_path / "gru", trusted_keys(), "cpu").manifest
    assert (found.name, found.steps) == ("gru", 2)
    assert found.features == ("indicators_1d:log_return_lag_1", "indicators_1d:log_return")
    with pytest.raises(DataError, match="comes with its lags"):
        train.read(write(table()), "1d", "gru")


BAD = {
    "no return": (table().drop_columns(["log_return"]), "log_return is missing"),
    "no symbol": (table().drop_columns(["symbol"]), "symbol is missing"),
    "two revisions": (pa.concat_tables([table(), table()]), "two rows of one event_time"),
}


@pytest.mark.parametrize("name", BAD)
def test_unusable_tables(write, name):
    found, reason = BAD[name]
    with pytest.raises(DataError, match=reason):
        train.read(write(found), "1d")


@pytest.mark.parametrize("content", [b"", b"not parquet"])
def test_no_table(tmp_path, content):
    path = tmp_path / "features.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a Parquet table"):
        train.read(path, "1d")
    with pytest.raises(DataError, match="not a Parquet table"):
        train.read(tmp_path / "nowhere.parquet", "1d")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A state folder of its own, so a key of its own."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def test_a_folder_is_trained_into_again(write, tmp_path, home):
    """Serials rise, the key stays, both versions are there; a folder of another state folder's key does not load."""
    out, serials = tmp_path / "model", []
    for _ in range(2):
        train.train(write(table()), out, "1d", folds=1)
        serials.append(Model.load(out, trusted_keys(), "cpu").manifest.serial)
    assert serials == [1, 2]
    assert len(list(out.glob("*/manifest.sig"))) == 2
    assert train.loads(out)
    assert (keys_folder() / "model.key").stat().st_mode & 0o777 == 0o600
    (home / "keys").rename(home / "lost")
    assert not train.loads(out)


def test_a_key_that_others_can_read_signs_nothing(write, tmp_path, home):
    train.train(write(table()), tmp_path / "model", "1d", folds=1)
    (keys_folder() / "model.key").chmod(0o644)
    with pytest.raises(ConfigError, match="others can read"):
        train.train(write(table()), tmp_path / "model", "1d", folds=1)


def test_trusted_keys_may_be_named(write, tmp_path, home, monkeypatch):
    """By hex, by file, by folder; with one named, the state folder's own is not trusted by itself."""
    train.train(write(table()), tmp_path / "model", "1d", folds=1)
    own = trusted_keys()
    for entry, found in [(TRUSTED[0], TRUSTED), (str(keys_folder() / "model.pub"), own), (str(keys_folder()), own)]:
        monkeypatch.setenv("TICKLOOM_SCORING__TRUSTED_KEYS", json.dumps([entry]))
        settings.cache_clear()
        assert trusted_keys() == found
        assert train.loads(tmp_path / "model") == (found == own)


def test_what_is_no_key_is_named(home, monkeypatch, tmp_path):
    for entry in ("nowhere.pub", str(tmp_path), "ab"):
        (tmp_path / "bad.pub").write_text("-----BEGIN")
        monkeypatch.setenv("TICKLOOM_SCORING__TRUSTED_KEYS", json.dumps([entry]))
        settings.cache_clear()
        with pytest.raises(ConfigError, match="no public key"):
            trusted_keys()


def test_models_command(write, tmp_path, home):
    """Two versions, listed; the older comes back under a serial of its own, with the same weights."""
    out, runner = tmp_path / "model", CliRunner()
    for seed in (1, 2):
        train.train(write(table()), out, "1d", folds=1, seed=seed)
    first, second = runner.invoke(cli.build(["models", "list"]), ["models", "list", str(out)]).stdout.splitlines()
    assert (first[0], second[0]) == (" ", "*")
    old = first.split()[0]
    assert runner.invoke(cli.build(["models", "promote"]), ["models", "promote", str(out), old]).exit_code == 0
    now = Model.load(out, trusted_keys(), "cpu").manifest
    assert (now.serial, now.seed) == (3, 1)
    assert now.version in runner.invoke(cli.build(["models", "check"]), ["models", "check", str(out)]).stdout
    assert runner.invoke(cli.build(["models", "key"]), ["models", "key"]).stdout.strip() == trusted_keys()[0]


def test_command(write, tmp_path, home):
    """Noise in, so the report must say that the model knows nothing; the same folder twice, and it loads."""
    path, outs = write(table()), [tmp_path / "a", tmp_path / "b"]
    runner, app = CliRunner(), cli.build(["train"])
    results = [
        runner.invoke(app, ["train", "--features", str(path), "--out", str(out), "--folds", "2"]) for out in outs
    ]
    assert [result.exit_code for result in results] == [0, 0]
    lines = results[0].stdout.splitlines()
    assert lines[0].startswith("236 rows, 3 features")
    assert sum(line.startswith("1970-") for line in lines) == 2
    assert "no smaller than that of a forecast of zero" in results[0].stdout
    files = [{p.relative_to(out): p.read_bytes() for p in out.rglob("*.*")} for out in outs]
    assert len(files[0]) == 3
    assert files[0] == files[1]
    model = Model.load(outs[0], trusted_keys(), "cpu")
    assert f"{model.manifest.version}, serial 1" in results[0].stdout
    assert np.isfinite(model.score(np.zeros((1, 3)))).all()
