"""Every planted bug is caught; `python -m tests.mutations` prints after how many worlds, and by which check."""

import pytest

from tests.mutations.__main__ import hunt
from tests.mutations.table import MUTANTS, Mutant
from tests.simulation.small import small_settings


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_caught(mutant: Mutant) -> None:
    with small_settings():
        caught = hunt(mutant)
    assert caught is not None
    assert caught.check
    assert caught.sound == ""
