"""The reference: a page for each feature, made of its row and the docstring of its kernel; nothing is written twice.

In: the rows of all packs. Out: Markdown by file name, with an index and a page of conventions. A pack of expressions
has one page of all its formulas, with its own docstring. Must not know: how a row is computed.
"""

import inspect
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import ModuleType

from schemas.errors import DataError
from schemas.settings import settings
from udfs import catalogue, conventions
from udfs.kernels.state import Degree
from udfs.plan import Plan, hidden
from udfs.registry import Feature

INDEX, CONVENTIONS = "README.md", "conventions.md"


def pages() -> dict[str, str]:
    """File name -> text, of the features of all packs, of their conventions and of an index."""
    found = {f"{name}.md": _page(pack, rows) for pack, name, rows in _named()}
    formulas = {f"{pack}.md": _formulas(pack, _module(pack)) for pack in catalogue.EXPRESSIONS}
    return found | formulas | {INDEX: _index(), CONVENTIONS: _conventions()}


def write(folder: Path) -> None:
    """Write all pages and remove those of features that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for stale in {path.name for path in folder.glob("*.md")} - set(made):
        (folder / stale).unlink()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8")


def check(folder: Path) -> None:
    """DataError if a page is not what the rows say."""
    made, there = pages(), {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    if differ := sorted(name for name in made | there if made.get(name) != there.get(name)):
        raise DataError(f"{len(differ)} pages are not as the rows: {', '.join(differ[:5])}", where=str(folder),
                        hint="tickloom features reference")  # fmt: skip


def _named() -> Iterator[tuple[str, str, list[Feature]]]:
    """Pack, name and rows of that name: of our packs, and of others that the settings choose."""
    packs = dict.fromkeys([*catalogue.names(), *settings().features.packs])
    for pack in (pack for pack in packs if pack not in catalogue.EXPRESSIONS):
        shown = [row for row in catalogue.rows(pack) if not all(map(hidden, row.outputs))]
        rows = sorted(shown, key=lambda row: row.name)
        for name, same in groupby(rows, key=lambda row: row.name):
            yield pack, name, list(same)


def _index() -> str:
    lines = ["# Features", "", "Made by `tickloom features reference` from the rows; change those.", "",
             f"Where libraries disagree: [conventions]({CONVENTIONS}).", ""]  # fmt: skip
    for pack, found in groupby(_named(), key=lambda each: each[0]):
        lines += [f"## {pack}", "", "| feature | outputs | of |", "|---|---|---|"]
        for _, name, rows in found:
            outputs = ", ".join(f"`{output}`" for row in rows for output in row.outputs)
            lines.append(f"| [{name}]({name}.md) | {outputs} | {', '.join(rows[0].inputs)} |")
        lines.append("")
    for pack in catalogue.EXPRESSIONS:
        names = list(_module(pack).TEXTS)
        row = f"| [formulas]({pack}.md) | {len(names)}, `{names[0]}` to `{names[-1]}` | prices, volume, turnover |"
        lines += [f"## {pack}", "", "| feature | outputs | of |", "|---|---|---|", row, ""]
    return "\n".join(lines)


def _conventions() -> str:
    lines = ["# Conventions", "", inspect.getdoc(conventions) or "", ""]
    lines += ["| feature | convention | what it means | in |", "|---|---|---|---|"]
    for _, name, rows in sorted(_named(), key=lambda each: each[1]):
        lines += [f"| [{name}]({name}.md) | {each} | {means} | {by} |" for each, means, by in _ways(rows[0])]
    return "\n".join([*lines, ""])


def _ways(row: Feature) -> Iterator[tuple[str, str, str]]:
    """Name, meaning and libraries of each convention."""
    for name, each in row.conventions.items():
        yield f"`{name}`" + " (default)" * (name == row.convention), each.means, each.libraries


def _module(pack: str) -> ModuleType:
    return import_module(f"udfs.packs.{pack}")


def _formulas(pack: str, module: ModuleType) -> str:
    plan = Plan("1d", module.FEATURES)
    lines = [f"# {pack}", "", inspect.getdoc(module) or "", "", "| word | stands for |", "|---|---|"]
    lines += [f"| `{name}` | `{text}` |" for name, text in module.FUNCTIONS.items()]
    lines += ["", "| output | formula | scales as | first after |", "|---|---|---|---|"]
    for name, text in module.TEXTS.items():
        lines.append(f"| `{name}` | `{text}` | {_scale(plan.degree(name))} | {plan.lookback(name)} bars |")
    return "\n".join([*lines, "", f"State: {8 * plan.width:,} bytes a security for all of them.", ""])


def _scale(degree: Degree | None) -> str:
    return f"price^{degree.price} volume^{degree.volume}" if degree else "no power of prices"


def _page(pack: str, rows: list[Feature]) -> str:
    row, definition = rows[0], inspect.getdoc(inspect.getmodule(rows[0].kernel)) or ""
    lines = [f"# {row.name}", "", definition, "", "| | |", "|---|---|"]
    lines += [f"| {title} | {text} |" for title, text in _facts(pack, row)]
    lines += ["", "| output | scales as | first after | converged after |", "|---|---|---|---|"]
    for each in rows:
        for output, degree in zip(each.outputs, each.degrees, strict=True):
            lines.append(f"| `{output}` | {_scale(degree)} | {each.lookback} bars | {each.converged} bars |")
    return "\n".join([*lines, ""])


def _facts(pack: str, row: Feature) -> Iterator[tuple[str, str]]:
    yield "pack", pack
    yield "inputs", ", ".join(row.inputs)
    for name, value in row.free.items():
        low, high = row.ranges.get(name, ("", ""))
        shown = "by the bar's length" if callable(value) else f"{value:g}"
        yield f"parameter `{name}`", f"{shown}; {low} to {high}"
    for name, means, libraries in _ways(row):
        yield f"convention {name}", f"{means}; {libraries}"
    yield "without a value", row.nulls
    if row.flat is not None:
        yield "in a window that does not move", f"{row.flat:g}"
    yield "same numbers as", f"TA-Lib {row.oracle}" if row.oracle else "–"
    yield "sees", "the whole universe at one bar time" if row.across else f"prices by policy `{row.policy}`"
    layout = ", ".join(f"{name} {count}" for name, count, _ in row.layout() if count)
    yield "state", f"{8 * sum(count for _, count, _ in row.layout())} bytes, version {row.version}: {layout or 'none'}"
