import pickle

import pytest

from schemas import errors
from schemas.errors import TickloomError, nearest

TREE = [kind for kind in TickloomError.__subclasses__() if kind.__module__ == errors.__name__]


@pytest.mark.parametrize(
    ("where", "hint", "text"),
    [
        ("", "", "broken"),
        ("topic t", "", "broken\n  where: topic t"),
        ("", "mend it", "broken\n  do: mend it"),
        ("topic t", "mend it", "broken\n  where: topic t\n  do: mend it"),
    ],
)
def test_says_what_where_and_what_to_do(where: str, hint: str, text: str) -> None:
    assert str(TickloomError("broken", where=where, hint=hint)) == text


@pytest.mark.parametrize("kind", TREE)
def test_travels_between_processes(kind: type[TickloomError]) -> None:
    back = pickle.loads(pickle.dumps(kind("broken", where="here", hint="mend it")))
    assert type(back) is kind
    assert str(back) == "broken\n  where: here\n  do: mend it"


def test_the_docstring_draws_the_whole_tree() -> None:
    assert errors.__doc__
    assert len(TREE) == 9
    for kind in TREE:
        assert f"── {kind.__name__} " in errors.__doc__


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ris_14", "did you mean 'rsi_14'?"), ("zzz", "known: ema_12, rsi_14"), ("", "known: ema_12, rsi_14")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, hint: str) -> None:
    assert nearest(name, ["rsi_14", "ema_12"]) == hint
