"""What is done to processes: killed, stopped, starved, short of memory; each fault proves that it bit.

In: the arena, at the moment of the phase. Out: the evidence as a line; Toothless where there is none, which makes the
run invalid. The supervisor starts again what is dead. Networks, disks and clocks are in faults_around.py.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.chaos.arena import Arena, Stuck, stopped

CGROUP = Path("/sys/fs/cgroup/cpu")
NOTICED_S = 60.0
Fault = Callable[[Arena], str]


class Toothless(AssertionError):
    """A fault without a proof that it did anything."""


def proven(true: bool, evidence: str) -> str:
    """The evidence; Toothless if it does not hold."""
    if not true:
        raise Toothless(evidence)
    return evidence


def noticed(arena: Arena, since: float, what: str) -> str:
    """Flink has seen the job fail since."""
    seconds = arena.until(lambda: arena.failed_since(since), f"the job fails after {what}", NOTICED_S)
    return f"{what}; the job failed {seconds:.1f} s later"


def kill_worker(arena: Arena) -> str:
    """Kill -9 of a Python worker; during a restore of a new one, for nobody needs those of the attempt before."""
    begun = max(arena.failures(), default=0) / 1000

    def young() -> list[psutil.Process]:
        return [each for each in arena.workers() if each.create_time() > begun]

    arena.until(lambda: bool(young()), "a worker")
    worker, since = arena.random.choice(young()), time.time()
    worker.kill()
    try:
        return noticed(arena, since, f"worker {worker.pid} killed")
    except Stuck as error:
        raise Toothless(str(error)) from error


def kill_taskmanager(arena: Arena) -> str:
    """Kill -9 of a TaskManager that has tasks."""
    component, since = arena.busy_taskmanager(), time.time()
    pid = arena.leader(component).pid
    psutil.Process(pid).kill()
    return noticed(arena, since, f"{component} {pid} killed")


def kill_jobmanager(arena: Arena) -> str:
    """Kill -9 of the JobManager; the next one takes the job from ZooKeeper."""
    return _replaced(arena, "jobmanager", lambda: arena.rest.state(arena.job) == "RUNNING")


def kill_broker(arena: Arena) -> str:
    """Kill -9 of one of the brokers."""
    return _replaced(arena, arena.random.choice([n for n in arena.place.names() if n.startswith("kafka")]))


def kill_registry(arena: Arena) -> str:
    """Kill -9 of the schema registry."""
    return _replaced(arena, "registry")


def kill_redis(arena: Arena) -> str:
    """Kill -9 of the online store's server."""
    return _replaced(arena, "redis")


def _replaced(arena: Arena, component: str, then: Callable[[], bool] = lambda: True) -> str:
    before = arena.leader(component)
    before.kill()
    gone = arena.until(lambda: not before.is_running(), f"{component} is gone", 10)
    arena.until(lambda: arena.leader(component).pid != before.pid, f"{component} comes back")
    back = arena.until(then, f"{component} does its work")
    return proven(not before.is_running(), f"{component} {before.pid} was gone after {gone:.1f} s, back in {back:.1f}")


def stop_worker(arena: Arena) -> str:
    """A Python worker stands still, and goes on as if nothing had been."""
    return _stopped(arena, arena.random.choice(arena.workers()), arena.random.uniform(5, 12), "worker")


def stop_taskmanager(arena: Arena) -> str:
    """A TaskManager stands still for longer than its heartbeat may take; then it wakes up as a zombie that writes."""
    component, since = arena.busy_taskmanager(), time.time()
    with stopped(arena.leader(component)):
        evidence = noticed(arena, since, f"{component} stopped")
        time.sleep(arena.random.uniform(1, 10))
    return f"{evidence}; woke up {time.time() - since:.0f} s later"


def stop_jobmanager(arena: Arena) -> str:
    """The JobManager stands still."""
    return _stopped(arena, arena.leader("jobmanager"), arena.random.uniform(5, 12), "jobmanager")


def stop_broker(arena: Arena) -> str:
    """A broker stands still for longer than its session."""
    component = arena.random.choice([name for name in arena.place.names() if name.startswith("kafka")])
    return _stopped(arena, arena.leader(component), arena.random.uniform(5, 20), component)


def stop_redis(arena: Arena) -> str:
    """The online store's server stands still."""
    return _stopped(arena, arena.leader("redis"), arena.random.uniform(5, 15), "redis")


def _stopped(arena: Arena, target: psutil.Process, seconds: float, what: str) -> str:
    with stopped(target):
        time.sleep(0.2)
        before = sum(target.cpu_times()[:2])
        time.sleep(seconds)
        state, after = target.status(), sum(target.cpu_times()[:2])
    return proven(
        state == psutil.STATUS_STOPPED and after == before, f"{what} {target.pid} was {state} for {seconds:.0f} s"
    )


def little_memory(arena: Arena) -> str:
    """A worker dies, and those that come after it may have 0.4 GB of addresses: they die of their imports."""
    worker, since = arena.random.choice(arena.workers()), time.time()
    arena.memory.write_text("400000")
    try:
        worker.kill()
        arena.until(lambda: len([at for at in arena.failures() if at >= since * 1000]) > 1, "the job fails again")
    finally:
        arena.memory.unlink()
    failed = len([at for at in arena.failures() if at >= since * 1000])
    return f"the job failed {failed} times, workers having 0.4 GB of addresses"


def little_cpu(arena: Arena) -> str:
    """The TaskManager and its workers get a tenth of a core for ten seconds."""
    group = CGROUP / "tickloom-chaos"
    group.mkdir(exist_ok=True)
    (group / "cpu.cfs_period_us").write_text("100000")
    (group / "cpu.cfs_quota_us").write_text("10000")
    starved = [arena.leader(arena.busy_taskmanager()), *arena.workers()]
    try:
        for each in starved:
            (group / "cgroup.procs").write_text(str(each.pid))
        time.sleep(10)
        throttled = int((group / "cpu.stat").read_text().split("nr_throttled ")[1].split()[0])
    finally:
        for each in starved:
            with suppress(OSError):
                (CGROUP / "cgroup.procs").write_text(str(each.pid))
    return proven(throttled > 10, f"{len(starved)} processes throttled {throttled} times in 10 s")


KILLS: dict[str, Fault] = {
    "kill worker": kill_worker, "kill taskmanager": kill_taskmanager, "kill jobmanager": kill_jobmanager,
    "kill broker": kill_broker, "kill registry": kill_registry, "kill redis": kill_redis,
}  # fmt: skip
STOPS: dict[str, Fault] = {
    "stop worker": stop_worker, "stop taskmanager": stop_taskmanager, "stop jobmanager": stop_jobmanager,
    "stop broker": stop_broker, "stop redis": stop_redis,
}  # fmt: skip
SHORTAGES: dict[str, Fault] = {"little memory": little_memory, "little cpu": little_cpu}
