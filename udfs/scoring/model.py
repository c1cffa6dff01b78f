"""A model that is ready to score: checked artifact, tried on rows of its own, and the forward pass of the device.

In: an artifact. Out: scores of rows of features. `Model` scores a row to the same bytes in any batch on one kind of
CPU; between processors, devices and a GPU's batches scores differ by `bound` at most, as tests and bench compare.
Must not know: where artifacts lie and who asks for scores.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from schemas.errors import ModelError
from udfs.scoring import artifact, cpu, gpu, network
from udfs.scoring.manifest import Manifest
from udfs.scoring.normalise import Normaliser
from udfs.scoring.tensors import Weights

TRIAL_ROWS = 2048
# Scores of float32 sums in another order differ by about the error of one of them against float64. The largest of
# some thousand rows is taken, and a margin over it: 750 random models, summed in another order, came to 0.21 of it.
MARGIN = 16


class Model:
    """Scores rows of features, on CUDA when there is a device, unless another is named."""

    def __init__(self, manifest: Manifest, weights: Weights, device: str | None = None) -> None:
        self.manifest = manifest
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._weights = weights
        try:
            self._forward = self._ready()
        except (RuntimeError, MemoryError) as error:  # torch's errors, out of memory on either side among them
            what = f"cannot run: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
            raise ModelError(what, where=f"{manifest.name} {manifest.version} on {self.device}") from error

    @classmethod
    def load(cls, folder: Path, trusted: Sequence[str], device: str | None = None) -> Self:
        """The current model of a folder; ModelError if its signature, hash, shapes, manifest or trial do not hold."""
        return cls(*artifact.load(folder, trusted), device)

    @property
    def buckets(self) -> tuple[int, ...]:
        """Batch sizes of the forward pass."""
        return self._forward.buckets

    @cached_property
    def bound(self) -> float:
        """Most that a score may differ on another processor, device or GPU batch: MARGIN times float32's own error."""
        rows = trial(self.manifest, 2 * TRIAL_ROWS)
        exact = network.restore(self.manifest, self._weights).double()
        x, _ = Normaliser(self.manifest, torch.device("cpu"))(torch.from_numpy(rows))
        width = network.padded(self.manifest.channels) - self.manifest.channels
        steps = torch.nn.functional.pad(x.view(len(x), self.manifest.steps, -1), (0, width)).double()
        with torch.inference_mode():
            truth = exact(steps.flatten(1))[:, 0].numpy()
        off = np.abs(cpu.Forward(self.manifest, self._weights)(rows) - truth)
        return float(MARGIN * max(np.nanmax(off), np.finfo(np.float32).eps * np.abs(truth).max()))

    def score(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values [M, features] in the manifest's order and units -> [M], NaN for rows that miss too many features."""
        if values.ndim != 2 or values.shape[1] != len(self.manifest.features):
            raise ModelError(f"features of shape {values.shape}, the model needs [rows, {len(self.manifest.features)}]")
        return self._forward(values).astype(np.float64)

    def _ready(self) -> cpu.Forward | gpu.Forward:
        """The forward pass, after a trial: finite scores, and on a CPU only buckets whose bits agree."""
        forward: cpu.Forward | gpu.Forward
        if self.device.startswith("cuda"):
            forward = gpu.Forward(self.manifest, self._weights, self.device)
        else:
            forward = cpu.Forward(self.manifest, self._weights)
        rows = trial(self.manifest, TRIAL_ROWS)
        scores = forward(rows)
        if not np.isfinite(scores).all():
            where = f"{self.manifest.name} {self.manifest.version} on {self.device}"
            raise ModelError("scores NaN or infinity in its trial", where=where)
        return (
            forward
            if isinstance(forward, gpu.Forward)
            else cpu.Forward(self.manifest, self._weights, agreeing(self.manifest, self._weights, rows))
        )


def agreeing(manifest: Manifest, weights: Weights, rows: npt.NDArray[np.float64]) -> list[int]:
    """The CPU's buckets in which these rows score to the bytes that the largest bucket gives, at any place in it."""
    found = [cpu.Forward(manifest, weights, [bucket]) for bucket in cpu.BUCKETS]
    expected = found[-1](rows)
    turned = found[-1](rows[::-1])[::-1]
    if expected.tobytes() != turned.tobytes():
        raise ModelError("a row's score depends on its place in the batch", where="this processor's matrix product")
    return [forward.buckets[0] for forward in found if forward(rows).tobytes() == expected.tobytes()]


def trial(manifest: Manifest, rows: int) -> npt.NDArray[np.float64]:
    """Rows that a model must be able to score: ordinary ones, all features at the clip, as many missing as allowed."""
    rng = np.random.default_rng(0)
    mean, std = np.array(manifest.mean), np.array(manifest.std)
    z = rng.normal(size=(rows, len(mean)))
    z[::4] = manifest.clip * np.sign(z[::4])
    with np.errstate(over="ignore"):
        values: npt.NDArray[np.float64] = mean + np.clip(z, -manifest.clip, manifest.clip) * std
    values[1, : min(manifest.max_missing, len(mean))] = np.nan
    return values
