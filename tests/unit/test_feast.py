"""Feast over packed vectors, by its own commands and its own API, on both stores."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_repo.stores import open_store
from feature_repo.views import layout
from schemas.errors import ConfigError
from schemas.settings import settings, store_url
from tests.unit.serving import BARS, INDICATORS, REPO, SYMBOLS, ask, at, command, entity_key, features, native, us

pytestmark = pytest.mark.usefixtures("home")


def test_registered_views_are_the_layouts_of_the_job(feast: Any) -> None:
    from feature_repo.stores.rows import layout_of

    views = feast.list_feature_views()
    assert sorted(view.name for view in views) == ["cross_asset_1d", "indicators_1d", "pairs_1d", "universe_1d"]
    assert [layout_of(view) for view in views] == [layout(view.name) for view in views]
    assert feast.get_feature_service("scoring_v1").name == "scoring_v1"
    assert feast.config.project == settings().store.project


def test_registry_lies_in_the_state_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert '"indicators_1d"' in command("registry-dump")
    assert (home / "registry.db").is_file()
    assert not list(tmp_path.iterdir())


def test_what_the_job_wrote_comes_back_bit_for_bit(feast: Any) -> None:
    values = np.resize([0.1 + 0.2, -0.0, 5e-324, np.inf, 1e308], (1, len(INDICATORS.numbers)))
    values[0, 3] = np.nan
    store = open_store(store_url())
    vectors = INDICATORS.pack(us(at(3)), 1, 0, 0, values)
    store.write("tickloom", "indicators_1d", ["BITS"], vectors, shard="bits", fence=1)
    store.close()
    response = feast.get_online_features([f"indicators_1d:{n}" for n in INDICATORS.numbers], [{"symbol": "BITS"}])
    found = response.to_dict()
    row = [found[name][0] for name in INDICATORS.numbers]
    assert row[3] is None
    back = np.array([np.nan if value is None else value for value in row])
    assert back.tobytes() == values[0].tobytes()
    time = response.proto.results[1].event_timestamps[0].ToDatetime(tzinfo=UTC)
    assert time == at(3)


def test_command_line_reads_the_store(feast: Any) -> None:
    native("CLI", at(2), 0.125)
    output = command("get-online-features", "-f", "indicators_1d:sma_20", "-e", "symbol=CLI", "-e", "symbol=NONE")
    assert json.loads(output) == {"symbol": ["CLI", "NONE"], "sma_20": [0.125, None]}


def test_materialize_fills_and_never_goes_back(feast: Any) -> None:
    native("MSFT", at(1000), 77.0)
    command("materialize", at(0).isoformat(), at(19).isoformat())
    expect_log_row(feast, 19)
    command("materialize-incremental", "2030-01-01T00:00:00")
    expect_log_row(feast, BARS - 1)
    command("materialize", at(0).isoformat(), at(19).isoformat())
    expect_log_row(feast, BARS - 1)
    assert ask(feast, "MSFT", "indicators_1d:sma_20", "indicators_1d:rsi_14") == [77.0, None]


def expect_log_row(feast: Any, bar: int) -> None:
    """The store holds every feature of that bar of the log, for the symbols that only materialize wrote."""
    rows = features().slice(bar * len(SYMBOLS), 2).to_pylist()
    for view in ("indicators_1d", "cross_asset_1d"):
        names = [name for name, _ in layout(view).fields]
        for row in rows:
            expected = [None if row[name] != row[name] else row[name] for name in names]
            assert ask(feast, row["symbol"], *(f"{view}:{name}" for name in names)) == expected


def test_push_and_write_to_online_store(feast: Any) -> None:
    import pandas as pd

    names = [name for name, _ in layout("cross_asset_1d").fields]
    row = {name: ["PEER"] if kind == "str" else [0.5] for name, kind in layout("cross_asset_1d").fields}
    frame = pd.DataFrame({"symbol": ["PUSH"], "event_time": [at(7)], **row})
    feast.push("cross_asset_1d_push", frame)
    references = [f"cross_asset_1d:{name}" for name in names]
    assert ask(feast, "PUSH", *references) == [value[0] for value in row.values()]
    feast.write_to_online_store("cross_asset_1d", frame.assign(peer_60=[None], beta_market_60=[np.nan]))
    missing = ("peer_60", "beta_market_60")
    assert ask(feast, "PUSH", *references) == [None if name in missing else row[name][0] for name in names]


def test_each_class_finds_its_store(home: Path, feast: Any) -> None:
    from feast.repo_config import load_repo_config

    from feature_repo.stores.online import RedisVectorOnlineStore, SqliteVectorOnlineStore

    native("BOTH", at(1), 1.0)
    redis_config = load_repo_config(REPO, REPO / "feature_store.redis.yaml")
    view = feast.get_feature_view("indicators_1d")
    if store_url().startswith("redis"):
        assert RedisVectorOnlineStore().online_read(redis_config, view, entity_key("BOTH"))[0][0] == at(1)
        return
    with pytest.raises(ConfigError, match="no address of Redis"):
        RedisVectorOnlineStore().online_read(redis_config, view, entity_key("BOTH"))
    text = (REPO / "feature_store.yaml").read_text()
    (home / "sqlite.yaml").write_text(text.replace(".Vector", ".SqliteVector"))
    config = load_repo_config(REPO, home / "sqlite.yaml")
    assert SqliteVectorOnlineStore().online_read(config, view, entity_key("BOTH"))[0][0] == at(1)
    config.online_store.path, config.repo_path = "online.db", home
    assert SqliteVectorOnlineStore().online_read(config, view, entity_key("BOTH"))[0][0] == at(1)
