"""A Feast repo on each store, for the modules that ask for it."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import redis

from feature_repo.views import beside, feature_log, layout
from schemas.settings import settings
from tests.unit.serving import PAIR, REPO, command, features, pairs, universe
from udfs.frame import PAIRS, UNIVERSE


@pytest.fixture(scope="module")
def dtype() -> str:
    """Of numbers in the store."""
    return "float64"


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, dtype: str) -> Iterator[Path]:
    """A state folder with a feature log, and settings that name the store and its numbers."""
    url = "" if request.param == "sqlite" else str(request.getfixturevalue("redis_url")).removesuffix("0") + "2"
    if url:  # a database of its own, for all modules write the same project
        with redis.Redis.from_url(url) as client:
            client.flushdb()
    folder = tmp_path_factory.mktemp(request.param)
    modules, path, here = set(sys.modules), list(sys.path), Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TICKLOOM_HOME", str(folder))
        patch.setenv("TICKLOOM_STORE__URL", url)
        patch.setenv("TICKLOOM_STORE__DTYPE", dtype)
        patch.setenv("TICKLOOM_BARS__INTERVAL", "1d")
        patch.setenv("TICKLOOM_CROSS_ASSET__PAIRS", json.dumps(["|".join(PAIR)]))
        settings.cache_clear()
        layout.cache_clear()
        pq.write_table(features(), feature_log("1d"))
        for view, table in {UNIVERSE: universe(), PAIRS: pairs()}.items():
            pq.write_table(table, beside(feature_log("1d"), view))
        command("apply")
        yield folder
    settings.cache_clear()
    layout.cache_clear()
    os.chdir(here)
    sys.path[:] = path
    for name in {"definitions", "views"} - modules:
        sys.modules.pop(name, None)


@pytest.fixture
def feast() -> Any:
    from feast import FeatureStore

    return FeatureStore(repo_path=str(REPO))


@pytest.fixture
def symbol(request: pytest.FixtureRequest) -> str:
    """A symbol that only this test writes."""
    return str(request.node.name)
