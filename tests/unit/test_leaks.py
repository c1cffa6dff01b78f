"""No feature looks ahead, and whoever lets one look ahead is told which, where and by what."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import DataError, FeatureError
from tests.oracles.planted_leaks import BATCHES, KERNELS, row
from tests.oracles.planted_reads import PLAYS
from tickloom.leaks import check, futures, hearing
from tickloom.leaks.command import leaks
from tickloom.leaks.findings import ROWS, Findings, View
from tickloom.leaks.rows import with_registry
from tickloom.leaks.world import World, files, market
from udfs.adjustment import when
from udfs.batch import TIME
from udfs.kernels import sma
from udfs.plan import Plan
from udfs.registry import FEATURES, Feature, feature
from udfs.table import table

LOG_RETURN = FEATURES[0]
OBV = next(row for row in FEATURES if row.name == "obv")
SMA = feature("sma", ("sma_5",), ("close",), sma.step, sma.STATE, 4, params={"period": 5})


def cuts(world: World, features: tuple[Feature, ...], points: int) -> list[int]:
    return check.cuts(world, features, points, np.random.default_rng(0))


def test_a_batch_of_the_registry_does_not_look_ahead() -> None:
    world, found = market(3, check.enough(FEATURES, "1m")), Findings()
    check.in_batch(world, FEATURES, [*cuts(world, FEATURES, 6), world.ends[-2]], np.random.default_rng(0), found)
    assert found.first() == {}
    assert found.vacant() == []
    outputs = {output for output, _ in found.compared}
    assert outputs >= {output for each in FEATURES for output in each.outputs}
    assert outputs >= {"corr_market_60", "cluster_60", "universe.oas_60", "universe.returns_60", f"universe.{ROWS}"}


def test_the_registry_as_known_does_not_change_later() -> None:
    world, found = market(4, 80), Findings()
    check.as_known(world, FEATURES, cuts(world, FEATURES, 8), 1, np.random.default_rng(0), found)
    assert found.first() == {}
    unknown = ["antipeer_3_60", "antipeer_corr_3_60", "corr_break_60", "peer_3_60", "peer_corr_3_60", "sma_200"]
    assert found.vacant() == [*unknown, "universe.corr_break_60"], "too few bars, or whole members"


@pytest.mark.parametrize("name", KERNELS)
def test_a_planted_kernel_is_caught_and_named(name: str) -> None:
    world, features, found = market(1, 40), (LOG_RETURN, row(KERNELS[name])), Findings()
    check.in_batch(world, features, cuts(world, features, 10), np.random.default_rng(2), found)
    assert set(found.first()) == {"planted"}


@pytest.mark.parametrize("name", BATCHES)
def test_a_planted_batch_is_caught(name: str) -> None:
    compute, output, by = BATCHES[name]
    world, features, found = market(1, 120), (LOG_RETURN, SMA, OBV), Findings()
    check.in_batch(world, features, cuts(world, features, 16), np.random.default_rng(2), found, compute)
    assert (output, by) in found.leaks


@pytest.mark.parametrize("name", PLAYS)
def test_a_planted_read_as_known_is_caught(name: str) -> None:
    ways, by = PLAYS[name]
    world, features, found = market(1, 28), (LOG_RETURN, SMA, OBV), Findings()
    check.as_known(world, features, cuts(world, features, 16), 2, np.random.default_rng(2), found, **ways)
    assert by in {each for _, each in found.leaks}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", futures.FUTURES)
@pytest.mark.parametrize("at", [0, 20, 39])
def test_another_future_of_bars_is_the_same_up_to_its_cut(name: str, at: int) -> None:
    world = market(5, 44)
    cut = world.ends[at]
    other = futures.FUTURES[name](world, cut, rng(at))

    def parts(of: World) -> tuple[list[tuple[object, ...]], list[object], list[object]]:
        rows = list(zip(np.array(of.bars.names)[of.bars.rows].tolist(), of.bars.times.tolist(),
                        map(bytes, of.bars.values), strict=True))  # fmt: skip
        ahead = [row for row in rows if row[1] > cut], [each for each in of.actions if when(each) >= cut]
        return [row for row in rows if row[1] <= cut], [each for each in of.actions if when(each) < cut], [*ahead]

    (bars, actions, ahead), (same_bars, same_actions, other_ahead) = parts(world), parts(other)
    assert (bars, actions) == (same_bars, same_actions)
    assert ahead != other_ahead
    assert other.bars.names == sorted(other.bars.names)
    keys = list(zip(other.bars.times.tolist(), other.bars.rows.tolist(), strict=True))
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("name", hearing.FUTURES)
@pytest.mark.parametrize("at", [13, 20, 39])
def test_another_hearing_is_the_same_up_to_its_cut_and_changes_what_was_before(name: str, at: int) -> None:
    world = market(5, 44)
    cut, tape = world.ends[at], hearing.hearing(world, rng())
    other = hearing.FUTURES[name](tape, cut, rng(at))

    def heard(of: hearing.Hearing, until: int) -> list[tuple[object, ...]]:
        return [(end, ticks.pack(), actions) for end, ticks, actions in of.steps() if end <= until]

    assert heard(other, cut) == heard(tape, cut)
    assert heard(other, cut) == list(heard(tape.until(cut), 2**62))
    assert heard(other, 2**62) != heard(tape, 2**62)
    ends = [View(table([f for _, f in check.play(of, Plan("1m", (LOG_RETURN, SMA, OBV)))])) for of in (tape, other)]
    found = Findings()
    found.compare("read in the end", cut, *ends, cut)
    assert found.leaks


def view(**columns: list[object]) -> View:
    """Rows A at 1, B at 1, A at 2 and so on."""
    count = len(next(iter(columns.values())))
    symbols, times = ["AB"[i % 2] for i in range(count)], [i // 2 + 1 for i in range(count)]
    kinds = {
        name: pa.string() if isinstance(values[0], str | None) else pa.float64() for name, values in columns.items()
    }
    named = {name: pa.array(values, kinds[name]) for name, values in columns.items()}
    return View(pa.table({"symbol": symbols, "event_time": pa.array(times, pa.int64()).cast(TIME)} | named))


NAN = float("nan")


@pytest.mark.parametrize(
    ("was", "now", "until", "expected"),
    [
        (view(x=[1.0, 2.0]), view(x=[1.0, 2.0]), 9, {"x": (1, 0), ROWS: (1, 0)}),
        (view(x=[1.0, 2.0]), view(x=[1.0, 2.5]), 9, {"x": (1, 1), ROWS: (1, 0)}),
        (view(x=[0.0, 2.0]), view(x=[-0.0, 2.5]), 9, {"x": (1, 1), ROWS: (1, 0)}),  # one leak, however many rows
        (view(x=[1.0, 2.0, 3.0]), view(x=[1.0, 2.0, 4.0]), 1, {"x": (1, 0), ROWS: (1, 0)}),
        (view(x=[NAN, NAN]), view(x=[NAN, NAN]), 9, {"x": (0, 0), ROWS: (1, 0)}),
        (view(x=[NAN, NAN]), view(x=[NAN, 1.0]), 9, {"x": (1, 1), ROWS: (1, 0)}),
        (view(x=[1.0, 2.0, 3.0]), view(x=[1.0, 2.0]), 9, {"x": (1, 0), ROWS: (1, 1)}),
        (view(x=["A", None]), view(x=["A", "B"]), 9, {"x": (1, 1), ROWS: (1, 0)}),
        (view(x=[None, None]), view(x=[None, None]), 9, {"x": (0, 0), ROWS: (1, 0)}),
        (view(x=[1.0], y=[1.0]), view(x=[1.0]), 9, {"x": (1, 0), ROWS: (1, 0)}),
    ],
)
def test_a_comparison(was: View, now: View, until: int, expected: dict[str, tuple[int, int]]) -> None:
    found = Findings()
    found.compare("c", 0, was, now, until)
    assert {of: (found.compared[of, "c"], len(found.leaks.get((of, "c"), ()))) for of, _ in found.compared} == expected
    leaking, compared = (sum(each) for each in zip(*((n, m) for m, n in expected.values()), strict=True))
    assert found.totals() == (leaking, compared)
    assert found.vacant() == [output for output, (count, _) in expected.items() if not count]


def test_the_earliest_leak_is_told() -> None:
    found, base = Findings(), view(x=[1.0, 2.0, 3.0, 4.0])
    found.compare("one", 2, base, view(x=[1.0, 2.0, 3.0, 5.0]), 2)
    found.compare("two", 1, base, view(x=[1.0, 6.0, 3.0, 4.0]), 2)
    epoch = "1970-01-01 00:00:00"
    assert {output: str(leak) for output, leak in found.first().items()} == {
        "x": f"two after {epoch}: B at {epoch} was 2.0, is 6.0"
    }


MODULE = """
from tests.oracles.planted_leaks import KERNELS, row
from udfs.kernels import rsi
from udfs.registry import FEATURES
LEAKING = [row(KERNELS["the next bar"])]
OTHERS = (FEATURES[0], FEATURES[5])
NONE = 7
"""


@pytest.fixture
def of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module of features, and a small file of bars."""
    (tmp_path / "of_a_user.py").write_text(MODULE)
    world = market(2, 24)
    pq.write_table(world.table, tmp_path / "bars.parquet")
    pq.write_table(world.announced, tmp_path / "actions.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_features_of_a_user_come_after_the_registry_or_in_place_of_its_rows(of_a_user: Path) -> None:
    assert with_registry("") == FEATURES
    assert [each.name for each in with_registry("of_a_user:LEAKING")] == [*(each.name for each in FEATURES), "planted"]
    names = [each.name for each in with_registry("of_a_user:OTHERS")]
    assert sorted(names) == sorted(each.name for each in FEATURES)
    assert names[-2:] == ["log_return", "rsi"]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("of_a_user:LEAKNG", r"does not exist\n.*of_a_user\n.*did you mean 'LEAKING'"),
        ("of_a_user:NONE", "is no sequence of registry rows"),
        ("of_a_user", "does not exist"),
        ("of_nobody:FEATURES", "No module named 'of_nobody'"),
        (":FEATURES", "module:NAME"),
        ("udfs.packs.across:FEATURES", "look across the universe\n.*\n.*features.packs"),
    ],
)
def test_features_that_cannot_be_had(of_a_user: Path, name: str, match: str) -> None:
    with pytest.raises(FeatureError, match=match):
        with_registry(name)


FILES = ["--bars", "bars.parquet", "--actions", "actions.parquet", "--interval", "1m", "--points", "3"]


@pytest.mark.parametrize(("more", "code"), [([], 0), (["--features", "of_a_user:LEAKING"], 1)])
def test_the_command(of_a_user: Path, more: list[str], code: int) -> None:
    app = typer.Typer()
    app.command()(leaks)
    result = CliRunner().invoke(app, [*FILES, *more])
    assert result.exit_code == code, result.output
    first, *_, last = result.output.splitlines()
    assert first == "bars.parquet: 24 bar times, 7 symbols, 10 records of actions"
    assert last.endswith("comparisons")
    assert last.startswith("0 leaks in ") == (code == 0)
    assert ("planted: batch, " in result.output) == (code == 1)
    assert "never had a value, so nothing is known of: " in result.output  # sma_200 of 24 bars


def test_bars_without_a_future(tmp_path: Path) -> None:
    pq.write_table(market(2, 4).table.slice(0, 1), tmp_path / "bars.parquet")
    with pytest.raises(DataError, match="less than two bar times"):
        files(tmp_path / "bars.parquet", None, "1m")
    (tmp_path / "bars.parquet").write_text("no bars")
    with pytest.raises(DataError, match="not a Parquet file"):
        files(tmp_path / "bars.parquet", None, "1m")
