from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import StackError
from schemas.sections import Stack
from schemas.settings import Ports, settings
from tickloom.stack import jars, render
from tickloom.stack.environment import flink_folder

PORTS = Ports(kafka=100, registry=200, flink=300, redis=400, zookeeper=500)
STACK = Stack(brokers=1, secure=False, high_availability=False, taskmanagers=1, profile="", timeout="1m", ports=PORTS)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty state folder."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        ("a: 1\nb: 2\n", {"a": 3}, "b: 2\na: 3\n"),
        ("a: 1\n", {"c": 3}, "a: 1\nc: 3\n"),
        ("a.b: 1\na: 2\n", {"a": 3}, "a.b: 1\na: 3\n"),
        ("# a: 1\n", {"a": 3}, "# a: 1\na: 3\n"),
        ("", {}, "\n"),
    ],
)
def test_values_replace_or_join(text: str, values: dict[str, object], result: str) -> None:
    assert render.override(text, values, ": ") == result


def properties(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def test_one_broker(home: Path) -> None:
    found = properties(render.kafka(PORTS, 0, 1))
    assert found["listeners"] == "BROKER://127.0.0.1:100,CONTROLLER://127.0.0.1:101"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:101"
    assert found["log.dirs"] == str(home / "kafka" / "data-1")
    assert (found["transaction.state.log.replication.factor"], found["transaction.max.timeout.ms"]) == ("1", "3600000")


def test_three_brokers_replicate_and_share_a_quorum() -> None:
    found = [properties(render.kafka(PORTS, broker, 3)) for broker in range(3)]
    assert len({each["controller.quorum.voters"] for each in found}) == 1
    assert found[2]["advertised.listeners"] == "BROKER://127.0.0.1:104"
    assert [each["node.id"] for each in found] == ["1", "2", "3"]
    for key, value in found[1].items():
        if key.endswith("replication.factor"):
            assert value == "3", key
        if key.endswith(("min.isr", "min.insync.replicas")):
            assert value == "2", key


def test_data_of_another_size_is_refused() -> None:
    render.kafka(PORTS, 0, 1)
    with pytest.raises(StackError, match=r"belongs to 1 broker\(s\), not 3"):
        render.kafka(PORTS, 0, 3)


def config() -> dict[str, str]:
    """Flink's configuration as it was written last."""
    lines = (flink_folder("conf") / "config.yaml").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def test_high_availability_keeps_the_jobmanager_s_port(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(jars, "connectors", list)
    render.flink(STACK)
    assert "high-availability.type" not in config()
    render.flink(STACK.model_copy(update={"high_availability": True}))
    assert config()["high-availability.type"] == "zookeeper"
    assert config()["high-availability.zookeeper.quorum"] == "127.0.0.1:500"
    assert config()["high-availability.jobmanager.port"] == "301"
    assert config()["high-availability.storageDir"] == (home / "flink" / "ha").as_uri()


def test_zookeeper_listens_on_this_machine_only(home: Path) -> None:
    found = properties(render.zookeeper(500))
    assert (found["clientPort"], found["clientPortAddress"]) == ("500", "127.0.0.1")
    assert found["dataDir"] == str(home / "zookeeper" / "data")
    assert found["admin.enableServer"] == "false"


def test_a_profile_goes_over_the_configuration_and_under_the_ports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jars, "connectors", list)
    monkeypatch.setattr(render, "PROFILES", tmp_path)
    (tmp_path / "mine.yaml").write_text("# why\nheartbeat.timeout: 3s\nrest.port: 1\n\nnew.key: a: b\n")
    render.flink(STACK.model_copy(update={"profile": "mine"}))
    assert (config()["heartbeat.timeout"], config()["rest.port"], config()["new.key"]) == ("3s", "300", "a: b")
    with pytest.raises(StackError, match="no profile 'mina'"):
        render.profile("mina")


@pytest.mark.parametrize("name", [path.stem for path in render.PROFILES.glob("*.yaml")])
def test_each_profile_changes_something(name: str) -> None:
    plain = (render.SOURCE / "config.yaml").read_text()
    assert render.profile(name)
    for key, value in render.profile(name).items():
        assert f"\n{key}: {value}\n" not in plain, f"{key} is as it was"


def test_flinks_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connector = tmp_path / "connector.jar"
    connector.touch()
    monkeypatch.setattr(jars, "connectors", lambda: [connector])
    for _ in range(2):  # a second start finds what the first one wrote
        render.flink(STACK)
    config = (flink_folder("conf") / "config.yaml").read_text().splitlines()
    assert {"rest.port: 300", "jobmanager.rpc.port: 301"} <= set(config)
    keys = [line.partition(":")[0] for line in config if line and not line.startswith("#")]
    assert len(keys) == len(set(keys)), "Flink refuses a key that stands twice"
    names = {path.name.rpartition("-")[0] for path in flink_folder("lib").iterdir()}
    assert {"flink-dist", "flink-python"} <= names
    assert (flink_folder("lib") / "connector.jar").resolve() == connector
    assert {"tickloom.toml", "log4j-console.properties"} <= {path.name for path in flink_folder("conf").iterdir()}


def test_a_connector_of_yesterday_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("old.jar", "new.jar"):
        monkeypatch.setattr(jars, "connectors", lambda name=name: [tmp_path / name])
        render.flink(STACK)
    links = {path.name for path in flink_folder("lib").iterdir()}
    assert "new.jar" in links
    assert "old.jar" not in links
