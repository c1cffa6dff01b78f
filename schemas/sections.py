"""The sections of the settings: which keys each has, of which type; durations are texts here.

In: values as TOML or the environment give them. Out: frozen models, one a section; what each key means stands in
flink-conf/tickloom.toml. This file must not know where values come from.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.errors import ConfigError

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


# No password is a setting: a file would hold it. A role's or user's own: the same with _<ROLE> or _<USER> behind it.
KAFKA_PASSWORD, STORE_PASSWORD = "TICKLOOM_KAFKA_PASSWORD", "TICKLOOM_STORE_PASSWORD"


class Section(BaseModel):
    """Keys of one section of the file; an unknown key is an error."""

    # an error shows no value: somebody may have put a password there
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Role = Literal["admin", "features", "scoring", "feed", "reader"]
"""What somebody does in Kafka: keep topics, run a job, publish, read what is committed."""
# what a login module's configuration and a table's options can hold between quotes
Plain = Annotated[str, Field(pattern=r"""^[^'"\\$;\s]*$""")]


class Kafka(Section):
    """Where the brokers are, and as whom they are asked: users by role, `username` for every other role.

    transaction_timeout: how long brokers keep a transaction open that nobody ends. ca: PEM file of the authority that
    vouches for the brokers; empty: those that the system trusts.
    """

    bootstrap: str
    transaction_timeout: Duration
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"]
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    ca: str
    username: Plain
    users: dict[Role, Plain]


class Registry(Section):
    """The schema registry's Confluent-compatible address."""

    url: str


class Store(Section):
    """The online store: `url` as redis://user@host:port/db or sqlite:///path, `read_url` for who only reads.

    project: Feast's. dtype: of the numbers.
    """

    url: str
    read_url: str
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
    zookeeper: Port


class Stack(Section):
    """The local stack: how many servers of each kind, the time one may take to answer, and the ports.

    high_availability: ZooKeeper keeps what a JobManager must know to go on with its jobs after it was killed.
    secure: Kafka and Redis ask for passwords.
    profile: name of a file of flink-conf/profiles, whose keys replace those of config.yaml; empty: none.
    """

    brokers: Literal[1, 3]
    secure: bool
    high_availability: bool
    taskmanagers: Annotated[int, Field(gt=0, le=9)]
    profile: str
    timeout: Duration
    ports: Ports
