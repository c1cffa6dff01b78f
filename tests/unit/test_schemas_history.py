"""Contracts only grow: what was written under an older version is read under the current one."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastavro.utils import generate_many

from schemas.loader import DEAD_LETTER, FOLDER, TOPICS, load, text
from schemas.wire import plain
from tests.oracles import avro

ALL = (*TOPICS, DEAD_LETTER)
VERSIONS = [(path.parent.name, path) for path in sorted((FOLDER / "history").glob("*/*.avsc"))]


@pytest.mark.parametrize("name", ALL)
def test_the_newest_frozen_version_is_the_current_one(name: str) -> None:
    """A change of a schema adds a file to its history: copy it as <next number>.avsc."""
    versions = [path for topic, path in VERSIONS if topic == name]
    newest = max(versions, key=lambda path: int(path.stem))
    assert sorted(int(path.stem) for path in versions) == list(range(1, len(versions) + 1))
    assert json.loads(newest.read_text()) == json.loads(text(name))


@pytest.mark.parametrize(("name", "path"), VERSIONS, ids=[f"{name}-{path.stem}" for name, path in VERSIONS])
def test_old_and_new_read_each_other(name: str, path: Path) -> None:
    old, new = plain(json.loads(path.read_text())), plain(load(name))
    for record in generate_many(old, 20):
        assert readable(old, record, new)
    for record in generate_many(new, 20):
        assert readable(new, record, old)


def readable(writer: Any, record: Any, reader: Any) -> bool:
    return avro.read(avro.write(writer, record), writer, reader) is not None


@pytest.mark.parametrize(
    "broken",
    [{"name": "new", "type": "string"}, {"name": "price", "type": "string"}, {"name": "sequence", "type": "int"}],
    ids=["new field without default", "other type", "narrower type"],
)
def test_a_breaking_change_would_be_noticed(broken: dict[str, Any]) -> None:
    old = plain(load("market.price.v1"))
    new = old | {"fields": [*(field for field in old["fields"] if field["name"] != broken["name"]), broken]}
    assert not readable(old, next(generate_many(old, 1)), new)
