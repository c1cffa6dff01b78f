"""The one reader of settings: flink-conf/tickloom.toml, then what a running stack chose, then the environment.

In: a TOML file (TICKLOOM_CONFIG, else FLINK_CONF_DIR's if it has one, else <checkout>/flink-conf's), the one that
`tickloom stack up` writes into the state folder (stack.toml), TICKLOOM_<SECTION>__<KEY> of the environment; later wins.
Out: `settings()`, read once; durations stay text here, `parse_duration` gives int64 microseconds.
Must not know: Flink, Kafka, Feast, or any command.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from schemas.errors import ConfigError, nearest

SESSION_STEP = 300_000_000  # exchanges open and close on multiples of 5 minutes
PROJECT = Path(__file__).parents[1]
UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def parse_duration(text: str) -> int:
    """Microseconds of `1s`, `250ms`, `1d`; ConfigError if it is not a positive whole number and a unit."""
    match = re.fullmatch(r"([1-9]\d*)(us|ms|s|m|h|d)", text)
    if not match:
        raise ConfigError(f"{text!r} is not a duration", hint=f"a number and a unit of {', '.join(UNITS)}: 250ms, 1d")
    return int(match[1]) * UNITS[match[2]]


def duration(us: int) -> str:
    """The shortest text of so many microseconds: `1m`, not `60s`."""
    unit = max((unit for unit in UNITS if us % UNITS[unit] == 0), key=UNITS.__getitem__)
    return f"{us // UNITS[unit]}{unit}"


def _checked(text: str) -> str:
    try:
        return duration(parse_duration(text))
    except ConfigError as error:
        raise ValueError(f"{error.what}; {error.hint}") from error


Duration = Annotated[str, AfterValidator(_checked)]
Port = Annotated[int, Field(gt=0, lt=65_536)]
Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """Keys of one section of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Kafka(Section):
    """Where the brokers are."""

    bootstrap: str


class Registry(Section):
    """The schema registry's Confluent-compatible address."""

    url: str


class Store(Section):
    """The online store: `url` as redis://host:port/db or sqlite:///path, Feast's `project`, `dtype` of its numbers."""

    url: str
    project: str
    dtype: Literal["float64", "float32"]


class Bars(Section):
    """How ticks become bars; calendar: the exchange (ISO 10383, or 24/7) whose sessions windows and ex-days follow.

    rollups: longer intervals that are made of the bars of `interval`.
    """

    interval: Duration
    rollups: tuple[Duration, ...]
    calendar: str
    lateness: Duration
    max_gap: Duration
    block: Duration
    max_future: Duration


class State(Section):
    """Size of the state: shards of symbols, and how many bars of the past can still change."""

    shards: Count
    horizon_bars: Count
    anchor_bars: Count


class Actions(Section):
    """The corporate actions topic."""

    idle_timeout: Duration


class Features(Section):
    """Which features are computed: `packs` of rows by name, or as `module:NAME` of a package of one's own."""

    packs: tuple[str, ...] = Field(min_length=1)


class CrossAsset(Section):
    """What is computed of the returns of all members together; the settings file says what each key means."""

    members: Literal["all", "joined"]
    windows: tuple[Annotated[int, Field(ge=3, le=10_000)], ...] = Field(min_length=1)
    decays: tuple[Share, ...]
    gaps: Literal["exclude", "carry"]
    min_returns: Annotated[int, Field(ge=2)]
    returns: Literal["log", "simple"]
    benchmarks: tuple[str, ...]
    pairs: tuple[Annotated[str, Field(pattern=r"^[^|]+\|[^|]+$")], ...]
    peers: Count
    loadings: Annotated[int, Field(ge=0)]
    cluster_cut: Annotated[float, Field(ge=0, le=2)]
    matrix: bool
    tiles: Count
    threads: Count


class Scoring(Section):
    """Models and who may sign them: the champion's folder, challengers' folders with their shares, the salt of shares.

    trusted_keys: public keys, 64 hex digits, PEM files or folders of *.pub; none: the key of this state folder.
    watch: how often a worker looks for a newer version. max_age: the age from which features count as stale. refuse:
    statuses whose symbols get no score.
    """

    model: str
    challengers: dict[str, Share]
    salt: str
    trusted_keys: tuple[str, ...]
    watch: Duration
    max_age: Duration
    refuse: tuple[Literal["STALE", "SUSPECT", "AHEAD"], ...]


class Ports(Section):
    """First TCP port of each server of the local stack, all on 127.0.0.1."""

    kafka: Port
    registry: Port
    flink: Port
    redis: Port


class Stack(Section):
    """The local stack: number of Kafka brokers, the time a server may take to answer, and the ports."""

    brokers: Literal[1, 3]
    timeout: Duration
    ports: Ports


class Settings(BaseSettings):
    """All settings, one attribute a section."""

    model_config = SettingsConfigDict(
        env_prefix="TICKLOOM_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True
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
    check_spans(config, config.bars.interval)
    _check_rollups(config.bars)
    return config


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


def store_url() -> str:
    """Address of the online store: the configured one, else SQLite in the state folder."""
    return settings().store.url or f"sqlite:///{state_dir() / 'online.db'}"


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
