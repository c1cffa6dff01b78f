"""The stack as a table: each component's command, ports, environment, question of health, and what follows its start.

In: the settings and the jars. Out: `components()`. Must not know: how processes are started, watched and stopped.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from schemas.errors import StackError
from schemas.settings import Settings, settings, state_dir
from tickloom.stack import jars, probe, process, render, topics
from tickloom.stack.environment import environment, flink_home
from tickloom.stack.ports import HOST


@dataclass(frozen=True)
class Component:
    """One server of the stack."""

    name: str
    address: str
    ports: tuple[int, ...]
    command: Callable[[], list[str]]
    """Writes the files that the server needs, and gives its command line."""
    healthy: Callable[[], bool]
    env: dict[str, str] = field(default_factory=dict)
    then: Callable[[], object] = lambda: None
    """What is done once it is healthy; may be done again."""


def components() -> list[Component]:
    """The servers of these settings; Redis only where redis-server is on the PATH."""
    chosen = settings()
    redis = [_redis(chosen)] if shutil.which("redis-server") else []
    brokers = [_kafka(chosen, index) for index in range(chosen.stack.brokers)]
    return [*brokers, _registry(chosen), _jobmanager(chosen), _taskmanager(chosen), *redis]


def provision() -> None:
    """Create the topics and register the schemas of the configured Kafka and registry, whoever runs them."""
    chosen = settings()
    topics.create(chosen.kafka.bootstrap, chosen.stack.brokers)
    _register(chosen.registry.url)


def flink_url() -> str:
    """Address of Flink's REST interface."""
    return f"http://{HOST}:{settings().stack.ports.flink}"


def _kafka(chosen: Settings, index: int) -> Component:
    ports, brokers = render.kafka_listeners(chosen.stack.ports, index), chosen.stack.brokers
    create = partial(topics.create, chosen.kafka.bootstrap, replicas=brokers)
    return Component(
        name="kafka" if index == 0 else f"kafka-{index + 1}",
        address=f"{HOST}:{ports[0]}",
        ports=ports,
        command=partial(_kafka_command, chosen, index),
        healthy=partial(probe.kafka, ports[0], brokers),
        then=create if index == 0 else Component.then,
    )


def _kafka_command(chosen: Settings, index: int) -> list[str]:
    config = render.kafka(chosen.stack.ports, index, chosen.stack.brokers)
    log4j = f"-Dlog4j2.configurationFile={render.SOURCE / 'log4j-console.properties'}"
    java = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=4", log4j, "-cp", jars.kafka_class_path()]
    if not (state_dir() / "kafka" / f"data-{index + 1}" / "meta.properties").exists():
        _run([*java, "kafka.tools.StorageTool", "format", "-t", render.CLUSTER_ID, "-c", str(config)])
    return [*java, "kafka.Kafka", str(config)]


def _registry(chosen: Settings) -> Component:
    port = chosen.stack.ports.registry
    return Component(
        name="registry",
        address=chosen.registry.url,
        ports=(port,),
        command=lambda: ["java", "-Xmx384m", "-jar", str(jars.registry_runner())],
        healthy=partial(probe.registry, chosen.registry.url),
        env={
            "QUARKUS_HTTP_HOST": HOST,
            "QUARKUS_HTTP_PORT": str(port),
            "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "h2",
            "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{state_dir() / 'registry' / 'schemas'}",
        },
        then=partial(_register, chosen.registry.url),
    )


def _register(url: str) -> None:
    from schemas.registry import register

    register(url)


def _jobmanager(chosen: Settings) -> Component:
    port = chosen.stack.ports.flink
    return Component(
        name="jobmanager",
        address=flink_url(),
        ports=(port, port + 1),
        command=partial(_flink_command, chosen, "jobmanager.sh"),
        healthy=partial(probe.jobmanager, flink_url()),
    )


def _taskmanager(chosen: Settings) -> Component:
    place = process.Place(state_dir())
    return Component(
        name="taskmanager",
        address="",
        ports=(),
        command=partial(_flink_command, chosen, "taskmanager.sh"),
        healthy=lambda: probe.taskmanager(flink_url(), process.started_at(place, "taskmanager")),
    )


def _flink_command(chosen: Settings, script: str) -> list[str]:
    render.flink(chosen.stack.ports)
    return ["bash", str(flink_home() / "bin" / script), "start-foreground"]


def _redis(chosen: Settings) -> Component:
    port = chosen.stack.ports.redis
    folder = state_dir() / "redis"
    return Component(
        name="redis",
        address=f"redis://{HOST}:{port}/0",
        ports=(port,),
        command=partial(_redis_command, port, folder),
        healthy=partial(probe.redis, port),
    )


def _redis_command(port: int, folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    # what was acknowledged survives a restart, as the fences of the online store's writers must
    keep = ["--appendonly", "yes", "--save", ""]
    # a process title would overwrite the environment, in which our mark stands
    return ["redis-server", "--bind", HOST, "--port", str(port), "--dir", str(folder), *keep, "--set-proc-title", "no"]


def _run(command: list[str]) -> None:
    if not shutil.which(command[0]):
        raise StackError(f"{command[0]} is not installed", hint="install a JDK 17 or later")
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError("Kafka's storage cannot be formatted", where=(done.stdout + done.stderr).strip()[-800:])
