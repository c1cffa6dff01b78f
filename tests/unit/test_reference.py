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
    assert {f"{row.name}.md" for pack in catalogue.names() for row in catalogue.rows(pack)} < set(pages)
    assert all(f"({name})" in pages[reference.INDEX] for name in pages if name != reference.INDEX)


def test_every_function_of_talib_is_in_the_table():
    found = re.findall(r"^\| ([A-Z0-9_]+) \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [name for name, _ in found] == functions()
    assert {name for name, ours in found if ours.startswith("missing")} == set(packs.MISSING)
