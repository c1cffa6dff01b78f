"""A stack with users: the job does its work, nobody does another's, and no secret is left anywhere."""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer

from feature_repo.stores import open_store
from jobs.runtime import access, committed
from schemas.errors import StackError, StoreError
from schemas.sections import Role
from schemas.settings import settings, store_url
from tests.e2e import pipeline, spilled
from tests.e2e.conftest import own_home
from tickloom import flink
from tickloom.flink_rest import FlinkRest
from tickloom.replay import Order, Target, replay
from tickloom.stack import causes, control, process, security
from tickloom.stack.components import flink_url
from tickloom.synth import synth
from tickloom.tape.publish import Topic
from udfs.batch import compute

pytestmark = pytest.mark.lane

WRONG = "not-the-password-of-anybody"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running stack with users, and a shell that has read `tickloom stack env`."""
    with own_home(tmp_path_factory.mktemp("secure")) as home, pytest.MonkeyPatch.context() as patch:
        control.up(auto_ports=True, secure=True)
        for name, value in security.exports().items():
            patch.setenv(name, value)
        yield home


@pytest.mark.timeout(1800)
def test_the_job_works_and_leaves_no_secret(secure: Path, tmp_path: Path) -> None:
    synth(10, 4_000, 7, tmp_path, late=0.01, bad=0.01, actions=1, interval="1m", rate=2.0)
    job = pipeline.start_features(1, "--interval", "1m")
    replay([tmp_path / "ticks.parquet"], Target.KAFKA, tmp_path / "actions.parquet", "1m", Order.ARRIVAL)
    expected = compute(pipeline.read(tmp_path / "bars.parquet"), pipeline.read(tmp_path / "actions.parquet"), "1m")
    pipeline.eventually_same(expected)
    pipeline.assert_committed_once(pipeline.feature_records())
    pipeline.assert_store_holds(expected, "1m")
    assert FlinkRest(flink_url()).exceptions(job) == []

    kept = security.kept()
    assert spilled.found(secure, flink_url(), kept.values()) == []
    assert [name for name, _ in spilled.files(secure) if Path(name).name == "redis.acl"], "it does look at files"
    environment = process.leader(process.Place(secure), "taskmanager").environ()
    given = {name for name, value in environment.items() if value in kept.values()}
    assert given == {name for name in kept if re.search("KAFKA.*(FEATURES|SCORING)|STORE.*(READER|WRITER)", name)}


@pytest.mark.timeout(900)
def test_a_job_with_a_wrong_password_says_so(secure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA__USERS__FEATURES", "scoring")  # whose password it is not
    settings.cache_clear()
    job = flink.run_job("jobs.features")
    pipeline.eventually(lambda: bool(FlinkRest(flink_url()).exceptions(job)))
    FlinkRest(flink_url()).cancel(job)
    settings.cache_clear()
    assert causes.explain(flink.failure(job))[0] == "Kafka does not accept a user's password"


def test_a_wrong_password_is_refused_and_not_told(secure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA_PASSWORD_READER", WRONG)
    with pytest.raises(StackError, match="does not accept the password of user 'reader'") as caught:
        committed.length("feature.frame.v1")
    assert WRONG not in "".join(traceback.format_exception(caught.value))
    monkeypatch.setenv("TICKLOOM_STORE_PASSWORD_WRITER", WRONG)
    with pytest.raises(StoreError, match="invalid username-password") as refused:
        open_store(store_url()).read("tickloom", "v", ["a"])
    assert WRONG not in "".join(traceback.format_exception(refused.value))


def test_brokers_that_nobody_vouches_for_are_refused(secure: Path) -> None:
    stranger = settings().kafka.model_copy(update={"ca": ""})
    with pytest.raises(StackError, match="certificate is not trusted"):
        list(committed.records("feature.frame.v1", stranger))


def test_who_has_no_right_is_told_so(secure: Path) -> None:
    with pytest.raises(StackError, match="does not allow this to user 'feed'"):
        Topic(settings().kafka, "feature.frame.v1")
    with pytest.raises(StoreError, match="permissions"):
        open_store(store_url(reading=True)).fence("tickloom", "v", "0")
    with pytest.raises(StoreError, match="Authentication required"):
        open_store(store_url().replace("writer@", "")).read("tickloom", "v", ["a"])


def begin(role: Role, transactional_id: str) -> Producer:
    """A producer of a role after its first transaction began."""
    producer = Producer({**access.client(settings().kafka, role), "transactional.id": transactional_id})
    producer.init_transactions(30)
    producer.begin_transaction()
    return producer


def test_a_job_may_not_use_another_jobs_transactions_nor_topics(secure: Path) -> None:
    for other in (access.own("scoring", "scored-0-1"), "tickloom-features", "anything"):
        with pytest.raises(KafkaException, match="TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
            begin("features", other)
    producer, told = begin("features", access.own("features", "test")), []
    producer.produce("scoring.score.v1", b"x", on_delivery=lambda error, _: told.append(error))
    producer.flush(30)
    assert [error.name() for error in told] == ["TOPIC_AUTHORIZATION_FAILED"]
    producer.abort_transaction(30)
