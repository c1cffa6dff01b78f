"""Both stores, one table: what wins, who may write, whose keys are whose."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from feature_repo.stores import FencedOff, Store, open_store
from schemas.errors import StoreError
from tests.unit.storing import LAYOUT, PROJECTS, project, store, url, vector
from udfs.vector import stamp

__all__ = ["project", "store", "url"]


def test_reads_in_order_with_gaps(store: Store, project: str) -> None:
    fence = store.fence(project, "v", "0")
    written = [vector(1, fence, value=i) for i in range(2500)]
    names = [f"S{i}" for i in range(2500)]
    assert store.write(project, "v", names, written, shard="0", fence=fence) == 2500
    assert store.read(project, "v", ["S7", "none", "S2499", "S7"]) == [written[7], None, written[2499], written[7]]
    assert store.read(project, "v", names) == written
    assert store.read(project, "v", []) == []


# entity names that a separator, a pattern, SQL or an encoding could trip over
@pytest.mark.parametrize("name", ["BRK.B", "a:b", "*", "'; DROP", "é€🎈", "", "x" * 500, "a b", "%2A"])
def test_any_entity_name(store: Store, project: str, name: str) -> None:
    assert store.write(project, "v", [name], [vector(1)], shard="0", fence=1) == 1
    assert store.read(project, "v", [name, name + "?"]) == [vector(1), None]


# (event time, fence, revision) held, the same offered, does the offered one win
@pytest.mark.parametrize(
    ("held", "offered", "wins"),
    [
        ((10, 5, 0), (11, 5, 0), True),
        ((10, 5, 0), (9, 5, 9), False),
        ((10, 5, 0), (9, 6, 9), False),
        ((10, 5, 0), (10, 5, 1), True),
        ((10, 5, 1), (10, 5, 0), False),
        ((10, 5, 7), (10, 6, 0), True),
        ((10, 5, 0), (10, 5, 0), False),
        ((-10, 5, 0), (-11, 5, 0), False),
        ((-10, 5, 0), (1, 5, 0), True),
        ((2**53 - 2, 5, 0), (2**53 - 1, 5, 0), True),
        ((2**53 - 1, 5, 0), (2**53 - 2, 5, 9), False),
    ],
)
def test_newest_wins(
    store: Store, project: str, held: tuple[int, int, int], offered: tuple[int, int, int], wins: bool
) -> None:
    store.write(project, "v", ["A"], [vector(*held, value=1)], shard="0", fence=9)
    assert store.write(project, "v", ["A"], [vector(*offered, value=2)], shard="0", fence=9) == wins
    assert store.read(project, "v", ["A"]) == [vector(*offered, value=2) if wins else vector(*held, value=1)]


def test_what_older_fences_of_a_shard_wrote_after_a_time(store: Store, project: str) -> None:
    """Not what another shard wrote since, not what is committed (fence 0), not what this fence wrote again."""
    first, other = (store.fence(project, "v", shard) for shard in "01")
    for name, time_us in (("A", 5), ("B", 6), ("C", 7), ("D", 8)):
        store.write(project, "v", [name], [vector(time_us, first)], shard="0", fence=first)
    store.write(project, "v", ["D"], [vector(9, other)], shard="1", fence=other)
    store.write(project, "v", ["E"], [vector(9, 0)], shard="rebuild", fence=store.fence(project, "v", "rebuild"))
    second = store.fence(project, "v", "0")
    assert store.undone(project, "v", "0", since=5, fences=range(1, second)) == {"B": 6, "C": 7}
    assert store.undone(project, "v", "0", since=5, fences=range(first + 1, second)) == {}
    store.write(project, "v", ["B"], [vector(6, second)], shard="0", fence=second)
    assert store.undone(project, "v", "0", since=5, fences=range(1, second)) == {"C": 7}
    store.delete(project, "v")
    assert store.undone(project, "v", "0", since=0, fences=range(1, second)) == {}


STAMPS = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2))


@given(groups=st.lists(st.lists(st.tuples(st.sampled_from("ABC"), STAMPS), max_size=6), max_size=6))
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_ends_with_the_largest_stamp(
    store: Store, groups: list[list[tuple[str, tuple[int, int, int]]]]
) -> None:
    project, held, won = f"h{next(PROJECTS)}", dict[str, tuple[int, int, int]](), 0
    for group in groups:
        names, vectors = [name for name, _ in group], [vector(*at) for _, at in group]
        for name, at in group:
            won += name not in held or at > held[name]
            held[name] = max(at, held.get(name, at))
        won -= store.write(project, "v", names, vectors, shard="0", fence=9)
    assert won == 0
    found = store.read(project, "v", list("ABC"))
    assert [stamp(v)[:3] if v else None for v in found] == [held.get(name) for name in "ABC"]


def test_a_replaced_writer_changes_nothing(store: Store, project: str) -> None:
    old = store.fence(project, "v", "0")
    store.write(project, "v", ["A"], [vector(1, old)], shard="0", fence=old)
    new = store.fence(project, "v", "0")
    assert new > old
    with pytest.raises(FencedOff, match=str(old)):
        store.write(project, "v", ["A", "B"], [vector(2, old), vector(2, old)], shard="0", fence=old)
    assert store.read(project, "v", ["A", "B"]) == [vector(1, old), None]
    assert store.write(project, "v", ["A"], [vector(1, new)], shard="0", fence=new) == 1


def test_fences_of_shards_grow_together_and_bar_only_their_own(store: Store, project: str) -> None:
    first, second, third = (store.fence(project, "v", shard) for shard in "012")
    assert first < second < third
    assert store.write(project, "v", ["A"], [vector(1, first)], shard="0", fence=first) == 1
    assert store.fence(f"{project}x", "v", "0") > 0


def test_swap_needs_what_was_read(store: Store, project: str) -> None:
    names, first, second = ["A", "B"], vector(5, value=1), vector(4, value=2)
    assert store.swap(project, "v", names, [None, None], [first, first]) == [True, True]
    assert store.swap(project, "v", names, [None, first], [second, second]) == [False, True]
    assert store.read(project, "v", names) == [first, second]
    assert store.swap(project, "v", [], [], []) == []


def test_delete_keeps_to_its_project_and_view(store: Store) -> None:
    kept = [("nonprod", "v"), ("prod2", "v"), ("prod", "v2"), ("prod", "v:x"), ("pr*", "v"), ("prod:v", "v")]
    for name, view in [("prod", "v"), *kept]:
        store.write(name, view, ["A", "v:A"], [vector(1), vector(2)], shard="0", fence=1)
    store.delete("prod", "v")
    store.delete("pr?d", "v")
    assert store.read("prod", "v", ["A", "v:A"]) == [None, None]
    for name, view in kept:
        assert store.read(name, view, ["A", "v:A"]) == [vector(1), vector(2)], (name, view)
        store.delete(name, view)


def test_readers_never_go_back(url: str, project: str) -> None:
    writers, stop, seen = [open_store(url) for _ in range(2)], threading.Event(), list[tuple[int, int]]()

    def read() -> None:
        reader = open_store(url)
        while not stop.is_set():
            found = [v for v in reader.read(project, "v", ["A"]) if v]
            LAYOUT.unpack(found)
            seen.extend((stamp(v).event_time, stamp(v).revision) for v in found)
        reader.close()

    polling = threading.Thread(target=read)
    polling.start()
    order = np.random.default_rng(1).permutation(200)
    for turn, i in enumerate(order.tolist()):
        writers[turn % 2].write(project, "v", ["A"], [vector(i // 2, 1, i % 2, value=i)], shard="0", fence=1)
    stop.set()
    polling.join()
    assert seen == sorted(seen)
    assert stamp(writers[0].read(project, "v", ["A"])[0] or b"")[:3] == (99, 1, 1)


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for turn in range(20):
        gate = threading.Barrier(6)

        def fence(url: str = f"sqlite:///{tmp_path / str(turn)}.db", gate: threading.Barrier = gate) -> int:
            store = open_store(url)
            gate.wait()
            try:
                return store.fence("p", "v", "0")
            finally:
                store.close()

        with ThreadPoolExecutor(6) as pool:
            fences = [job.result() for job in [pool.submit(fence) for _ in range(6)]]
        assert len(set(fences)) == 6


def _contest(job: tuple[str, str, int]) -> int:
    url, project, seed = job
    store, won = open_store(url), 0
    names = [f"S{i}" for i in range(20)]
    for time in np.random.default_rng(seed).permutation(40).tolist():
        batch = LAYOUT.pack(time, 1, 0, 0, np.full((20, 1), float(time)), [["text"] * 20])
        won += store.write(project, "v", names, batch, shard="0", fence=1)
    store.close()
    return won


def test_processes_that_contest_keys_never_leave_an_older_one(url: str, store: Store, project: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        won = sum(pool.map(_contest, [(url, project, seed) for seed in range(3)]))
    found = LAYOUT.unpack(store.read(project, "v", [f"S{i}" for i in range(20)]))
    assert found.event_time.tolist() == [39] * 20
    assert found.values.ravel().tolist() == [39.0] * 20
    assert won <= 20 * 40  # every event time wins at most once


@pytest.mark.parametrize("url", ["", "redis", "postgres://x", "sqlite://", "sqlite:///"])
def test_an_unknown_address_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="no store has the address"):
        open_store(url)


def test_an_unreachable_redis_says_where_without_the_password() -> None:
    with pytest.raises(StoreError, match="Connection refused") as error:
        open_store("redis://me:secret@127.0.0.1:1/0").read("p", "v", ["A"])
    assert error.value.where == "redis://127.0.0.1:1/0"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    path.write_bytes(b"not a database, but long enough to be read as the header of one" * 20)
    with pytest.raises(StoreError, match="not a database") as error:
        open_store(f"sqlite:///{path}").read("p", "v", ["A"])
    assert error.value.where == str(path)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    store = open_store(f"sqlite:///{path}")
    with pytest.raises(ValueError, match="shorter"):
        store.write("p", "v", ["A", "B"], [vector(1)], shard="0", fence=1)
    assert store.read("p", "v", ["A", "B"]) == [None, None]
    store.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM shards").fetchone() == (0,)
    db.close()


def test_the_stores_do_not_import_feast() -> None:
    script = (
        "import sys, feature_repo.views\nfrom feature_repo.stores import redis, sqlite\nprint('feast' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )
