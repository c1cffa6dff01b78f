"""Frames of several intervals on their way out: what tells them apart in Kafka, and what is scored."""

from typing import Any

import numpy as np
import pytest

from jobs.runtime import committed
from jobs.runtime.envelope import envelope
from jobs.stages.write import BAR, FEATURE, REQUEST, Encode
from schemas import wire
from schemas.loader import load
from schemas.settings import settings
from udfs.bars import COLUMNS
from udfs.frame import BARS, CROSS_ASSET, INDICATORS, PAIRS, PATH, PATHS, UNIVERSE, Frame
from udfs.panel.columns import Columns

CROSSED = Columns(settings().cross_asset)
NAMES = {BARS: COLUMNS, INDICATORS: ("sma_20",)} | {
    view: CROSSED.names(view) for view in (CROSS_ASSET, UNIVERSE, PAIRS)
}
TOPICS = dict.fromkeys(NAMES, FEATURE) | {BARS: BAR}


def frame(view: str, interval: str, revision: int = 0) -> Frame:
    strings = {name: ["B"] for name in CROSSED.texts(view)} if view in (CROSS_ASSET, UNIVERSE, PAIRS) else {}
    values = np.ones((1, len(NAMES[view])))
    return Frame(view, 3, 7_000, 8_000, revision, ["A"], NAMES[view], values, strings, ["C"], interval=interval)


def written(given: Frame) -> list[tuple[str, str, dict[str, Any]]]:
    """Topic, key and record of each message."""
    encode = Encode({topic: i for i, topic in enumerate((BAR, FEATURE, REQUEST))}, "1m", score=True)
    encode.open(None)
    schemas = dict(enumerate(map(load, (BAR, FEATURE, REQUEST))))
    rows = encode.flat_map(envelope(given))
    return [(topic, key.decode(), wire.decode(bytes(value), schemas.__getitem__)) for topic, key, value, _ in rows]


@pytest.mark.parametrize("view", NAMES)
@pytest.mark.parametrize("interval", ["1m", "5m"])
def test_a_frame_says_of_which_interval_it_is(view: str, interval: str) -> None:
    topic, key, record = written(frame(view, interval))[0]
    assert (topic, key, record["interval"]) == (TOPICS[view], f"{view}_{interval}/3", interval)
    if topic == FEATURE:
        assert record["view"] == f"{view}_{interval}"
        assert committed.frame(record).pack() == frame(view, interval).pack()


def test_paths_are_not_written() -> None:
    assert written(Frame(PATHS, 3, 7_000, 8_000, 0, ["A"], PATH, np.ones((1, 2)), interval="1m")) == []


@pytest.mark.parametrize(("interval", "revision", "requests"), [("1m", 0, 1), ("1m", 1, 0), ("5m", 0, 0)])
def test_scores_are_asked_for_once_by_bars_of_the_first_interval(interval: str, revision: int, requests: int) -> None:
    asked = [record for topic, _, record in written(frame(CROSS_ASSET, interval, revision)) if topic == REQUEST]
    assert [record["interval"] for record in asked] == ["1m"] * requests
