"""Writers' schemas that come and change while a job runs, and a registry that is slow, down or wrong: exact bars."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from fastavro import parse_schema, schemaless_writer

from jobs.runtime import committed
from schemas.settings import settings
from tests.e2e import pipeline
from tests.e2e.registry_proxy import GARBAGE, Proxy, proxy
from tests.fuzz import lane
from tests.fuzz.corpus import BEGIN_US, PARTITIONS, Sent, Tick, frame
from tests.fuzz.writers import OURS, PRICE, price
from tests.oracles.bars import Record
from tickloom.flink_rest import FlinkRest
from tickloom.stack.components import flink_url

pytestmark = pytest.mark.lane

SUBJECT = "market.price.v1-value"
EACH, STEP_US = 200, 5_000


def without(*names: str) -> list[dict[str, Any]]:
    """Our fields but these."""
    return [field for name, field in OURS.items() if name not in names]


CONDITIONS = OURS["conditions"] | {"name": "notes", "aliases": ["conditions"]}
SEQUENCE, SIZE = {"name": "sequence", "type": "int"}, {"name": "size", "type": "float"}
COMPATIBLE = {
    "added": price(*PRICE["fields"], {"name": "currency", "type": "string", "default": "USD"}),
    "removed": price(*without("conditions")),
    "renamed": price(*without("conditions"), CONDITIONS),
    "reordered": price(*reversed(PRICE["fields"])),
    "narrow": price(*without("sequence", "size"), SEQUENCE, SIZE),
    "nested": price(*PRICE["fields"], {"name": "legs", "type": {"type": "array", "items": "int"}, "default": []}),
}
"""Writers whose records are prices for a job that knows none of them; `narrow` wrote before ours was widened."""
INCOMPATIBLE = price(*without("price"), {"name": "price", "type": "string"})


def records(schema: dict[str, Any], schema_id: int, first: int) -> list[tuple[Sent, Tick]]:
    """Trades from number `first` on, by a writer: fastavro's bytes under its id."""
    found = []
    for i in range(first, first + EACH):
        tick = Tick(f"S{i % 5}", BEGIN_US + i * STEP_US, 100.0 + i % 9, 1.0 + i % 7, i, f"t{i}")
        body = BytesIO()
        more = {"currency": "EUR", "legs": [1, 2], "notes": "n"}
        given = {name: value for name, value in (tick._asdict() | more).items() if name in names(schema)}
        value = str(tick.price) if schema is INCOMPATIBLE else tick.price
        given |= {"kind": "TRADE", "price": value}
        schemaless_writer(body, parse_schema(json.loads(json.dumps(schema))), given)
        message = Sent(frame(schema_id) + body.getvalue(), b"S", i % PARTITIONS, tick.event_time // 1000)
        found.append((message, tick))
    return found


def names(schema: dict[str, Any]) -> set[str]:
    """Fields of a record."""
    return {field["name"] for field in schema["fields"]}


class Tape:
    """What was sent, second by second of event time, and what must come of it."""

    def __init__(self) -> None:
        self.at, self.expected = 0, lane.Expected({})

    def send(self, schema: dict[str, Any], schema_id: int, *, good: bool = True) -> None:
        """A second of trades by a writer."""
        sent = records(schema, schema_id, self.at)
        lane.publish((each for each, _ in sent), lane.Expected({}))
        for each, tick in sent:
            place = each.partition, self.expected.offsets[each.partition]
            self.expected.offsets[each.partition] += 1
            if good:
                self.expected.ticks.append(Record(*tick[:7]))
            else:
                self.expected.letters[place] = "decode", "wrong_schema", lane.digest(each.value or b"")
        self.at += EACH

    def read(self) -> bool:
        """Whether the job has come so far: what it asks next, it asks under the mode of then."""
        end = BEGIN_US + (self.at - 1) * STEP_US - 2_000_000
        return any(each["event_time"] >= end for each in committed.records("market.bar.v1"))

    def as_expected(self) -> bool:
        """Whether the committed bars are those of all trades by now."""
        try:
            lane.check_bars(self.expected.bars()[0])
        except AssertionError:
            return False
        return True


def start_behind(registry: Proxy, monkeypatch: pytest.MonkeyPatch) -> str:
    """The job, whose registry is the proxy."""
    monkeypatch.setenv("TICKLOOM_REGISTRY__URL", registry.url)
    settings.cache_clear()
    job = pipeline.start_features(1, "--interval", "1s")
    monkeypatch.delenv("TICKLOOM_REGISTRY__URL")
    settings.cache_clear()
    return job


@pytest.mark.timeout(1200)
def test_a_running_job_reads_what_writers_become(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.empty()
    ids, tape = lane.learn(), Tape()
    with proxy(settings().registry.url) as registry:
        job = start_behind(registry, monkeypatch)
        tape.send(PRICE, ids.price)
        for name, schema in COMPATIBLE.items():
            tape.send(schema, lane.enrol(f"writer-{name}", schema))
            tape.send(PRICE, ids.price)
        for name in ("added", "removed", "reordered"):  # the registry takes these as next versions of ours
            assert lane.enrol(SUBJECT, COMPATIBLE[name]) > 0
        with pytest.raises(HTTPError, match="409"):
            lane.enrol(SUBJECT, INCOMPATIBLE)
        tape.send(INCOMPATIBLE, lane.enrol("circumvents", INCOMPATIBLE), good=False)
        tape.send(PRICE, ids.price)
        for number, mode in enumerate(("slow", "down", *GARBAGE)):
            schema = COMPATIBLE["added"] | {"doc": f"Version {number} of a writer."}
            registry.mode = mode
            tape.send(schema, lane.enrol(f"late-{number}", schema))
            for _ in range(3):  # its blocks close when time has passed
                tape.send(PRICE, ids.price)
            least = 1 if mode == "slow" else 2
            pipeline.eventually(lambda mode=mode, least=least: registry.asked.count(mode) >= least)
            registry.mode = ""
            pipeline.eventually(tape.read)
        lane.publish(lane.closing(ids, BEGIN_US + tape.at * STEP_US + 60_000_000), lane.Expected({}))
        lane.check_letters(tape.expected)
        pipeline.eventually(tape.as_expected)
        cluster = FlinkRest(flink_url())
        assert cluster.restarts(job) == 0, cluster.exceptions(job)
        cluster.cancel(job)
