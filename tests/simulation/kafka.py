"""A broker: one log of records with transactions, read as `read_committed` reads it.

A transaction that is open holds back whoever reads committed records behind its first one; one that is open for longer
than its timeout is aborted by the broker, and what commits it later is told so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

OPEN, COMMITTED, ABORTED = range(3)


class Unreachable(Exception):
    """The broker does not answer now."""


class Record(NamedTuple):
    """A record of the log."""

    topic: str
    key: bytes
    value: bytes


@dataclass(eq=False)
class Transaction:
    """One transaction of a producer."""

    name: str
    started_ms: int
    state: int = OPEN


class Broker:
    """The log; clock: milliseconds."""

    def __init__(self, clock: Callable[[], int], timeout_ms: int = 600_000) -> None:
        self.clock, self.timeout_ms = clock, timeout_ms
        self.log: list[tuple[Transaction, Record]] = []
        self.transactions: list[Transaction] = []
        self.down_until = 0

    @property
    def down(self) -> bool:
        """Whether nobody can reach it."""
        return self.clock() < self.down_until

    def begin(self, name: str) -> Transaction:
        """A new transaction."""
        self.transactions.append(Transaction(name, self.clock()))
        return self.transactions[-1]

    def append(self, transaction: Transaction, record: Record) -> bool:
        """Write a record; False from a producer that was fenced off or has expired."""
        self.expire()
        if transaction.state == OPEN:
            self.log.append((transaction, record))
        return transaction.state == OPEN

    def commit(self, transaction: Transaction) -> bool:
        """Commit, again if need be; False if it was aborted."""
        self.expire()
        if transaction.state == OPEN:
            transaction.state = COMMITTED
        return transaction.state == COMMITTED

    def abort(self, keep: list[Transaction]) -> None:
        """A new producer aborts what its forerunners left open, but for what it is to commit."""
        for each in self.transactions:
            if each.state == OPEN and each not in keep:
                each.state = ABORTED

    def expire(self) -> None:
        """Transactions that took too long."""
        for each in self.transactions:
            if each.state == OPEN and self.clock() - each.started_ms > self.timeout_ms:
                each.state = ABORTED

    def committed(self, since: int = 0) -> Iterator[tuple[int, Record]]:
        """Committed records with their places, up to the first one that is undecided."""
        for place in range(since, len(self.log)):
            transaction, record = self.log[place]
            if transaction.state == OPEN:
                return
            if transaction.state == COMMITTED:
                yield place, record
