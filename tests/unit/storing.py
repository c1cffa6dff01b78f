"""Both stores, and small vectors to put into them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from feature_repo.stores import Store, open_store
from udfs.vector import Layout

LAYOUT = Layout("v", (("x", "f8"), ("name", "str")))
PROJECTS = count()


def vector(time: int, fence: int = 1, revision: int = 0, value: float = 0.0) -> bytes:
    return LAYOUT.pack(time, fence, revision, 0, np.array([[value]]), [["text"]])[0]


@pytest.fixture(params=["redis", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'online.db'}"
    return str(request.getfixturevalue("redis_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def project() -> str:
    return f"p{next(PROJECTS)}"
