"""Weights as safetensors, read by our own strict reader: what a model needs, whole, finite, and nothing else.

Format (version 1 of safetensors): header length in 8 bytes, little-endian; the header, JSON of name -> dtype, shape,
data_offsets; the data. Ours refuses all that the format leaves open: gaps, overlaps, repeated names, other types.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import ModelError
from udfs.scoring.manifest import strict_json

HEADER_BYTES = 1 << 16  # what the header may add to the weights themselves
ENTRY = {"dtype", "shape", "data_offsets"}

Weights = dict[str, npt.NDArray[np.float32]]
Shapes = dict[str, tuple[int, ...]]


def encode(weights: Weights) -> bytes:
    """The bytes of model.safetensors."""
    from safetensors.numpy import save as to_bytes

    data: bytes = to_bytes(weights)
    return data


def decode(data: bytes, shapes: Shapes, where: str) -> Weights:
    """Float32 arrays of these names and shapes; ModelError unless the file holds exactly them."""
    if len(data) < 8:
        raise ModelError(f"not a safetensors file: {len(data)} bytes", where=where)
    size = int.from_bytes(data[:8], "little")
    if size > min(HEADER_BYTES, len(data) - 8):
        what = f"not a safetensors file: it says that its header has {size} bytes, of {len(data)}"
        raise ModelError(what, where=where)
    header = strict_json(data[8 : 8 + size], where)
    body = memoryview(data)[8 + size :]
    _check_names(header, shapes, where)
    spans = {name: _span(name, header[name], shape, where) for name, shape in shapes.items()}
    _check_spans(spans, len(body), where)
    weights = {
        name: np.frombuffer(body[start:end], "<f4").reshape(shapes[name]).astype(np.float32)
        for name, (start, end) in spans.items()
    }
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ModelError(f"{name} holds NaN or infinity", where=where)
    return weights


def _check_names(header: Any, shapes: Shapes, where: str) -> None:
    if not isinstance(header, dict):
        raise ModelError("the header is no JSON object", where=where)
    if missing := set(shapes) - set(header):
        raise ModelError(f"tensor {min(missing)} is missing", where=where)
    if extra := set(header) - set(shapes):
        raise ModelError(f"tensor {min(extra)!r} is none of this model's", where=where)


def _span(name: str, entry: Any, shape: tuple[int, ...], where: str) -> tuple[int, int]:
    if not isinstance(entry, dict) or set(entry) != ENTRY:
        raise ModelError(f"{name}: an entry has {', '.join(sorted(ENTRY))}, nothing else", where=where)
    if entry["dtype"] != "F32":
        raise ModelError(f"{name} has type {entry['dtype']!r}, the model needs F32", where=where)
    if entry["shape"] != list(shape):
        raise ModelError(f"{name} has shape {entry['shape']}, the manifest needs {list(shape)}", where=where)
    offsets = entry["data_offsets"]
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(each) is int for each in offsets)):
        raise ModelError(f"{name}: data_offsets are two whole numbers", where=where)
    start, end = offsets
    if end - start != 4 * math.prod(shape):
        raise ModelError(f"{name}: offsets {offsets} do not hold shape {list(shape)}", where=where)
    return start, end


def _check_spans(spans: dict[str, tuple[int, int]], size: int, where: str) -> None:
    """The tensors fill the data from its first byte to its last, one after the other."""
    at = 0
    for name, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        if start != at:
            what = "overlap" if start < at else "leave a gap"
            raise ModelError(f"{name}: tensors {what} at byte {start}", where=where)
        at = end
    if at != size:
        raise ModelError(f"the header needs {at} bytes of data, the file has {size}", where=where)
