"""Which committed rows a rebuilt store holds."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from feature_repo.stores import Store, open_store
from feature_repo.views import layout
from jobs.runtime.rebuild import Row, hear, write
from udfs.frame import CROSS_ASSET, Frame
from udfs.routing import MOVE

VIEW = "cross_asset_1d"
NAMES, PEERS = layout(VIEW).numbers, [name for name, _ in layout(VIEW).texts]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'online.db'}")
    yield opened
    opened.close()


def frame(time: int, revision: int, value: float, symbols: str, removed: str = "") -> Frame:
    values = np.full((len(symbols), len(NAMES)), value)
    peers = {name: ["" if value < 0 else f"peer{value:g}"] * len(symbols) for name in PEERS}
    return Frame(CROSS_ASSET, 0, time, time + 5, revision, list(symbols), NAMES, values, peers, list(removed))


FRAMES = (
    frame(10, 0, 1, "AB"),
    frame(10, 1, 2, "A"),
    frame(10, MOVE, 3, "C"),
    frame(20, 0, 4, "BD"),
    frame(20, 1, -1, "", removed="D"),
)


def test_the_newest_of_each_entity_in_any_order(store: Store) -> None:
    """By time, then revision; a removed row stands without values."""
    for turn, order in enumerate(permutations(FRAMES)):
        newest: dict[str, Row] = {}
        for each in order:
            hear(newest, each.complete())
        found = {name: (row.frame.event_time, row.frame.revision) for name, row in newest.items()}
        assert found == {"A": (10, 1), "B": (20, 0), "C": (10, MOVE), "D": (20, 1)}
        if turn % 40 == 0:
            write(store, f"p{turn}", VIEW, newest.values())
            vectors = layout(VIEW).unpack(store.read(f"p{turn}", VIEW, list("ABCDE")))
            assert vectors.present.tolist() == [True] * 4 + [False]
            assert vectors.event_time[:4].tolist() == [10, 20, 10, 20]
            assert vectors.created[:4].tolist() == [15, 25, 15, 25]
            assert vectors.fence.tolist() == [0] * 5
            assert np.array_equal(vectors.values[:4, 0], [2, 4, 3, np.nan], equal_nan=True)
            assert vectors.strings == [["peer2", "peer4", "peer3", None, None]] * len(PEERS)


def test_what_the_job_has_written_stays(store: Store) -> None:
    """The job's own vector of the same time wins whichever was first, an older one is replaced."""
    of, fence = layout(VIEW), store.fence("p", VIEW, "0")
    own = of.pack(10, fence, 0, 0, np.full((1, len(NAMES)), 9.0), [["own"]] * len(PEERS))
    store.write("p", VIEW, ["A", "B"], own * 2, shard="0", fence=fence)
    newest: dict[str, Row] = {}
    for each in FRAMES:
        hear(newest, each.complete())
    write(store, "p", VIEW, newest.values())
    found = of.unpack(store.read("p", VIEW, ["A", "B"]))
    assert found.strings == [["own", "peer4"]] * len(PEERS)
    late = of.pack(20, fence, 0, 0, np.full((1, len(NAMES)), 9.0), [["own"]] * len(PEERS))
    assert store.write("p", VIEW, ["B"], late, shard="0", fence=fence) == 1
