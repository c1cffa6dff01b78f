"""A model comes back as it was published, and nothing else loads: see test_scoring_malice for all that is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load as by_the_library

from schemas.errors import ModelError
from tests.oracles.scoring import KEY, TRUSTED, made, publish
from udfs.scoring import artifact, tensors


def test_round_trip(tmp_path):
    manifest, weights, data = made(1)
    path = publish(tmp_path, manifest, data)
    found, arrays = artifact.load(tmp_path, TRUSTED)
    assert found == manifest
    assert {n: a.tobytes() for n, a in arrays.items()} == {n: a.tobytes() for n, a in weights.items()}
    assert sorted(file.name for file in path.iterdir()) == ["manifest.json", "manifest.sig", "model.safetensors"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [manifest.version, "current"]


@pytest.mark.parametrize("hidden", [(), (4,), (8, 4)])
def test_reads_what_the_library_wrote_as_the_library_does(hidden):
    manifest, _, data = made(2, hidden)
    ours, theirs = tensors.decode(data, manifest.shapes, ""), by_the_library(data)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype == np.float32
        assert array.shape == theirs[name].shape
        assert array.tobytes() == theirs[name].tobytes()


def test_version_is_of_all_that_matters():
    changes = ({}, {"clip": 5.0}, {"max_missing": 2}, {"serial": 2})
    versions = {made(seed, **change)[0].version for seed in (1, 2) for change in changes}
    assert len(versions) == 8
    assert made(1)[0].version == made(1)[0].version


def test_columns_by_view():
    assert made(1)[0].columns() == {
        "indicators_1d": {"rsi_14": 0, "log_return": 1},
        "cross_asset_1d": {"beta_market_60": 2},
    }


def test_a_published_version_takes_the_place_of_the_one_before(tmp_path):
    for seed in (1, 2):
        publish(tmp_path, *made(seed)[::2])
    assert artifact.load(tmp_path, TRUSTED)[0] == made(2)[0]
    artifact.publish(tmp_path, made(1)[0].version)
    assert artifact.load(tmp_path, TRUSTED)[0] == made(1)[0]


def test_a_folder_without_versions_is_one(tmp_path):
    """As it comes out of an archive: the three files and nothing beside them."""
    path = publish(tmp_path, *made(1)[::2])
    assert artifact.load(path, TRUSTED)[0] == made(1)[0]


def test_signature_is_over_the_files_exact_bytes(tmp_path):
    path = publish(tmp_path, *made(1)[::2])
    signature = bytes.fromhex((path / artifact.SIGNATURE).read_text().split()[2])
    KEY.public_key().verify(signature, (path / artifact.MANIFEST).read_bytes())
    file = path / artifact.MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text())))
    with pytest.raises(ModelError, match="signature does not fit"):
        artifact.load(tmp_path, TRUSTED)


def test_a_manifest_of_the_first_version_says_what_to_do(tmp_path):
    (tmp_path / artifact.MANIFEST).write_text(json.dumps({"version": "0" * 16, "manifest": {}}))
    (tmp_path / artifact.WEIGHTS).write_bytes(b"")
    with pytest.raises(ModelError, match="not signed") as caught:
        artifact.load(tmp_path, TRUSTED)
    assert "tickloom" in caught.value.hint
