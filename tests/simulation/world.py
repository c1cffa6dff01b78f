"""One world: a market, the job, faults; run until nothing is left to do, with a reader of the store beside it.

Which task goes on, and from which queue, is drawn at every step. The clock goes on a few milliseconds a step, some
seconds at a restart, and to the next timer when there is nothing else to do.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from schemas.errors import StoreError
from tests.simulation.faults import KINDS, Fault, draw_faults
from tests.simulation.flink import Channel, Task
from tests.simulation.job import Job, Surroundings
from tests.simulation.kafka import Unreachable
from tests.simulation.market import Market, beat, market
from tests.simulation.reader import Reader
from tests.simulation.stages import Sink

MOST_STEPS = 20_000
NAMES = ("row", "watermark", "idle", "barrier")
Trace = Callable[[str], None] | None
Option = tuple[str, Callable[..., Any], tuple[Any, ...]]


class StuckError(Exception):
    """The job does not come to an end."""


class World:
    """All of one seed; kinds: of the faults, all if none are named; timeout_ms: of Kafka's transactions."""

    def __init__(
        self, seed: int, trace: Trace = None, *, kinds: Sequence[str] = (), timeout_ms: int = 600_000
    ) -> None:  # fmt: skip
        self.seed, self.random, self.trace = seed, Random(seed), trace
        self.market: Market = market(seed, self.random)
        self.faults: list[Fault] = draw_faults(self.random, kinds or tuple(KINDS))
        self.around = Surroundings(self.random, self.market, timeout_ms)
        self.reader = Reader(self.around.server)
        self.zombies: list[Task] = []
        self.replica: Any = None
        self.bit: Counter[str] = Counter()
        self.unheard = False
        self.steps, self.settled, self.read, self.total = 0, False, 0, sum(map(len, self.market.prices))
        self.ahead = self.random.choice([1, 2, 4, 8, 16])  # busy queues beside which more is read
        self.every = self.random.choice([20, 50, 120])

    def run(self) -> None:
        """To the end; StuckError if there is none, and whatever an operator fails with."""
        with self.around.put_in():
            self.job = Job(self.around, self.random.randint(1, 2), self.market.horizon)
            while self.step():
                self.reader.look()

    def restart(self) -> None:
        """All tasks anew from the last complete checkpoint, some seconds later."""
        self.around.now_ms += self.random.randint(1000, 5000)
        self.settled, self.unheard = False, True
        self.job.restart()

    def step(self) -> bool:
        """One thing that can happen; False if nothing is left."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise StuckError(f"after {MOST_STEPS} steps")
        self.around.now_ms += self.random.randrange(12)
        if self.faults and self._struck("any"):
            return True
        options = self._options()
        if not options:
            return self._idle()
        what, act, given = self.random.choice(options)
        if self.trace:
            self.trace(f"{self.steps} {self.around.now_ms % 10**7} {what} {self._shown(*given)}")
        try:
            for _ in range(self.random.choice((1, 3, 8)) if what == "take" else 1):
                act(*given)
                if what == "take" and (not given[0].queue or given[0].blocked):
                    break
        except (StoreError, Unreachable) as failed:
            self._fail(act, failed)
        return True

    @staticmethod
    def _shown(of: Any = "", *_: Any) -> str:
        if isinstance(of, Channel):
            return f"{of.to}: {NAMES[of.queue[0][0]]} {str(of.queue[0][1])[:60]}"
        return f"{of.name}/{of.index}" if isinstance(of, Task) else str(of)

    def _fail(self, act: Any, failed: Exception) -> None:
        task = getattr(act, "__self__", None)
        if self.trace:
            self.trace(f"    {type(failed).__name__}: {failed}")
        if task in self.zombies:
            self.zombies.remove(task)
        else:
            self.restart()

    def _options(self) -> list[Option]:
        found: list[Option] = []
        job, now, reached = self.job, self.around.now_ms, not self.around.broker.down
        for task in (*job.workers, *self.zombies):
            found += [("take", task.take, (each,)) for each in task.inputs if each.queue and not each.blocked]
            if isinstance(task, Sink):
                if task.todo and reached:
                    found.append(("commit", self._commit, (task,)))
            elif (due := task.due()) is not None and due <= now:
                found.append(("timer", task.fire, (now,)))
        if reached and len(found) <= self.ahead:
            found += [(f"read {task.name}", task.read, ()) for task in job.readers if task.left()]
        if not self.around.grown and any(source.held(p) for source in job.sources for p in source.offsets):
            found.append(("grow", self._grow, ()))
        if job.pending is not None and job.finished():
            found.append(("complete", self._complete, ()))
        elif job.pending is None and found and not self.random.randrange(self.every):
            found.append(("checkpoint", job.trigger, ()))
        return found

    def _idle(self) -> bool:
        """To the next timer, or to the checkpoint after which all is said."""
        waits = [due for task in (*self.job.workers, *self.zombies) if (due := task.due()) is not None]
        waits += [at for at in (self.around.broker.down_until,) if at > self.around.now_ms]
        if waits:
            self.around.now_ms = max(self.around.now_ms, min(waits))
            return True
        if not self.around.grown:
            self._grow()
            return True
        if self.unheard:  # a restored source knows no time until each partition has spoken
            self.unheard = False
            beat(self.market)
            return True
        if self.job.pending is not None:
            raise StuckError("a checkpoint that nobody can complete")
        if self.settled:
            return False
        self.settled = True
        self.job.trigger()
        return True

    def _grow(self) -> None:
        """The partition that was added is found, by a restart."""
        self.around.grown = True
        self.restart()

    def _complete(self) -> None:
        self.job.finish()
        if not self._struck("complete"):
            self.job.notify()

    def _commit(self, sink: Sink) -> None:
        restoring = bool(self.job.complete) and not self.job.notified
        sink.commit()
        self._struck("restore" if restoring else "commit")

    def _struck(self, phase: str) -> bool:
        """Whether a fault that waits for this moment has struck."""
        self.read = max(self.read, sum(at for source in self.job.sources for at in source.offsets.values()))
        phase = "barrier" if phase == "any" and self.job.pending is not None else phase
        due = {phase, "any"} if phase == "barrier" else {phase}
        for fault in self.faults:
            if fault.share * self.total <= self.read and KINDS[fault.kind][0] in due:
                if not KINDS[fault.kind][1](self):
                    continue
                self.faults.remove(fault)
                if self.trace:
                    self.trace(f"--- {fault.kind}")
                self.bit[fault.kind] += 1
                return True
        if self.replica is None and self.read > self.total * 0.3:
            self.replica = self.around.server.copy()
        return False
