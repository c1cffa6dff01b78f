from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.settings import (
    PROJECT,
    UNITS,
    check_spans,
    config_file,
    duration,
    intervals_of,
    parse_duration,
    settings,
    stack_file,
    store_url,
)

DEFAULTS = PROJECT / "flink-conf" / "tickloom.toml"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Settings read anew from the defaults, with an empty state folder."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    monkeypatch.setenv("TICKLOOM_CONFIG", str(DEFAULTS))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1us", 1),
        ("250ms", 250_000),
        ("1s", 1_000_000),
        ("1m", 60_000_000),
        ("1h", 3_600_000_000),
        ("1d", 86_400_000_000),
    ],
)
def test_durations_are_microseconds(text: str, us: int) -> None:
    assert parse_duration(text) == us


@pytest.mark.parametrize("text", ["", "1", "s", "0s", "-1s", "1.5s", "1 s", "01s", "1w", "1S", "1s1s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(1, 10**9), st.sampled_from(sorted(UNITS)))
def test_a_duration_is_its_number_of_units(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == number * UNITS[unit]


@given(st.integers(1, 10**9), st.sampled_from(sorted(UNITS)))
def test_a_length_of_time_has_one_text(number: int, unit: str) -> None:
    text = duration(number * UNITS[unit])
    assert parse_duration(text) == number * UNITS[unit]
    assert len(text) <= len(f"{number}{unit}")


def test_environment_before_running_stack_before_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().kafka.bootstrap == "127.0.0.1:9092"
    stack_file().write_text('[kafka]\nbootstrap = "127.0.0.1:1"\n[stack.ports]\nflink = 2\n')
    settings.cache_clear()
    assert settings().kafka.bootstrap == "127.0.0.1:1"
    assert (settings().stack.ports.flink, settings().stack.ports.registry) == (2, 8085)
    monkeypatch.setenv("TICKLOOM_KAFKA__BOOTSTRAP", "127.0.0.1:3")
    settings.cache_clear()
    assert settings().kafka.bootstrap == "127.0.0.1:3"


def test_the_store_is_sqlite_in_the_state_folder_unless_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert store_url() == f"sqlite:///{tmp_path}/online.db"
    monkeypatch.setenv("TICKLOOM_STORE__URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    assert store_url() == "redis://127.0.0.1:1/0"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TICKLOOM_KAFKA__BOOTSTRP", "x", ["kafka.bootstrp", "TICKLOOM_KAFKA__BOOTSTRP", "did you mean 'bootstrap'?"]),
        ("TICKLOOM_BARS__BLOCK", "3x", ["bars.block", "'3x' is not a duration", "TICKLOOM_BARS__BLOCK"]),
        ("TICKLOOM_STACK__PORTS__FLINK", "70000", ["stack.ports.flink", "less than 65536"]),
        ("TICKLOOM_STATE__SHARDS", "0", ["state.shards", "greater than 0"]),
        ("TICKLOOM_STACK__BROKERS", "2", ["stack.brokers", "1 or 3"]),
    ],
)
def test_a_wrong_setting_names_its_key_and_source(
    variable: str, value: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        settings()
    for words in said:
        assert words in str(caught.value)


# a block may reach max_gap + block + lateness = 5 s + 1 s + 1 s back; 64 bars of it are kept
@pytest.mark.parametrize(
    ("interval", "changes", "said"),
    [
        ("1d", {}, ""),
        ("1s", {}, ""),
        ("1s", {"STATE__HORIZON_BARS": "8"}, ""),
        ("1s", {"STATE__HORIZON_BARS": "7"}, r"state.horizon_bars: 7 bars of 1s are not longer than .*7 s"),
        ("1s", {"BARS__MAX_GAP": "1438s"}, "state.horizon_bars: 1440 bars of 1s .*1440 s"),
        ("500ms", {}, "bars.block: 1s is longer than 500ms"),
        ("500ms", {"BARS__BLOCK": "500ms"}, ""),
        ("1m", {"BARS__BLOCK": "2s"}, "bars.block: 2s is longer than 1s"),
        ("1m", {"BARS__ROLLUPS": '["5m", "60m", "1d"]'}, ""),
        ("1m", {"BARS__ROLLUPS": '["5m", "90s"]'}, "bars.rollups: 90s is no multiple of 1m"),
        ("1m", {"BARS__ROLLUPS": '["1m"]'}, "bars.rollups: 1m is no multiple of 1m"),
        ("1m", {"BARS__ROLLUPS": '["2d"]'}, ""),
        ("1m", {"BARS__ROLLUPS": '["2d"]', "BARS__CALENDAR": "XNYS"}, "bars.rollups: 2d is longer than a session"),
        ("2m", {"BARS__ROLLUPS": '["1d"]', "BARS__CALENDAR": "XNYS"}, "bars.interval: sessions of XNYS do not begin"),
        ("2m", {"BARS__CALENDAR": "XNYS"}, ""),
        ("1500us", {"BARS__BLOCK": "1ms"}, "bars.interval: 1500us is no whole number of milliseconds"),
    ],
)
def test_lengths_of_time_that_contradict_each_other(
    interval: str, changes: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(f"TICKLOOM_{name}", value)
    monkeypatch.setenv("TICKLOOM_BARS__INTERVAL", interval)
    with pytest.raises(ConfigError, match=f"setting {said}") if said else nullcontext():
        settings()


@pytest.mark.parametrize(
    ("given", "asked", "found"),
    [
        ("60s", "", ["1m", "5m", "1h"]),
        ("1m", "60s", ["1m", "5m", "1h"]),
        ("1m", "1d", ["1d"]),  # the rollups are not made of such bars
    ],
)
def test_intervals_ascend_and_have_one_name(
    given: str, asked: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKLOOM_BARS__INTERVAL", given)
    monkeypatch.setenv("TICKLOOM_BARS__ROLLUPS", '["60m", "5m"]')
    assert intervals_of(settings(), asked) == found


def test_a_contradiction_names_the_place_that_set_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"bars\.block: 1s is longer than 250ms\n.*tickloom\.toml"):
        check_spans(settings(), "250ms")  # as `jobs.features --interval 250ms` does
    monkeypatch.setenv("TICKLOOM_BARS__BLOCK", "2s")
    settings.cache_clear()
    with pytest.raises(ConfigError, match=r"\n.*environment variable TICKLOOM_BARS__BLOCK"):
        settings()


def test_an_unknown_section_of_the_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "tickloom.toml"
    path.write_text(DEFAULTS.read_text() + '\n[kafak]\nbootstrap = "x"\n')
    monkeypatch.setenv("TICKLOOM_CONFIG", str(path))
    with pytest.raises(ConfigError, match="did you mean 'kafka'"):
        settings()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TICKLOOM_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match=r"none\.toml"):
        settings()


def test_a_flink_that_knows_nothing_of_us_has_no_settings_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TICKLOOM_CONFIG")
    monkeypatch.setenv("FLINK_CONF_DIR", str(tmp_path / "flink"))
    assert config_file() == DEFAULTS
    own = tmp_path / "flink" / "tickloom.toml"
    own.parent.mkdir()
    own.write_text(DEFAULTS.read_text("utf-8"))
    assert config_file() == own
