"""The forward pass on the CPU."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from udfs.scoring.network import padded

# A matrix product of another height may differ in the last bit, so every product has this many rows, padded with
# what was there before (rows do not mix): a row's score then does not depend on the batch that it came in.
BUCKET = 512


class Forward:
    """x float32[M, n] -> float32[M], in buckets of BUCKET rows; one thread, so that the cores do not change bits."""

    def __init__(self, network: nn.Sequential, width: int) -> None:
        torch.set_num_threads(1)
        self._network = network
        self._width = width
        self._bucket = torch.zeros(BUCKET, padded(width))  # of our own: an array's alignment may change bits, too

    def __call__(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Forecasts of the rows, float32[M]; the array is the caller's."""
        scores = np.empty(len(x), np.float32)
        with torch.inference_mode():
            for start in range(0, len(x), BUCKET):
                part = x[start : start + BUCKET]
                self._bucket.numpy()[: len(part), : self._width] = part
                scores[start : start + len(part)] = self._network(self._bucket).numpy()[: len(part), 0]
        return scores
