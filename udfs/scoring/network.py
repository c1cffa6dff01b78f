"""The networks: a multilayer perceptron, or a GRU over bars with one linear layer behind it; one output per row.

In: names, shapes and values of an artifact's weights. Out: a torch module float32[M, inputs] -> float32[M, outputs];
output 0 is the forecast. Training, CPU and GPU run this one. Must not know: normalisation, devices, batches.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from udfs.scoring.manifest import Manifest
from udfs.scoring.tensors import Weights

# In products of other widths the last bit of a row depends on its place among the rows (measured: 13,542 of 384,000
# rows differed after a shuffle; none with widths of a multiple of 4). 16 floats are one vector register.
PAD = 16


class Mlp(nn.Sequential):
    """Linear layers of these sizes (inputs, hidden..., 1), ReLU between them."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        super().__init__(*layers[:-1])


class Gru(nn.Module):
    """A gated recurrent unit as torch.nn.GRU defines it, and linear layers behind its last step.

    r, z = sigmoid(W x + b + U h + c); n = tanh(W x + b + r * (U h + c)); h' = n + z * (h - n)
    """

    def __init__(self, steps: int, channels: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self._steps, self._width = steps, sizes[0]
        self.inputs, self.state = nn.Linear(channels, 3 * sizes[0]), nn.Linear(sizes[0], 3 * sizes[0])
        self.head = Mlp(sizes)
        for parameter in (*self.inputs.parameters(), *self.state.parameters()):
            nn.init.uniform_(parameter, -(sizes[0] ** -0.5), sizes[0] ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """X float32[M, steps * channels], the oldest step first."""
        steps = x.view(len(x), self._steps, -1).transpose(0, 1).contiguous()
        gates = self.inputs(steps.flatten(0, 1)).view(self._steps, len(x), 3, self._width)
        h = x.new_zeros(len(x), self._width)
        for gate in gates:
            own = self.state(h).view(len(x), 3, self._width)
            reset, update = torch.sigmoid(gate[:, :2] + own[:, :2]).unbind(1)
            new = torch.tanh(gate[:, 2] + reset * own[:, 2])
            h = new + update * (h - new)
        forecast: Tensor = self.head(h)
        return forecast


Network = Mlp | Gru


def build(manifest: Manifest) -> Network:
    """The network to train, initialised by torch's seed."""
    if manifest.architecture == "mlp":
        return Mlp(manifest.sizes)
    return Gru(manifest.steps, manifest.channels, manifest.sizes)


def last(network: Network) -> nn.Linear:
    """The layer whose output 0 is the forecast."""
    return _linear(network)[-1][1]


def weights(network: Network) -> Weights:
    """The parameters by the names of the artifact."""
    found: Weights = {}
    for name, layer in _linear(network):
        for kind in ("weight", "bias"):
            found[f"{kind}_{name}"] = getattr(layer, kind).detach().numpy().copy()
    return found


def padded(width: int) -> int:
    """Width of a layer as it is computed: the next multiple of PAD."""
    return -(-width // PAD) * PAD


def restore(manifest: Manifest, found: Weights) -> Network:
    """The network of these parameters for scoring, every width padded with zeros.

    A row of its inputs is `steps` times padded(channels). A padded unit of a GRU stays 0: tanh(0) = 0.
    """
    sizes = tuple(map(padded, manifest.sizes))
    network = Mlp(sizes) if manifest.architecture == "mlp" else Gru(manifest.steps, padded(manifest.channels), sizes)
    network.eval().requires_grad_(requires_grad=False)
    for name, layer in _linear(network):
        gates = 3 if name in {"ih", "hh"} else 1  # each gate is padded by itself
        for kind in ("weight", "bias"):
            _fill(getattr(layer, kind), torch.from_numpy(found[f"{kind}_{name}"]), gates)
    return network


def _fill(whole: Tensor, part: Tensor, gates: int) -> None:
    whole.zero_()
    into, data = whole.view(gates, -1, *whole.shape[1:]), part.view(gates, -1, *part.shape[1:])
    into[tuple(slice(size) for size in data.shape)] = data


def _linear(network: Network) -> list[tuple[str, nn.Linear]]:
    """The layers by the end of their parameters' names."""
    head = network if isinstance(network, Mlp) else network.head
    named = [(str(i // 2), layer) for i, layer in enumerate(head) if isinstance(layer, nn.Linear)]
    return named if isinstance(network, Mlp) else [("ih", network.inputs), ("hh", network.state), *named]
