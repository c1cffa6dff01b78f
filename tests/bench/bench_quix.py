"""The peer of `make bench`: Quix Streams turns the ticks of a topic into 1 s bars and sma_20, in one process.

    python -m tests.bench.bench_quix --bootstrap HOST:PORT --registry URL --topic market.price.v1 --ticks N

The same topic, Avro schema and bars as our job. Quix's own ways throughout: its Avro deserializer, tumbling windows
that close by partition time, state in RocksDB with changelog topics, at least once; results as JSON in `<topic>.quix`.
Prints one line of JSON; the time runs from the first tick that is processed to the last.
"""

import argparse
import importlib.metadata
import json
import tempfile
import time
import uuid
from typing import Any

from quixstreams import Application
from quixstreams.dataframe.windows import aggregations
from quixstreams.models.serializers.avro import AvroDeserializer
from quixstreams.models.serializers.schema_registry import SchemaRegistryClientConfig
from quixstreams.state import State

BAR_MS, GRACE_MS, PERIOD = 1_000, 1_000, 20


class Clock:
    """Counts processed messages and stops the application after the last one."""

    def __init__(self, ticks: int) -> None:
        self.ticks, self.done, self.bars = ticks, 0, 0
        self.first = self.last = 0.0
        self.stop: Any = None

    def message(self, *_place: object) -> None:
        self.first = self.first or time.perf_counter()
        self.done += 1
        if self.done == self.ticks:
            self.last = time.perf_counter()
            self.stop()

    def bar(self, _bar: object) -> None:
        self.bars += 1


def sma(bar: dict[str, Any], state: State) -> dict[str, Any]:
    """The bar with the mean of its symbol's last PERIOD closes, None while there are fewer."""
    closes = [*state.get("closes", []), bar["close"]][-PERIOD:]
    state.set("closes", closes)
    return {**bar, f"sma_{PERIOD}": sum(closes) / PERIOD if len(closes) == PERIOD else None}


def build(options: argparse.Namespace, clock: Clock, folder: str) -> Application:
    """The application: decode, drop heartbeats, bars, sma_20, output topic."""
    application = Application(
        options.bootstrap,
        consumer_group=f"bench-quix-{uuid.uuid4().hex[:8]}",
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="WARNING",
        on_message_processed=clock.message,
    )
    avro = AvroDeserializer(schema_registry_client_config=SchemaRegistryClientConfig(url=options.registry))
    source = application.topic(options.topic, value_deserializer=avro, key_deserializer="str")
    target = application.topic(f"{options.topic}.quix", value_serializer="json", key_serializer="str")
    frame = application.dataframe(source)
    frame = frame[frame["kind"] != "HEARTBEAT"]
    frame = frame.tumbling_window(BAR_MS, GRACE_MS).agg(
        open=aggregations.Earliest("price"),
        high=aggregations.Max("price"),
        low=aggregations.Min("price"),
        close=aggregations.Latest("price"),
        volume=aggregations.Sum("size"),
    )
    frame.final(closing_strategy="partition").apply(sma, stateful=True).update(clock.bar).to_topic(target)
    return application


def main() -> None:
    """Run until so many ticks are processed; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bootstrap", "registry", "topic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--ticks", type=int, required=True)
    options = parser.parse_args()
    clock = Clock(options.ticks)
    with tempfile.TemporaryDirectory() as folder:
        application = build(options, clock, folder)
        clock.stop = application.stop
        application.run()
    seconds = clock.last - clock.first
    figures = {
        "name": f"Quix Streams {importlib.metadata.version('quixstreams')}",
        "guarantee": "at least once",
        "ticks": clock.done,
        "bars": clock.bars,
        "seconds": round(seconds, 3),
        "ticks_per_s": round(clock.done / seconds),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
