"""Servers that several tests share; each is started when the first test asks for it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import redis_server

# one cache for all processes and runs of the tests, whatever their state folder is
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".tickloom" / "numba"))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the empty Redis of this test run."""
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url
