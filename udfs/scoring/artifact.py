"""A trained model as a folder: manifest.json, manifest.sig over its exact bytes, model.safetensors.

In: a folder and the keys that are trusted. Out: a `Manifest` and float32 arrays, after signature, hash, names, shapes
and finiteness were checked, in that order; anything else is a ModelError with its reason. A published folder holds one
folder a version and a file `current` that names one of them, replaced in one step: no reader meets half a model.
Nothing here unpickles or runs code from a folder, and no file is read beyond what a model can need.
Must not know: torch, the network's arithmetic, or where features come from.
"""

import errno
import hashlib
import math
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.errors import ModelError
from udfs.scoring import manifest as manifests
from udfs.scoring import signature, tensors
from udfs.scoring.manifest import Manifest
from udfs.scoring.tensors import HEADER_BYTES, Weights

MANIFEST, SIGNATURE, WEIGHTS, CURRENT = "manifest.json", "manifest.sig", "model.safetensors", "current"
MANIFEST_BYTES = 1 << 20  # a manifest is a few kB; more is not one
VERSION = re.compile("[0-9a-f]{16}")
HINT = "make a model: tickloom train --features FEATURES.parquet --out FOLDER"


def save(folder: Path, manifest: Manifest, weights: bytes, key: Ed25519PrivateKey) -> Path:
    """Write and sign one version in a folder of its own, and return that; `publish` makes it the current one."""
    path = folder / manifest.version
    path.mkdir(parents=True, exist_ok=True)
    text = manifest.encoded()
    for name, data in ((WEIGHTS, weights), (MANIFEST, text), (SIGNATURE, signature.sign(text, key))):
        _replace(path / name, data)
    return path


def publish(folder: Path, version: str) -> None:
    """Make a version of the folder the current one, in one step."""
    _replace(folder / CURRENT, f"{version}\n".encode())


def current(folder: Path) -> Path:
    """The folder of the current version: the one that `current` names, else the folder itself."""
    path = folder / CURRENT
    if not os.path.lexists(path):
        return folder
    version = read_file(path, 64).decode("ascii", "replace").strip()
    if not VERSION.fullmatch(version):
        raise ModelError(f"{version[:40]!r} is no version", where=str(path), hint="16 hex digits")
    return folder / version


def load(folder: Path, trusted: Sequence[str]) -> tuple[Manifest, Weights]:
    """Manifest and weights of a folder's current version that passed every check; ModelError if one fails."""
    path = current(folder)
    manifest = read_manifest(path, trusted)
    if path != folder and manifest.version != path.name:
        raise ModelError(f"the manifest is of version {manifest.version}, its folder says another", where=str(path))
    where = path / WEIGHTS
    floats = sum(math.prod(shape) for shape in manifest.shapes.values())
    data = read_file(where, 4 * floats + HEADER_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.weights_sha256:
        raise ModelError(f"weights have SHA-256 {found}, the manifest says {manifest.weights_sha256}", where=str(where))
    return manifest, tensors.decode(data, manifest.shapes, str(where))


def read_manifest(path: Path, trusted: Sequence[str]) -> Manifest:
    """The manifest of one version: its signature is checked before a byte of it is understood."""
    data = read_file(path / MANIFEST, MANIFEST_BYTES)
    if not (path / SIGNATURE).exists():
        raise ModelError("the manifest is not signed", where=str(path / SIGNATURE), hint=signature.HINT)
    signature.verify(data, read_file(path / SIGNATURE, signature.BYTES), trusted, str(path / SIGNATURE))
    return manifests.read(data, str(path / MANIFEST))


def read_file(path: Path, most: int) -> bytes:
    """The bytes of an ordinary file (no link, pipe, device or folder) of at most so many; ModelError otherwise."""
    try:
        with open(path, "rb", opener=_plainly) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ModelError("not an ordinary file", where=str(path))
            data = file.read(most + 1)
    except OSError as error:
        what = "a symbolic link where a file should be" if error.errno == errno.ELOOP else f"no model: {error.strerror}"
        raise ModelError(what, where=str(path), hint=HINT) from error
    if len(data) > most:
        raise ModelError(f"file has more than the {most} bytes that this model can need", where=str(path))
    return data


def _plainly(path: str, flags: int) -> int:
    """Follow no link, and do not wait for the writer of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)
