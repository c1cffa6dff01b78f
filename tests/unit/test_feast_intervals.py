"""Every interval of the settings has its views, and a feature log of its own."""

import runpy
from pathlib import Path

import pytest

from feature_repo.views import beside, feature_log, layout
from schemas.settings import PROJECT, settings


def test_views_of_all_intervals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from feast import FeatureService, FeatureView

    from feature_repo.stores.rows import layout_of

    changed = {
        "TICKLOOM_HOME": str(tmp_path),
        "TICKLOOM_BARS__INTERVAL": "1m",
        "TICKLOOM_BARS__ROLLUPS": '["5m", "1d"]',
        "TICKLOOM_CROSS_ASSET__PAIRS": '["A|B"]',
    }
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    layout.cache_clear()
    try:
        found = runpy.run_path(str(PROJECT / "feature_repo" / "definitions.py"))
        views = {each.name: each for each in found.values() if isinstance(each, FeatureView)}
        assert sorted(views) == sorted(
            f"{view}_{each}"
            for view in ("indicators", "cross_asset", "universe", "pairs")
            for each in ("1m", "5m", "1d")
        )
        for name, view in views.items():
            assert layout_of(view) == layout(name)
            of, interval = name.rsplit("_", 1)
            log = feature_log(interval)
            assert view.batch_source.path == str(beside(log, of) if of in ("universe", "pairs") else log)
        (service,) = (each for each in found.values() if isinstance(each, FeatureService))
        assert {each.name for each in service.feature_view_projections} == {"indicators_1m", "cross_asset_1m"}
    finally:
        monkeypatch.undo()
        settings.cache_clear()
        layout.cache_clear()
