"""The one reader of settings: flink-conf/tickloom.toml, then what a running stack chose, then the environment.

In: a TOML file (TICKLOOM_CONFIG, else FLINK_CONF_DIR's if it has one, else <checkout>/flink-conf's), the one that
`tickloom stack up` writes into the state folder (stack.toml), TICKLOOM_<SECTION>__<KEY> of the environment; later wins.
Out: `settings()`, read once; durations stay text here, `parse_duration` gives int64 microseconds.
Must not know: Flink, Kafka, Feast, or any command.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from schemas.errors import ConfigError, nearest
from schemas.sections import (
    UNITS,
    Actions,
    Bars,
    CrossAsset,
    Features,
    Kafka,
    Ports,
    Registry,
    Scoring,
    Section,
    Stack,
    State,
    Store,
    duration,
    parse_duration,
)

__all__ = ["UNITS", "Bars", "CrossAsset", "Ports", "Section", "Settings", "adopt", "computed", "config_file",
           "duration", "intervals_of", "parse_duration", "settings", "stack_file", "state_dir",
           "store_url"]  # fmt: skip

COMPUTED = ("bars", "state", "features", "cross_asset")
"""Sections that say what a job computes: they travel with it to its workers."""
_ADOPTED: dict[str, Section] = {}
SESSION_STEP = 300_000_000  # exchanges open and close on multiples of 5 minutes
PROJECT = Path(__file__).parents[1]


class Settings(BaseSettings):
    """All settings, one attribute a section."""

    model_config = SettingsConfigDict(
        env_prefix="TICKLOOM_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka: Kafka
    registry: Registry
    store: Store
    bars: Bars
    state: State
    actions: Actions
    features: Features
    cross_asset: CrossAsset
    scoring: Scoring
    stack: Stack

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before the running stack's file before the configuration file."""
        files = [TomlConfigSettingsSource(settings_cls, path) for path in (stack_file(), config_file())]
        return env_settings, *files


def state_dir() -> Path:
    """Folder of all that a run leaves behind: TICKLOOM_HOME, else `.tickloom` of the checkout."""
    return Path(os.environ.get("TICKLOOM_HOME") or PROJECT / ".tickloom").absolute()


def stack_file() -> Path:
    """The addresses that the running stack of this state folder chose; absent when none runs."""
    return state_dir() / "stack.toml"


def config_file() -> Path:
    """The settings file; ConfigError if it is not there."""
    ours = PROJECT / "flink-conf" / "tickloom.toml"
    beside_flink_s = Path(os.environ.get("FLINK_CONF_DIR") or ours.parent) / ours.name
    # a worker of somebody's own Flink has a FLINK_CONF_DIR that knows nothing of us
    path = Path(os.environ.get("TICKLOOM_CONFIG") or (beside_flink_s if beside_flink_s.is_file() else ours))
    if not path.is_file():
        raise ConfigError("no settings file", where=str(path), hint="set TICKLOOM_CONFIG to the path of a file")
    return path


@cache
def settings() -> Settings:
    """The settings of this process, read once; ConfigError names the key and the place that set it."""
    try:
        config = Settings()
    except ValidationError as error:
        raise _config_error(error.errors()[0]) from error
    config = config.model_copy(update=_ADOPTED)
    check_spans(config, config.bars.interval)
    _check_rollups(config.bars)
    return config


def computed(config: Settings) -> dict[str, Section]:
    """The sections that say what a job computes, to be sent to its workers."""
    return {name: getattr(config, name) for name in COMPUTED}


def adopt(sections: dict[str, Section]) -> None:
    """Have these sections be the settings of this process: a worker computes by what its job was submitted with."""
    if computed(settings()) != sections:
        _ADOPTED.update(sections)
        settings.cache_clear()


def intervals_of(config: Settings, interval: str = "") -> list[str]:
    """The length of bars, then of those that are rolled up from them, ascending.

    interval: other than the settings'; their rollups are not made of such bars. ConfigError if it is no duration.
    """
    first = duration(parse_duration(interval or config.bars.interval))
    rollups = config.bars.rollups if first == config.bars.interval else ()
    return [first, *map(duration, sorted({parse_duration(each) for each in rollups}))]


def check_spans(config: Settings, interval: str) -> None:
    """ConfigError, naming the key, where lengths of time contradict each other for bars of this interval.

    A record of a block that came in time may belong to a bar that has closed, by max_gap, block and lateness at most:
    the records of closed bars must be kept for longer than that, or a good record would be refused.
    """
    bars, state = config.bars, config.state
    width, block = parse_duration(interval), parse_duration(bars.block)
    reach = parse_duration(bars.max_gap) + block + parse_duration(bars.lateness)
    if width % UNITS["ms"]:
        raise _contradiction("bars.interval", f"{interval} is no whole number of milliseconds, as Flink's timers are")
    if block > min(width, UNITS["s"]):
        raise _contradiction("bars.block", f"{bars.block} is longer than {min(interval, '1s', key=parse_duration)}")
    if reach >= state.horizon_bars * width:
        spans = f"bars.max_gap + block + lateness ({reach / UNITS['s']:g} s)"
        what = f"{state.horizon_bars} bars of {interval} are not longer than {spans}"
        raise _contradiction("state.horizon_bars", what)


def _check_rollups(bars: Bars) -> None:
    """ConfigError, naming the key, where longer bars cannot be made of those of the interval."""
    width, always = parse_duration(bars.interval), bars.calendar == "24/7"
    for each in bars.rollups:
        if parse_duration(each) <= width or parse_duration(each) % width:
            raise _contradiction("bars.rollups", f"{each} is no multiple of {bars.interval}")
        if not always and parse_duration(each) > UNITS["d"]:
            raise _contradiction("bars.rollups", f"{each} is longer than a session of {bars.calendar}")
    if bars.rollups and not always and SESSION_STEP % width:
        raise _contradiction("bars.interval", f"sessions of {bars.calendar} do not begin on bars of {bars.interval}")


def store_url(*, reading: bool = False) -> str:
    """Address of the online store, for who only reads if so: the configured one, else SQLite in the state folder."""
    store = settings().store
    return (reading and store.read_url) or store.url or f"sqlite:///{state_dir() / 'online.db'}"


def _config_error(problem: Any) -> ConfigError:
    path = [str(part) for part in problem["loc"]]
    hint = ""
    if problem["type"] == "extra_forbidden":
        hint = nearest(path[-1], _keys(path[:-1]))
    return ConfigError(f"setting {'.'.join(path)}: {problem['msg']}", where=_source(path), hint=hint)


def _contradiction(key: str, what: str) -> ConfigError:
    return ConfigError(
        f"setting {key}: {what}", where=_source(key.split(".")), hint=f"change {key} or what it is held to"
    )


def _source(path: list[str]) -> str:
    variable = "TICKLOOM_" + "__".join(path).upper()
    return f"environment variable {variable}" if variable in os.environ else f"{config_file()} or {stack_file()}"


def _keys(path: list[str]) -> list[str]:
    model: Any = Settings
    for part in path:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
