"""The models against their plain twin, on the CPU, by the GPU's steps without a GPU and, where there is one, on it."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from schemas.errors import ModelError
from tests.oracles import scoring as twin
from udfs.scoring import cpu, gpu
from udfs.scoring.buckets import split
from udfs.scoring.model import Model, trial

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=NO_CUDA)]
MAKERS = {"mlp": twin.made, "gru": twin.made_gru, "linear": lambda seed: twin.made(seed, ())}
NAN, INF = float("nan"), float("inf")


@pytest.fixture(params=DEVICES)
def model(request, tmp_path):
    manifest, _, data = twin.made(3)
    twin.publish(tmp_path, manifest, data)
    return Model.load(tmp_path, twin.TRUSTED, request.param)


def rows(manifest, count, missing=0.2):
    rng = np.random.default_rng(count)
    values = np.array(manifest.mean) + rng.normal(size=(count, len(manifest.mean))) * np.array(manifest.std) * 2
    values[rng.random(values.shape) < missing] = NAN
    return values


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 300, cpu.BUCKETS[-1] + 1])
def test_as_the_twin(kind, device, count):
    manifest, weights, _ = MAKERS[kind](3)
    values = rows(manifest, count)
    model = Model(manifest, weights, device)
    scores = model.score(values)
    some = range(0, count, 1 + count // 100)
    expected = np.array([twin.forward(manifest, weights, values[i].tolist()) for i in some])
    assert (scores.shape, scores.dtype) == ((count,), np.float64)
    np.testing.assert_allclose(scores[list(some)], expected, rtol=0, atol=model.bound)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("count", [0, 1, 64, 65, 1000, 20_000])
def test_the_steps_of_the_gpu(kind, count):
    """Stages that take turns, buckets, one copy back: without CUDA they run on the CPU."""
    manifest, weights, _ = MAKERS[kind](3)
    values = rows(manifest, count)
    model = Model(manifest, weights, "cpu")
    forward = gpu.Forward(manifest, weights, "cpu", (64, 1024))
    for _ in range(2):
        np.testing.assert_allclose(forward(values), model.score(values), rtol=0, atol=model.bound)
        assert np.array_equal(np.isnan(forward(values[::-1])), np.isnan(model.score(values)[::-1]))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", range(5))
def test_bound_holds_between_orders_of_addition(kind, seed):
    """The same sums in another order: of weights whose inputs and units are turned around."""
    manifest, weights, _ = MAKERS[kind](seed)
    values = trial(manifest, 3000)
    model = Model(manifest, weights, "cpu")
    plain = cpu.network.build(manifest)
    for name, layer in cpu.network._linear(plain):
        for part in ("weight", "bias"):
            getattr(layer, part).data = torch.from_numpy(weights[f"{part}_{name}"])
    with torch.inference_mode():
        x, gone = cpu.Normaliser(manifest, torch.device("cpu"))(torch.from_numpy(values))
        other = plain(x)[:, 0].masked_fill(gone, NAN).numpy()
    assert 0 < model.bound < 1e-3 * np.nanmax(np.abs(other))
    np.testing.assert_allclose(model.score(values), other, rtol=0, atol=model.bound)


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
    values = rows(model.manifest, 5)
    before, first = values.tobytes(), model.score(values)
    kept = first.tobytes()
    model.score(rows(model.manifest, 9))
    assert values.tobytes() == before
    assert first.tobytes() == kept


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 4)])
def test_wrong_shape(model, shape):
    with pytest.raises(ModelError, match="the model needs"):
        model.score(np.zeros(shape))


def test_device_is_chosen_at_run_time():
    manifest, weights, _ = twin.made(3)
    assert Model(manifest, weights).device == ("cuda" if torch.cuda.is_available() else "cpu")


SPLITS = {
    0: [],
    1: [16],
    16: [16],
    17: [16, 16],
    33: [64],
    1000: [1024],
    1025: [1024, 16],
    300: [256, 64],
    9000: [4096, 4096, 1024],
}


@pytest.mark.parametrize("count", SPLITS)
def test_split(count):
    assert list(split(count, cpu.BUCKETS)) == SPLITS[count]


def test_split_holds_all_rows_and_wastes_less_than_half():
    for count in range(1, 10_000):
        found = list(split(count, cpu.BUCKETS))
        assert sum(found) - found[-1] < count <= sum(found)
        assert sum(found) < 2 * max(count, 16)


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_weights_that_are_finite_and_scores_that_are_not(kind):
    manifest, weights, _ = MAKERS[kind](3)
    with pytest.raises(ModelError, match="scores NaN or infinity in its trial"):
        Model(manifest, {name: np.full_like(array, 3e38) for name, array in weights.items()}, "cpu")


OUT_OF_MEMORY = """
import resource
import numpy as np
from tests.oracles.scoring import made
from schemas.errors import ModelError
from udfs.scoring.model import Model
Model(*made(1)[:2], "cpu")
big = made(2, (4096, 4096, 2048))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))
try:
    Model(*big[:2], "cpu")
except ModelError as error:
    print("refused:", error.what)
print(Model(*made(1)[:2], "cpu").score(np.array([[50.0, 0.0, 1.0]])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_out_of_memory_refuses_the_model_and_the_process_goes_on():
    done = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: cannot run: ")
    assert "memory" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("[")
