"""What the stages take from the settings, before any row comes."""

from collections.abc import Iterator

import numpy as np
import pytest

from jobs.runtime import kafka
from jobs.runtime.envelope import envelope
from jobs.stages.bars import Bars
from jobs.stages.cross_section import CrossSection
from jobs.stages.indicators import Indicators
from schemas.errors import DataError
from schemas.settings import PROJECT, intervals_of, settings
from udfs.catalogue import chosen
from udfs.frame import INDICATORS, PATHS, Frame
from udfs.plan import Plan


@pytest.fixture(autouse=True)
def rolled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings with bars of several intervals."""
    monkeypatch.setenv("TICKLOOM_BARS__INTERVAL", "1m")
    monkeypatch.setenv("TICKLOOM_BARS__ROLLUPS", '["5m", "1d"]')
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_a_plan_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_BARS__CALENDAR", "XNYS")
    settings.cache_clear()
    stage = Indicators(intervals_of(settings()), settings())
    assert stage.digests == [Plan(each, chosen(), "XNYS").digest() for each in ("1m", "5m", "1d")]
    assert len(set(stage.digests)) == 3
    assert CrossSection(intervals_of(settings()), settings()).interval_us == 60_000_000


def test_paths_are_for_the_one_that_tells_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_CROSS_ASSET__TILES", "2")
    monkeypatch.setenv("TICKLOOM_CROSS_ASSET__PAIRS", '["A|B", "C|A"]')
    settings.cache_clear()
    stage = CrossSection(intervals_of(settings()), settings())
    heard = {view: Frame(view, 3, 7, 7, 0, [], (), np.empty((0, 0)), interval="1m") for view in (PATHS, INDICATORS)}
    keys = {view: [row[0] for row in stage.copies(envelope(each))] for view, each in heard.items()}
    assert keys == {PATHS: [0], INDICATORS: [0, 1]}
    assert Bars("1m", settings()).watched == {"A", "B", "C"}


def test_a_calendar_that_nobody_knows_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_BARS__CALENDAR", "XXXX")
    settings.cache_clear()
    with pytest.raises(DataError, match="no sessions of XXXX"):
        Indicators(intervals_of(settings()), settings())
    assert Indicators(["1m"], settings()).intervals == ("1m",)


def test_factors_have_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_FEATURES__PACKS", '["core", "across"]')
    settings.cache_clear()
    stage, shards = Indicators(["1m"], settings(), across=True), Indicators(["1m"], settings())
    assert (stage.number, shards.number) == (1, settings().state.shards)
    assert stage.digests == [Plan("1m", chosen(across=True)).digest()] != shards.digests


def test_a_message_may_be_as_large_as_the_broker_takes() -> None:
    broker = dict(line.split("=") for line in (PROJECT / "flink-conf" / "kafka.properties").read_text().splitlines()
                  if "=" in line)  # fmt: skip
    largest = broker["message.max.bytes"]
    assert f"'properties.max.request.size' = '{largest}'" in kafka.sink("out", ["a"], settings(), "features")
