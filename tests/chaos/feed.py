"""The feed of a run: publishes a Market as time goes by, and misbehaves when told to.

    python -m tests.chaos.feed MARKET.json REPORT.json PRICE_ID ACTION_ID BOOTSTRAP PARTITIONS

Event time runs with the clock from the start on, `ahead` of it all that was to have arrived by then is sent. Commands
come as JSON lines: {"do": "silence", "partition": 0, "seconds": 5}, {"do": "shuffle", "seconds": 3}, {"do": "again",
"seconds": 3} (all of the last seconds once more), {"do": "partitions", "number": 3}, {"do": "end"}. What was sent is
counted, and written to the report in the end, when the brokers have acknowledged it. Must not know the jobs.
"""

import json
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Producer

from tests.chaos.trades import ACTION, BAD, REPEAT, SECOND, Events, Market, Messages, actions, framed, name, window

TOPIC, ACTIONS = "market.price.v1", "market.corporate_action.v1"
TICK_S = 0.05
WHAT = ("trades", "repeats", "cancels", "bad")


class Feed:
    """Sends what is due, unless a command holds it back."""

    def __init__(self, market: Market, ids: tuple[int, int], bootstrap: str, partitions: int) -> None:
        self.market, self.messages, self.partitions = market, Messages(market, ids[0]), partitions
        self.action_id = ids[1]
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "acks": "all",
            "message.timeout.ms": 600_000, "queue.buffering.max.messages": 2_000_000, "log_level": 0,
            "topic.metadata.refresh.interval.ms": 5_000, "on_delivery": self._delivered,
        })  # fmt: skip
        self.sent: Counter[str] = Counter()
        self.acknowledged, self.failed = 0, ""
        self.silent: dict[int, float] = {}
        self.held: dict[int, list[tuple[bytes, bytes, int]]] = {}
        self.shuffle_until = 0.0
        self.shuffled: list[Events] = []
        self.recent: deque[tuple[float, Events]] = deque()
        self.news = actions(market)
        self.ending = False
        self.orders: deque[dict[str, float | str]] = deque()
        self.begun = time.time()

    def arrivals(self) -> Iterator[Events]:
        """Events by arrival, those of a second of event time after the other; in the end all that is still to come."""
        a_second = max(1, SECOND // self.market.period_us)
        waiting, first = window(self.market, 0, 0), 0
        while first < self.market.counts:
            waiting = np.concatenate([waiting, window(self.market, first, first + a_second)])
            waiting = waiting[np.argsort(waiting["arrival"], kind="stable")]
            first += a_second
            stop = int(np.searchsorted(waiting["arrival"], self.market.start_us + first * self.market.period_us))
            yield waiting[:stop]
            waiting = waiting[stop:]
        self.ending = True
        yield waiting

    def run(self) -> None:
        """From the first trade to the last heartbeat."""
        for due in self.arrivals():
            start = 0
            while start < len(due):
                stop = len(due) if self.ending else int(np.searchsorted(due["arrival"], self.now_us()))
                self.take(due[start:stop])
                start = max(start, stop)
                self.producer.poll(0)
                if start < len(due):
                    time.sleep(TICK_S)
        self.release(everything=True)
        self.close()

    def now_us(self) -> int:
        """Event time now."""
        return self.market.start_us + int((time.time() - self.begun) * SECOND)

    def take(self, events: Events) -> None:
        """These are due."""
        while self.orders:
            self.obey(self.orders.popleft())
        now = time.time()
        while self.news and self.news[0]["known_at"] < self.now_us():
            self.act(self.news.pop(0))
        self.release()
        if len(events):
            self.recent.append((now, events))
        while self.recent and self.recent[0][0] < now - 20:
            self.recent.popleft()
        if now < self.shuffle_until:
            self.shuffled.append(events)
            return
        if self.shuffled:
            mixed = np.concatenate(self.shuffled)
            self.shuffled = []
            self.send(np.random.default_rng(self.market.seed).permutation(mixed))
        self.send(events)

    def send(self, events: Events) -> None:
        """Into Kafka, under their symbols."""
        for event in events:
            key = name(int(event["symbol"])).encode()
            self.put(int(event["symbol"]) % self.partitions, key, self.messages.value(event), int(event["time"]))
            self.sent[WHAT[event["what"]]] += 1

    def act(self, action: dict[str, Any]) -> None:
        """A corporate action is heard of."""
        self.producer.produce(ACTIONS, framed(self.action_id, ACTION, action), action["symbol"].encode(), 0,
                              timestamp=action["known_at"] // 1000)  # fmt: skip
        self.sent["actions"] += 1

    def put(self, partition: int, key: bytes, value: bytes, time_us: int) -> None:
        """One message, unless its partition is silent."""
        if partition in self.silent:
            self.held.setdefault(partition, []).append((key, value, time_us))
            return
        try:
            self.producer.produce(TOPIC, value, key, partition, timestamp=time_us // 1000)
        except KafkaException as error:  # a partition that was added just now: not every broker has heard of it
            if error.args[0].code() != KafkaError._UNKNOWN_PARTITION:
                raise
            self.producer.list_topics(TOPIC, 10)
            self.put(partition, key, value, time_us)

    def release(self, *, everything: bool = False) -> None:
        """What partitions have held back that speak again."""
        for partition in [p for p, until in self.silent.items() if everything or until < time.time()]:
            del self.silent[partition]
            for key, value, time_us in self.held.pop(partition, []):
                self.put(partition, key, value, time_us)

    def again(self, seconds: float) -> None:
        """Trades of the last seconds once more."""
        since = time.time() - seconds
        for _, events in [each for each in self.recent if each[0] > since]:
            copy = events[events["what"] != BAD].copy()
            copy["what"] = np.where(copy["what"] == 0, REPEAT, copy["what"])
            self.send(copy)

    def obey(self, command: dict[str, float | str]) -> None:
        """A command; those of time end by themselves."""
        until = time.time() + float(command.get("seconds", 0))
        if command["do"] == "silence":
            self.silent[int(command["partition"])] = until
        elif command["do"] == "shuffle":
            self.shuffle_until = until
        elif command["do"] == "again":
            self.again(float(command["seconds"]))
        elif command["do"] == "partitions":
            self.partitions = int(command["number"])
        elif command["do"] == "end":
            so_far = (self.now_us() - self.market.start_us) // SECOND
            self.market = replace(self.market, seconds=min(so_far + 3, self.market.seconds))

    def close(self) -> None:
        """Heartbeats far enough ahead to close each bar of each partition, then wait for the brokers."""
        if self.shuffled:
            self.send(np.concatenate(self.shuffled))
        for ahead in (5, 10):
            for partition in range(self.partitions):
                at = self.market.end_us + ahead * SECOND
                self.put(partition, b"", self.messages.heartbeat(at), at)
                self.sent["heartbeats"] += 1
        while len(self.producer) and not self.failed:
            self.producer.flush(1)

    def _delivered(self, error: object, _: object) -> None:
        self.acknowledged += error is None
        self.failed = self.failed or (str(error) if error else "")


def main() -> None:
    """Publish; commands on standard input."""
    market_file, report, price_id, action_id, bootstrap, partitions = sys.argv[1:7]
    feed = Feed(Market.load(Path(market_file)), (int(price_id), int(action_id)), bootstrap, int(partitions))
    threading.Thread(target=lambda: feed.orders.extend(map(json.loads, sys.stdin)), daemon=True).start()
    feed.run()
    found = {"sent": feed.sent, "acknowledged": feed.acknowledged, "failed": feed.failed}
    Path(report).write_text(json.dumps(found | {"seconds": feed.market.seconds}))


if __name__ == "__main__":
    main()
