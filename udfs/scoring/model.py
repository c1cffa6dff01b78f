"""A model that is ready to score: checked artifact, normalisation, and the forward pass of the device."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from schemas.errors import ModelError
from udfs.scoring import artifact, cpu, gpu, network
from udfs.scoring.artifact import Manifest, Weights


def normalise(values: npt.NDArray[np.float64], manifest: Manifest) -> npt.NDArray[np.float32]:
    """(values - mean) / std in float64, held within the clip, as float32; what is missing becomes the mean (0)."""
    with np.errstate(invalid="ignore", over="ignore"):
        x = (values - np.array(manifest.mean)) / np.array(manifest.std)
    x[~np.isfinite(values)] = 0.0
    clipped: npt.NDArray[np.float32] = np.clip(x, -manifest.clip, manifest.clip).astype(np.float32)
    return clipped


def too_few(values: npt.NDArray[np.float64], max_missing: int) -> npt.NDArray[np.bool_]:
    """bool[M]: the rows that miss more features than a model allows; training leaves the same rows out."""
    missing: npt.NDArray[np.bool_] = (~np.isfinite(values)).sum(axis=1) > max_missing
    return missing


class Model:
    """Scores rows of features, the same bytes for a row in any batch.

    The device is CUDA when there is one, unless another is named. Bytes are the same on one kind of processor; across
    processors and devices scores agree to float32 rounding.
    """

    def __init__(self, manifest: Manifest, weights: Weights, device: str | None = None) -> None:
        self.manifest = manifest
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        width = len(manifest.features)
        restored = network.restore((width, *manifest.hidden, 1), weights)
        if self.device.startswith("cuda"):
            self._forward: cpu.Forward | gpu.Forward = gpu.Forward(restored, width, self.device)
        else:
            self._forward = cpu.Forward(restored, width)

    @classmethod
    def load(cls, folder: Path, device: str | None = None) -> Self:
        """The model of a folder; ModelError if its hash, shapes or manifest do not hold."""
        return cls(*artifact.load(folder), device)

    def score(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values [M, features] in the manifest's order and units -> [M], NaN for rows that miss too many features."""
        if values.ndim != 2 or values.shape[1] != len(self.manifest.features):
            raise ModelError(f"features of shape {values.shape}, the model needs [rows, {len(self.manifest.features)}]")
        scores = self._forward(normalise(values, self.manifest)).astype(np.float64)
        scores[too_few(values, self.manifest.max_missing)] = np.nan
        return scores
