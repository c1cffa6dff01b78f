"""What every model does to its inputs, in training and on any device: the same bits, for nothing in it is a sum.

Each operation is rounded as IEEE 754 says, in float64, so a CPU and a GPU agree to the last bit.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from udfs.scoring.manifest import Manifest


class Normaliser:
    """(values - mean) / std in float64, held within the clip, as float32; what is missing becomes the mean (0)."""

    def __init__(self, manifest: Manifest, device: torch.device) -> None:
        self._mean = torch.tensor(manifest.mean, dtype=torch.float64, device=device)
        self._std = torch.tensor(manifest.std, dtype=torch.float64, device=device)
        self._clip, self._max_missing = manifest.clip, manifest.max_missing

    def __call__(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values float64[M, n] -> inputs float32[M, n], and bool[M]: the rows that miss too many features."""
        missing = ~(values.abs() < math.inf)
        x = (values - self._mean).div_(self._std).masked_fill_(missing, 0.0).clamp_(-self._clip, self._clip)
        return x.float(), missing.sum(1) > self._max_missing


def normalise(values: npt.NDArray[np.float64], manifest: Manifest) -> npt.NDArray[np.float32]:
    """Inputs float32[M, n] of values float64[M, n], to learn from."""
    inputs: npt.NDArray[np.float32] = Normaliser(manifest, torch.device("cpu"))(torch.tensor(values))[0].numpy()
    return inputs


def too_few(values: npt.NDArray[np.float64], max_missing: int) -> npt.NDArray[np.bool_]:
    """bool[M]: the rows that miss more features than a model allows; training leaves the same rows out."""
    missing: npt.NDArray[np.bool_] = (~np.isfinite(values)).sum(axis=1) > max_missing
    return missing
