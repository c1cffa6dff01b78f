"""The model against its plain twin, on the CPU and, where there is one, on a CUDA device."""

import numpy as np
import pytest
import torch

from schemas.errors import ModelError
from tests.oracles import scoring as twin
from udfs.scoring import artifact
from udfs.scoring.cpu import BUCKET
from udfs.scoring.model import Model

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=NO_CUDA)]
NAN, INF = float("nan"), float("inf")


@pytest.fixture(params=DEVICES)
def model(request, tmp_path):
    manifest, _, data = twin.made(3)
    artifact.save(tmp_path, manifest, data)
    return Model.load(tmp_path, request.param)


def rows(count):
    rng = np.random.default_rng(count)
    values = rng.normal([50, 0, 1], [15, 0.03, 0.8], (count, 3))
    values[rng.random(values.shape) < 0.2] = NAN
    return values


@pytest.mark.parametrize("count", [0, 1, 2, BUCKET - 1, BUCKET, BUCKET + 1, 3 * BUCKET + 7])
def test_as_the_twin(model, count):
    manifest, weights, _ = twin.made(3)
    values = rows(count)
    expected = [twin.forward(manifest, weights, row) for row in values.tolist()]
    scores = model.score(values)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, np.array(expected, "f8"), rtol=1e-5, atol=1e-5)


MEAN = [50.0, 0.0, 1.0]
CASES = {
    "missing is the mean": ([NAN, 0.01, 1.0], [50.0, 0.01, 1.0]),
    "infinite is missing": ([INF, 0.01, 1.0], [50.0, 0.01, 1.0]),
    "minus infinite is missing": ([50.0, -INF, 1.0], MEAN),
    "clipped above": ([1e300, 0.0, 1.0], [110.0, 0.0, 1.0]),
    "clipped below": ([-1e300, 0.0, 1.0], [-10.0, 0.0, 1.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_same_score(model, name):
    left, right = model.score(np.array(CASES[name]))
    assert left == right


@pytest.mark.parametrize(("row", "scored"), [(MEAN, True), ([NAN, 0.0, 1.0], True), ([NAN, NAN, 1.0], False)])
def test_too_many_missing(model, row, scored):
    assert np.isfinite(model.score(np.array([row]))).tolist() == [scored]


def test_caller_keeps_its_arrays(model):
    values = rows(5)
    before, first = values.tobytes(), model.score(values)
    kept = first.tobytes()
    model.score(rows(9))
    assert values.tobytes() == before
    assert first.tobytes() == kept


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 4)])
def test_wrong_shape(model, shape):
    with pytest.raises(ModelError, match="the model needs"):
        model.score(np.zeros(shape))


def test_device_is_chosen_at_run_time():
    manifest, weights, _ = twin.made(3)
    assert Model(manifest, weights).device == ("cuda" if torch.cuda.is_available() else "cpu")
