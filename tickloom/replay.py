"""`tickloom replay`: historical Parquet once more, into Kafka or through the Flink stages without Kafka.

In: files of ticks or bars, the corporate actions, perhaps a file of bad messages (as `synth` writes it). Out: records
in market.corporate_action.v1 and market.price.v1, each exactly once even if the command is killed and run again (see
tape/journal.py); or a Parquet file of features.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pyarrow.compute as pc
import typer

from schemas.errors import ConfigError, DataError
from schemas.registry import register
from schemas.settings import Bars, Settings, parse_duration, settings, state_dir
from tickloom.tape import chunks
from tickloom.tape.files import read_actions
from tickloom.tape.journal import Journal, digest
from tickloom.tape.messages import ACTION, PRICE, Framer, Messages, Mixer, as_known
from tickloom.tape.pace import Meter, Pace
from tickloom.tape.publish import Publisher, Topic

Gate = Callable[[str, int], object]
"""Called with a topic and the number of messages that go to it next, when all before them are in Kafka: it may wait."""


class Target(StrEnum):
    """Where a replay goes."""

    KAFKA = "kafka"
    FEATURES = "features"


class Order(StrEnum):
    """The order of a replay: of event time across all files, or that in which the rows stand in the files."""

    EVENT = "event"
    ARRIVAL = "arrival"


def replay(
    paths: Annotated[list[Path], typer.Argument(help="Parquet of ticks or bars; `--to features` writes the last one.")],
    to: Annotated[Target, typer.Option(help="Kafka topics, or a Parquet file of features by Flink.")],
    actions: Annotated[Path | None, typer.Option(help="Parquet of corporate actions.")] = None,
    interval: Annotated[str, typer.Option(help="Width of the bars; of the settings when empty.")] = "",
    order: Annotated[Order, typer.Option(help="By event time, or by arrival: as the files have it.")] = Order.EVENT,
    speed: Annotated[float, typer.Option(min=0, help="N times real time; 0: as fast as can be.")] = 0.0,
    parallelism: Annotated[int, typer.Option(min=1, help="Of the Flink job of `--to features`.")] = 1,
) -> None:
    """Publish historical ticks or bars in event-time order, or compute their features.

    Corporate actions are published first; in order of arrival, each when it was known. A replay to Kafka that was
    killed goes on where it stopped when the same command is run again.
    """
    job = Replay([str(path) for path in paths], actions, interval or settings().bars.interval, order, speed)
    if to is Target.FEATURES:
        to_features(job, parallelism)
    else:
        to_kafka(job, settings())


@dataclass(frozen=True)
class Replay:
    """What is published, and how. speed: event time per time, 0 for as fast as can be."""

    paths: list[str]
    actions: Path | None
    interval: str
    order: Order = Order.EVENT
    speed: float = 0.0

    @property
    def name(self) -> str:
        """Digest of all that decides which messages are published in which order."""
        files = [Path(path) for path in self.paths] + ([self.actions] if self.actions else [])
        bars = settings().bars
        return digest(files, settings().kafka.bootstrap, PRICE, self.interval, self.order, bars.lateness, bars.block)

    def messages(self, framers: Mapping[str, Framer]) -> Iterator[tuple[str, Messages]]:
        """(topic, messages) in the order in which they are published.

        The actions come first; in order of arrival each comes when it was known.
        """
        ticks = self.tick_messages(framers[PRICE])
        actions = framers[ACTION].actions(read_actions(self.actions)) if self.actions else Messages()
        if self.order is Order.ARRIVAL:
            yield from as_known(ticks, actions)
            return
        if actions:
            yield ACTION, actions
        for more in ticks:
            yield PRICE, more

    def tick_messages(self, framer: Framer) -> Iterator[Messages]:
        """Ticks and bad messages, then a heartbeat to each partition that closes the last bar."""
        interval_us = parse_duration(self.interval)
        files, bad = chunks.split_paths(self.paths)
        if bad and self.order is not Order.ARRIVAL:
            what = "bad messages have a place in the order of arrival only"
            raise ConfigError(what, where=bad[0], hint="--order arrival")
        read = chunks.by_arrival if self.order is Order.ARRIVAL else chunks.by_event_time
        mixer, newest = Mixer(chunks.read_bad(bad), framer), 0
        for table in read(files, interval_us):
            newest = max(newest, pc.max(table["event_time"]).as_py())
            yield mixer.mix(framer.ticks(table))
        yield mixer.rest() + framer.heartbeats(closing_time(newest, interval_us, settings().bars))


def closing_time(newest_us: int, interval_us: int, bars: Bars) -> int:
    """Event time of a heartbeat that lets the bar of the newest tick end: its end, the lateness, and one block."""
    return (newest_us // interval_us + 1) * interval_us + parse_duration(bars.lateness) + parse_duration(bars.block)


def to_kafka(job: Replay, config: Settings, gate: Gate | None = None) -> None:
    """Publish actions and ticks, then the closing heartbeats; print the counts."""
    ids = register(config.registry.url)
    topics = {name: Topic(config.kafka, name) for name in (ACTION, PRICE) if name == PRICE or job.actions}
    with Journal(state_dir() / "replay", job.name) as journal:
        starts = journal.begin(lambda: {name: topic.ends() for name, topic in topics.items()})
        publishers = {name: Publisher(topic, starts[name], resumed=journal.resumed) for name, topic in topics.items()}
        framers = {name: Framer(ids[name], topic.partitions) for name, topic in topics.items()}
        publish(job, publishers, framers, gate)
        journal.complete()


def publish(
    job: Replay, publishers: Mapping[str, Publisher], framers: Mapping[str, Framer], gate: Gate | None = None
) -> None:
    """Publish what an earlier run did not deliver, and wait for the brokers' answers."""
    prices = publishers[PRICE]
    rows = chunks.count(job.paths, parse_duration(job.interval)) + framers[PRICE].partitions - sum(prices.delivered)
    paces = {PRICE: Pace(job.speed), ACTION: Pace(0)}
    with Meter(rows) as meter:
        for name, more in job.messages(framers):
            unsent = publishers[name].unsent(more)
            if gate or name == ACTION:  # actions are heard among the ticks where they belong
                prices.settle()
            if gate:
                gate(name, len(unsent))
            for part in paces[name].parts(unsent):
                publishers[name].send(part)
                meter.advance(part, len(prices))
            if name == ACTION:
                publishers[name].settle()
        others = {name: publisher.finish() for name, publisher in publishers.items()}
    for name, publisher in publishers.items():
        before = sum(publisher.delivered)
        typer.echo(
            f"{name}: {publisher.sent:,} records in {meter.seconds:.1f} s, {publisher.sent / meter.seconds:,.0f}/s"
            + f", {before:,} were there from an earlier run" * (before > 0)
            + f", {others[name]:,} came from other producers meanwhile" * (others[name] > 0)
        )


def to_features(job: Replay, parallelism: int) -> None:
    """Run the stages of the features job over the files, in Flink without Kafka; the last path is written.

    DataError when that path is a file of ticks or bars: it was meant as input. ConfigError for options without effect.
    """
    from tickloom import flink

    *paths, out = job.paths
    if job.speed or job.order is not Order.EVENT:
        raise ConfigError(
            "--speed and --order are for Kafka", hint="features depend on event time alone: leave them out"
        )
    if not paths or (Path(out).exists() and chunks.is_tape(out)):
        raise DataError("no file to write the features to", where=out, hint="replay PATH... --to features OUT.parquet")
    options = ["--actions", str(job.actions.absolute())] if job.actions else []
    files = [str(Path(path).absolute()) for path in (out, *paths)]
    args = ["--interval", job.interval, *options, "--out", *files]
    flink.run_job("jobs.replay", args, parallelism, detached=False, tell=typer.echo)
