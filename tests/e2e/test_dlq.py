"""Dead letters put back: repaired in every way, twice, killed, two at once; bars as if all had come well, each once."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.settings import PROJECT
from tests.e2e import pipeline
from tests.e2e.mending import spoil
from tests.fuzz import lane
from tests.fuzz.corpus import BEGIN_US, PARTITIONS, Sent, Tick, frame
from tests.fuzz.writers import PRICE
from tests.oracles.bars import Record
from tickloom import cli, dlq_letters, dlq_replay

pytestmark = pytest.mark.lane

QUEUE, TOPIC = "market.price.v1.dlq", "market.price.v1"
REASONS = ("no_magic", "unknown_schema_id", "truncated", "trailing_bytes", "price_not_finite", "price_not_positive")
EACH, SYMBOLS, STEP_US = 20, 5, 5_000
MEND = ["dlq", "replay", "--topic", TOPIC, "--repair", "tests.e2e.mending:mend"]


def tick(i: int) -> Tick:
    """The i-th trade."""
    return Tick(f"S{i % SYMBOLS}", BEGIN_US + i * STEP_US, 100.25, 1.0 + i % 7, i, f"t{i}")


def tape(schema_id: int, unknown: int) -> list[tuple[Sent, Tick]]:
    """Every tenth message is bad, for each reason in turn; beside each what it should have been."""
    found = []
    for i in range(EACH * len(REASONS) * 10):
        reason = REASONS[i // 10 % len(REASONS)]
        value = frame(schema_id) + tick(i).body() if i % 10 else spoil(tick(i), reason, schema_id, unknown)
        found.append((Sent(value, tick(i).symbol.encode(), i % PARTITIONS, tick(i).event_time // 1000), tick(i)))
    return found


def say(*words: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(cli.build(list(words)), list(words), terminal_width=200)
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


@pytest.mark.timeout(1200)
def test_letters_go_back_once(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.empty()
    ids = lane.learn()
    unknown = max(lane.given(ids)) + 1
    expected = lane.Expected(lane.given(ids))
    job = pipeline.start_features(1, "--interval", "1s")
    sent = tape(ids.price, unknown)
    lane.publish((each for each, _ in sent), expected)
    last_us = sent[-1][1].event_time
    lane.publish(lane.closing(ids, last_us + 60_000_000), expected)
    lane.check_letters(expected)
    assert Counter(reason for _, reason, _ in expected.letters.values()) == dict.fromkeys(REASONS, EACH)

    assert f"{EACH} " in say("dlq", "list")
    assert "0 letters put back" in say("dlq", "replay", "--topic", TOPIC)
    extra = PRICE | {"doc": f"The same, of a producer that took {unknown} before the registry gave it out."}
    assert lane.enrol("late-producer", extra) == unknown
    assert f"{EACH} letters put back" in say("dlq", "replay", "--topic", TOPIC)

    out = tmp_path / "letters.jsonl"
    say("dlq", "show", "--topic", TOPIC, "--reason", "price_not_positive", "--limit", "0", "--out", str(out))
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    for row in rows[1:]:
        row["record"]["price"] = 100.25
    out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = say("dlq", "replay", "--topic", TOPIC, "--from", str(out))
    assert f"{EACH - 1} letters put back" in said
    assert "1 stay, price_not_positive" in said

    with monkeypatch.context() as patch:
        patch.setattr(dlq_replay, "_commit", killed)
        with pytest.raises(KilledError):
            cli.build(MEND)(MEND, standalone_mode=False)
    commands = [[sys.executable, "-c", "import sys; from tickloom.cli import main; main()", *MEND] for _ in range(2)]
    running = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for command in commands]
    assert 0 in [each.wait(120) for each in running]
    assert "0 letters put back" in say(*MEND)

    letters = dlq_letters.read(QUEUE, settled=True)
    assert Counter(each.reason for each in letters.left) == {"truncated": EACH}
    assert len(letters.all) == len(expected.letters), "what was put back is a dead letter again"
    repaired = [of for each, of in sent if (each.partition, each.time_ms) in stayed(expected, sent)]
    assert len(repaired) == EACH * (len(REASONS) - 1)
    expected.ticks += [Record(*of[:7]) for of in repaired]
    bars, _ = expected.bars()
    pipeline.eventually(lambda: same(bars))
    pipeline.assert_committed_once(pipeline.feature_records())
    beyond(ids.price, expected)
    assert lane.FlinkRest(lane.flink_url()).restarts(job) == 0


class KilledError(BaseException):
    """The process of a replay is gone."""


def killed(producer: object, queue: str, batch: list[dlq_replay.Pair], write: object, note: str) -> None:
    """A replay that dies before its commit; its transaction stays open."""
    producer.begin_transaction()  # type: ignore[attr-defined]
    for _, message in batch:
        producer.produce(TOPIC, message.value, message.key, message.partition)  # type: ignore[attr-defined]
    producer.flush()  # type: ignore[attr-defined]
    raise KilledError


def stayed(expected: lane.Expected, sent: list[tuple[Sent, Tick]]) -> set[tuple[int, int]]:
    """Partition and time of the bad messages that can be repaired."""
    offsets, found = [0] * PARTITIONS, set()
    for each, _ in sent:
        place = each.partition, offsets[each.partition]
        offsets[each.partition] += 1
        if place in expected.letters and expected.letters[place][1] != "truncated":
            found.add((each.partition, each.time_ms))
    return found


def same(bars: dict[tuple[int, str], list[float]]) -> bool:
    """Whether the committed bars are these by now."""
    try:
        lane.check_bars(bars)
    except AssertionError:
        return False
    return True


def beyond(schema_id: int, expected: lane.Expected) -> None:
    """A tick that is older than the horizon stays where it is, with a hint."""
    old = tick(0)._replace(event_time=BEGIN_US - 3_600_000_000)
    late = Sent(frame(schema_id) + old.body(), b"S0", 0, old.event_time // 1000)
    lane.publish([late], lane.Expected(expected.writers))
    pipeline.eventually(lambda: len(dlq_letters.read("market.price.v1.late.dlq").left) == 1)
    said = say("dlq", "replay", "--topic", "market.price.v1.late")
    assert "0 letters put back" in said
    assert "1 stay, beyond_horizon: rebuild by replay" in said
