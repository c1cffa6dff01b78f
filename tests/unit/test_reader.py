"""VectorReader on both stores: values, flags and policies, row by row."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from feature_repo.reader import UNKNOWN_AGE, Flags, Policy, VectorReader
from feature_repo.stores import Store, open_store
from schemas.errors import FeatureError, StoreError
from udfs.vector import Layout

PRICES = Layout("prices", (("close", "f8"), ("peer", "str"), ("suspect_split", "f8"), ("rsi", "f8")))
RANKS = Layout("ranks", (("rank", "f8"),))
LAYOUTS = {each.view: each for each in (PRICES, RANKS)}
COLUMNS = ("ranks:rank", "prices:rsi", "prices:close")
PROJECTS = count()
NOW = 1_000


@pytest.fixture(params=["redis", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'online.db'}" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    opened = open_store(str(url))
    yield opened
    opened.close()


@pytest.fixture
def project() -> str:
    return f"r{next(PROJECTS)}"


def put(store: Store, project: str, entity: str, time: int, close: float, rsi: float = 50, suspect: float = 0) -> None:
    fence = store.fence(project, "prices", entity)
    vectors = PRICES.pack(time, fence, 0, 0, np.array([[close, suspect, rsi]]), [["x"]])
    store.write(project, "prices", [entity], vectors, shard=entity, fence=fence)


def rank(store: Store, project: str, entity: str, time: int, value: float) -> None:
    fence = store.fence(project, "ranks", entity)
    vectors = RANKS.pack(time, fence, 0, 0, np.array([[value]]))
    store.write(project, "ranks", [entity], vectors, shard=entity, fence=fence)


def reader(store: Store, project: str, **policies: Policy) -> VectorReader:
    by_column = {name: policies[name.partition(":")[2]] for name in COLUMNS if name.partition(":")[2] in policies}
    return VectorReader(store, project, COLUMNS, by_column, max_age_us=100, layouts=LAYOUTS)


def test_columns_of_two_views_in_the_order_asked_for(store: Store, project: str) -> None:
    put(store, project, "A", 950, 10.5, rsi=-0.0)
    rank(store, project, "A", 960, 0.25)
    put(store, project, "B", 990, 5e-324)
    found = reader(store, project).read(["B", "none", "A", "B"], NOW)
    nan = np.nan
    wanted = np.array([[nan, 50, 5e-324], [nan, nan, nan], [0.25, -0.0, 10.5], [nan, 50, 5e-324]])
    assert found.values.tobytes() == wanted.tobytes()
    assert found.flags.tolist() == [Flags.MISSING, Flags.MISSING, 0, Flags.MISSING]
    assert found.age_us.tolist() == [10, UNKNOWN_AGE, 50, 10]
    assert found.oldest[[0, 2]].tolist() == [990, 950]
    assert found.newest[[0, 2]].tolist() == [990, 960]


# event time of the vector, suspect, rsi; flags of the row
@pytest.mark.parametrize(
    ("time", "suspect", "rsi", "flags"),
    [
        (950, 0, 50, 0),
        (900, 0, 50, 0),
        (899, 0, 50, Flags.STALE),
        (950, 1, 50, Flags.SUSPECT),
        (950, np.nan, 50, 0),
        (950, 0, np.nan, Flags.MISSING),
        (1_001, 0, 50, Flags.AHEAD),
        (1_000, 0, 50, 0),
        (899, 1, np.nan, Flags.STALE | Flags.SUSPECT | Flags.MISSING),
    ],
)
def test_flags(store: Store, project: str, time: int, suspect: float, rsi: float, flags: int) -> None:
    put(store, project, "A", time, 1.0, rsi, suspect)
    rank(store, project, "A", 950, 0.5)
    found = reader(store, project).read(["A"], NOW)
    assert found.flags.tolist() == [flags]
    assert found.values.tobytes() == np.array([[0.5, rsi, 1.0]]).tobytes()


@pytest.mark.parametrize(("time", "suspect", "rsi"), [(899, 0, 50), (950, 1, 50), (950, 0, np.nan)])
def test_policies_refuse_and_replace(store: Store, project: str, time: int, suspect: float, rsi: float) -> None:
    put(store, project, "bad", time, 1.0, rsi, suspect)
    put(store, project, "good", 950, 2.0)
    for name in ("bad", "good"):
        rank(store, project, name, 950, 0.5)
    refusing = reader(store, project, rsi=Policy("refuse")).read(["bad", "good"], NOW)
    assert np.isnan(refusing.values[0]).all()
    assert refusing.values[1].tolist() == [0.5, 50, 2.0]
    assert [bool(f & Flags.REFUSED) for f in refusing.flags] == [True, False]

    replacing = reader(store, project, rsi=Policy("default", 7.5)).read(["bad", "good"], NOW)
    assert replacing.values.tolist() == [[0.5, 7.5, 1.0], [0.5, 50, 2.0]]
    assert [bool(f & Flags.DEFAULTED) for f in replacing.flags] == [True, False]
    assert [bool(f & Flags.REFUSED) for f in replacing.flags] == [False, False]


def test_an_absent_entity_is_refused_or_has_the_default(store: Store, project: str) -> None:
    refused = reader(store, project, rank=Policy("refuse")).read(["none"], NOW)
    assert refused.flags.tolist() == [Flags.MISSING | Flags.REFUSED]
    filled = reader(store, project, rank=Policy("default", 1), rsi=Policy("default", 2), close=Policy("default", 3))
    found = filled.read(["none"], NOW)
    assert found.values.tolist() == [[1, 2, 3]]
    assert found.flags.tolist() == [Flags.MISSING | Flags.DEFAULTED]


def test_an_age_of_its_own(store: Store, project: str) -> None:
    put(store, project, "A", 970, 1.0)
    rank(store, project, "A", 970, 0.5)
    assert reader(store, project, rsi=Policy(max_age_us=29)).read(["A"], NOW).flags.tolist() == [Flags.STALE]
    assert reader(store, project, rsi=Policy(max_age_us=30)).read(["A"], NOW).flags.tolist() == [0]


def test_a_snapshot_serves_nothing_newer(store: Store, project: str) -> None:
    put(store, project, "A", 950, 1.0)
    put(store, project, "B", 951, 2.0)
    for name in "AB":
        rank(store, project, name, 950, 0.5)
    found = reader(store, project).read(["A", "B"], NOW, as_of_us=950)
    assert found.values[0].tolist() == [0.5, 50, 1.0]
    assert found.values[1, 0] == 0.5
    assert np.isnan(found.values[1, 1:]).all()
    assert found.flags.tolist() == [0, Flags.AHEAD | Flags.MISSING]


def test_reads_into_the_array_that_it_is_given(store: Store, project: str) -> None:
    put(store, project, "A", 950, 1.0)
    out = np.full((5, 3), 9.0)
    found = reader(store, project).read(["A", "none"], NOW, out=out)
    assert np.shares_memory(found.values, out)
    assert out[0, 1:].tolist() == [50, 1.0]
    assert (out[2:] == 9).all()
    assert len(reader(store, project).read([], NOW, out=out).values) == 0
    for wrong in (np.zeros((1, 3)), np.zeros((2, 2)), np.zeros((2, 3), np.float32)):
        with pytest.raises(FeatureError, match="for 2 entities of 3 columns"):
            reader(store, project).read(["A", "B"], NOW, out=wrong)


def test_a_vector_of_an_older_schema_is_read_when_it_is_described(store: Store, project: str) -> None:
    older = Layout("prices", (("rsi", "f8"), ("gone", "f8")))
    vectors = older.pack(950, 1, 0, 0, np.array([[40.0, 1.0]]))
    store.write(project, "prices", ["A"], vectors, shard="0", fence=1)
    put(store, project, "B", 950, 2.0)
    reading = reader(store, project)
    with pytest.raises(StoreError, match="not described"):
        reading.read(["A", "B"], NOW)
    store.describe(project, older)
    for _ in range(2):
        found = reading.read(["A", "B"], NOW)
        assert found.values[:, 1].tolist() == [40, 50]
        assert np.isnan(found.values[0, 2])


def test_features_that_are_added_meanwhile_harm_no_reader(store: Store, project: str) -> None:
    reading = reader(store, project)
    store.describe(project, PRICES)
    put(store, project, "A", 950, 2.0)
    assert reading.read(["A"], NOW).values[:, 1].tolist() == [50]
    newer = Layout("prices", (*PRICES.fields[:2], ("pull", "f8"), *PRICES.fields[2:]))
    store.describe(project, newer)
    vectors = newer.pack(960, 2**50, 0, 0, np.array([[3.0, 0.1, 0.0, 60.0]]), [["x"]])
    store.write(project, "prices", ["B"], vectors, shard="1", fence=2**50)
    found = reading.read(["A", "B"], NOW)
    assert found.values[:, 1:].tolist() == [[50, 2], [60, 3]]
    after = VectorReader(store, project, ["prices:pull", "prices:rsi"], layouts={"prices": newer}).read(["A", "B"], NOW)
    assert np.isnan(after.values[0, 0])
    assert (after.values[:, 1].tolist(), after.values[1, 0]) == ([50, 60], 0.1)
    assert after.flags.tolist() == [Flags.MISSING, 0]


@pytest.mark.parametrize("column", ["prices:clos", "prices:peer"])
def test_an_unknown_column_is_named(store: Store, column: str) -> None:
    with pytest.raises(FeatureError, match=column.partition(":")[2]):
        VectorReader(store, "p", [column], layouts=LAYOUTS)


def test_a_policy_for_no_column_is_named(store: Store) -> None:
    with pytest.raises(FeatureError, match="prices:rsj"):
        VectorReader(store, "p", COLUMNS, {"prices:rsj": Policy()}, layouts=LAYOUTS)


ROW = st.tuples(
    st.sampled_from([None, 850, 950, 1_050]), st.sampled_from([None, 850, 950, 1_050]),
    st.sampled_from([1.0, np.nan]), st.booleans(),
)  # fmt: skip
POLICY = st.builds(
    Policy, st.sampled_from(["refuse", "flag", "default"]), st.just(-7.0), st.sampled_from([None, 20, 500])
)


@given(rows=st.lists(ROW, max_size=5), policies=st.tuples(POLICY, POLICY), as_of=st.sampled_from([None, 950]))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_and_policies_are_as_one_value_at_a_time_says(
    store: Store, rows: list[tuple[int | None, int | None, float, bool]], policies: tuple[Policy, Policy],
    as_of: int | None,
) -> None:  # fmt: skip
    project = f"h{next(PROJECTS)}"
    for i, (price_time, rank_time, close, suspect) in enumerate(rows):
        if price_time is not None:
            put(store, project, str(i), price_time, close, suspect=float(suspect))
        if rank_time is not None:
            rank(store, project, str(i), rank_time, 0.5)
    columns = ("prices:close", "ranks:rank")
    reading = VectorReader(store, project, columns, dict(zip(columns, policies, strict=True)), 100, LAYOUTS)
    found = reading.read([str(i) for i in range(len(rows))], NOW, as_of_us=as_of)
    for i, row in enumerate(rows):
        values, flags = naive(row, policies, as_of)
        assert found.values[i].tobytes() == np.array(values).tobytes(), row
        assert found.flags[i] == flags, row


def naive(
    row: tuple[int | None, int | None, float, bool], policies: tuple[Policy, Policy], as_of: int | None
) -> tuple[list[float], int]:
    """One row, a value at a time."""
    price_time, rank_time, close, is_suspect = row
    flags, values, refused = 0, list[float](), False
    for time, value, suspect, policy in (
        (price_time, close, is_suspect, policies[0]), (rank_time, 0.5, False, policies[1])
    ):  # fmt: skip
        number, bad = (value if time is not None else np.nan), 0
        if time is not None:
            limit = NOW if as_of is None else as_of
            flags |= Flags.AHEAD if time > limit else 0
            number = np.nan if as_of is not None and time > as_of else number
            bad |= Flags.STALE if NOW - time > (policy.max_age_us or 100) else 0
            bad |= Flags.SUSPECT if suspect else 0
        bad |= Flags.MISSING if np.isnan(number) else 0
        flags |= bad
        if bad and policy.on == "default":
            number, flags = policy.default, flags | Flags.DEFAULTED
        refused |= bool(bad) and policy.on == "refuse"
        values.append(number)
    return ([np.nan, np.nan], flags | Flags.REFUSED) if refused else (values, flags)
