"""The one tree of errors. Each says what happened, where, and what to do.

TickloomError
├── ConfigError    a setting is unknown, of the wrong form, or contradicts another
├── SchemaError    an Avro schema or the registry
├── DecodeError    a message does not follow its schema
├── StackError     a server (Kafka, registry, Flink, Redis) or a job on it
├── StoreError     the online store
├── FeatureError   a feature's name, parameters or inputs
├── StateError     kept state of a job that this code, or these settings, cannot go on with
├── DataError      a file or table of prices, bars or actions
└── ModelError     a model artifact does not fit its features
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TickloomError(Exception):
    """An error that a person can act on: `what` happened, `where` (topic, file, key), `hint` (what to do)."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        where = f"\n  where: {self.where}" if self.where else ""
        return self.what + where + (f"\n  do: {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles (PyFlink and tests send errors between processes); keyword arguments need this."""
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(kind: type[TickloomError], what: str, where: str, hint: str) -> TickloomError:
    return kind(what, where=where, hint=hint)


class ConfigError(TickloomError):
    """A setting is unknown, of the wrong form, or contradicts another."""


class SchemaError(TickloomError):
    """An Avro schema that does not parse, is not compatible, or is unknown to the registry."""


class DecodeError(TickloomError):
    """A message that does not follow its schema."""


class StackError(TickloomError):
    """A server that does not start or answer, or a Flink job that cannot be run."""


class StoreError(TickloomError):
    """The online store refused a read or a write."""


class FeatureError(TickloomError):
    """A feature that is unknown, or whose parameters or inputs do not fit."""


class StateError(TickloomError):
    """State that a job kept, and that this code or these settings cannot go on with."""


class DataError(TickloomError):
    """A file or table of prices, bars or actions that cannot be used."""


class ModelError(TickloomError):
    """A model artifact that is damaged or does not fit the features it is given."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest known one, else all that are known."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
