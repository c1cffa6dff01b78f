"""The stack itself: every server real."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from schemas.loader import TOPICS
from schemas.settings import settings
from tests.e2e import pipeline
from tests.e2e.conftest import own_home
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.stack import control, process, supervise
from tickloom.stack.components import flink_url
from tickloom.stack.ports import taken

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def states() -> dict[str, str]:
    return {row.name: row.state for row in control.status()}


def test_every_server_answers_on_this_machine_only(stack: Path) -> None:
    """Without a job: while one runs, Beam's servers in the TaskManager listen everywhere, which nothing can change."""
    pipeline.empty()
    assert set(states().values()) == {"up"}
    place = process.Place(stack)

    def listening() -> set[str]:
        connections = [each for one in process.family(place, place.names()) for each in one.net_connections("inet")]
        return {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}

    pipeline.eventually(lambda: bool(listening()) and listening() <= LOOPBACK)


def test_topics_and_schemas_are_there(stack: Path) -> None:
    from confluent_kafka.admin import AdminClient, ConfigResource

    client = AdminClient({"bootstrap.servers": settings().kafka.bootstrap})
    topics = client.list_topics(timeout=10).topics
    wanted = {*TOPICS, *(f"{topic}.dlq" for topic in TOPICS)}
    assert wanted <= set(topics)
    assert {len(topics[name].partitions) for name in wanted} == {2}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in wanted]
    configs = [future.result() for future in client.describe_configs(resources).values()]
    assert {config["retention.ms"].value for config in configs} == {"-1"}


def test_a_killed_taskmanager_comes_back_by_up(stack: Path) -> None:
    before = {row.name: row.pid for row in control.status()}
    taskmanager = process.leader(process.Place(stack), "taskmanager")
    assert taskmanager
    os.kill(taskmanager.pid, signal.SIGKILL)
    taskmanager.wait(10)
    assert states()["taskmanager"] == "down"
    control.up()
    after = {row.name: row.pid for row in control.status()}
    assert {name for name in after if after[name] != before[name]} == {"taskmanager"}
    assert set(states().values()) == {"up"}


def test_flinks_own_command_runs_a_python_job(stack: Path) -> None:
    told: list[str] = []
    job = run_job("pyflink.examples.datastream.process_json_data", tell=told.append)
    cluster = FlinkRest(flink_url())
    assert cluster.wait(job, frozenset({"FINISHED"})) == "FINISHED"
    assert cluster.exceptions(job) == []
    assert cluster.restarts(job) == 0
    assert told == ["$ flink run -d -p 1 -pym pyflink.examples.datastream.process_json_data -pyfs dist/tickloom.zip"]


@pytest.mark.timeout(600)
def test_a_killed_jobmanager_and_a_killed_taskmanager_cost_no_job(tmp_path: Path) -> None:
    """The supervisor starts them again; ZooKeeper tells the new JobManager what ran, the standby has free slots."""
    with own_home(tmp_path):
        control.up(auto_ports=True, high_availability=True, taskmanagers=2)
        assert set(states().values()) == {"up"}
        place, cluster = process.Place(tmp_path), FlinkRest(flink_url())
        zookeeper = process.leader(place, "zookeeper")
        assert zookeeper
        listening = {each.laddr.ip for each in zookeeper.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
        assert listening
        assert listening <= LOOPBACK
        job = pipeline.start_features(1, "--interval", "1s")
        pipeline.eventually(lambda: cluster.checkpoints(job) > 1)

        def goes_on(killed: str) -> None:
            done, dead = cluster.checkpoints(job), process.leader(place, killed)
            assert dead
            dead.kill()
            pipeline.eventually(lambda: cluster.checkpoints(job) > done + 1 and set(states().values()) == {"up"})
            assert process.leader(place, killed) != dead

        with supervise.supervised():
            goes_on("jobmanager")
            goes_on(next(name for name in ("taskmanager", "taskmanager-2") if runs_python(place, name)))
            assert cluster.exceptions(job), "the kill was not noticed"


def runs_python(place: process.Place, name: str) -> bool:
    """Whether this TaskManager has workers, and so the job's tasks; a warm Python it has in any case."""
    return any("beam_boot" in " ".join(each.cmdline()) for each in process.family(place, [name]))


@pytest.mark.timeout(300)
def test_three_brokers_replicate_and_down_leaves_nothing(stack: Path, tmp_path: Path) -> None:
    from confluent_kafka.admin import AdminClient

    with own_home(tmp_path):
        control.up(("kafka", "kafka-2", "kafka-3"), brokers=3, auto_ports=True)
        found = AdminClient({"bootstrap.servers": settings().kafka.bootstrap}).list_topics(timeout=10)
        assert len(found.brokers) == 3
        assert {len(part.replicas) for name in TOPICS for part in found.topics[name].partitions.values()} == {3}
        place, port = process.Place(tmp_path), settings().stack.ports.kafka
        control.down()
        assert process.family(place, ("kafka", "kafka-2", "kafka-3")) == []
        assert not taken(port)
    assert set(states().values()) == {"up"}, "the other stack is untouched"
