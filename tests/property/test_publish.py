"""Killed wherever it may be, and run again, a replay leaves each message in its partition exactly once, in order."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import DataError
from tests.oracles.kafka import KilledError, MemoryProducer, MemoryTopic
from tickloom.tape import publish
from tickloom.tape.messages import Message, Messages
from tickloom.tape.publish import Publisher, Topic

PARTITIONS = 3
PLACES = st.lists(st.integers(0, PARTITIONS - 1), max_size=60)


def messages(places: list[int]) -> Messages:
    """A message for each partition named; some are equal byte for byte."""
    values = [b"%d" % (i // 2) for i in range(len(places))]
    return Messages(values, [b"k"] * len(places), places, list(range(len(places))))


def run(topic: MemoryTopic, starts: list[int], everything: Messages, random: Random, kill_at: int = -1) -> int:
    """One process: publish all in chunks; the number of records of others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "Producer", lambda _config: MemoryProducer([topic], random, kill_at))
        publisher = Publisher(topic, starts, resumed=True)  # type: ignore[arg-type]
        at = 0
        while at < len(everything):
            size = random.randint(1, 20)
            publisher.send(publisher.unsent(everything.part(at, at + size)))
            at += size
        return publisher.finish()


def expected(everything: Messages) -> list[list[Message]]:
    found: list[list[Message]] = [[] for _ in range(PARTITIONS)]
    for i in range(len(everything)):
        found[everything[i].partition].append(everything[i])
    return found


@settings(deadline=None)
@given(PLACES, PLACES, st.lists(st.integers(0, 40), max_size=4), st.randoms(use_true_random=False))
def test_each_message_once_whatever_kills(
    before: list[int], places: list[int], kills: list[int], random: Random
) -> None:
    topic, everything = MemoryTopic("t", PARTITIONS), messages(places)
    assert run(topic, [0] * PARTITIONS, messages(before), random) == 0
    starts = topic.ends()
    for kill_at in kills:
        with suppress(KilledError):
            run(topic, starts, everything, random, kill_at)
    assert run(topic, starts, everything, random) == 0
    assert [log[start:] for log, start in zip(topic.log, starts, strict=True)] == expected(everything)


@settings(deadline=None)
@given(PLACES.filter(bool), st.data(), st.randoms(use_true_random=False))
def test_records_of_another_producer_are_noticed(places: list[int], data: st.DataObject, random: Random) -> None:
    topic, everything = MemoryTopic("t", PARTITIONS), messages(places)
    with suppress(KilledError):
        run(topic, [0] * PARTITIONS, everything, random, data.draw(st.integers(0, len(places))))
    partition = data.draw(st.integers(0, PARTITIONS - 1))
    topic.log[partition].append(Message(b"other", b"", partition, 0))
    with pytest.raises(DataError, match=f"offset {len(topic.log[partition]) - 1} of|holds more records"):
        run(topic, [0] * PARTITIONS, everything, random)


@settings(deadline=None)
@given(PLACES, st.randoms(use_true_random=False))
def test_a_topic_that_was_made_anew_is_noticed(places: list[int], random: Random) -> None:
    with pytest.raises(DataError, match="fewer records"):
        run(MemoryTopic("t", PARTITIONS), [0, 1, 0], messages(places), random)
    with pytest.raises(DataError, match="other partitions"):
        run(MemoryTopic("t", PARTITIONS + 1), [0, 0, 0], messages(places), random)


def test_records_beside_ours_are_counted() -> None:
    topic = MemoryTopic("t", PARTITIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "Producer", lambda _config: MemoryProducer([topic], Random(1)))
        publisher = Publisher(topic, [0, 0, 0], resumed=False)  # type: ignore[arg-type]
        publisher.send(messages([0, 1, 2, 0]))
        topic.log[1].append(Message(b"other", b"", 1, 0))
        assert publisher.finish() == 1


def test_the_memory_topic_has_what_a_topic_has() -> None:
    real = {name for name in vars(Topic) if not name.startswith("_")}
    assert real <= set(dir(MemoryTopic("t", 1)))
