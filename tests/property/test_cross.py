"""Whatever order the shards' frames come in, the universe's last emitted rows are those of a clean run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import cross
from udfs.cross import Universe
from udfs.frame import INDICATORS, Frame

MEMBERS = {0: ["A", "D"], 1: ["B"], 2: ["C", "E"]}
MINUTE, BARS, HORIZON = 60_000_000, 9, 1000
Returns = dict[str, float]
Script = dict[tuple[int, int], list[Returns]]


@pytest.fixture(autouse=True, scope="module")
def short_window():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross, "WINDOW", 3)
        yield


def script(seed: int) -> Script:
    """By bar time and shard, what its log returns were said to be, the last of which is true: often one version,
    sometimes none at first, none at last, or a bar that no shard has in the end."""
    rng = np.random.default_rng(seed)
    void = set(rng.choice(BARS, 2))
    found: Script = {}
    for bar in range(1, BARS + 1):
        for shard, names in MEMBERS.items():
            versions = [{n: coarse(rng) for n in names if rng.random() < 0.8} for _ in range(rng.choice([1, 1, 2, 3]))]
            found[bar * MINUTE, shard] = versions + [{}] * (bar in void)
    return found


def coarse(rng: np.random.Generator) -> float:
    """A return of few values, so that ties and flat columns come up; or none, as at a symbol's first bar."""
    return np.nan if rng.random() < 0.05 else float(rng.integers(-3, 4)) / 64


def frames(end: int, shard: int, versions: list[Returns]) -> list[Frame]:
    """What the shard's operator emits for these versions: rows that changed, and names of those that went."""
    found: list[Frame] = []
    before = Returns()
    for rows in versions:
        changed = {name: value for name, value in rows.items() if repr(before.get(name)) != repr(value)}
        removed = sorted(set(before) - set(rows))
        if changed or removed:
            values = np.array(list(changed.values())).reshape(len(changed), 1)
            head = (INDICATORS, shard, end, end, len(found), list(changed), ("log_return",))
            found.append(Frame(*head, values, removed=removed))
        before = rows
    return found


class World:
    """A universe and the newest row of each time and symbol that it emitted."""

    def __init__(self, horizon: int = HORIZON) -> None:
        self.store: dict[str, bytes] = {}
        self.horizon = horizon
        self.rows: dict[tuple[int, str], tuple[bytes, str]] = {}
        self.revisions: dict[tuple[int, str], int] = {}
        self.restart()

    def restart(self) -> None:
        """A new process with the same state."""
        self.universe = Universe(self.store, self.horizon)

    def hear(self, emitted: list[Frame]) -> None:
        """Keep what was emitted; a revision never goes back."""
        for frame in emitted:
            assert frame.symbols or frame.removed
            peers = frame.strings["peer_60"]
            for name in [*frame.symbols, *frame.removed]:
                assert frame.revision > self.revisions.get((frame.event_time, name), -1)
                self.revisions[frame.event_time, name] = frame.revision
            for name, values, peer in zip(frame.symbols, frame.values, peers, strict=True):
                assert self.rows.get((frame.event_time, name)) != (values.tobytes(), peer), "nothing changed"
                self.rows[frame.event_time, name] = values.tobytes(), peer
            for name in frame.removed:
                del self.rows[frame.event_time, name]


def clean(truth: Script) -> World:
    """Everything known in time."""
    world = World()
    for (end, shard), versions in truth.items():
        for frame in frames(end, shard, versions[-1:]):
            world.hear(world.universe.accept(frame))
    world.hear(world.universe.close(2**60))
    return world


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_any_order_ends_like_a_clean_run(seed: int, random) -> None:
    heard = script(seed)
    left = {key: said for key, versions in heard.items() if (said := frames(*key, versions))}
    # a shard's frames of one time keep their order, as they do between two operators
    moves: list[object] = [key for key, said in left.items() for _ in said]
    moves += [int(end * MINUTE) for end in range(2, BARS, 2)] + ["restart"] * 2
    random.shuffle(moves)
    world = World()
    for move in moves:
        if move == "restart":
            world.restart()
        elif isinstance(move, int):
            world.hear(world.universe.close(move))
        else:
            world.hear(world.universe.accept(left[move].pop(0)))
    world.hear(world.universe.close(2**60))
    expected = clean(heard)
    assert world.rows == expected.rows
    world.restart()
    assert world.universe.times == expected.universe.times
    for found, wanted in zip(world.universe.returns, expected.universe.returns, strict=True):
        np.testing.assert_array_equal(found[np.isin(world.universe.names, expected.universe.names)], wanted)


def test_the_clean_run_says_something() -> None:
    truth = script(1)
    rows = clean(truth).rows
    assert {end for end, _ in rows} == {end for (end, _), versions in truth.items() if versions[-1]}
    assert {peer for _, peer in rows.values()} > {""}


@pytest.mark.parametrize("horizon", [0, 1, 4])
def test_what_a_full_ring_still_amends_is_as_if_known_in_time(horizon: int) -> None:
    # all bars in time, then for each bar a late change of A's return; the ring reaches `horizon` bars behind the last
    truth = {key: versions[:1] for key, versions in script(1).items()}
    for bar in range(1, BARS + 1):
        world, changed = World(horizon), truth | {(bar * MINUTE, 0): [{"A": 1 / 8, "D": 1 / 16}]}
        for (end, shard), versions in truth.items():
            for frame in frames(end, shard, versions):
                world.hear(world.universe.accept(frame))
            world.hear(world.universe.close(end - 1))
        world.hear(world.universe.close(2**60))
        before = dict(world.rows)
        world.restart()
        for frame in frames(bar * MINUTE, 0, changed[bar * MINUTE, 0]):
            world.hear(world.universe.accept(frame))
        refused = bar < BARS - horizon
        assert world.universe.meta["refused"] == refused
        assert world.rows == (before if refused else clean(changed).rows)
