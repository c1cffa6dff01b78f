"""Whose models this machine scores with, and the key with which it signs its own."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.settings import PROJECT, settings, state_dir
from udfs.scoring import signature


def keys_folder() -> Path:
    """Where `tickloom train` makes the key of this state folder, once."""
    return state_dir() / "keys"


def trusted_keys() -> tuple[str, ...]:
    """Public keys (hex) of the setting scoring.trusted_keys; where it names none, the one of this state folder.

    Empty where there is neither: then no model loads. Nothing unsigned ever does.
    """
    entries = settings().scoring.trusted_keys
    own = keys_folder()
    return signature.trusted(entries or ([str(own)] if own.is_dir() else []), PROJECT)


def signing_key() -> Ed25519PrivateKey:
    """The private key of this state folder, made on first use."""
    return signature.own_key(keys_folder())
