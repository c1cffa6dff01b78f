"""Messages into the partitions of one topic, each exactly once, in order.

In: Messages, the same ones in the same order each time a replay runs. Out: records in Kafka. What an earlier, killed
run delivered is skipped, after the last such record of each partition was compared with what it should be.
This file must not know ticks, files or schemas.
"""

import time
from collections import Counter
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from jobs.runtime import access
from schemas.errors import DataError, StackError
from schemas.sections import Kafka, Role
from tickloom.tape.messages import Message, Messages

MOST_WAITING = 200_000
"""Messages that wait for the brokers' answer at a time."""
PATIENCE_S = 20.0
ROLE: Role = "feed"
SETTLED_S = 1.0
PRODUCER = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 2 * MOST_WAITING,
    "delivery.report.only.error": True,
    "log_level": 3,  # a broker that is still loading its coordinator is waited for, and nothing to warn of
}


class Topic:
    """A topic as it is: its partitions, their ends, and the record at a place."""

    def __init__(self, kafka: Kafka, name: str) -> None:
        self.name, self.kafka = name, kafka
        quiet = {
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted",
            "group.id": access.own(ROLE, "replay"),
        }
        self._consumer, hint = Consumer({**access.client(kafka, ROLE), **quiet}), "tickloom stack up"
        try:
            found = access.topic(self._consumer, name, kafka, ROLE, PATIENCE_S)
        except KafkaException as error:
            raise StackError(f"Kafka does not answer: {error}", where=kafka.bootstrap, hint=hint) from error
        if found.error:
            raise StackError(f"no topic: {found.error}", where=f"{name} on {kafka.bootstrap}", hint=hint)
        self.partitions = len(found.partitions)

    def ends(self) -> list[int]:
        """The offset after the last record of each partition."""
        places = (TopicPartition(self.name, p) for p in range(self.partitions))
        return [self._consumer.get_watermark_offsets(place, PATIENCE_S)[1] for place in places]

    def settled_ends(self) -> list[int]:
        """The same, once they stand still: requests of a killed producer may still be on their way."""
        found, last = self.ends(), None
        while found != last:
            time.sleep(SETTLED_S)
            found, last = self.ends(), found
        return found

    def record(self, partition: int, offset: int) -> Message | None:
        """The record at a place; None if there is none to read."""
        self._consumer.assign([TopicPartition(self.name, partition, offset)])
        found = self._consumer.poll(PATIENCE_S)
        if found is None or found.error() or found.offset() != offset:
            return None
        return Message(found.value() or b"", found.key() or b"", partition, found.timestamp()[1])

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()


class Publisher:
    """Publishes a replay's messages to a topic: first `unsent`, which drops what is delivered, then `send`."""

    def __init__(self, topic: Topic, starts: list[int], *, resumed: bool) -> None:
        self._topic, self._starts, self.name = topic, starts, topic.name
        ends = topic.settled_ends() if resumed else starts
        self.delivered = [end - start for start, end in zip(starts, ends, strict=False)]
        if len(starts) != topic.partitions or min(self.delivered) < 0:
            raise self._foreign("it has other partitions, or fewer records, than when the replay began")
        self._skip = list(self.delivered)
        self._sent = Counter(dict(enumerate(self.delivered)))
        self._failed: list[Any] = []
        self._producer = Producer({**access.client(topic.kafka, ROLE), **PRODUCER, "on_delivery": self._report})

    def __len__(self) -> int:
        """Messages that the brokers have not acknowledged."""
        return len(self._producer)

    @property
    def sent(self) -> int:
        """Messages that were handed over by this run."""
        return self._sent.total() - sum(self.delivered)

    def unsent(self, messages: Messages) -> Messages:
        """The messages that are not yet in the topic; DataError if what is there is not what this replay publishes."""
        if not any(self._skip):
            return messages
        kept = []
        for i, partition in enumerate(messages.partitions):
            if not self._skip[partition]:
                kept.append(i)
                continue
            self._skip[partition] -= 1
            if not self._skip[partition]:
                self._compare(messages[i])
        return messages.pick(kept)

    def send(self, messages: Messages) -> None:
        """Hand messages over; waits while too many are unacknowledged. StackError when one could not be delivered."""
        for first in range(0, len(messages), MOST_WAITING):
            self._hand_over(messages.part(first, first + MOST_WAITING))

    def _hand_over(self, messages: Messages) -> None:
        produce, name = self._producer.produce, self.name
        columns = (messages.values, messages.keys, messages.partitions, messages.times_ms)
        for value, key, partition, time_ms in zip(*columns, strict=True):
            produce(name, value, key, partition, None, None, time_ms)
        self._sent.update(messages.partitions)
        self._producer.poll(0)
        while len(self._producer) > MOST_WAITING and not self._failed:
            self._producer.poll(0.05)
        self._raise_failures()

    def settle(self) -> None:
        """Wait until all that was sent is in the topic."""
        while len(self._producer) and not self._failed:
            self._producer.flush(1)
        self._raise_failures()

    def finish(self) -> int:
        """Wait for all acknowledgements and count again in the topic; the number of records of others among ours."""
        if any(self._skip):
            raise self._foreign("it holds more records than this replay has")
        self.settle()
        there = [end - start for start, end in zip(self._starts, self._topic.ends(), strict=True)]
        self._topic.close()
        del self._producer  # it holds us as we hold it, and would go on looking for its broker
        lost = {p: self._sent[p] - n for p, n in enumerate(there) if n < self._sent[p]}
        if lost:
            raise StackError(f"records are missing, by partition: {lost}", where=self.name)
        return sum(there) - self._sent.total()

    def _compare(self, expected: Message) -> None:
        place = self._starts[expected.partition] + self.delivered[expected.partition] - 1
        if self._topic.record(expected.partition, place) != expected:
            raise self._foreign(f"offset {place} of partition {expected.partition} holds another record")

    def _foreign(self, what: str) -> DataError:
        hint = "another producer wrote to it, or it was made anew: delete the journal to publish all from the start"
        return DataError(f"cannot go on with this replay: {what}", where=self.name, hint=hint)

    def _report(self, error: Any, _message: Any) -> None:
        if error is not None:
            self._failed.append(error)

    def _raise_failures(self) -> None:
        if self._failed:
            kafka, error = self._topic.kafka, self._failed[0]
            hint = "when Kafka answers again, run the same command: it goes on where it stopped"
            told = StackError(f"not delivered: {error}", where=kafka.bootstrap, hint=hint)
            raise access.refusal(error, kafka, ROLE) or told
