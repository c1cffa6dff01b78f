"""The command line: one table names every command.

In: the words that were typed. Out: the command, and its exit status; errors of ours as what, where, do. Only the module
of the command that is run gets imported. Must not know: what a command does.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from schemas.errors import TickloomError

# words of the command -> "module:function"; the function's signature are its options, its docstring is its help
COMMANDS = {
    "doctor": "tickloom.doctor:doctor",
    "stack up": "tickloom.stack.commands:up",
    "stack down": "tickloom.stack.commands:down",
    "stack watch": "tickloom.stack.commands:watch",
    "stack status": "tickloom.stack.commands:status",
    "stack logs": "tickloom.stack.commands:logs",
    "stack topics": "tickloom.stack.commands:topics",
    "stack env": "tickloom.stack.commands:env",
    "demo": "tickloom.demo:demo",
    "sample": "tickloom.sample:sample",
    "synth": "tickloom.synth:synth",
    "replay": "tickloom.replay:replay",
    "features compute": "tickloom.features:compute",
    "features log": "tickloom.features:log",
    "features list": "tickloom.features:list_features",
    "features reference": "tickloom.features:reference",
    "verify": "tickloom.verify.command:verify",
    "leaks": "tickloom.leaks.command:leaks",
    "matrix": "tickloom.matrix:matrix",
    "store rebuild": "tickloom.store:rebuild",
    "store refused": "tickloom.store:refused",
    "store functions": "tickloom.store:functions",
    "dlq list": "tickloom.dlq:list_letters",
    "dlq show": "tickloom.dlq:show",
    "dlq replay": "tickloom.dlq:replay",
    "metrics": "tickloom.metrics:metrics",
    "upgrade": "tickloom.upgrade:upgrade",
    "train": "tickloom.train:train",
    "models list": "tickloom.models:list_models",
    "models check": "tickloom.models:check",
    "models promote": "tickloom.models:promote",
    "models key": "tickloom.models:key",
}
GROUPS = {
    "features": "Features of files of bars, the log of a job's, and the list of all.",
    "dlq": "Dead letters: count them, look at them, put them back when they are mended.",
    "store": "The online store: rebuild it, see what it refused, prepare a Redis.",
    "models": "Trained models: which there are, which one is current, who may sign them.",
    "stack": "Kafka, schema registry, Flink and Redis as local processes.",
}


def build(words: list[str]) -> typer.Typer:
    """The program for these command line words; commands that are not among them carry their help only."""
    app = typer.Typer(
        help="Market data into features while it arrives.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    groups = {name: typer.Typer(name=name, help=text, no_args_is_help=True) for name, text in GROUPS.items()}
    for group in groups.values():
        app.add_typer(group)
    for name, target in COMMANDS.items():
        *above, last = name.split()
        function = _load(target) if words[: len(above) + 1] == [*above, last] else _stub(target)
        (groups[above[0]] if above else app).command(last)(function)
    return app


def main() -> None:
    """Run the command of sys.argv; exit 1 with what, where and what to do when it cannot be done."""
    try:
        build(sys.argv[1:])()
    except TickloomError as error:
        typer.secho(f"{type(error).__name__}: {error}", fg="red", err=True)
        sys.exit(1)


def _load(target: str) -> Callable[..., Any]:
    module, function = target.split(":")
    loaded: Callable[..., Any] = getattr(import_module(module), function)
    return loaded


def _stub(target: str) -> Callable[..., Any]:
    module, name = target.split(":")
    spec = find_spec(module)
    tree = ast.parse(Path(str(spec and spec.origin)).read_text("utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)

    def stub() -> None: ...

    stub.__doc__ = ast.get_docstring(found)
    return stub
