"""Every function of TA-Lib beside ours: `python -m tests.bench.talib_table [--write]` makes docs/talib.md.

Largest difference from TA-Lib over a grid of parameters, on random bars and on the real ones of the sample, in one call
and streamed in calls of 97 bars: relative to the value, or to a thousandth of the largest where that is more.
"""

import argparse
from collections.abc import Iterator

import talib

from schemas.settings import PROJECT
from tests.oracles import beside_talib, packs
from udfs import catalogue
from udfs.registry import Feature

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
    rows = [(pack, row) for pack in catalogue.names() for row in catalogue.rows(pack)]
    return {row.oracle: (pack, row) for pack, row in reversed(rows) if row.oracle}


def functions() -> list[str]:
    """All of TA-Lib's functions in the groups of indicators."""
    return sorted(name for group in GROUPS for name in talib.get_function_groups()[group])


def lines() -> Iterator[str]:
    """A line for each function."""
    rows = of_function()
    patterns = {output: row.name for pack, row in packs.rows() if pack == "patterns" for output in row.outputs}
    for name in functions():
        if name in rows:
            pack, row = rows[name]
            largest = max(error for _, _, error in beside_talib.errors(pack, row))
            outputs = ", ".join(f"`{output}`" for output in row.outputs)
            yield f"| {name} | {outputs} | {largest:.1e} | {len(packs.grid(pack, row))} |"
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
