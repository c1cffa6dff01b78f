"""The forward pass on the CPU, in buckets of fixed size on one thread."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from udfs.scoring import network
from udfs.scoring.buckets import split
from udfs.scoring.manifest import Manifest
from udfs.scoring.normalise import Normaliser
from udfs.scoring.tensors import Weights

# A matrix product of another height may differ in the last bit (measured: of one row, which takes another kernel), so
# products have these heights only, padded with what was there before (rows do not mix); Model keeps those buckets
# whose bits agree on this processor. 16 rows are one tile of the kernel, 4,096 stay in the second cache.
BUCKETS = (16, 64, 256, 1024, 4096)


class Forward:
    """Values float64[M, n] -> scores float32[M], NaN where too much is missing; one thread, for cores change bits."""

    def __init__(self, manifest: Manifest, weights: Weights, buckets: Sequence[int] = BUCKETS) -> None:
        self.buckets = tuple(buckets)
        self._network = network.restore(manifest, weights)
        self._normalise = Normaliser(manifest, torch.device("cpu"))
        self._values = torch.zeros(max(buckets), len(manifest.features), dtype=torch.float64)
        # of our own: an array's alignment may change bits, too
        self._inputs = torch.zeros(max(buckets), manifest.steps, network.padded(manifest.channels))
        self._used = self._inputs[:, :, : manifest.channels]

    def __call__(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Forecasts of the rows; the array is the caller's."""
        if torch.get_num_threads() > 1:  # a setting of each thread, and an engine calls from several
            torch.set_num_threads(1)
        scores, at = np.empty(len(values), np.float32), 0
        with torch.inference_mode():
            for bucket in split(len(values), self.buckets):
                part = values[at : at + bucket]
                scores[at : at + len(part)] = self._bucket(part, bucket)
                at += bucket
        return scores

    def _bucket(self, part: npt.NDArray[np.float64], bucket: int) -> npt.NDArray[np.float32]:
        rows = len(part)
        self._values.numpy()[:rows] = part
        x, too_few = self._normalise(self._values[:rows])
        self._used[:rows] = x.view(rows, *self._used.shape[1:])
        found = self._network(self._inputs[:bucket].flatten(1))[:rows, 0]
        forecast: npt.NDArray[np.float32] = found.masked_fill(too_few, np.nan).numpy()
        return forecast
