"""Kept state from version to version: its picture is frozen, the layout before is restored, others are refused."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import StateError
from tests import frozen
from tests.oracles.bars import Record, ticks
from tests.oracles.world import MINUTE, Move, World, short_windows
from udfs import packing
from udfs.bars import COLUMNS
from udfs.feature_shard import FeatureShard
from udfs.frame import Frame
from udfs.log import LAYOUT, Log
from udfs.plan import Plan
from udfs.registry import FEATURES
from udfs.simulation import Simulation
from udfs.tick_shard import TickShard

GOLDEN = Path(__file__).parents[1] / "golden" / "state.json"
BEFORE = Path(__file__).parents[1] / "data" / "state" / str(LAYOUT - 1)


def restored(stores: dict[str, dict[str, bytes]]) -> World:
    """The small world with this state."""
    small = frozen.world()
    small.simulation = Simulation(MINUTE, small.plan, **small.shape, stores=defaultdict(dict, stores))
    return small


def half_done(heard: list[Move], half: int) -> World:
    small = frozen.world()
    for move in heard[:half]:
        small.do(*move)
    return small


def test_a_new_layout_needs_a_new_number() -> None:
    with short_windows():
        seen = frozen.kinds()
    known = json.loads(GOLDEN.read_text("utf-8"))
    assert known["layout"] == LAYOUT
    assert seen == known["kinds"], "another layout: see docs/adr/0015 and tests/frozen.py"


def test_state_of_the_layout_before_ends_like_a_clean_run() -> None:
    stores, heard, half = frozen.read(BEFORE)
    with short_windows():
        clean = half_done(heard, half)
        said = len(clean.frames)
        old = restored(stores)
        for world in (clean, old):
            world.run(heard[half:])
    since = clean.frames[said:]
    assert [frame.pack() for frame in unproved(old)] == [frame.pack() for frame in since if "id_sum" not in frame.names]
    was, now = (standing(frames) for frames in (since, old.frames))
    assert was.items() <= now.items(), "bars that get ids tell all of their rows once"
    assert len({frame.view for frame in old.frames}) == 6, "it would tell little"
    assert any(frame.revision for frame in old.frames)
    assert old.state() == clean.state()
    assert {json.loads(store["m"])["layout"] for store in old.stores.values()} == {LAYOUT}


def unproved(world: World) -> list[Frame]:
    """All but bars of ticks, which had no ids in the layout before, and get them when they are built again."""
    return [frame for frame in world.frames if "id_sum" not in frame.names]


def standing(frames: list[Frame]) -> dict[tuple[str, int], bytes]:
    """The last row of each bar of ticks, b"" where it was removed."""
    found: dict[tuple[str, int], bytes] = {}
    for frame in (frame for frame in frames if "id_sum" in frame.names):
        rows = [*map(bytes, frame.values), *[b""] * len(frame.removed)]
        found |= {(name, frame.event_time): row
                  for name, row in zip([*frame.symbols, *frame.removed], rows, strict=True)}  # fmt: skip
    return found


@pytest.mark.parametrize(("layout", "hint"), [(LAYOUT - 2, "the versions between"), (LAYOUT + 1, "the newer code")])
def test_any_other_layout_is_refused(layout: int, hint: str) -> None:
    store: dict[str, bytes] = {"m": json.dumps({"clock": 5, "layout": layout}).encode()}
    with pytest.raises(StateError, match=f"has layout {layout}, this code reads {LAYOUT - 1} and {LAYOUT}") as caught:
        Log(store)
    assert hint in caught.value.hint


def test_features_that_changed_together_with_the_first_layout_are_refused() -> None:
    stores, *_ = frozen.read(BEFORE)
    store: dict[str, Any] = stores["features/0"]
    if "l" in store:
        pytest.skip("the layout before names its features")
    with pytest.raises(StateError, match="anchors hold"):
        FeatureShard(0, Plan("1m", FEATURES[:3]), MINUTE, store, frozen.HORIZON)


def test_bars_kept_before_they_had_ids_get_them_when_they_are_built_again() -> None:
    old: dict[str, bytes] = {}
    made = TickShard(0, 1, MINUTE, old)
    made.accept(ticks([Record("A", 1, 10.0, trade_id="a"), Record("B", 2, 20.0, trade_id="b")]))
    made.advance(MINUTE)
    new, end = dict(old), f"b/{MINUTE}"
    header, arrays = packing.unpack(old[end])
    old[end] = packing.pack(header, arrays | {"values": arrays["values"][:, : len(COLUMNS)].copy()})
    frames = []
    for store in (new, old):
        shard = TickShard(0, 1, MINUTE, store)
        shard.accept(ticks([Record("B", 3, 30.0, trade_id="c")]))
        frames += shard.amend()
    assert [frame.symbols for frame in frames] == [["B"], ["A", "B"]]
    assert frames[0].values[0].tobytes() == frames[1].values[1].tobytes()
