"""The bill of materials: the two lock files -> CycloneDX 1.6, every Python package and every jar that is installed.

    python -m tickloom.sbom dist/sbom.json

A Python pin has the hash of each file that the lock allows, of which one is installed. What the registry's archive and
Flink's wheel hold is pinned by their own hashes, and not taken apart here. The same locks give the same bytes.
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import DataError
from schemas.settings import PROJECT
from tickloom.stack import jars

PYTHON_LOCK = PROJECT / "requirements.lock"
# group of an artifact: jars.lock has files' names, and a package URL wants Maven's coordinates; the longest that fits
GROUPS = {
    "HdrHistogram": "org.hdrhistogram",
    "apicurio": "io.apicurio",
    "argparse4j": "net.sourceforge.argparse4j",
    "caffeine": "com.github.ben-manes.caffeine",
    "commons-beanutils": "commons-beanutils",
    "commons-collections": "commons-collections",
    "commons-digester": "commons-digester",
    "commons-logging": "commons-logging",
    "commons-validator": "commons-validator",
    "flink": "org.apache.flink",
    "hash4j": "com.dynatrace.hash4j",
    "jackson": "com.fasterxml.jackson.core",
    "jackson-dataformat": "com.fasterxml.jackson.dataformat",
    "jackson-datatype": "com.fasterxml.jackson.datatype",
    "jopt-simple": "net.sf.jopt-simple",
    "jose4j": "org.bitbucket.b_c",
    "jspecify": "org.jspecify",
    "kafka": "org.apache.kafka",
    "log4j": "org.apache.logging.log4j",
    "lz4-java": "at.yawk.lz4",
    "metrics-core": "com.yammer.metrics",
    "pcollections": "org.pcollections",
    "re2j": "com.google.re2j",
    "scala-library": "org.scala-lang",
    "scala-logging": "com.typesafe.scala-logging",
    "scala-reflect": "org.scala-lang",
    "slf4j": "org.slf4j",
    "snakeyaml": "org.yaml",
    "snappy-java": "org.xerial.snappy",
    "zookeeper": "org.apache.zookeeper",
    "zstd-jni": "com.github.luben",
}


class Pin(NamedTuple):
    """A package of a lock: name, version, the SHA-256 of each file that it may be, in hexadecimal digits, its URL."""

    name: str
    version: str
    hashes: tuple[str, ...]
    purl: str


def python_pins() -> list[Pin]:
    """Of requirements.lock; one that differs by Python version stands twice."""
    found = []
    for block in re.split(r"^(?=[\w.-]+==)", PYTHON_LOCK.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        name, version = re.match(r"([\w.-]+)==([^\s;\\]+)", block).groups()  # type: ignore[union-attr]
        found.append(Pin(name, version, hashes(block), f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"))
    return found


def hashes(block: str) -> tuple[str, ...]:
    """The SHA-256 of a pin's lines."""
    return tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)))


def jar_pins() -> list[Pin]:
    """Of jars.lock; DataError for a file whose Maven group nobody has named."""
    return [jar_pin(*line.split()) for line in jars.LOCK.read_text("utf-8").splitlines()]


def jar_pin(sha256: str, path: str) -> Pin:
    """One line of jars.lock."""
    file = re.fullmatch(r"(.+?)-(\d[\w.]*(?:-[\d.]+)?)(?:-(\w+))?\.(jar|tar\.gz)", path.rpartition("/")[2])
    names = [name for name in GROUPS if file and file[1].startswith(name)]
    if not file or not names:
        raise DataError("no Maven group is known of this file", where=path, hint="add it to GROUPS of tickloom/sbom.py")
    qualifiers = {"classifier": file[3], "type": file[4] if file[4] != "jar" else None}
    query = "&".join(f"{key}={value}" for key, value in qualifiers.items() if value)
    url = f"pkg:maven/{GROUPS[max(names, key=len)]}/{file[1]}@{file[2]}" + (f"?{query}" if query else "")
    return Pin(file[1], file[2], (sha256,), url)


def bill() -> dict[str, Any]:
    """The document."""
    about = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    parts = [component(pin) for pin in (*python_pins(), *jar_pins())]
    name = f"pkg:generic/{about['name']}@{about['version']}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name + json.dumps(parts))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": about["name"],
                "version": about["version"],
                "purl": name,
                "licenses": [{"license": {"id": about["license"]["text"]}}],
            }
        },
        "components": parts,
        "dependencies": [{"ref": name, "dependsOn": list(refs(parts))}],
    }


def component(pin: Pin) -> dict[str, Any]:
    """A package as CycloneDX has it."""
    found = [{"alg": "SHA-256", "content": each} for each in pin.hashes]
    names = {"bom-ref": pin.purl, "name": pin.name, "version": pin.version, "purl": pin.purl}
    return {"type": "library", **names, "hashes": found}


def refs(parts: list[dict[str, Any]]) -> Iterator[str]:
    """Names by which components are referred to."""
    return (each["bom-ref"] for each in parts)


def main(out: str) -> None:
    """Write the document."""
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bill(), indent=1) + "\n", "utf-8")
    print(f"{len(bill()['components'])} components: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
