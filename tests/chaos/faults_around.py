"""What is done around processes: to networks, disks, clocks and input; each fault proves that it bit.

In: the arena. Out: the evidence, as in faults.py. Kinds that this machine has no means for (iptables, loop devices,
libfaketime) are not offered; `offered` says which are.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient, NewPartitions

from feature_repo.stores import open_store
from schemas.settings import settings
from tests.chaos.arena import FAKETIME, Arena
from tests.chaos.disk import Disk
from tests.chaos.faults import Fault, proven
from tests.chaos.feed import TOPIC
from tests.chaos.proxy import Proxy
from udfs.vector import stamp

SKEW_S = 95


def _iptables(*words: str) -> bool:
    return subprocess.run(["iptables", "-w", *words], capture_output=True, check=False).returncode == 0


@contextmanager
def _dropped(ports: list[int], *, both_ways: bool) -> Iterator[None]:
    """Packets from these ports, and to them, are lost on this machine."""
    rules = [["OUTPUT", "-o", "lo", "-p", "tcp", "--sport", str(port), "-j", "DROP"] for port in ports]
    if both_ways:
        rules += [["OUTPUT", "-o", "lo", "-p", "tcp", "--dport", str(port), "-j", "DROP"] for port in ports]
    try:
        proven(all(_iptables("-A", *rule) for rule in rules), "iptables takes no rule")
        yield
    finally:
        for rule in rules:
            _iptables("-D", *rule)


def _lost(port: int) -> int:
    """Packets that the rules of a port have dropped."""
    listed = subprocess.run(["iptables", "-w", "-nvxL", "OUTPUT"], capture_output=True, text=True, check=False).stdout
    return sum(int(line.split()[0]) for line in listed.splitlines() if line.endswith((f"spt:{port}", f"dpt:{port}")))


def _cut_off(arena: Arena, ports: list[int], what: str, *, both_ways: bool, seconds: float) -> str:
    with _dropped(ports, both_ways=both_ways):
        time.sleep(seconds)
        lost = sum(map(_lost, ports))
    ways = "both ways" if both_ways else "one way"
    return proven(lost > 0, f"{what} cut off {ways} for {seconds:.0f} s, {lost} packets lost")


def cut_broker(arena: Arena) -> str:
    """Neither requests nor answers of a broker arrive."""
    return _cut_off(arena, *_broker(arena), both_ways=True, seconds=arena.random.uniform(3, 12))


def deafen_broker(arena: Arena) -> str:
    """A broker hears all, and its answers are lost: what was written was written."""
    return _cut_off(arena, *_broker(arena), both_ways=False, seconds=arena.random.uniform(3, 12))


def _broker(arena: Arena) -> tuple[list[int], str]:
    ports = [int(each.rpartition(":")[2]) for each in settings().kafka.bootstrap.split(",")]
    port = arena.random.choice(ports)
    return [port], f"broker on {port}"


def cut_jobmanager(arena: Arena) -> str:
    """TaskManagers and JobManager do not hear each other, for less than their patience."""
    port = settings().stack.ports.flink + 1
    return _cut_off(arena, [port], "jobmanager", both_ways=True, seconds=arena.random.uniform(3, 8))


def delay_redis(arena: Arena) -> str:
    """Each answer of the store comes half a second late."""
    return _through(arena, arena.redis, delay_s=0.5)


def reset_redis(arena: Arena) -> str:
    """All connections to the store are reset, for some seconds at once."""
    return _through(arena, arena.redis, reset=True)


def truncate_redis(arena: Arena) -> str:
    """Answers of the store end in the middle."""
    return _through(arena, arena.redis, truncate=True)


def reset_registry(arena: Arena) -> str:
    """All connections to the registry are reset while a worker asks it anew."""
    arena.random.choice(arena.workers()).kill()
    return _through(arena, arena.registry, reset=True)


def _through(arena: Arena, proxy: Proxy, **how: float | bool) -> str:
    before = proxy.harmed
    with proxy.harm(**how):
        waited = arena.until(lambda: proxy.harmed > before, f"somebody asks {proxy.name}", 60)
        time.sleep(5)
    return f"{proxy.name}: {', '.join(how)} for {5 + waited:.0f} s, {proxy.harmed - before} times"


def full_disk(arena: Arena) -> str:
    """No space left where checkpoints are written."""
    before = arena.checkpoints("failed")
    assert arena.disk
    with arena.disk.full():
        arena.until(lambda: arena.checkpoints("failed") > before, "a checkpoint fails", 60)
        time.sleep(2)
    return f"disk full, {arena.checkpoints('failed') - before} checkpoints failed"


def frozen_disk(arena: Arena) -> str:
    """The disk of the checkpoints does not answer for some seconds."""
    seconds = arena.random.uniform(3, 10)
    assert arena.disk
    with arena.disk.frozen():
        time.sleep(1.0)
        before = arena.checkpoints()
        time.sleep(seconds)
        after = arena.checkpoints()
    return proven(before == after, f"disk frozen for {seconds + 1:.0f} s, no checkpoint completed in {seconds:.0f} s")


def skewed_clock(arena: Arena) -> str:
    """A worker is started whose clock is wrong by more than a minute; killed afterwards, for an honest one."""
    arena.skew.write_text(f"{arena.random.choice('+-')}{SKEW_S}s")
    try:
        arena.random.choice(arena.workers()).kill()
        arena.until(lambda: abs(_clock_error(arena)) > SKEW_S / 2, "a vector of the skewed clock")
        wrong = _clock_error(arena)
    finally:
        arena.skew.unlink()
    for worker in arena.workers():
        worker.kill()
    return f"a worker's clock was wrong by {wrong:.0f} s"


def _clock_error(arena: Arena) -> float:
    """The largest difference of a new vector's created time from now, seconds."""
    store, project = open_store(arena.store_url), settings().store.project
    found = store.read(project, arena.monitor.views[0], arena.monitor.entities)
    errors = [stamp(each).created / 1e6 - time.time() for each in found if each]
    return max(errors, key=abs, default=0.0)


def again(arena: Arena) -> str:
    """The feed repeats all that it sent in the last seconds."""
    arena.tell_feed(do="again", seconds=3)
    return "the last 3 s were sent once more"


def disorder(arena: Arena) -> str:
    """The feed holds all back for some seconds and sends it in any order."""
    arena.tell_feed(do="shuffle", seconds=3)
    time.sleep(4)
    return "3 s were sent in any order"


def silence(arena: Arena) -> str:
    """A partition falls silent, which holds all bars back, and wakes up."""
    seconds = arena.random.uniform(4, 10)
    arena.tell_feed(do="silence", partition=arena.random.randrange(arena.partitions), seconds=seconds)
    time.sleep(seconds)
    behind = (arena.now_us() - arena.monitor.newest[-1][1]) / 1e6
    return proven(behind > 2, f"a partition was silent for {seconds:.0f} s: output {behind:.1f} s behind")


def more_partitions(arena: Arena) -> str:
    """The price topic gets another partition, and the feed spreads its keys anew."""
    client = AdminClient({"bootstrap.servers": settings().kafka.bootstrap})
    wanted = arena.partitions + 1
    for future in client.create_partitions([NewPartitions(TOPIC, wanted)]).values():
        future.result()
    arena.partitions = wanted
    arena.tell_feed(do="partitions", number=wanted)
    return f"{TOPIC} has {wanted} partitions"


INPUTS: dict[str, Fault] = {"repeats": again, "disorder": disorder, "silent partition": silence}
PROXIES: dict[str, Fault] = {"delay redis": delay_redis, "reset redis": reset_redis, "truncate redis": truncate_redis,
                             "reset registry": reset_registry}  # fmt: skip
CUTS: dict[str, Fault] = {"cut broker": cut_broker, "deafen broker": deafen_broker, "cut jobmanager": cut_jobmanager}
DISKS: dict[str, Fault] = {"full disk": full_disk, "frozen disk": frozen_disk}


def offered(disk: Disk | None) -> dict[str, Fault]:
    """The kinds for which this machine has the means."""
    cuts = CUTS if shutil.which("iptables") and _iptables("-nL", "OUTPUT") else {}
    clocks: dict[str, Fault] = {"skewed clock": skewed_clock} if FAKETIME else {}
    return INPUTS | PROXIES | cuts | (DISKS if disk else {}) | clocks
