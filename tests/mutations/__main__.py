"""Plant each bug and run worlds until the checker catches it: `python -m tests.mutations [--most 300] [--only NAME]`.

Prints a row a bug; exits 1 if one survives, or if the code as it is fails on a seed that caught one.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.mutations.table import MUTANTS, Mutant
from tests.simulation.checker import WrongError, run
from tests.simulation.small import small_settings

MOST = 300


class Caught(NamedTuple):
    """After how many worlds, by which check; and whether the same world is sound without the bug."""

    worlds: int
    check: str
    sound: str


def hunt(mutant: Mutant, most: int = MOST) -> Caught | None:
    """None if no world of so many shows the bug."""
    for seed in range(most):
        if check := fails(
            lambda seed=seed: run(seed, around=mutant.plant(), kinds=mutant.kinds, timeout_ms=mutant.timeout_ms)
        ):
            return Caught(seed + 1, check, fails(lambda seed=seed: run(seed, kinds=mutant.kinds)))
    return None


def fails(one: Callable[[], object]) -> str:
    """The check by which a world fails, "" if it is sound."""
    try:
        one()
    except WrongError as wrong:
        return wrong.check
    except Exception as error:  # noqa: BLE001 -- an operator that fails, or one of the reader's
        return type(error).__name__
    return ""


def main() -> int:
    """Hunt all, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=MOST, help="worlds a bug may need")
    parser.add_argument("--only", help="one bug")
    options = parser.parse_args()
    table = Table("bug", "planted in", "worlds", "caught by", title="Planted bugs")
    survived = []
    with small_settings(), nullcontext():
        for mutant in MUTANTS:
            if options.only in (None, mutant.name):
                caught = hunt(mutant, options.most)
                survived += [] if caught and not caught.sound else [mutant.name]
                row = (str(caught.worlds), caught.check + caught.sound) if caught else ("-", "SURVIVED")
                table.add_row(mutant.name + " *" * mutant.control, mutant.where, *row)
                sys.stderr.write(f"{mutant.name}: {' '.join(row)}\n")
    Console(width=110).print(table)
    sys.stdout.write(
        f"* negative control\n{'FAILED: ' + ', '.join(survived) if survived else 'every planted bug was caught'}\n"
    )
    return int(bool(survived))


if __name__ == "__main__":
    sys.exit(main())
