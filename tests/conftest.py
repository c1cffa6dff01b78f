"""Servers that several tests share; each is started when the first test asks for it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(autouse=True)
def settings_of_its_own() -> Iterator[None]:
    """A stage that was opened in this process has it adopt the settings of its job; the next test has its own."""
    yield
    from feature_repo.views import layout
    from schemas import settings as sections

    if sections._ADOPTED:
        sections._ADOPTED.clear()
        sections.settings.cache_clear()
        layout.cache_clear()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process has all tests of the real stack: a machine carries one. The others are shared out one by one."""
    from xdist.scheduler import LoadScopeScheduling

    class OneStack(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "stack" if nodeid.startswith("tests/e2e/") else nodeid

    return OneStack(config, log)
