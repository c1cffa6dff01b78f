"""Some hundred worlds of the simulation, and its store beside a real Redis.

More: `python -m tests.simulation --seeds 10000`.
"""

import time
from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyflink.common import Row

from feature_repo.stores import FencedOff, Forgotten, Store
from feature_repo.stores.redis import RedisStore
from jobs.runtime.envelope import TICKS
from jobs.stages.bars import Bars
from jobs.stages.store import WriteVectors
from schemas.settings import settings
from tests.oracles.bars import Record, ticks
from tests.simulation.checker import WrongError, run
from tests.simulation.faults import KINDS
from tests.simulation.flink import HIGHEST, Keyed
from tests.simulation.many import worlds
from tests.simulation.small import SECOND, small_settings
from tests.simulation.store import MemoryStore, Server
from tests.unit.storing import PROJECTS, vector
from udfs.frame import Frame
from udfs.ticks import CANCEL, shard_of
from udfs.vector import stamp

SEEDS, LIMIT_S, UNDONE = 200, 15.0, 3951
CLIENTS, SHARDS, ENTITIES = 2, "01", "AB"


def test_worlds_are_sound() -> None:
    """As many of the first 200 as a quarter of a minute holds: on a slow machine fewer, but forty at least."""
    bit, failed, started, ran = Counter[str](), [], time.monotonic(), 0
    while ran < SEEDS and (ran < 40 or time.monotonic() - started < LIMIT_S):
        of, wrong, _ = worlds(range(ran, ran + 20))
        bit, failed, ran = bit + of, failed + wrong, ran + 20
    assert failed == []
    assert sum(bit[f"fault: {kind}"] for kind in KINDS) >= ran // 2


def test_a_vector_of_an_undone_attempt_does_not_stay() -> None:
    """In the replay its trade is cancelled in time. Another seed must be sought if the worlds are made otherwise."""
    with small_settings():
        run(UNDONE)
        with patch.object(WriteVectors, "_passed", lambda *_: []), pytest.raises(WrongError, match="store"):
            run(UNDONE)


@pytest.mark.parametrize("seed", [20175, 21830])
def test_worlds_that_have_failed(seed: int) -> None:
    """A stale row of one ticker between two of another (udfs/history.py); a fence over a store that had forgotten."""
    with small_settings():
        run(seed)


def test_a_seed_is_a_world() -> None:
    seen: list[list[str]] = [[], []]
    with small_settings():
        for steps in seen:
            run(3, steps.append)
    assert seen[0] == seen[1] != []


def test_a_cancel_in_the_last_bar_is_applied_though_nothing_follows() -> None:
    """The bar of its trade is built again when its own bar closes: that turn waits for no further record."""
    trade = Record("A", 0, 10.0, trade_id="t")
    cancel = Record("A", SECOND, 10.0, trade_id="t", kind=CANCEL)
    with small_settings():
        job = Keyed("bars", 0, Bars("1s", settings()), lambda: 0)
        job.function.numbers = {number: number for number in range(settings().state.shards)}
        number = shard_of("A", settings().state.shards)
        for block in ([trade], [cancel]):
            assert list(job.on_row(Row(number, TICKS, ticks(block).pack()))) == []
        closed = [Frame.unpack(row[2]) for row in job.on_mark(2000 - 1)]
        amended = [Frame.unpack(row[2]) for row in job.on_clock(HIGHEST)]
    assert [(frame.event_time, frame.symbols) for frame in closed] == [(SECOND, ["A"])]
    assert [(frame.event_time, frame.symbols, frame.removed) for frame in amended] == [(SECOND, [], ["A"])]


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("fence"), st.integers(0, CLIENTS - 1), st.sampled_from(SHARDS)),
        st.tuples(st.just("write"), st.integers(0, CLIENTS - 1), st.sampled_from(SHARDS), st.sampled_from(ENTITIES),
                  st.integers(1, 3), st.integers(0, 2), st.integers(-1, 5)),
        st.tuples(st.just("undone"), st.integers(0, CLIENTS - 1), st.sampled_from(SHARDS), st.integers(0, 3),
                  st.integers(0, 5)),
        st.just(("wipe",)),
    ),
    max_size=25,
)  # fmt: skip


@pytest.fixture
def clients(redis_url: str) -> Iterator[list[Store]]:
    found: list[Store] = [RedisStore(redis_url) for _ in range(CLIENTS)]
    yield found
    for each in found:
        each.close()


@given(moves=MOVES)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_store_answers_as_redis_does(clients: list[Store], moves: list[tuple[object, ...]]) -> None:
    server = Server(lambda: 1)
    project, models = f"s{next(PROJECTS)}", [MemoryStore(server) for _ in range(CLIENTS)]
    assert [answers(clients, project, moves)] == [answers(models, project, moves)]


def answers(clients: list[Store] | list[MemoryStore], project: str, moves: list[tuple[object, ...]]) -> list[object]:
    """What each move is answered; a fence is told by its number among all fences, since Redis goes by its clock."""
    fences, told = [0], list[object]()
    for what, *how in moves:
        if what == "wipe":
            clients[0].delete(project, "v")
        elif what == "fence":
            fences.append(clients[how[0]].fence(project, "v", how[1]))
            told.append(fences[-1] > fences[-2])
        elif what == "undone":
            client, shard, since, which = how
            until = range(1, fences[which % len(fences)])
            told.append(clients[client].undone(project, "v", shard, since=since, fences=until))
        else:
            client, shard, entity, time_us, revision, which = how
            number = fences[which % len(fences)]
            try:
                packed = [vector(time_us, number, revision)]
                told.append(clients[client].write(project, "v", [entity], packed, shard=shard, fence=number))
            except (FencedOff, Forgotten) as refused:
                told.append(type(refused).__name__)
        told += [held and (stamp(held)[0], fences.index(stamp(held)[1]), stamp(held)[2])
                 for held in clients[0].read(project, "v", list(ENTITIES))]  # fmt: skip
        told.append([clients[1].opened(project, "v", shard) for shard in SHARDS])
    return told
