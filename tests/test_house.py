"""The house rules of CONTRIBUTING.md, as tests over every file that git tracks."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from schemas.settings import PROJECT

BIN = Path(sys.executable).parent
FILE_MAX, FILE_MEDIAN = 300, 120
FUNCTION_MAX, FUNCTION_MEDIAN = 50, 8
VAGUE = {"utils", "helpers", "common", "manager"}
# spelled in two halves, so that this file does not hold what it forbids
FORBIDDEN = [
    "/wo" + "rk/", "/ro" + "ot/", "py" + "pi.org", "python" + "hosted", "repo" + ".maven", "repo1" + ".maven",
    "deb" + ".debian.org", "registry" + ".npmjs", "index" + "-url http",
]  # fmt: skip


@cache
def tracked(suffix: str = "") -> list[Path]:
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    return [PROJECT / name for name in names if name.endswith(suffix) and (PROJECT / name).is_file()]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> list[tuple[str, int]]:
    """(place, number of lines) of every function of a file."""
    found = (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [(f"{path.relative_to(PROJECT)}:{node.lineno}", (node.end_lineno or 0) - node.lineno + 1) for node in found]


def test_files_are_short() -> None:
    sizes = {str(path.relative_to(PROJECT)): len(path.read_text("utf-8").splitlines()) for path in tracked(".py")}
    assert {name: size for name, size in sizes.items() if size > FILE_MAX} == {}
    assert median(size for size in sizes.values() if size) <= FILE_MEDIAN


def test_functions_are_short() -> None:
    sizes = [each for path in tracked(".py") for each in functions(path)]
    assert [each for each in sizes if each[1] > FUNCTION_MAX] == []
    assert median(size for _, size in sizes) <= FUNCTION_MEDIAN


def test_a_long_module_opens_with_what_goes_in_and_out() -> None:
    ours = [path for path in tracked(".py") if "tests" not in path.parts]
    long = [path for path in ours if len(path.read_text("utf-8").splitlines()) > 100]
    short_of_words = [p for p in long if len((ast.get_docstring(tree(p)) or "").splitlines()) < 3]
    assert [str(path.relative_to(PROJECT)) for path in short_of_words] == []


def test_names_say_something() -> None:
    parts = {part for path in tracked(".py") for part in path.relative_to(PROJECT).with_suffix("").parts}
    assert parts & VAGUE == set()
    assert parts & (set(sys.stdlib_module_names) - {"__main__"}) == set()


@pytest.mark.parametrize("words", FORBIDDEN)
def test_no_file_names_a_registry_or_a_folder_of_some_machine(words: str) -> None:
    found = subprocess.run(["git", "grep", "-lIF", words], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["mypy"],
        ["lint-imports", "--no-logo"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_tools_are_content(command: list[str]) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def project() -> dict[str, object]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_lock_holds_every_dependency_and_a_hash_of_each() -> None:
    lock = (PROJECT / "requirements.lock").read_text("utf-8")
    pins = re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    names = {name.lower() for name, _ in pins}
    wanted = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    assert {re.split(r"[\[=<>]", each)[0].lower() for each in wanted} <= names
    blocks = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_make_help_lists_every_target() -> None:
    listed = set(
        re.findall(r"^  make (\S+)", subprocess.check_output(["make", "help"], cwd=PROJECT, text=True), re.MULTILINE)
    )
    phony = re.search(r"^\.PHONY: (.+)", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony
    assert listed == set(phony[1].split()) - {"redis"}


def test_ci_runs_what_a_person_runs() -> None:
    lines = (PROJECT / ".ci" / "run").read_text("utf-8").splitlines()
    assert lines[-1] == "exec make test"
