"""Letters back to their topic, each once: in one transaction go a repaired record and the mark of its letter.

The transactional id is the topic's, so that a second replay ends the first; what that had committed is marked, and what
it had not is not there. This file must not know what makes a message good: see dlq_rules.py.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jobs.runtime import access
from schemas.errors import DataError, StackError
from schemas.loader import DEAD_LETTER
from schemas.registry import FORGET_S, register
from schemas.settings import settings
from schemas.wire import MOST_BYTES, encoder
from tickloom.dlq_letters import REASON, STAGE, SUFFIX, Letter, Letters, Place, read
from tickloom.dlq_rules import Refusal, Rules, oldest_us
from tickloom.tape.messages import Message

BATCH, BATCH_BYTES = 1000, 8 << 20
"""Records and bytes of a transaction at most."""
TIMEOUT_MS = 15_000
"""After which the brokers end the transaction of a replay that was killed: until then the jobs wait behind it."""
WAIT_S = 60.0

Choose = Callable[[Letter], bool]
Repair = Callable[[Letter], bytes]
Pair = tuple[Letter, Message]


@dataclass
class Outcome:
    """What a replay came to: how many went back, how many had gone before, and why others stay."""

    replayed: int = 0
    before: int = 0
    refused: dict[Place, Refusal] = field(default_factory=dict)

    def reasons(self) -> Counter[str]:
        """Letters that stay, by reason."""
        return Counter(refusal.reason for refusal in self.refused.values())


def replay(queue: str, choose: Choose, repair: Repair, note: str, *, dry: bool = False) -> Outcome:
    """Put the chosen letters of a topic back, as repair gives them; note: how they were repaired, for the mark.

    dry: only say what would. StackError if another replay of the topic began meanwhile, or Kafka does not answer.
    """
    if dry:
        return _prepare(read(queue, settled=True), choose, repair)[0]
    try:
        producer = _producer(queue)  # from here on no earlier replay can commit
        outcome, pairs = _prepare(read(queue, settled=True), choose, repair)
        if any(letter.reason == "unknown_schema_id" for letter, _ in pairs):
            time.sleep(FORGET_S + 1)  # a job does not ask again for so long
        write = encoder(DEAD_LETTER, register(settings().registry.url)[queue])
        for batch in _batches(pairs):
            _commit(producer, queue, batch, write, note)
            outcome.replayed += len(batch)
    except Exception as error:
        raise _told(error, queue) from error
    return outcome


def _prepare(letters: Letters, choose: Choose, repair: Repair) -> tuple[Outcome, list[Pair]]:
    chosen = [letter for letter in letters.all.values() if choose(letter)]
    outcome = Outcome(before=sum(letter.place in letters.replayed for letter in chosen))
    left = [letter for letter in chosen if letter.place not in letters.replayed]
    config, pairs = settings(), []
    earliest = oldest_us(config) if left else 0
    rules = {topic: Rules(config, _partitions(topic), earliest) for topic in {letter.place[0] for letter in left}}
    for letter in left:
        try:
            pairs.append((letter, rules[letter.place[0]].message(letter, repair(letter))))
        except Refusal as refusal:
            outcome.refused[letter.place] = refusal
        except DataError as error:
            outcome.refused[letter.place] = Refusal("not_repaired", error.what)
    return outcome, pairs


def _batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    batch, size = list[Pair](), 0
    for letter, message in pairs:
        if batch and (len(batch) == BATCH or size + len(message.value) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((letter, message))
        size += len(message.value)
    if batch:
        yield batch


def _commit(producer: Any, queue: str, batch: list[Pair], write: Callable[[dict[str, Any]], bytes], note: str) -> None:
    """All of a batch and its marks, or nothing."""
    producer.begin_transaction()
    for letter, message in batch:
        topic, partition, offset = letter.place
        producer.produce(topic, message.value, message.key, message.partition, timestamp=message.time_ms)
        place = {"topic": topic, "partition": partition, "offset": offset}
        mark = place | {"raw": b"", "stage": STAGE, "reason": REASON, "detail": note}
        producer.produce(queue, write(mark), f"{topic}/{partition}/{offset}".encode())
    producer.commit_transaction(WAIT_S)


def _producer(queue: str) -> Any:
    from confluent_kafka import Producer

    config = {
        **access.client(settings().kafka, "admin"),
        "transactional.id": access.own("admin", f"dlq-{queue.removesuffix(SUFFIX)}"),
        "transaction.timeout.ms": TIMEOUT_MS,
        "message.max.bytes": 2 * MOST_BYTES,
        "log_level": 0,
    }
    producer = Producer(config)
    producer.init_transactions(WAIT_S)
    return producer


def _partitions(topic: str) -> int:
    from confluent_kafka.admin import AdminClient

    found = AdminClient({**access.client(settings().kafka, "admin"), "log_level": 0}).list_topics(topic, 10)
    return len(found.topics[topic].partitions)


def _told(error: Exception, queue: str) -> Exception:
    """The error in our words, if it is Kafka's."""
    from confluent_kafka import KafkaException

    if not isinstance(error, KafkaException):
        return error
    code = error.args[0].name()
    if code in {"_FENCED", "INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED"}:
        what = "another replay of these letters has begun, and goes on where this one stopped"
        return StackError(what, where=queue, hint="tickloom dlq list")
    hint = "run the same command again: what was committed is not put back twice"
    return StackError(f"not replayed: {error.args[0].str()}", where=queue, hint=hint)
