"""The ledger of campaigns, docs/chaos.md: every run, good or not, with the seed that repeats it."""

import os
import subprocess
import time
from collections import Counter
from statistics import median

from schemas.settings import PROJECT
from tests.chaos.campaign import Outcome

LEDGER = PROJECT / "docs" / "chaos.md"
KINDS = ("lost", "doubled", "torn", "stale")
SHOWN = 12


def verdict(outcome: Outcome) -> str:
    """Figures, what is wrong, and the last line."""
    lines = [f"{n:,} {what} compared" for what, n in sorted(outcome.compared.items())]
    by_kind: dict[str, list[float]] = {}
    for kind, _, _, seconds in outcome.faults:
        by_kind.setdefault(kind, []).append(seconds)
    lines += [f"{kind}: {len(of)} times, new output after {median(of):.1f} s, at most {max(of):.1f}"
              for kind, of in sorted(by_kind.items())]  # fmt: skip
    lines += outcome.problems[:SHOWN]
    lines += [f"... and {len(outcome.problems) - SHOWN} more"] if len(outcome.problems) > SHOWN else []
    faults, records = f"{len(outcome.faults)} faults of {len(by_kind)} kinds", f"{outcome.records:,} records"
    word = "good" if outcome.good else f"FAILED, {len(outcome.problems)} problems"
    return "\n".join([*lines, f"seed {outcome.market.seed}: {faults}, {records}, {outcome.seconds:.0f} s: {word}"])


def append(outcome: Outcome) -> None:
    """One more row of the table."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, text=True).strip()
    kinds = Counter(kind for kind, *_ in outcome.faults)
    wrong = "; ".join(outcome.problems[:2]).replace("|", "/").replace("\n", " ")[:300] or "0 lost, doubled, torn, stale"
    cells = [
        time.strftime("%Y-%m-%d %H:%M"), commit, str(outcome.market.seed), f"{outcome.records:,}",
        f"{kinds.total()} of {len(kinds)} kinds", f"{outcome.seconds:.0f} s, load {os.getloadavg()[1]:.0f}", wrong,
    ]  # fmt: skip
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write("| " + " | ".join(cells) + " |\n")
