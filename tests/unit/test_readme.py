"""What README and runbook tell a user to type exists, and what is cheap of it runs in the order in which it stands."""

import json
import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from schemas.settings import PROJECT, intervals_of, settings
from tickloom import cli
from udfs.panel.columns import Columns
from udfs.plan import Plan

PAGES = ["README.md", "CONTRIBUTING.md", "docs/runbook.md", "docs/security.md"]
README = (PROJECT / "README.md").read_text("utf-8")
SHELL = [
    line for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
CHEAP = (
    "tickloom sample",
    "tickloom synth --symbols 20",
    "tickloom features compute",
    "tickloom features list",
)
OF = Columns(settings().cross_asset)
CROSSED = {*OF.numbers, *OF.members, *OF.universe, OF.snapshot, *OF.pair}
BY_JOBS = {f".tickloom/{name}.parquet" for name in ("by_flink", "now", "then")}  # what needs a running stack writes


def lines(program: str) -> list[list[str]]:
    """The words after the program's name, of each line that runs it."""
    typed = [shlex.split(line, comments=True) for line in SHELL]
    return [words[1:] for words in typed if words[0] == program]


def found(words: list[str], command: Any = None) -> tuple[Any, list[str]]:
    """The command that the words begin with, and the words behind it."""
    command = command or typer.main.get_command(cli.build(words))
    if not (hasattr(command, "commands") and words):
        return command, words
    assert words[0] in command.commands, f"no command {words[0]}"
    return found(words[1:], command.commands[words[0]])


def parse(command: Any, words: list[str]) -> None:
    """As the program would, without running it: a wrong word, option or value is an error."""
    command.make_context(command.name, list(words))


def test_every_line_is_of_a_known_program() -> None:
    assert {shlex.split(line, comments=True)[0] for line in SHELL} == {
        "make",
        "tickloom",
        "eval",
        "python",
        "feast",
        "flink",
    }


@pytest.mark.parametrize("words", lines("tickloom"), ids=" ".join)
def test_tickloom(words: list[str]) -> None:
    parse(*found(words))


@pytest.mark.parametrize("words", lines("feast"), ids=" ".join)
def test_feast(words: list[str]) -> None:
    from feast.cli.cli import cli as feast

    assert words[:2] == ["-c", "feature_repo"]
    parse(*found(words[2:], feast))


@pytest.mark.parametrize("words", [words for words in lines("flink") if words[0] == "run"], ids=" ".join)
def test_flink(words: list[str]) -> None:
    at = words.index("-pym")
    assert words[at + 2 : at + 4] == ["-pyfs", "dist/tickloom.zip"]
    source = Path(str(find_spec(words[at + 1]).origin)).read_text("utf-8")
    assert [option for option in words[at + 4 :] if option.startswith("--") and f'"{option}"' not in source] == []


def test_modules_and_targets() -> None:
    for flag, module in lines("python"):
        assert flag == "-m"
        assert '__name__ == "__main__"' in Path(str(find_spec(module).origin)).read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {word for words in lines("make") for word in words} <= set(targets)


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_text_exist(page: str) -> None:
    text = (PROJECT / page).read_text("utf-8")
    typed = [words.split() for words in re.findall(r"(?:`|\$\()tickloom ([a-z][^`…)]*)", text)]
    assert typed
    for words in typed:
        command, rest = found(words)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, " ".join(words)


@pytest.mark.parametrize("page", [*PAGES, *(str(path.relative_to(PROJECT)) for path in PROJECT.glob("docs/adr/*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    path = PROJECT / page
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / link).exists(), link


def test_the_table_of_features_is_the_registry() -> None:
    for row in Plan("1d").describe():
        scale = "price" if any(row["degree_price"]) else "volume" if any(row["degree_volume"]) else "–"
        cells = [", ".join(f"`{name}`" for name in row["outputs"]), ", ".join(row["inputs"]), str(row["lookback"])]
        assert f"| {' | '.join([*cells, scale, row['oracle']]).strip()} |\n" in README


def test_the_page_across_assets_tells_of_every_output() -> None:
    page = (PROJECT / "docs" / "cross-asset.md").read_text("utf-8")
    assert CROSSED
    assert {name for name in CROSSED if f"`{re.sub(r'(_[0-9]+)?(_60)?$', '', name)}" not in page} == set()
    assert set(re.findall(r"`(\w+_60)`", README)) <= CROSSED


def test_what_is_cheap_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = [words for words in lines("tickloom") if " ".join(["tickloom", *words]).startswith(CHEAP)]
    assert len(ran) == 5
    for words in ran:
        result = CliRunner().invoke(cli.build(words), words)
        assert result.exit_code == 0, result.output
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")}
    named = {word for words in lines("tickloom") for word in words if word.endswith(".parquet")}
    assert named - BY_JOBS <= written, "a later line reads what no line wrote"


def test_the_settings_shown_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for key, value in next(found["bars"] for found in map(tomllib.loads, blocks) if "bars" in found).items():
        monkeypatch.setenv(f"TICKLOOM_BARS__{key.upper()}", value if isinstance(value, str) else json.dumps(value))
    settings.cache_clear()
    assert intervals_of(settings()) == ["1m", "5m", "1h", "1d"]
    monkeypatch.undo()
    settings.cache_clear()


def test_the_python_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    monkeypatch.setattr("schemas.settings.store_url", lambda: f"sqlite:///{tmp_path / 'online.db'}")
    names: dict[str, Any] = {}
    for code in blocks:
        exec(compile(code, "README.md", "exec"), names)
    assert Plan("1d", names["ROWS"]).lookback("trend") == 39 + 9
    assert names["usable"].tolist() == [False, False]  # nobody has written these symbols
