"""Whatever order the shards' frames come in, the universe's last emitted rows are those of a clean run."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.settings import settings as settings_of
from tests.oracles.world import DAY, Action, action, short_windows
from udfs.cross import Universe
from udfs.frame import CROSS_ASSET, INDICATORS, UNIVERSE, Frame
from udfs.log import Horizon
from udfs.ring import Member, Ring
from udfs.routing import MOVE

MEMBERS = {0: ["A", "D"], 1: ["B"], 2: ["C", "E"]}
MINUTE, BARS, HORIZON = 60_000_000, 9, Horizon(1000)
Returns = dict[str, float]
Script = dict[tuple[int, int], list[Returns]]
Emitted = dict[tuple[int, str], tuple[bytes, str]]


@pytest.fixture(autouse=True, scope="module")
def short():
    with short_windows():
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


def frame(end: int, shard: int, revision: int, rows: Returns, removed: list[str], ids: tuple[str, ...] = ()) -> Frame:
    values = np.array(list(rows.values())).reshape(len(rows), 1)
    head = (INDICATORS, shard, end, end, revision, list(rows), ("log_return",))
    return Frame(*head, values, removed=removed, securities=list(ids))


def frames(end: int, shard: int, versions: list[Returns]) -> list[Frame]:
    """What the shard's operator emits for these versions: rows that changed, and names of those that went."""
    found: list[Frame] = []
    before = Returns()
    for rows in versions:
        changed = {name: value for name, value in rows.items() if repr(before.get(name)) != repr(value)}
        removed = sorted(set(before) - set(rows))
        if changed or removed:
            found.append(frame(end, shard, len(found), changed, removed))
        before = rows
    return found


class World:
    """A universe and the newest row of each time and symbol that it emitted."""

    def __init__(self, horizon: Horizon = HORIZON) -> None:
        self.store: dict[str, bytes] = {}
        self.horizon = horizon
        self.rows: Emitted = {}
        self.revisions: dict[tuple[int, str], int] = {}
        self.restart()

    def restart(self) -> None:
        """A new process with the same state."""
        self.universe = Universe(self.store, MINUTE, self.horizon)

    def keep(self, emitted: list[Frame]) -> None:
        """What was emitted; a revision never goes back, and no row is said again."""
        for each in emitted:
            assert each.symbols or each.removed
            peers = list(zip(*each.strings.values(), strict=True)) or [()] * len(each.symbols)
            for name in [*each.symbols, *each.removed]:
                assert each.revision > self.revisions.get((each.event_time, name), -1)
                self.revisions[each.event_time, name] = each.revision
            for name, values, peer in zip(each.symbols, each.values, peers, strict=True):
                assert self.rows.get((each.event_time, name)) != (values.tobytes(), peer), "nothing changed"
                self.rows[each.event_time, name] = values.tobytes(), peer
            for name in each.removed:
                del self.rows[each.event_time, name]

    def finish(self) -> Emitted:
        """The end of time."""
        self.keep(self.universe.advance((BARS + 1) * MINUTE))
        self.keep(self.universe.amend())
        assert not self.universe.dirty
        return self.rows


def clean(truth: Script) -> World:
    """Everything known in time."""
    world = World()
    for key, versions in truth.items():
        for each in frames(*key, versions[-1:]):
            world.universe.hear(each)
    world.finish()
    return world


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_any_order_ends_like_a_clean_run(seed: int, random: Random) -> None:
    heard = script(seed)
    left = {key: said for key, versions in heard.items() if (said := frames(*key, versions))}
    # a shard's frames of one time keep their order, as they do between two operators
    moves: list[object] = [key for key, said in left.items() for _ in said]
    moves += [end * MINUTE for end in range(2, BARS, 2)] + ["restart"] * 2 + ["amend"] * 3
    random.shuffle(moves)
    world = World()
    for move in moves:
        if move == "restart":
            world.restart()
        elif move == "amend":
            world.keep(world.universe.amend())
        elif isinstance(move, int):
            world.keep(world.universe.advance(move))
        else:
            world.universe.hear(left[move].pop(0))
    expected = clean(heard)
    assert world.finish() == expected.rows
    world.restart()
    live, fresh = world.universe, expected.universe
    assert live.ring.times == fresh.ring.times
    known = np.isin(live.ring.names, fresh.ring.names)
    for end in live.ring.times:
        np.testing.assert_array_equal(live.ring.returns[end][known], fresh.ring.returns[end])
        assert np.isnan(live.ring.returns[end][~known]).all()


def test_the_clean_run_says_something() -> None:
    truth = script(1)
    rows = clean(truth).rows
    assert {end for end, name in rows if name in "ABCDE"} == {
        end for (end, _), versions in truth.items() if versions[-1]
    }
    assert {peer for _, peers in rows.values() for peer in peers} > {"", "B", "D"}


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_what_the_horizon_reaches_is_amended_as_if_known_in_time(horizon: int) -> None:
    # all bars in time, then for each bar of the horizon a late change of A's and D's returns
    truth = {key: versions[:1] for key, versions in script(1).items()}
    for bar in range(BARS - horizon + 1, BARS + 1):
        world, changed = World(Horizon(horizon)), truth | {(bar * MINUTE, 0): [{"A": 1 / 8, "D": 1 / 16}]}
        for (end, shard), versions in truth.items():
            for each in frames(end, shard, versions):
                world.universe.hear(each)
            world.keep(world.universe.advance(end))
        assert len([key for key in world.store if key[0] == "r"]) <= 3 * (horizon + 4)
        world.restart()
        for each in frames(bar * MINUTE, 0, changed[bar * MINUTE, 0]):
            assert world.universe.hear(each) is None
        world.keep(world.universe.amend())
        assert world.rows == clean(changed).rows


def walk(universe: Universe, names: dict[int, tuple[str, str]]) -> list[Frame]:
    """Six bars of three members; which of two tickers a security has at each bar, known in time."""
    emitted = []
    for bar in range(1, 7):
        rng, end = np.random.default_rng(bar), bar * MINUTE
        ticker, security = names.get(bar, ("B", "B"))
        universe.hear(frame(end, 0, 0, {"A": rng.normal()}, []))
        universe.hear(frame(end, 1, 0, {ticker: rng.normal()}, [], (security,)))
        universe.hear(frame(end, 2, 0, {"C": rng.normal()}, []))
        emitted += universe.advance(end)
    return members(emitted)


def members(found: list[Frame]) -> list[Frame]:
    """The frames of single members."""
    return [each for each in found if each.view == CROSS_ASSET]


def test_a_new_ticker_changes_no_number() -> None:
    of = settings_of().cross_asset.model_copy(update={"windows": (4,)})  # a benchmark is a ticker
    plain = walk(Universe({}, MINUTE, of=of), {})
    renamed = walk(Universe({}, MINUTE, of=of), dict.fromkeys((4, 5, 6), ("Z", "B")))
    assert [each.symbols for each in renamed[2:4]] == [["A", "B", "C"], ["A", "C", "Z"]]
    for one, other in zip(plain[3:], renamed[3:], strict=True):
        for name, shown in {"A": "A", "B": "Z", "C": "C"}.items():
            i, j = one.symbols.index(name), other.symbols.index(shown)
            assert one.values[i].tobytes() == other.values[j].tobytes()
            for peers, others in zip(one.strings.values(), other.strings.values(), strict=True):
                assert peers[i].replace("B", "Z") == others[j]


def test_a_bar_that_moves_to_another_shard_is_the_newer_one() -> None:
    # B's bar 5 is B#2's, of shard 0, as is heard late; and of the same shard again, later still
    universe = Universe({}, MINUTE)
    walk(universe, {})
    rng = np.random.default_rng(5)
    rng.normal()
    value = float(rng.normal())
    universe.hear(frame(5 * MINUTE, 0, MOVE + 1, {"B": np.nan}, [], ("B#2",)))
    moved = members(universe.amend())
    assert {each.event_time // MINUTE: sorted([*each.symbols, *each.removed]) for each in moved}[5] == ["A", "B", "C"]
    again = Universe(dict(universe.log._store), MINUTE)
    again.hear(frame(5 * MINUTE, 1, 2 * MOVE + 2, {"B": value}, []))
    back = {each.event_time: each for each in members(again.amend())}
    plain = {each.event_time: each for each in walk(Universe({}, MINUTE), {})}
    for end, found in back.items():
        assert found.values.tobytes() == plain[end].values.tobytes()
    assert sorted(back) == [5 * MINUTE, 6 * MINUTE]


def test_the_past_waits_for_amend_and_time_for_advance() -> None:
    universe = Universe({}, MINUTE)
    assert universe.hear(frame(2 * MINUTE, 0, 0, {"A": 0.5}, [])) == 2 * MINUTE
    assert universe.advance(2 * MINUTE - 1) == []
    assert not universe.dirty
    first, of_all = universe.advance(2 * MINUTE + 1)
    assert (first.view, of_all.view, of_all.symbols) == (CROSS_ASSET, UNIVERSE, ["universe"])
    assert (first.event_time, first.known_at, first.revision) == (2 * MINUTE, 2 * MINUTE, 0)
    assert universe.hear(frame(1 * MINUTE, 0, 0, {"A": 0.5}, [])) is None
    assert universe.dirty
    late = universe.amend()
    assert [(each.event_time // MINUTE, each.view) for each in late] == [
        (1, CROSS_ASSET), (1, UNIVERSE), (2, CROSS_ASSET), (2, UNIVERSE)
    ]  # fmt: skip
    assert {(each.known_at, each.revision) for each in late} == {(3 * MINUTE, 1)}
    assert universe.amend() == universe.advance(2 * MINUTE) == []


LEAVES = action("leave", "INDEX_LEAVE", "B", ex_date=3)  # from the bar that ends with day 4 on
JOINS = action("join", "INDEX_JOIN", "B", ex_date=5)


def days(said: dict[int, list[Action]], **of: object) -> Emitted:
    """What stands after eight daily bars of four members; actions are heard after the bar of that number."""
    with short_windows(**of):
        world = World(HORIZON)
        world.universe = Universe({}, DAY, HORIZON)
        for bar in range(9):
            if bar:
                rows = {name: float(np.random.default_rng([bar, i]).normal()) for i, name in enumerate("ABCD")}
                world.universe.hear(frame(bar * DAY, 0, 0, rows, []))
                world.keep(world.universe.advance(bar * DAY))
            for each in said.get(bar, []):
                world.universe.act(each)
            world.keep(world.universe.amend() if bar % 2 else [])
        world.keep(world.universe.amend())
        return world.rows


@pytest.mark.parametrize("heard", [{7: [JOINS], 8: [LEAVES]}, {5: [LEAVES, JOINS]}, {3: [LEAVES], 6: [JOINS]}])
def test_membership_is_as_of_its_time_whenever_it_is_heard(heard: dict[int, list[Action]]) -> None:
    known = days({0: [LEAVES, JOINS]})
    assert days(heard) == known
    assert {end // DAY for end, name in known if name == "B"} == {1, 2, 3, 6, 7, 8}
    # out for two bars, B is in no window of four for as long as they are in it; others are the peers
    assert not any("B" in peers for (end, name), (_, peers) in known.items() if name in "ACD" and end // DAY > 3)
    assert any("B" in peers for (_, name), (_, peers) in days({}).items() if name in "ACD")


def test_nobody_is_a_member_before_it_joins_if_so_set() -> None:
    joined = days({2: [JOINS]}, members="joined")
    assert {name for _, name in joined} == {"B", "universe"}
    assert {end // DAY for end, _ in joined} == {6, 7, 8}


def test_who_is_gone_does_not_go_by_a_ticker_that_is_anothers_now() -> None:
    ring = Ring()
    ring.put(1, {"A": Member(0.1, "A"), "B": Member(0.2, "B")})
    ring.put(2, {"A#2": Member(0.3, "A"), "B": Member(0.1, "B")})
    assert ring.shown(1) == ["A", "A#2", "B"]
    assert ring.shown(2) == ["A#1", "A", "B"]
