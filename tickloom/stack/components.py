"""The stack as a table: each component's command, ports, environment, question of health, and what follows its start.

In: the settings and the jars. Out: `components()`. Must not know: how processes are started, watched and stopped.
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jobs.runtime import access
from schemas.errors import StackError
from schemas.settings import Settings, settings, state_dir
from tickloom.stack import jars, probe, process, render, rights, security, topics
from tickloom.stack.environment import environment, flink_home
from tickloom.stack.ports import HOST
from tickloom.stack.warm import LIBRARIES, ROOM


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
    zookeeper = [_zookeeper(chosen)] if chosen.stack.high_availability else []
    taskmanagers = [_taskmanager(chosen, index) for index in range(chosen.stack.taskmanagers)]
    return [*brokers, _registry(chosen), *zookeeper, _jobmanager(chosen), *taskmanagers, *redis]


def provision() -> None:
    """Create the topics and register the schemas of the configured Kafka and registry, whoever runs them."""
    chosen = settings()
    access.check(chosen.kafka, "admin", security.known())
    topics.create(_admin(chosen), chosen.stack.brokers)
    _register(chosen.registry.url)


def flink_url() -> str:
    """Address of Flink's REST interface."""
    return f"http://{HOST}:{settings().stack.ports.flink}"


def numbered(kind: str, index: int) -> str:
    """Name of the component of a kind, counted from 0: kafka, kafka-2, kafka-3."""
    return kind if index == 0 else f"{kind}-{index + 1}"


def _kafka(chosen: Settings, index: int) -> Component:
    ports, brokers = render.kafka_listeners(chosen.stack.ports, index), chosen.stack.brokers
    return Component(
        name=numbered("kafka", index),
        address=f"{HOST}:{ports[0]}",
        ports=ports,
        command=partial(_kafka_command, chosen, index),
        healthy=lambda: probe.kafka(ports[0], brokers, _admin(chosen)),
        then=partial(_fill_kafka, chosen) if index == 0 else Component.then,
    )


def _admin(chosen: Settings) -> dict[str, Any]:
    return access.client(chosen.kafka, "admin", security.known())


def _fill_kafka(chosen: Settings) -> None:
    topics.create(_admin(chosen), chosen.stack.brokers)
    if chosen.stack.secure:
        rights.authorize(_admin(chosen))


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


def _zookeeper(chosen: Settings) -> Component:
    port = chosen.stack.ports.zookeeper
    return Component(
        name="zookeeper",
        address=f"{HOST}:{port}",
        ports=(port,),
        command=partial(_zookeeper_command, port),
        healthy=partial(probe.zookeeper, port),
    )


def _zookeeper_command(port: int) -> list[str]:
    config = render.zookeeper(port)
    log4j = f"-Dlog4j2.configurationFile={render.SOURCE / 'log4j-console.properties'}"
    # its own main class, since Flink's leaves old files of its log lie for ever
    peer = "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.quorum.QuorumPeerMain"
    return ["java", "-Xmx128m", log4j, "-cp", str(flink_home() / "lib" / "*"), peer, str(config)]


def _taskmanager(chosen: Settings, index: int) -> Component:
    place, name = process.Place(state_dir()), numbered("taskmanager", index)
    warm = state_dir() / "run" / f"{name}.warm"
    return Component(
        name=name,
        address="",
        ports=(),
        command=partial(_taskmanager_command, chosen, warm),
        healthy=lambda: probe.taskmanager(flink_url(), process.leader(place, name)),
        env={"TICKLOOM_WARM": str(warm)},
    )


def _flink_command(chosen: Settings, script: str) -> list[str]:
    render.flink(chosen.stack)
    return ["bash", str(flink_home() / "bin" / script), "start-foreground"]


def _taskmanager_command(chosen: Settings, warm: Path) -> list[str]:
    """Beside the TaskManager, and gone when it is: a Python that forks into its workers."""
    python = [sys.executable, "-P", str(Path(__file__).with_name("warm.py")), str(warm), LIBRARIES, ROOM]
    return ["sh", "-c", f"{shlex.join(python)} & exec {shlex.join(_flink_command(chosen, 'taskmanager.sh'))}"]


def _redis(chosen: Settings) -> Component:
    port = chosen.stack.ports.redis
    folder = state_dir() / "redis"
    return Component(
        name="redis",
        address=f"redis://{HOST}:{port}/0",
        ports=(port,),
        command=partial(_redis_command, port, folder),
        healthy=lambda: probe.redis(port, security.redis_login()),
        then=partial(security.load_functions, HOST, port) if chosen.stack.secure else Component.then,
    )


def _redis_command(port: int, folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    # what was acknowledged survives a restart, as the fences of the online store's writers must
    keep = ["--appendonly", "yes", "--save", ""]
    keep += ["--aclfile", str(security.redis_users())] if settings().stack.secure else []
    # a process title would overwrite the environment, in which our mark stands
    return ["redis-server", "--bind", HOST, "--port", str(port), "--dir", str(folder), *keep, "--set-proc-title", "no"]


def _run(command: list[str]) -> None:
    if not shutil.which(command[0]):
        raise StackError(f"{command[0]} is not installed", hint="install a JDK 17 or later")
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError("Kafka's storage cannot be formatted", where=(done.stdout + done.stderr).strip()[-800:])
