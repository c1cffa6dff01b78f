"""The bill of materials: well formed, and complete to the last pin of both locks."""

import re
import uuid
from collections import Counter
from pathlib import Path

import pytest

from schemas.errors import DataError
from tickloom import sbom
from tickloom.stack import jars

# name, an optional namespace, version, qualifiers: https://github.com/package-url/purl-spec
PURL = re.compile(r"pkg:(pypi/[a-z0-9._-]+|maven/[\w.-]+/[\w.-]+)@[\w.+-]+(\?[a-z]+=[\w.]+(&[a-z]+=[\w.]+)*)?")
BILL = sbom.bill()


def test_the_head_is_that_of_cyclonedx() -> None:
    assert (BILL["bomFormat"], BILL["specVersion"], BILL["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(BILL["serialNumber"].removeprefix("urn:uuid:")).version == 5
    assert BILL["metadata"]["component"]["name"] == "tickloom"
    assert sbom.bill() == BILL, "the same locks give the same document"


def test_every_component_has_a_name_a_version_a_hash_and_a_url_of_its_own() -> None:
    for each in BILL["components"]:
        assert set(each) == {"type", "bom-ref", "name", "version", "purl", "hashes"}
        assert PURL.fullmatch(each["purl"]), each["purl"]
        assert each["hashes"]
        assert all(re.fullmatch(r"[0-9a-f]{64}", one["content"]) for one in each["hashes"])
    references = Counter(each["bom-ref"] for each in BILL["components"])
    assert max(references.values()) == 1
    assert BILL["dependencies"] == [{"ref": BILL["metadata"]["component"]["bom-ref"], "dependsOn": [*references]}]


def test_no_pin_and_no_hash_is_left_out() -> None:
    python = sbom.PYTHON_LOCK.read_text("utf-8")
    wanted = Counter(re.findall(r"^([\w.-]+)==([^\s;\\]+)", python, re.MULTILINE))
    maven = [each for each in BILL["components"] if each["purl"].startswith("pkg:maven")]
    others = [each for each in BILL["components"] if each not in maven]
    assert Counter((each["name"], each["version"]) for each in others) == wanted
    digests = Counter(one["content"] for each in BILL["components"] for one in each["hashes"])
    lines = jars.LOCK.read_text("utf-8").splitlines()
    assert len(maven) == len(lines)
    assert digests == Counter(re.findall(r"sha256:([0-9a-f]{64})", python)) + Counter(line.split()[0] for line in lines)


COORDINATES = {
    "kafka/kafka_2.13-4.1.2.jar": "org.apache.kafka/kafka_2.13@4.1.2",
    "kafka/jackson-datatype-jdk8-2.19.4.jar": "com.fasterxml.jackson.datatype/jackson-datatype-jdk8@2.19.4",
    "kafka/zstd-jni-1.5.6-10.jar": "com.github.luben/zstd-jni@1.5.6-10",
    "flink/flink-sql-connector-kafka-5.0.0-2.2.jar": "org.apache.flink/flink-sql-connector-kafka@5.0.0-2.2",
    "apicurio-registry-app-3.0.9-all.tar.gz": "io.apicurio/apicurio-registry-app@3.0.9?classifier=all&type=tar.gz",
}


@pytest.mark.parametrize(("path", "coordinates"), COORDINATES.items(), ids=COORDINATES)
def test_mavens_coordinates_of_a_file(path: str, coordinates: str) -> None:
    assert sbom.jar_pin("0" * 64, path).purl == f"pkg:maven/{coordinates}"


def test_a_jar_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(DataError, match="no Maven group"):
        sbom.jar_pin("0" * 64, "kafka/surprise-1.0.jar")


def test_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sbom.main(str(tmp_path / "dist" / "sbom.json"))
    assert str(len(BILL["components"])) in capsys.readouterr().out
    assert "CycloneDX" in (tmp_path / "dist" / "sbom.json").read_text("utf-8")
