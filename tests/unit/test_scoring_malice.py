"""Malicious and broken artifacts, by table: none loads, each for its own reason, none is read beyond its bound.

Where the damage is not to the signature itself, it is signed by a trusted key: even who may sign cannot get it in.
"""

import hashlib
import io
import json
import os
import pickle
import re
import struct
import zipfile

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.errors import ModelError
from tests.oracles.scoring import FEATURES, KEY, TRUSTED, made
from udfs.scoring import artifact, tensors
from udfs.scoring.manifest import Manifest
from udfs.scoring.signature import sign

MALLORY = Ed25519PrivateKey.from_private_bytes(b"a key that nobody here trusts...")
MANIFEST, SIGNATURE, WEIGHTS = artifact.MANIFEST, artifact.SIGNATURE, artifact.WEIGHTS
LOADED = []


class Bomb:
    """Unpickling it leaves a trace."""

    def __reduce__(self):
        return LOADED.append, ("unpickled",)


def text(folder, data, key=KEY):
    """Another manifest, signed."""
    (folder / MANIFEST).write_bytes(data)
    (folder / SIGNATURE).write_bytes(sign(data, key))


def edit(**change):
    """Keys of the manifest changed, and signed."""
    return lambda f: text(f, json.dumps(json.loads((f / MANIFEST).read_bytes()) | change).encode())


def weights(make):
    """Other bytes as the weights, and a signed manifest that owns up to them."""

    def damage(folder):
        data = make(made(1)[2])
        (folder / WEIGHTS).write_bytes(data)
        edit(weights_sha256=hashlib.sha256(data).hexdigest())(folder)

    return damage


def tensor(**change):
    """Tensors replaced (None: left out) by the safetensors library itself."""
    found = {name: array for name, array in (made(1)[1] | change).items() if array is not None}
    return weights(lambda _: tensors.encode(found))


def header(change):
    """The header's JSON changed, the data kept."""

    def make(data):
        size = struct.unpack("<Q", data[:8])[0]
        found = change(data[8 : 8 + size])
        return struct.pack("<Q", len(found)) + found + data[8 + size :]

    return weights(make)


def entry(name, **change):
    def make(data):
        found = json.loads(data)
        found[name] |= change
        return json.dumps(found).encode()

    return header(make)


def zipped(_):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    return out.getvalue()


def instead(name, put):
    """Something else in the place of a file."""

    def damage(folder):
        (folder / name).rename(folder / "aside")
        put(folder / name, folder / "aside")

    return damage


def pointer(data):
    return lambda f: (f / "current").write_bytes(data)


def write(name, data):
    return lambda f: (f / name).write_bytes(data)


def other_signature(folder):
    (folder / SIGNATURE).write_bytes(sign(made(2)[0].encoded(), KEY))


def published_as_another(folder):
    """A whole, signed version under the name of another: an old one in the place of a new one."""
    (folder / ("0" * 16)).mkdir()
    for name in (MANIFEST, SIGNATURE, WEIGHTS):
        (folder / name).rename(folder / ("0" * 16) / name)
    artifact.publish(folder, "0" * 16)


BIAS = np.zeros(8, np.float32)
ZEROS = "00" * 64
GOOD = made(1)[0].encoded()
BAD = {
    # what is there instead of files
    "no folder": (lambda f: [p.unlink() for p in f.iterdir()], "no model: No such file"),
    "link as manifest": (instead(MANIFEST, lambda p, aside: p.symlink_to(aside)), "symbolic link .*manifest.json"),
    "link as weights": (instead(WEIGHTS, lambda p, aside: p.symlink_to(aside)), "symbolic link .*safetensors"),
    "device as weights": (instead(WEIGHTS, lambda p, _: p.symlink_to("/dev/zero")), "symbolic link .*safetensors"),
    "pipe as weights": (instead(WEIGHTS, lambda p, _: os.mkfifo(p)), "not an ordinary file .*safetensors"),
    "pipe as manifest": (instead(MANIFEST, lambda p, _: os.mkfifo(p)), "not an ordinary file .*manifest.json"),
    "folder as weights": (instead(WEIGHTS, lambda p, _: p.mkdir()), "no model: Is a directory .*safetensors"),
    "path in the pointer": (pointer(b"../../../etc\n"), "'../../../etc' is no version"),
    "endless pointer": (pointer(b"0" * 65), "more than the 64 bytes"),
    "pointer to nothing": (pointer(b"0" * 16), "No such file .*0000/manifest.json"),
    "one version under the name of another": (published_as_another, "its folder says another"),
    # signatures
    "no signature": (lambda f: (f / SIGNATURE).unlink(), "is not signed"),
    "link as signature": (instead(SIGNATURE, lambda p, aside: p.symlink_to(aside)), "symbolic link .*manifest.sig"),
    "no form of signature": (write(SIGNATURE, b"signed, honestly\n"), "not a signature of Ed25519"),
    "long signature": (write(SIGNATURE, b"ed25519 " * 1000), "more than the 202 bytes"),
    "zeros as signature": (write(SIGNATURE, f"ed25519 {TRUSTED[0]} {ZEROS}\n".encode()), "signature does not fit"),
    "untrusted key": (lambda f: text(f, GOOD, MALLORY), "untrusted key"),
    "untrusted key under a trusted name": (
        write(SIGNATURE, b"ed25519 " + TRUSTED[0].encode() + sign(GOOD, MALLORY)[72:]),
        "signature does not fit",
    ),
    "signature of another manifest": (other_signature, "signature does not fit"),
    "edited manifest": (write(MANIFEST, GOOD.replace(b'"clip": 6.0', b'"clip": 7.0')), "signature does not fit"),
    # manifests
    "huge manifest": (write(MANIFEST, b" " * (artifact.MANIFEST_BYTES + 1)), "more than the 1048576 bytes"),
    "pickled manifest": (lambda f: text(f, pickle.dumps(Bomb())), "not JSON: .*codec"),
    "deep JSON": (lambda f: text(f, b"[" * 200_000), "nested too deeply"),
    "key twice": (lambda f: text(f, GOOD.replace(b"{", b'{"serial": 9,', 1)), "names a key twice"),
    "NaN in JSON": (lambda f: text(f, GOOD.replace(b'"clip": 6.0', b'"clip": NaN')), "NaN is not a number"),
    "list as manifest": (lambda f: text(f, b"[]"), "manifest: file: "),
    "unknown field": (edit(command="rm"), "command: Extra inputs"),
    "future format": (edit(format=3), "manifest: format"),
    "unknown architecture": (edit(architecture="transformer"), "manifest: architecture"),
    "text as number": (edit(clip="6"), "manifest: clip"),
    "path as name": (edit(name="../../etc"), "manifest: name"),
    "path as feature": (edit(features=["../x_1d:a", *FEATURES[1:]]), "features.0: String should match"),
    "feature twice": (edit(features=[FEATURES[0]] * 3), "features must be distinct"),
    "feature of another interval": (edit(features=["indicators_1m:rsi_14", *FEATURES[1:]]), "not of interval 1d"),
    "interval that is none": (edit(interval="soon"), "manifest: interval"),
    "infinite mean": (edit(mean=[1e999, 0.0, 1.0]), "Infinity is not a number"),
    "short mean": (edit(mean=[0.0]), "differ in length"),
    "zero std": (edit(std=[0.0, 1.0, 1.0]), "std.0: Input should be greater than 0"),
    "endless clip": (edit(clip=1e300), "clip: Input should be less"),
    "wide layer": (edit(hidden=[1 << 40]), "hidden.0: Input should be less"),
    "huge shapes": (edit(hidden=[4096] * 8), "weights are more than"),
    "gru of two layers": (edit(architecture="gru"), "one hidden layer"),
    "steps that do not divide": (edit(architecture="gru", hidden=[4], steps=2), "as many features at each step"),
    # weights
    "other weights": (write(WEIGHTS, made(2)[2]), "have SHA-256"),
    "huge weights": (write(WEIGHTS, bytes(1 << 20)), "more than the 65[0-9]* bytes|more than the 66"),
    "pickled weights": (weights(lambda _: pickle.dumps(Bomb())), "not a safetensors file"),
    "zipped weights": (weights(zipped), "not a safetensors file: it says that its header has [0-9]{9,}"),
    "empty weights": (weights(lambda _: b""), "not a safetensors file: 0 bytes"),
    "cut weights": (weights(lambda data: data[:-4]), "header needs 3[0-9]* bytes of data|the file has"),
    "weights and more": (weights(lambda data: data + b"MZ"), "the file has"),
    "header longer than the file": (weights(lambda d: struct.pack("<Q", 1 << 40) + d[8:]), "header has 1099511627776"),
    "header that ends in the data": (weights(lambda d: struct.pack("<Q", 500) + d[8:]), "not JSON"),
    "list as header": (header(lambda _: b"[]"), "no JSON object"),
    "tensor twice": (header(lambda h: h.replace(b"{", b'{"bias_0":1,', 1)), "not JSON: .*twice"),
    "metadata": (header(lambda h: h.replace(b"{", b'{"__metadata__":{"a":"b"},', 1)), "'__metadata__' is none"),
    "path as tensor": (tensor(**{"../../bias_0": BIAS}), "'../../bias_0' is none"),
    "missing tensor": (tensor(bias_0=None), "bias_0 is missing"),
    "extra tensor": (tensor(bias_9=BIAS), "'bias_9' is none"),
    "wrong shape": (tensor(bias_0=BIAS[:7]), r"bias_0 has shape \[7\]"),
    "turned shape": (entry("weight_0", shape=[3, 8]), r"weight_0 has shape \[3, 8\]"),
    "float64": (tensor(bias_0=BIAS.astype("f8")), "bias_0 has type 'F64'"),
    "float16": (tensor(bias_0=BIAS.astype("f2")), "bias_0 has type 'F16'"),
    "overlapping tensors": (entry("bias_1", data_offsets=[0, 16]), "tensors overlap"),
    "gap between tensors": (entry("bias_1", data_offsets=[1 << 20, (1 << 20) + 16]), "leave a gap"),
    "negative offset": (entry("bias_0", data_offsets=[-32, 0]), "tensors overlap at byte -32"),
    "offsets that do not hold the shape": (entry("bias_0", data_offsets=[0, 28]), "do not hold shape"),
    "offsets that are no numbers": (entry("bias_0", data_offsets=["0", 32]), "two whole numbers"),
    "entry with more": (entry("bias_0", code="x"), "nothing else"),
    "NaN weights": (tensor(bias_0=BIAS * np.nan), "bias_0 holds NaN"),
    "infinite weights": (tensor(weight_2=np.full((1, 4), np.inf, "f4")), "weight_2 holds NaN or infinity"),
}


@pytest.fixture
def folder(tmp_path):
    manifest, _, data = made(1)
    text(tmp_path, manifest.encoded())
    (tmp_path / WEIGHTS).write_bytes(data)
    assert artifact.load(tmp_path, TRUSTED)[0] == manifest
    return tmp_path


@pytest.mark.parametrize("name", BAD)
def test_does_not_load(folder, name):
    damage, reason = BAD[name]
    damage(folder)
    with pytest.raises(ModelError) as caught:
        artifact.load(folder, TRUSTED)
    assert str(folder) in caught.value.where
    assert LOADED == []
    assert re.search(reason, f"{caught.value.what} {caught.value.where}")


def test_there_are_many():
    assert len(BAD) >= 25
    assert len({reason for _, reason in BAD.values()}) >= 60


def test_nobody_is_trusted_unless_named(folder):
    with pytest.raises(ModelError, match="no key is trusted"):
        artifact.load(folder, ())


def test_the_good_ones_beside_them_load(folder):
    """A damage that any file would die of proves nothing: the same edits, done right, pass."""
    edit(clip=7.0)(folder)
    weights(lambda _: made(2)[2])(folder)
    found, arrays = artifact.load(folder, TRUSTED)
    assert isinstance(found, Manifest)
    assert found.clip == 7.0
    assert arrays["bias_0"].tobytes() == made(2)[1]["bias_0"].tobytes()
