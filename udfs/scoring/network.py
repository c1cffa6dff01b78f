"""The network: a small multilayer perceptron with ReLU, one output per row; its parameters go in and out by name."""

from itertools import pairwise

import torch
from torch import nn

from udfs.scoring.artifact import Weights

# In products of other widths the last bit of a row depends on its place among the rows (measured: 13,542 of 384,000
# rows differed after a shuffle; none with widths of a multiple of 4). 16 floats are one vector register.
PAD = 16


def build(sizes: tuple[int, ...]) -> nn.Sequential:
    """Linear layers of these sizes (inputs, hidden..., 1), ReLU between them; float32, initialised by torch's seed."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def weights(network: nn.Sequential) -> Weights:
    """The parameters by the names of the artifact."""
    found: Weights = {}
    for i, layer in enumerate(_linear(network)):
        found |= {f"weight_{i}": layer.weight.detach().numpy().copy(), f"bias_{i}": layer.bias.detach().numpy().copy()}
    return found


def padded(width: int) -> int:
    """Width of a layer as it is computed: the next multiple of PAD."""
    return -(-width // PAD) * PAD


def restore(sizes: tuple[int, ...], found: Weights) -> nn.Sequential:
    """The network of these parameters for scoring, every width padded with zeros; the forecast is output 0."""
    network = build(tuple(map(padded, sizes))).eval().requires_grad_(requires_grad=False)
    for i, layer in enumerate(_linear(network)):
        weight, bias = torch.from_numpy(found[f"weight_{i}"]), torch.from_numpy(found[f"bias_{i}"])
        layer.weight.zero_()[: weight.shape[0], : weight.shape[1]] = weight
        layer.bias.zero_()[: len(bias)] = bias
    return network


def _linear(network: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in network if isinstance(layer, nn.Linear)]
