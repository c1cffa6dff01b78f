"""Many worlds, and what became of them: what each process of `python -m tests.simulation` does."""

import gc
from collections import Counter

from tests.simulation.checker import run
from tests.simulation.small import small_settings

Part = tuple[Counter[str], list[tuple[int, str]], int]


def prepare() -> None:
    """Once a process: what is imported is not searched for garbage again and again, and worlds only now and then."""
    gc.freeze()
    gc.set_threshold(20_000)


def worlds(seeds: range, *, trace: bool = False) -> Part:
    """What bit, by kind; the seeds that failed, each with why; and how many records went in."""
    bit: Counter[str] = Counter()
    failed, records = [], 0
    with small_settings():
        for seed in seeds:
            try:
                world = run(seed, print if trace else None)
            except Exception as error:  # noqa: BLE001 -- whatever an operator fails with
                failed.append((seed, f"{type(error).__name__}: {error}".splitlines()[0][:300]))
                continue
            bit.update({f"fault: {kind}": times for kind, times in world.bit.items()})
            bit.update({f"input: {kind}": times for kind, times in world.market.inputs.items()})
            records += world.total
    return bit, failed, records
