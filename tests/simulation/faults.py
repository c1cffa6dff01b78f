"""What goes wrong, and when: each fault waits for its moment, and until it can bite; then it is counted.

PHASES name the moments: `any` between two steps, `barrier` while a checkpoint is under way, `complete` when it is
complete and no sink was told, `commit` after a transaction was committed, `restore` while a restart still has some to
commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World

WRITERS = ("indicators", "cross")


@dataclass
class Fault:
    """One, from the moment on at which this share of all records has been read."""

    kind: str
    share: float


def crash(world: "World") -> bool:
    """A worker or a TaskManager dies, and takes the attempt with it."""
    world.restart()
    return True


def zombie(world: "World") -> bool:
    """A task that writes to the store hangs, is replaced, and goes on with what it had been sent."""
    writers = [task for task in world.job.tasks if task.name in WRITERS and task.ready()]
    if not writers:
        return False
    undead = max(writers, key=lambda task: sum(len(channel.queue) for channel in task.inputs))
    undead.edges, undead.acknowledge = [], lambda *_: None
    world.restart()
    world.zombies.append(undead)
    return True


def rescale(world: "World") -> bool:
    """Another parallelism, from the last checkpoint."""
    world.job.parallelism = 3 - world.job.parallelism
    world.restart()
    return True


def wipe(world: "World") -> bool:
    """The store is emptied."""
    if not world.around.server.vectors:
        return False
    world.around.server.become({}, {}, {}, {})
    world.reader.forget()
    return True


def roll_back(world: "World") -> bool:
    """A replica that had not everything takes over."""
    if world.replica is None:
        return False
    world.around.server.become(*world.replica)
    world.reader.forget()
    return True


def store_down(world: "World") -> bool:
    """The store does not answer for a while."""
    world.around.server.down_until = world.around.now_ms + world.random.randint(50, 4000)
    return True


def broker_down(world: "World") -> bool:
    """Neither does the broker."""
    world.around.broker.down_until = world.around.now_ms + world.random.randint(50, 4000)
    return True


def answer_lost(world: "World") -> bool:
    """The store does as it is told, and its answer is lost."""
    world.around.server.lose_answers += world.random.randint(1, 3)
    return True


def expire(world: "World") -> bool:
    """The checkpoint under way takes too long, and is given up."""
    world.job.pending, world.settled = None, False
    return True


Act = Callable[["World"], bool]
KINDS: dict[str, tuple[str, Act]] = {
    "crash": ("any", crash),
    "crash under a barrier": ("barrier", crash),
    "crash before commit": ("complete", crash),
    "crash in commit": ("commit", crash),
    "crash in restore": ("restore", crash),
    "zombie": ("any", zombie),
    "rescale": ("any", rescale),
    "store wiped": ("any", wipe),
    "store rolled back": ("any", roll_back),
    "store unreachable": ("any", store_down),
    "broker unreachable": ("any", broker_down),
    "answer lost": ("any", answer_lost),
    "checkpoint expired": ("barrier", expire),
}


def draw_faults(random: Random, kinds: Sequence[str]) -> list[Fault]:
    """Up to four of these kinds."""
    chosen = random.choices(kinds, k=random.choice([0, 1, 2, 2, 3, 4]))
    return [Fault(kind, random.uniform(0.02, 0.95)) for kind in chosen]
