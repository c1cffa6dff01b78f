"""The forward pass on a CUDA device: pinned staging, one copy in, one copy back."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from udfs.scoring.cpu import BUCKET
from udfs.scoring.network import padded


class Forward:
    """x float32[M, n] -> float32[M], in buckets of BUCKET rows as on the CPU; TF32 stays off, sums are float32."""

    def __init__(self, network: nn.Sequential, width: int, device: str) -> None:
        torch.backends.cuda.matmul.allow_tf32 = False
        self._device = torch.device(device)
        self._network = network.to(self._device)
        self._width = width
        self._stage = torch.zeros(BUCKET, padded(width), pin_memory=True)
        self._back = torch.zeros(BUCKET, pin_memory=True)

    def __call__(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Forecasts of the rows, float32[M]; the array is the caller's."""
        rows = -(-len(x) // BUCKET) * BUCKET
        if rows > len(self._stage):
            self._stage = torch.zeros(rows, padded(self._width), pin_memory=True)
            self._back = torch.zeros(rows, pin_memory=True)
        self._stage.numpy()[: len(x), : self._width] = x
        with torch.inference_mode():
            inputs = self._stage[:rows].to(self._device, non_blocking=True)
            outputs = torch.cat([self._network(part)[:, 0] for part in torch.split(inputs, BUCKET)])
            self._back[:rows].copy_(outputs, non_blocking=True)
            torch.cuda.synchronize(self._device)
        return self._back.numpy()[: len(x)].copy()
