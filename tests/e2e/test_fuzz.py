"""20,000 bad messages among good ones: the lane of `python -m tests.fuzz`, on the stack of the other tests."""

from pathlib import Path

import pytest

from tests.fuzz.lane import run

pytestmark = pytest.mark.lane


@pytest.mark.timeout(1200)
def test_every_message_ends_where_the_oracle_says(stack: Path) -> None:
    assert run(20_000, 1).startswith("FUZZ OK")
