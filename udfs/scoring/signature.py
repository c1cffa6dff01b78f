"""Ed25519 signatures of manifests: who may publish a model that is scored with.

In: bytes, keys as PEM files (PKCS 8 and SubjectPublicKeyInfo, as openssl writes them) or as 64 hex digits.
Out: manifest.sig, one line `ed25519 <public key> <signature>` in hex; a ModelError unless a trusted key signed.
Must not know: what a manifest says.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import ConfigError, ModelError

PRIVATE, PUBLIC = "model.key", "model.pub"
LINE = re.compile(rb"ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})\n")
BYTES = 202  # of a signature's line
KEY_BYTES = 1 << 12
HINT = "sign it with a trusted key (tickloom models promote), or add its key to scoring.trusted_keys"


def sign(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """The line of manifest.sig; the same key and bytes give the same line."""
    return f"ed25519 {public_hex(key.public_key())} {key.sign(data).hex()}\n".encode()


def verify(data: bytes, line: bytes, trusted: Sequence[str], where: str) -> str:
    """The trusted key (hex) that signed these bytes; ModelError if none did."""
    match = LINE.fullmatch(line)
    if not match:
        raise ModelError("not a signature of Ed25519", where=where, hint=HINT)
    key, signature = match[1].decode(), bytes.fromhex(match[2].decode())
    if not trusted:
        hint = "make one by `tickloom train`, or name public keys in scoring.trusted_keys"
        raise ModelError("no key is trusted, so no model is", where=where, hint=hint)
    if key not in trusted:
        raise ModelError(f"signed by the untrusted key {key}", where=where, hint=HINT)
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, data)
    except (InvalidSignature, ValueError) as error:
        raise ModelError("the signature does not fit the manifest", where=where, hint=HINT) from error
    return key


def own_key(folder: Path) -> Ed25519PrivateKey:
    """The private key of a folder, made (mode 0600, beside its public key) when there is none; ConfigError if unusable.

    A private key that others may read is refused, as ssh does.
    """
    path = folder / PRIVATE
    if not path.exists():
        _make(folder)
    if path.stat().st_mode & 0o077:
        raise ConfigError("a private key that others can read", where=str(path), hint=f"chmod 600 {path}")
    try:
        key = pem.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"not a private key: {error}", where=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("not an Ed25519 key", where=str(path), hint="openssl genpkey -algorithm ed25519")
    return key


def trusted(entries: Sequence[str], base: Path) -> tuple[str, ...]:
    """Public keys (hex) of entries: 64 hex digits, a PEM file, or a folder of *.pub. ConfigError for anything else."""
    found: list[str] = []
    for entry in entries:
        if re.fullmatch("[0-9a-f]{64}", entry):
            found.append(entry)
            continue
        path = base / entry
        files = sorted(path.glob("*.pub")) if path.is_dir() else [path]
        found += [public_hex(_public(file)) for file in files]
    return tuple(dict.fromkeys(found))


def public_hex(key: Ed25519PublicKey) -> str:
    """A public key as it stands in a signature and in settings."""
    return key.public_bytes_raw().hex()


def _make(folder: Path) -> None:
    """Appears whole or not at all; of two processes at once, one makes it and both use it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    part = folder / f".{PRIVATE}.{os.getpid()}"
    part.touch(mode=0o600, exist_ok=False)
    part.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    try:
        (folder / PRIVATE).hardlink_to(part)
    except FileExistsError:
        return
    finally:
        part.unlink()
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    (folder / PUBLIC).write_bytes(public)


def _public(path: Path) -> Ed25519PublicKey:
    try:
        with path.open("rb") as file:
            key = pem.load_pem_public_key(file.read(KEY_BYTES))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        hint = "64 hex digits, a PEM file, or a folder of *.pub"
        raise ConfigError(f"no public key: {error}", where=f"scoring.trusted_keys: {path}", hint=hint) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("not an Ed25519 key", where=f"scoring.trusted_keys: {path}")
    return key
