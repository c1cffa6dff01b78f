"""A replay killed with -9 again and again, on a real broker: each message in its partition once, in order."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from confluent_kafka import Consumer, TopicPartition

from schemas.registry import register
from schemas.settings import settings
from tests.e2e import pipeline
from tickloom.replay import Order, Replay
from tickloom.synth import write_tape
from tickloom.tape.messages import PRICE, Framer, Message
from tickloom.tape.publish import Topic
from tickloom.tape.spec import Spec

KILLS = 3
TICKS = 300_000


def test_killed_replays_add_up_to_one(stack: Path, tmp_path: Path) -> None:
    pipeline.empty()
    write_tape(
        Spec(20, TICKS, 1, 60_000_000, 1_000.0, 2_000_000, 9_000_000, 0.01, 0.01, 0.01, 0.001), 1_000_000, tmp_path
    )
    paths = [str(tmp_path / name) for name in ("ticks.parquet", "bad.parquet")]
    topic, random = Topic(settings().kafka, PRICE), Random(1)
    for _ in range(KILLS):
        kill_after(paths, topic, sum(topic.ends()) + random.randint(1_000, TICKS // (KILLS + 2)))
    before = sum(topic.ends())
    done = command(paths)
    assert f"{before:,} were there from an earlier run" in done.communicate()[0]
    assert done.returncode == 0

    framer = Framer(register(settings().registry.url)[PRICE], topic.partitions)
    expected: list[list[Message]] = [[] for _ in range(topic.partitions)]
    for messages in Replay(paths, None, "1m", Order.ARRIVAL).tick_messages(framer):
        for i in range(len(messages)):
            expected[messages.partitions[i]].append(messages[i])
    assert topic.ends() == [len(records) for records in expected]
    topic.close()
    assert [records_of(p, len(records)) for p, records in enumerate(expected)] == expected


def command(paths: list[str]) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    program = [sys.executable, "-c", "from tickloom.cli import main; main()", "replay", *paths]
    options = ["--to", "kafka", "--order", "arrival", "--interval", "1m"]
    return subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True)


def kill_after(paths: list[str], topic: Topic, records: int) -> None:
    """Start the command, and kill it when the topic holds so many records."""
    process = command(paths)
    while sum(topic.ends()) < records:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def records_of(partition: int, count: int) -> list[Message]:
    """The first records of a partition."""
    consumer = Consumer(
        {"bootstrap.servers": settings().kafka.bootstrap, "group.id": "test", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(PRICE, partition, 0)])
    found: list[Message] = []
    while len(found) < count:
        found += [Message(m.value(), m.key() or b"", partition, m.timestamp()[1]) for m in consumer.consume(50_000, 10)]
    consumer.close()
    return found
