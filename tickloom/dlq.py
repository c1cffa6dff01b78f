"""`tickloom dlq`: messages that could not be used: how many, which, and back to their topic when they are mended.

In: the topics of dead letters, a file that a person edited, a function that repairs. Out: tables, files, and by
dlq_replay.py records in the topics. This file must not know what a good message is, nor a transaction.
"""

import importlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import ConfigError, DataError
from schemas.registry import Lookup, register
from schemas.settings import settings
from tickloom import dlq_files as files
from tickloom.dlq_letters import Letter, queues, read
from tickloom.dlq_replay import Outcome, Repair
from tickloom.dlq_replay import replay as put_back

SHOWN = 32
"""Bytes of a raw message on the screen."""
console = Console(highlight=False, soft_wrap=True)
Topic = Annotated[str, typer.Option(help="Such as market.price.v1, or market.price.v1.late; all when empty.")]
Reason = Annotated[str, typer.Option(help="Only letters with this reason.")]


def list_letters(topic: Topic = "") -> None:
    """Count dead letters by topic, stage and reason: how many, how many of them were put back, since when."""
    grid = Table("topic", "stage", "reason", "letters", "replayed", "first", "last")
    for queue in queues(topic):
        found, groups = read(queue), defaultdict[tuple[str, str], list[Letter]](list)
        for letter in found.all.values():
            groups[letter.stage, letter.reason].append(letter)
        for (stage, reason), letters in sorted(groups.items()):
            times = sorted(map(files.said_at, letters))
            replayed = sum(letter.place in found.replayed for letter in letters)
            grid.add_row(queue, stage, reason, f"{len(letters):,}", f"{replayed:,}", times[0], times[-1])
    console.print(grid if grid.row_count else "no dead letters")


def show(
    topic: Topic = "",
    reason: Reason = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the oldest first; 0: all.")] = 20,
    out: Annotated[Path | None, typer.Option(help="File to write, .jsonl or .parquet, for `replay --from`.")] = None,
) -> None:
    """Show the letters that were not put back: place, reason, raw bytes, and the record where it decodes."""
    lookup = Lookup(settings().registry.url)
    letters = [each for queue in queues(topic) for each in read(queue).left if reason in ("", each.reason)]
    shown = letters[: limit or None]
    if out:
        console.print(f"{files.write(out, shown, lookup):,} of {len(letters):,} letters: {out}")
        return
    for letter in shown:
        at, partition, offset = letter.place
        detail = f" ({letter.detail})" if letter.detail else ""
        console.print(f"{at}/{partition}/{offset}  {files.said_at(letter)}  {letter.stage}: {letter.reason}{detail}")
        more = f" … {len(letter.raw):,} bytes" if len(letter.raw) > SHOWN else ""
        console.print(f"  {letter.raw[:SHOWN].hex(' ') or 'no bytes'}{more}")
        if (record := files.decoded(at, letter.raw, lookup)) is not None:
            console.print(f"  {json.dumps(record, ensure_ascii=False)}")
    console.print(f"{len(shown):,} of {len(letters):,} letters")


def replay(
    topic: Annotated[str, typer.Option(help="Whose letters: market.price.v1, or market.price.v1.late.")],
    reason: Reason = "",
    file: Annotated[Path | None, typer.Option("--from", help="Only the letters of this file, as it has them.")] = None,
    repair: Annotated[str, typer.Option(help="module:function that takes the raw bytes and gives good ones.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Only say what would be put back.")] = False,
) -> None:
    """Put letters back to their topic, each once: as they are, from an edited file, or through a function.

    What the jobs would refuse again stays. It can be run again at any time, and after it was killed.
    """
    if file and repair:
        raise ConfigError("--from and --repair are two ways of repair", hint="give one of them")
    ((queue),) = queues(topic)
    chosen, mend, note = _repair(file, repair)
    outcome = put_back(queue, lambda each: reason in ("", each.reason) and chosen(each), mend, note, dry=dry_run)
    _tell(queue, outcome, dry_run)


def _repair(file: Path | None, name: str) -> tuple[Callable[[Letter], bool], Repair, str]:
    """Which letters, how each is repaired, and what the marks say of it."""
    if file:
        rows, lookup, ids = files.read(file), Lookup(settings().registry.url), register(settings().registry.url)
        mend = lambda each: files.repaired(each, rows[each.place], lookup, ids)  # noqa: E731
        return lambda each: each.place in rows, mend, f"from {file.name}"
    if name:
        function = _function(name)
        return lambda each: True, lambda each: _mended(function, name, each), f"by {name}"
    return lambda each: True, lambda each: each.raw, "as it was"


def _function(name: str) -> Callable[[bytes], bytes]:
    module, _, function = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Callable[[bytes], bytes] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"--repair {name}: {error}", hint="module:function, as Python imports it") from error
    return found


def _mended(function: Callable[[bytes], bytes], name: str, letter: Letter) -> bytes:
    """What a stranger's function makes of a letter; whatever goes wrong in it, the letter stays."""
    try:
        mended = function(letter.raw)
    except Exception as error:
        raise DataError(f"{name} failed: {error!r}") from error
    if not isinstance(mended, bytes):
        raise DataError(f"{name} gave {type(mended).__name__}, not bytes")
    return mended


def _tell(queue: str, outcome: Outcome, dry: bool) -> None:
    prepared = "would be put back, if nothing speaks against them" if dry else "put back"
    number = outcome.replayed
    console.print(f"{queue}: {number:,} letters {prepared}, {outcome.before:,} had been before")
    first = {refusal.reason: (place, refusal.detail) for place, refusal in reversed(outcome.refused.items())}
    for reason, n in Counter(outcome.reasons()).most_common():
        (topic, partition, offset), detail = first[reason]
        said = f": {detail}" if detail else ""
        console.print(f"  {n:,} stay, {reason}{said} (first {topic}/{partition}/{offset})")
