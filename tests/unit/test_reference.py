"""The generated pages are what the rows say, and name every function of TA-Lib."""

import re

import pytest

from schemas.errors import DataError
from schemas.settings import PROJECT
from tests.bench.talib_table import PAGE, functions
from tests.oracles import packs
from tickloom import reference
from udfs import catalogue


def test_the_pages_are_as_the_rows():
    reference.check(PROJECT / "docs" / "reference")


def test_a_page_that_is_not_is_named(tmp_path):
    reference.write(tmp_path)
    (tmp_path / "sma.md").write_text("old")
    (tmp_path / "gone.md").write_text("old")
    with pytest.raises(DataError, match=r"2 pages .* gone.md, sma.md"):
        reference.check(tmp_path)
    reference.write(tmp_path)
    reference.check(tmp_path)


def test_each_row_has_a_page():
    pages = reference.pages()
    assert {f"{row.name}.md" for row in catalogue.kernels()} < set(pages)
    assert all(f"({name})" in pages[reference.INDEX] for name in pages if name != reference.INDEX)


def test_a_pack_of_expressions_has_a_page_of_formulas():
    page = reference.pages()["alpha101.md"]
    assert "| `alpha_101` | `(close - open) / (high - low + 0.001)` | no power of prices | 0 bars |" in page
    assert "| `alpha_006` | `-1 * correlation(open, volume, 10)` | price^0 volume^0 | 9 bars |" in page
    assert "need classes of industries" in page


def test_every_function_of_talib_is_in_the_table():
    found = re.findall(r"^\| ([A-Z0-9_]+) \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [name for name, _ in found] == functions()
    assert {name for name, ours in found if ours.startswith("missing")} == set(packs.MISSING)
