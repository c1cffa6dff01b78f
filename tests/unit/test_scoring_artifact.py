"""A model folder comes back as it was saved; one that was damaged anywhere does not load, and says why."""

import hashlib
import json
from contextlib import suppress

import numpy as np
import pytest

from schemas.errors import ModelError
from tests.oracles.scoring import made
from udfs.scoring import artifact


@pytest.fixture
def folder(tmp_path):
    manifest, _, data = made(1)
    artifact.save(tmp_path, manifest, data)
    return tmp_path


def test_round_trip(folder):
    manifest, weights, _ = made(1)
    found, arrays = artifact.load(folder)
    assert found == manifest
    assert {n: a.tobytes() for n, a in arrays.items()} == {n: a.tobytes() for n, a in weights.items()}
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "model.safetensors"]


def test_version_is_of_all_that_matters():
    versions = {
        made(seed, **change)[0].version for seed in (1, 2) for change in ({}, {"clip": 5.0}, {"max_missing": 2})
    }
    assert len(versions) == 6
    assert made(1)[0].version == made(1)[0].version


def test_columns_by_view():
    assert made(1)[0].columns() == {
        "indicators_1d": {"rsi_14": 0, "log_return": 1},
        "cross_asset_1d": {"beta_market_60": 2},
    }


def rewrite(folder, change, *, sign=True):
    """Edits the manifest; signed again, so that only the edit itself can be what is refused."""
    path = folder / artifact.MANIFEST
    file = json.loads(path.read_bytes())
    file["manifest"] |= change
    if sign:
        with suppress(ValueError):
            file["version"] = artifact.Manifest.model_validate_json(json.dumps(file["manifest"])).version
    path.write_text(json.dumps(file))


def swap(folder, data):
    """Other weights under a manifest that owns up to them."""
    (folder / artifact.WEIGHTS).write_bytes(data)
    rewrite(folder, {"weights_sha256": hashlib.sha256(data).hexdigest()})


def weights(change):
    found = made(1)[1]
    return artifact.encode({name: array for name, array in (found | change).items() if array is not None})


BIAS = np.zeros(8, np.float32)
DAMAGES = {
    "no folder": (lambda f: [p.unlink() for p in f.iterdir()], "no model"),
    "no weights": (lambda f: (f / artifact.WEIGHTS).unlink(), "no model"),
    "not json": (lambda f: (f / artifact.MANIFEST).write_bytes(b"\x80\x04pickle"), "Invalid JSON"),
    "huge manifest": (lambda f: (f / artifact.MANIFEST).write_bytes(b" " * (artifact.MANIFEST_BYTES + 1)), "more than"),
    "edited": (lambda f: rewrite(f, {"max_missing": 3}, sign=False), "but says"),
    "unknown key": (lambda f: rewrite(f, {"pickle": "x"}), "Extra inputs"),
    "wrong type": (lambda f: rewrite(f, {"clip": "6"}), "clip"),
    "infinite mean": (lambda f: rewrite(f, {"mean": [1e999, 0, 1]}), "finite"),
    "zero std": (lambda f: rewrite(f, {"std": [0, 1, 1]}), "greater than 0"),
    "short mean": (lambda f: rewrite(f, {"mean": [0.0]}), "differ in length"),
    "twice the same": (lambda f: rewrite(f, {"features": ["a:x", "a:x", "a:y"]}), "distinct"),
    "no view": (lambda f: rewrite(f, {"features": ["x", "a:z", "a:y"]}), "view:feature"),
    "future format": (lambda f: rewrite(f, {"format": 2}), "format"),
    "other weights": (lambda f: (f / artifact.WEIGHTS).write_bytes(made(2)[2]), "SHA-256"),
    "cut weights": (lambda f: (f / artifact.WEIGHTS).write_bytes(made(1)[2][:-1]), "SHA-256"),
    "huge weights": (lambda f: (f / artifact.WEIGHTS).write_bytes(bytes(1 << 20)), "more than"),
    "not safetensors": (lambda f: swap(f, b"\x80\x04pickle"), "not a safetensors file"),
    "missing layer": (lambda f: swap(f, weights({"bias_0": None})), "shapes"),
    "extra layer": (lambda f: swap(f, weights({"bias_9": BIAS})), "shapes"),
    "wrong shape": (lambda f: swap(f, weights({"bias_0": BIAS[:7]})), "shapes"),
    "wrong type of weights": (lambda f: swap(f, weights({"bias_0": BIAS.astype("f2")})), "finite float32"),
    "nan weights": (lambda f: swap(f, weights({"bias_0": BIAS * np.nan})), "finite float32"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_does_not_load(folder, name):
    damage, reason = DAMAGES[name]
    damage(folder)
    with pytest.raises(ModelError, match=reason) as caught:
        artifact.load(folder)
    assert str(folder) in caught.value.where
