"""The forward pass on a CUDA device: pinned staging, one graph a bucket, one copy back.

In: values float64[M, n] in the host's memory. Out: scores float32[M]. A part of a batch is copied into one of two
pinned stages while the device still works on the other; normalisation and network run as one captured graph of the
bucket's size, and all scores come back in one copy. Without CUDA the same steps run on the CPU, one after the other:
so they are tested. Must not know: artifacts, versions, features.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from udfs.scoring import network
from udfs.scoring.buckets import split
from udfs.scoring.manifest import Manifest
from udfs.scoring.normalise import Normaliser
from udfs.scoring.tensors import Weights

BUCKETS = (64, 256, 1024, 4096, 16_384, 131_072)
LEAST = 0.25  # a graph of few rows takes as long as one of some thousands, so a bucket need not be full
STAGE_BYTES = 1 << 26  # a bucket's values take no more
WARM_UP = 3  # runs before a capture, in which libraries allocate what they need


class Forward:
    """Values float64[M, n] -> scores float32[M], NaN where too much is missing; sums are float32, without TF32."""

    def __init__(self, manifest: Manifest, weights: Weights, device: str, buckets: Sequence[int] = BUCKETS) -> None:
        torch.set_float32_matmul_precision("highest")
        self._device = torch.device(device)
        self._network = network.restore(manifest, weights).to(self._device)
        self._normalise = Normaliser(manifest, self._device)
        most = STAGE_BYTES // (8 * len(manifest.features))
        self.buckets = tuple(bucket for bucket in buckets if bucket <= most) or (buckets[0],)
        self._lanes = {bucket: _Lane(self, manifest, bucket) for bucket in self.buckets}
        self._result, self._back = self._room(self.buckets[0])

    def __call__(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Forecasts of the rows; the array is the caller's."""
        rows, at = len(values), 0
        if rows > len(self._result):
            self._result, self._back = self._room(rows)
        with torch.no_grad():
            for bucket in split(rows, self.buckets, LEAST):
                self._lanes[bucket].run(values[at : at + bucket], self._result[at : at + bucket])
                at += bucket
            self._back[:rows].copy_(self._result[:rows], non_blocking=True)
        if self.on_cuda:
            torch.cuda.current_stream(self._device).synchronize()
        return self._back.numpy()[:rows].copy()

    @property
    def on_cuda(self) -> bool:
        """Whether there are graphs and pinned memory; else the steps run on the CPU."""
        return self._device.type == "cuda"

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return self._device

    def scores(self, values: Tensor, inputs: Tensor) -> Tensor:
        """Forecasts float32[B] of values float64[B, n]; `inputs` [B, steps, padded channels] is scratch of zeros."""
        x, too_few = self._normalise(values)
        channels = values.shape[1] // inputs.shape[1]
        inputs[:, :, :channels] = x.view(len(x), inputs.shape[1], channels)
        forecast: Tensor = self._network(inputs.flatten(1))[:, 0].masked_fill(too_few, torch.nan)
        return forecast

    def _room(self, rows: int) -> tuple[Tensor, Tensor]:
        """Space for the scores of so many rows, and more, on the device and pinned in the host's memory."""
        rows = 1 << (rows - 1).bit_length()
        return torch.empty(rows, device=self._device), torch.empty(rows, pin_memory=self.on_cuda)


class _Lane:
    """What one bucket needs: two pinned stages that take turns, the device's copy, and the graph over it."""

    def __init__(self, forward: Forward, manifest: Manifest, bucket: int) -> None:
        width, self._forward, self._turn = len(manifest.features), forward, 0
        pinned = forward.on_cuda
        self._stages = [torch.zeros(bucket, width, dtype=torch.float64, pin_memory=pinned) for _ in range(2)]
        self._values = torch.zeros(bucket, width, dtype=torch.float64, device=forward.device)
        padded = network.padded(manifest.channels)
        self._inputs = torch.zeros(bucket, manifest.steps, padded, device=forward.device)
        self._out = torch.zeros(bucket, device=forward.device)
        if forward.on_cuda:
            self._copied = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
            self._graph = self._capture()

    def run(self, part: npt.NDArray[np.float64], into: Tensor) -> None:
        """Scores of a part [at most B, n] into a piece of the device's memory, in the order of the stream."""
        rows, self._turn = len(part), 1 - self._turn
        stage = self._stages[self._turn]
        if self._forward.on_cuda:
            self._copied[self._turn].synchronize()  # the copy out of this stage, two parts ago
        stage.numpy()[:rows] = part
        self._values[:rows].copy_(stage[:rows], non_blocking=True)
        if self._forward.on_cuda:
            self._copied[self._turn].record()
            self._graph.replay()
        else:
            self._compute()
        into[:rows].copy_(self._out[:rows])

    def _compute(self) -> None:
        self._out.copy_(self._forward.scores(self._values, self._inputs))

    def _capture(self) -> torch.cuda.CUDAGraph:
        device = self._forward.device
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.no_grad(), torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._compute()
        torch.cuda.current_stream(device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # thread_local: the model in use goes on scoring while the next one is captured aside
        with torch.no_grad(), torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._compute()
        return graph
