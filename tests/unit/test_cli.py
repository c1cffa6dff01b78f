import ast
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tickloom import cli

HEAVY = {"feast", "numba", "pandas", "pyarrow", "pyflink", "torch"}


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_row_of_the_table_is_a_command_that_explains_itself(name: str) -> None:
    words = name.split()
    result = CliRunner().invoke(cli.build(words), [*words, "--help"], terminal_width=200)
    assert result.exit_code == 0, result.output
    assert cli._stub(cli.COMMANDS[name]).__doc__, "a command without a docstring"


def test_help_lists_every_command_and_imports_no_command() -> None:
    result = CliRunner().invoke(cli.build(["--help"]), ["--help"], terminal_width=200)
    for name in cli.COMMANDS:
        assert name.split()[0] in result.output
    code = "import sys; from tickloom import cli; cli.build(['--help']); print(sorted(sys.modules))"
    loaded = ast.literal_eval(subprocess.check_output([sys.executable, "-c", code], text=True))
    assert not HEAVY & set(loaded)
    assert not {target.split(":")[0] for target in cli.COMMANDS.values()} & set(loaded)


def test_an_error_of_ours_is_told_without_a_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tickloom", "stack", "up", "--ports", "auot"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "StackError: --ports auot\n  do: did you mean 'auto'?" in capsys.readouterr().err
