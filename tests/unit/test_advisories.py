"""No pin lies below the floor of a known advisory, but for those that say why."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tickloom import sbom
from tickloom.stack import jars

TABLE = tomllib.loads((Path(__file__).parents[1] / "data" / "advisories.toml").read_text("utf-8"))
Pins = list[tuple[str, str]]


def in_the_archive() -> Pins:
    """Name (with the group before it) and version of each jar inside the registry's archive."""
    files = jars.registry_runner().parent.glob("lib/*.jar")
    found = (re.fullmatch(r"(.+?)-(\d[\d.]*)(.*)\.jar", path.name) for path in files)
    return [(each[1], each[2].rstrip(".")) for each in found if each]


PINS: dict[str, Callable[[], Pins]] = {
    "python": lambda: [(pin.name, pin.version) for pin in sbom.python_pins()],
    "jars": lambda: [(pin.name, pin.version.partition("-")[0]) for pin in sbom.jar_pins()],
    "registry": in_the_archive,
}
ROWS = [(kind, row) for kind, rows in TABLE.items() for row in rows]


def problems(kind: str, row: dict[str, Any], pins: Pins) -> list[str]:
    """What is wrong with the pins of a row's package, or with the row."""
    name = row["package"]
    # an archive's jar is named group.artifact
    versions = [version for each, version in pins if each == name or (kind == "registry" and each.endswith(f".{name}"))]
    low = [version for version in versions if Version(version) < Version(row["minimum"])]
    if not versions:
        return [f"{name} is not there: take the row out"]
    if row.get("below"):
        return [] if low else [f"{name} is at its floor: take `below` out"]
    return [f"{name} {version} is below {row['minimum']}: {row['advisory']}, {row['reason']}" for version in low]


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=lambda each: each if isinstance(each, str) else each["advisory"])
def test_every_pin_is_at_its_floor_or_says_why_not(kind: str, row: dict[str, Any]) -> None:
    assert problems(kind, row, PINS[kind]()) == []


def test_every_row_is_whole() -> None:
    for _, row in ROWS:
        assert set(row) - {"below"} == {"package", "minimum", "advisory", "reason"}
        assert re.fullmatch(r"(CVE-\d{4}-\d{4,}|GHSA(-[a-z0-9]{4}){3})", row["advisory"])
        assert Version(row["minimum"])
        assert row["reason"]
        assert "below" not in row or len(row["below"]) > 10
    keys = [(kind, row["package"], row["advisory"]) for kind, row in ROWS]
    assert len(keys) == len(set(keys))


ROW = {"package": "p", "minimum": "1.10", "advisory": "CVE-2000-0001", "reason": "r"}


@pytest.mark.parametrize(
    ("pins", "row", "said"),
    [
        ([("p", "1.9")], ROW, "p 1.9 is below 1.10"),  # as numbers: as text, 1.9 would be above 1.10
        ([("p", "1.10"), ("p", "1.2")], ROW, "p 1.2 is below"),
        ([("p", "1.10")], ROW, ""),
        ([("p", "1.9")], ROW | {"below": "w"}, ""),
        ([("p", "1.11")], ROW | {"below": "w"}, "take `below` out"),
        ([("q", "1.0")], ROW, "take the row out"),
    ],
)
def test_a_pin_below_its_floor_is_found(pins: Pins, row: dict[str, str], said: str) -> None:
    found = problems("python", row, pins)
    assert (said in found[0]) if said else (found == [])
