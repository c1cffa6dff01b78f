from collections.abc import Callable

import pytest
import typer

from schemas.errors import StackError
from tickloom import doctor


def fails() -> str:
    raise StackError("broken", hint="mend it")


def lacks() -> str:
    raise doctor.Absent("not there", hint="get it")


@pytest.mark.parametrize(
    ("checks", "code", "lines"),
    [
        ({"a": lambda: "fine"}, 0, ["ok   a                fine"]),
        ({"a": lacks}, 0, ["-    a                not there", "  do: get it"]),
        (
            {"a": fails, "b": lambda: "fine"},
            1,
            ["FAIL a                broken", "  do: mend it", "ok   b                fine"],
        ),
    ],
)
def test_one_line_a_check_and_the_command_that_mends_it(
    checks: dict[str, Callable[[], str]],
    code: int,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", checks)
    with pytest.raises(typer.Exit) as ended:
        doctor.doctor()
    assert ended.value.exit_code == code
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "21" 2023', True),
        ('java version "1.8.0_292"', False),
    ],
)
def test_javas_version(said: str, fine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_output", lambda command, hint: said)
    if fine:
        assert doctor.java() == said
    else:
        with pytest.raises(StackError, match="JDK 17"):
            doctor.java()


def test_a_command_that_is_not_there_names_its_remedy() -> None:
    with pytest.raises(StackError, match=r"no-such-command is not installed\n  do: install it"):
        doctor._output(["no-such-command"], "install it")


def test_a_command_that_fails_shows_its_last_line() -> None:
    with pytest.raises(StackError, match=r"^second\n"):
        doctor._output(["sh", "-c", "echo first; echo second; exit 3"], "mend it")
