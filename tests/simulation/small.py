"""What a small world computes: few rows with short windows, bars of a second, a cheap cross-section."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from feature_repo.views import layout
from schemas.settings import settings
from udfs.registry import FEATURES, Feature

SECOND, DAY = 1_000_000, 86_400_000_000
INTERVAL, LATENESS_MS, BLOCK_MS, GAP_US, SHARDS, LANES = "1s", 1000, 1000, 2 * SECOND, 2, 2
CHOSEN = ("log_return", "ema", "rsi", "obv", "volume_z")
"""A recursive row, Wilder's, one of volume degree, and a window of volumes."""
_FIRST = {row.name: row for row in reversed(FEATURES)}
ROWS: tuple[Feature, ...] = tuple(
    replace(row, params=row.params | {"period": 3} if row.params else {}) for row in map(_FIRST.__getitem__, CHOSEN)
)
SETTINGS = {
    "BARS__INTERVAL": INTERVAL, "BARS__BLOCK": "1s", "BARS__LATENESS": "1s", "BARS__MAX_GAP": "2s",
    "BARS__ROLLUPS": "[]", "STATE__SHARDS": str(SHARDS), "STATE__ANCHOR_BARS": "3",
    "FEATURES__PACKS": '["tests.simulation.small:ROWS"]',
    "CROSS_ASSET__WINDOWS": "[3]", "CROSS_ASSET__PEERS": "1", "CROSS_ASSET__LOADINGS": "0",
    "CROSS_ASSET__CLUSTER_CUT": "0", "CROSS_ASSET__MIN_RETURNS": "2", "CROSS_ASSET__MATRIX": "true",
    "CROSS_ASSET__PAIRS": "[]", "CROSS_ASSET__BENCHMARKS": "[]", "CROSS_ASSET__TILES": "1",
}  # fmt: skip


@contextmanager
def small_settings() -> Iterator[None]:
    """The settings of a small world, for as long as the context."""
    logging.getLogger("jobs.stages.store").setLevel(logging.ERROR)  # it says so whenever a store has lost something
    with patch.dict(os.environ, {f"TICKLOOM_{key}": value for key, value in SETTINGS.items()}):
        settings.cache_clear()
        layout.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()
            layout.cache_clear()
