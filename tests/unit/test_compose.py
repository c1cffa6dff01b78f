"""docker-compose.yml describes the stack that `tickloom stack up` starts: same versions, same files, same ports."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from schemas.settings import PROJECT, settings

COMPOSE = PROJECT / "docker-compose.yml"
POM = (PROJECT / "flink-conf" / "connectors" / "pom.xml").read_text("utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The file's services, anchors resolved."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return found


@pytest.mark.parametrize(("service", "prop"), [("kafka", "kafka.version"), ("registry", "registry.version")])
def test_versions_are_those_of_the_pom(service: str, prop: str, services: dict[str, Any]) -> None:
    version = re.search(rf"<{prop}>(.+)</{prop}>", POM)
    assert version
    assert services[service]["image"].endswith(f":{version[1]}")


def test_every_mounted_file_is_one_of_ours(services: dict[str, Any]) -> None:
    mounts = [mount for each in services.values() for mount in each.get("volumes", []) if mount.startswith("./")]
    assert len(mounts) > 3
    for mount in mounts:
        assert (PROJECT / mount.split(":")[0]).exists(), mount


def test_ports_are_the_configured_ones_on_this_machine_only(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKLOOM_HOME", "/nonexistent")
    settings.cache_clear()
    ports = settings().stack.ports
    settings.cache_clear()
    assert services["registry"]["environment"]["QUARKUS_HTTP_PORT"] == str(ports.registry)
    assert services["registry"]["environment"]["QUARKUS_HTTP_HOST"] == "127.0.0.1"
    assert ["--bind", "127.0.0.1", "--port", str(ports.redis)] == services["redis"]["command"][1:5]
    kafka = (PROJECT / "flink-conf" / "kafka.properties").read_text("utf-8")
    assert f"listeners=BROKER://127.0.0.1:{ports.kafka},CONTROLLER://127.0.0.1:{ports.kafka + 1}\n" in kafka
    flink = (PROJECT / "flink-conf" / "config.yaml").read_text("utf-8")
    assert f"\nrest.port: {ports.flink}\n" in flink
    assert f"\njobmanager.rpc.port: {ports.flink + 1}\n" in flink


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_a_compose_validator_accepts_it() -> None:
    command = ["docker-compose", "--file", str(COMPOSE), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
