"""Every function of TA-Lib beside ours: `python -m tests.bench.talib_table [--write]` makes docs/talib.md.

Largest difference from TA-Lib over a grid of parameters, on random bars and on the real ones of the sample, in one call
and streamed in calls of 97 bars: relative to the value, or to a thousandth of the largest where that is more.
"""

import argparse
from collections.abc import Iterator

import talib

from schemas.settings import PROJECT
from tests.oracles import packs
from tests.oracles.prices import SYMBOLS, real
from tests.unit.test_packs import by_talib, error, ours
from udfs.registry import FEATURES, Feature

PAGE = PROJECT / "docs" / "talib.md"
GROUPS = (
    "Overlap Studies", "Momentum Indicators", "Volume Indicators", "Volatility Indicators", "Price Transform",
    "Statistic Functions", "Cycle Indicators", "Pattern Recognition",
)  # fmt: skip
TOP = """# TA-Lib's functions, and how far ours are from them

Made by `python -m tests.bench.talib_table --write`; the bounds are held by tests/unit/test_packs.py, test_patterns.py
and test_indicators.py. Error: largest difference over a grid of parameters, on random and real bars, in one call and
streamed, relative to the value or to a thousandth of the largest, whichever is more. Where ours is a windowed sum or
moment, TA-Lib's own running sums drift, and that is most of the difference.

| function | ours | error | parameters tried |
|---|---|---|---|
"""


def of_function() -> dict[str, tuple[str, Feature]]:
    """TA-Lib's name -> pack and row."""
    rows = [("core", row) for row in FEATURES] + packs.rows()
    return {row.oracle: (pack, row) for pack, row in reversed(rows) if row.oracle}


def functions() -> list[str]:
    """All of TA-Lib's functions in the groups of indicators."""
    return sorted(name for group in GROUPS for name in talib.get_function_groups()[group])


def worst(pack: str, row: Feature) -> tuple[float, int]:
    """Largest error, and how many sets of parameters were tried."""
    tried = [dict(row.params)] if pack == "core" else packs.grid(pack, row)
    found = 0.0
    for params in tried:
        of = row.at(**params)
        for bars in [packs.random_bars(7, 600), *map(real, SYMBOLS[:2])]:
            wanted = by_talib(of, bars)
            for values in (ours(of, bars), ours(of, bars, 97)):
                found = max(found, *(error(one, other) for one, other in zip(values, wanted, strict=True)))
    return found, len(tried)


def lines() -> Iterator[str]:
    """A line for each function."""
    rows = of_function()
    patterns = {output: row.name for pack, row in packs.rows() if pack == "patterns" for output in row.outputs}
    for name in functions():
        if name in rows:
            pack, row = rows[name]
            largest, tried = worst(pack, row)
            yield f"| {name} | {', '.join(f'`{output}`' for output in row.outputs)} | {largest:.1e} | {tried} |"
        elif (output := f"cdl_{name[3:].lower()}") in patterns:
            yield f"| {name} | `{output}` | 0 | its own |"
        else:
            yield f"| {name} | missing: {packs.MISSING[name]} | | |"


def main() -> None:
    """Print it, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    text = TOP + "\n".join(lines()) + "\n"
    if parser.parse_args().write:
        PAGE.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
