"""A tape that keeps coming while jobs are exchanged: paced, then all at once, and under a newer schema on demand."""

import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self
from urllib.request import Request, urlopen

from confluent_kafka import Producer

from schemas.loader import text
from schemas.registry import register
from schemas.settings import settings
from schemas.wire import HEAD
from tickloom.replay import Order, Replay
from tickloom.tape.messages import ACTION, PRICE, Framer
from tickloom.tape.pace import Pace
from tickloom.tape.publish import PRODUCER, Topic
from tickloom.verify.tape import Tape

FIELD = {"name": "note", "type": ["null", "string"], "default": None, "doc": "Of a newer version."}
NOTE = b"\x02\x06abc"
"""What the newer version adds to a message: the second branch of the union, a text of three bytes."""


def newer() -> str:
    """The schema of prices with one more field."""
    schema = json.loads(text(PRICE))
    return json.dumps(schema | {"fields": [*schema["fields"], FIELD]})


class Load:
    """Publishes a tape in a thread inside the context, `speed` times as fast as it was, until it is let go."""

    def __init__(self, tape: Tape, interval: str, speed: float) -> None:
        self._replay = Replay(tape.prices, None, interval, Order.ARRIVAL)
        self._pace, self._free, self._stop = Pace(speed, sleep=self._sleep), False, False
        self._head, self.published = b"", 0

    def __enter__(self) -> Self:
        config = settings()
        ids, topic = register(config.registry.url), Topic(config.kafka, PRICE)
        self._framers = {name: Framer(ids[name], topic.partitions) for name in (PRICE, ACTION)}
        topic.close()
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[None] = self._pool.submit(self._publish)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop = self._stop or kind is not None
        self._free = True
        self._done.result()
        self._pool.shutdown()

    def add_a_field(self) -> None:
        """From now on messages are of a newer version of the schema."""
        url = f"{settings().registry.url}/subjects/{PRICE}-value/versions"
        body, head = (
            json.dumps({"schema": newer()}).encode(),
            {"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        with urlopen(Request(url, body, head), timeout=20) as answer:
            self._head = HEAD.pack(0, int(json.load(answer)["id"]))

    def running(self) -> bool:
        """Whether there is more to come."""
        return not self._done.done()

    def _publish(self) -> None:
        producer = Producer({"bootstrap.servers": settings().kafka.bootstrap, **PRODUCER})
        for name, more in self._replay.messages(self._framers):
            for part in self._pace.parts(more):
                if self._stop:
                    return
                for value, key, partition, at in zip(
                    part.values, part.keys, part.partitions, part.times_ms, strict=True
                ):
                    sent = self._head + value[HEAD.size :] + NOTE if self._head else value
                    producer.produce(name, sent, key, partition, timestamp=at)
                    self.published += 1
                producer.poll(0)
                if len(producer) > 50_000:
                    producer.flush()
        producer.flush()

    def _sleep(self, seconds: float) -> None:
        if not self._free:
            time.sleep(min(seconds, 1.0))
