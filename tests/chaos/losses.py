"""Silent losses on purpose: `python -m tests.chaos.losses --times 10`; the alarm must report each, and nothing else.

A transaction that is pre-committed and not yet committed is taken away from the job, as an operator's mistake or an
expiry would: Flink's committer says so in its log, drops the data and goes on, and the job stays green. The JobManager
stands still meanwhile, so that the commit cannot be told.
"""

import argparse
import sys
import time

from confluent_kafka import KafkaException, Producer

from schemas.settings import settings
from tests.chaos.arena import Arena, stopped
from tests.chaos.phases import COMPLETED, TRIGGERED, Log

PREFIX = "tickloom-features-committed"
"""Of transactional ids; the sink adds its subtask and the checkpoint that commits."""
WITHIN_S = 10.0
"""Of a gap that readers can see, the alarm's letter must be there: a checkpoint, as long as it may take here."""


def lose(arena: Arena) -> str:
    """Take away what waits for its commit, if anything does; the evidence."""
    log = Log(arena.place.log("jobmanager"))
    took_ms = int(log.wait(COMPLETED)[2])
    checkpoint = log.wait(TRIGGERED)[1]
    time.sleep(0.8 * took_ms / 1000)
    with stopped(arena.leader("jobmanager")):
        time.sleep(1.0)
        names = [f"{PREFIX}-{subtask}-{checkpoint}" for subtask in range(arena.parallelism)]
        for each in names:
            _fence(each)
    return f"at checkpoint {checkpoint}: {', '.join(names)}"


def _fence(transactional_id: str) -> None:
    producer = Producer({"bootstrap.servers": settings().kafka.bootstrap, "transactional.id": transactional_id,
                         "log_level": 0})  # fmt: skip
    try:
        producer.init_transactions(10)
    except KafkaException as error:
        raise AssertionError(f"{transactional_id} was not taken: {error}") from error


def main() -> int:
    """0 when each loss was reported in time, and nothing else was."""
    from tests.chaos.campaign import prepared, private
    from tests.chaos.trades import START_US, Market

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    market = Market(options.seed, rate=1000, seconds=60 + 120 * options.times, start_us=START_US)
    with private(), prepared(market, 2) as arena:
        arena.start()
        arena.settle()
        good = all(report(arena, i + 1) for i in range(options.times))
        extra = unexplained(arena)
        arena.kill()
    print(f"{options.times} losses: {'each reported' if good and not extra else f'FAILED {extra}'}")
    return not good or bool(extra)


def report(arena: Arena, number: int, attempts: int = 10) -> bool:
    """One loss, tried until there is one: whether the alarm said so in time."""
    for _ in range(attempts):
        before, failures = len(arena.monitor.gaps), len(arena.failures())
        evidence = lose(arena)
        arena.settle()
        time.sleep(3)
        gaps = arena.monitor.gaps[before:]
        noticed = len(arena.failures()) - failures
        if noticed or not gaps:  # the writer was the one that was fenced, or nothing was waiting
            arena.note(f"{number}: {evidence}: {noticed} failures, {len(gaps)} gaps, once more")
            continue
        delays = [_alarm_after(arena, gap) for gap in gaps]
        arena.note(f"{number}: {evidence}: {len(gaps)} gaps, all told within {max(delays):.1f} s")
        return all(delay <= WITHIN_S for delay in delays)
    arena.note(f"{number}: no loss in {attempts} attempts")
    return False


def _alarm_after(arena: Arena, gap: tuple[float, str, bytes]) -> float:
    """Seconds to the alarm of a gap: of a topic and key the first for the first, and so on."""
    at, *where = gap
    number = [of for _, *of in arena.monitor.gaps[: arena.monitor.gaps.index(gap)]].count(where)

    def alarms() -> list[float]:
        return [told for told, *of in list(arena.monitor.alarms) if of == where]

    arena.until(lambda: len(alarms()) > number, f"an alarm of {where}")
    return alarms()[number] - at


def unexplained(arena: Arena) -> list[str]:
    """Alarms without a gap."""
    gaps = [(topic, key) for _, topic, key in arena.monitor.gaps]
    alarms = [(topic, key) for _, topic, key in arena.monitor.alarms]
    return [
        f"{topic} {key.decode()}" for topic, key in set(alarms) if alarms.count((topic, key)) > gaps.count((topic, key))
    ]


if __name__ == "__main__":
    sys.exit(main())
