"""The batch path: a table in, a table out; order of rows means nothing, splits are applied, bad bars are named."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import DataError
from schemas.settings import settings
from tests.oracles import correlation as oracle
from tests.oracles.prices import DAY_US, REAL_SPLITS, SYMBOLS, by_talib_split, random_bars, real
from tickloom import features
from udfs import batch, crossed
from udfs.frame import PAIRS, UNIVERSE
from udfs.panel.columns import Columns
from udfs.plan import Plan

TIME = pa.timestamp("us", tz="UTC")
BARS = ("open", "high", "low", "close", "volume")
COLUMNS = Columns(settings().cross_asset)


def table(bars_of):
    """One table of the bars of several symbols, symbol by symbol."""
    parts = []
    for symbol, bars in bars_of.items():
        times = pa.array(bars["event_time"]).cast(TIME)
        parts.append(pa.table({"symbol": [symbol] * len(times), "event_time": times, **{n: bars[n] for n in BARS}}))
    return pa.concat_tables(parts)


def actions(splits_of, **changes):
    rows = [
        {"event_id": f"{symbol}-{day}", "version": 1, "function": "NEW", "symbol": symbol, "action_type": "SPLIT",
         "ex_date": day, "numerator": a, "denominator": b, "known_at": datetime(2020, 1, 1, tzinfo=UTC)} | changes
        for symbol, splits in splits_of.items() for day, a, b in splits
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def content(table):
    """What a table holds, byte by byte: NaN is equal to itself, and 0.0 is not -0.0."""
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    floats = {name for name in columns if columns[name].type == pa.float64()}
    return {n: c.to_numpy().tobytes() if n in floats else c.to_pylist() for n, c in columns.items()}


def shuffled(rows, seed=0):
    return rows.take(np.random.default_rng(seed).permutation(rows.num_rows))


def random_table(symbols, count):
    return table({name: random_bars(count, seed) for seed, name in enumerate(symbols)})


REAL = table({symbol: real(symbol) for symbol in SYMBOLS})
# known long after the ex-date, and for a symbol without bars: applied, and ignored
REAL_ACTIONS = actions(REAL_SPLITS | {"NONE": [(date(2001, 1, 1), 5, 1)]})


@pytest.fixture(scope="module")
def result():
    return batch.compute(shuffled(REAL), REAL_ACTIONS, "1d")


def test_columns_and_order(result):
    assert result.column_names == ["symbol", "event_time", *Plan("1d").outputs, *COLUMNS.numbers, *COLUMNS.members]
    kinds = {name: result.schema.field(name).type for name in result.column_names}
    assert {kinds.pop(name) for name in ("symbol", *COLUMNS.members)} == {pa.string()}
    assert kinds.pop("event_time") == TIME
    assert set(kinds.values()) == {pa.float64()}
    assert result.num_rows == REAL.num_rows
    keys = list(zip(result["event_time"].to_pylist(), result["symbol"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert all(result[name].null_count == 0 for name in result.column_names if name not in COLUMNS.members)


def test_order_of_rows_changes_no_byte(result):
    again = batch.compute(shuffled(REAL, 1).combine_chunks(), shuffled(REAL_ACTIONS, 2), "1d")
    assert content(again) == content(result)


def test_real_prices_equal_talib(result):
    for symbol in SYMBOLS:
        mine = result.filter(pa.compute.equal(result["symbol"], symbol))
        for name, wanted in by_talib_split(real(symbol), REAL_SPLITS.get(symbol, [])).items():
            np.testing.assert_allclose(mine[name].to_numpy(), wanted, rtol=1e-10, err_msg=f"{symbol} {name}")


def test_cross_section_of_each_frame(result):
    # returns of all symbols side by side, by hand; a frame is a time at which any symbol has a bar
    times = np.unique(result["event_time"].cast(pa.int64()).to_numpy())
    matrix = np.full((len(times), len(SYMBOLS)), np.nan)
    rows = np.searchsorted(times, result["event_time"].cast(pa.int64()).to_numpy())
    columns = np.searchsorted(SYMBOLS, result["symbol"].to_pylist())
    matrix[rows, columns] = result["log_return"].to_numpy()
    found = [result[name].to_numpy() for name in ("corr_market_60", "beta_market_60", "peer_corr_60")]
    peers = result["peer_60"].to_pylist()
    for k in range(0, result.num_rows, 97):
        t, j = rows[k], columns[k]
        if t < 59:
            assert np.isnan([column[k] for column in found]).all()
            assert peers[k] is None
            continue
        window = matrix[t - 59 : t + 1].T.tolist()
        market = oracle.market(window)
        others = [oracle.correlation(window[j], other) if i != j else np.nan for i, other in enumerate(window)]
        best = max((value for value in others if not np.isnan(value)), default=np.nan)
        numbers = (oracle.correlation(window[j], market), oracle.beta(window[j], market), best)
        np.testing.assert_allclose([column[k] for column in found], numbers, atol=1e-12)
        assert peers[k] == (None if np.isnan(best) else SYMBOLS[others.index(best)])
    assert sum(peer is not None for peer in peers) > 11_000


def test_frames_beyond_one_chunk(monkeypatch, result):
    # the same with returns laid out 61 bar times at a time
    monkeypatch.setattr(crossed, "CHUNK", 61)
    assert content(batch.compute(REAL, REAL_ACTIONS, "1d")) == content(result)


def test_a_symbol_that_rests_has_no_correlation_for_sixty_frames():
    bars = {name: random_bars(200, seed) for seed, name in enumerate("ABC")}
    bars["B"] = {name: np.delete(column, 100) for name, column in bars["B"].items()}
    found = batch.compute(table(bars), None, "1d")
    resting = found.filter(pa.compute.equal(found["symbol"], "B"))["corr_market_60"].to_numpy()
    # its bar 0 has no return; the window is whole from frame 60 to 99, and again from frame 160
    assert np.flatnonzero(~np.isnan(resting)).tolist() == [*range(60, 100), *range(159, 199)]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns", "UTC"), pa.timestamp("ms"), pa.timestamp("us", "America/New_York")]
)
def test_timestamps_of_any_unit(kind):
    bars = random_table("AB", 70)
    other = bars.set_column(1, "event_time", bars["event_time"].cast(kind))
    assert content(batch.compute(other, None, "1d")) == content(batch.compute(bars, None, "1d"))


def test_symbols_as_a_dictionary_and_whole_numbers():
    bars = random_table("BA", 30)
    other = bars.set_column(0, "symbol", bars["symbol"].dictionary_encode())
    other = other.set_column(6, "volume", bars["volume"].cast(pa.int64()))
    assert content(batch.compute(other, None, "1d")) == content(batch.compute(bars, None, "1d"))


def test_no_bars():
    found = batch.compute(REAL.slice(0, 0), REAL_ACTIONS, "1d")
    assert (found.num_rows, found.num_columns) == (
        0,
        2 + len(Plan("1d").outputs) + len(COLUMNS.numbers) + len(COLUMNS.members),
    )


def test_the_split_of_a_day_counts_from_its_first_bar():
    # hourly bars around midnight; ex-date is day 2: the bar that ends at 00:00 is still in old units
    times = DAY_US + np.arange(-3, 4) * 3_600_000_000
    price = np.array([10.0, 10, 10, 10, 5, 5, 5])
    bars = dict.fromkeys(BARS, price) | {"event_time": times}
    found = batch.compute(table({"A": bars}), actions({"A": [(date(1970, 1, 2), 2, 1)]}), "1h")
    assert found["log_return"].to_pylist()[1:] == [0.0] * 6


BAD = {
    "close NaN": ("close", np.nan, "close is not a positive number in 1 of 30 bars"),
    "close null": ("close", None, "close is not a positive number"),
    "open zero": ("open", 0.0, "open is not a positive number"),
    "low negative": ("low", -1.0, "low is not a positive number"),
    "high infinite": ("high", np.inf, "high is not a positive number"),
    "volume negative": ("volume", -1.0, "volume is negative"),
    "volume NaN": ("volume", np.nan, "volume is negative or not a number"),
}


@pytest.mark.parametrize(("column", "value", "words"), BAD.values(), ids=BAD)
def test_bad_bars_are_named(column, value, words):
    bars = random_table("A", 30)
    values = bars[column].to_pylist()
    values[17] = value
    at = bars.column_names.index(column)
    with pytest.raises(DataError, match=words) as error:
        batch.compute(bars.set_column(at, column, pa.array(values, pa.float64())), None, "1d")
    assert error.value.where == "A 1970-01-19T00:00:00.000000 (row 17)"


def test_many_bad_bars_are_not_all_named():
    bars = random_table("A", 30)
    with pytest.raises(DataError, match="30 of 30") as error:
        batch.compute(bars.set_column(2, "open", pa.array([0.0] * 30)), None, "1d")
    assert error.value.where.endswith("(row 2), ...")


def test_two_bars_at_one_time():
    bars = random_table("AB", 10)
    with pytest.raises(DataError, match="two bars of one symbol at one time in 1 of 21") as error:
        batch.compute(pa.concat_tables([bars, bars.slice(13, 1)]), None, "1d")
    assert error.value.where == "B 1970-01-05T00:00:00.000000 (row 20)"


def without(name):
    return random_table("A", 3).drop_columns([name])


def replaced(name, values):
    bars = random_table("A", 3)
    return bars.set_column(bars.column_names.index(name), name, values)


TABLES = {
    "no close": (without("close"), "bars lack close"),
    "no time": (without("event_time"), "bars lack event_time"),
    "null symbol": (replaced("symbol", pa.array(["A", None, "A"])), "nulls in symbol"),
    "time as text": (replaced("event_time", pa.array(["a", "b", "c"])), "not a timestamp"),
    "price as text": (replaced("close", pa.array(["1", "b", "3"])), "close does not fit double"),
    "time too fine": (replaced("event_time", pa.array([1, 2, 3], pa.timestamp("ns"))), "event_time does not fit"),
}


@pytest.mark.parametrize(("bars", "words"), TABLES.values(), ids=TABLES)
def test_tables_of_another_form(bars, words):
    with pytest.raises(DataError, match=words):
        batch.compute(bars, None, "1d")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numerator": 0}, "0/1 is not positive"),
        ({"function": "UNDO"}, "unknown function 'UNDO'"),
        ({"ex_date": "2000-06-21"}, "ex_date is of type string"),
        ({"known_at": None}, "nulls in known_at"),
    ],
)
def test_actions_that_cannot_be_used(changes, words):
    with pytest.raises(DataError, match=words):
        batch.compute(random_table("A", 3), actions({"A": [(date(1970, 1, 2), 2, 1)]}, **changes), "1d")


def command(*words):
    """Runs a command of `tickloom features`."""
    app = typer.Typer()
    app.command("compute")(features.compute)
    app.command("list")(features.list_features)
    return CliRunner().invoke(app, words)


def test_the_command(tmp_path, result):
    pq.write_table(shuffled(REAL, 3), tmp_path / "bars.parquet")
    pq.write_table(REAL_ACTIONS, tmp_path / "actions.parquet")
    given, out = [str(tmp_path / f"{name}.parquet") for name in ("bars", "actions")], tmp_path / "new" / "out.parquet"
    done = command("compute", "--bars", given[0], "--actions", given[1], "--interval", "1d", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert f"{REAL.num_rows:,} bars, {result.num_columns - 2} features" in done.output
    assert content(pq.read_table(out)) == content(result)
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.parquet", "out_universe.parquet"]
    universe = batch.compute_views(REAL, REAL_ACTIONS, "1d")[UNIVERSE]
    assert content(pq.read_table(out.parent / "out_universe.parquet")) == content(universe)


def test_tables_of_large_texts_are_handed_over_in_parts(monkeypatch, result):
    whole, parts = batch.compute_views(REAL, REAL_ACTIONS, "1d"), []
    monkeypatch.setattr(crossed, "LIMIT", 100_000)
    again = batch.compute(REAL, REAL_ACTIONS, "1d", take=lambda view, part: parts.append((view, part)))
    assert content(again) == content(result) == content(whole[batch.FEATURES])
    for view in (UNIVERSE, PAIRS):
        assert content(pa.concat_tables([part for of, part in parts if of == view])) == content(whole[view])
    sizes = [sum(map(len, filter(None, part["returns_60"].to_pylist()))) for view, part in parts if view == UNIVERSE]
    assert len(sizes) > 50
    assert max(sizes) < 110_000


@pytest.mark.parametrize("text", ["no Parquet", None])
def test_the_command_names_a_file_that_it_cannot_read(tmp_path, text):
    if text:
        (tmp_path / "bars.parquet").write_text(text)
    error = command("compute", "--bars", str(tmp_path / "bars.parquet"), "--out", str(tmp_path / "out")).exception
    assert isinstance(error, DataError)
    assert error.where == str(tmp_path / "bars.parquet")


def test_the_list():
    plan = Plan("1m")
    rows = json.loads(command("list", "--json", "--interval", "1m").output)
    assert rows == json.loads(json.dumps(plan.describe()))
    lines = command("list", "--interval", "1m").output.splitlines()
    assert [line.split(":")[0].split(", ") for line in lines] == [row["outputs"] for row in rows]
