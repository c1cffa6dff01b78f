"""One real stack for all end-to-end tests, on ports and in a folder of its own, beside any that a person runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.settings import settings
from tickloom.stack import control


@contextmanager
def own_home(folder: Path) -> Iterator[Path]:
    """A state folder in force; what was started in it is stopped at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TICKLOOM_HOME", str(folder))
        settings.cache_clear()
        try:
            yield folder
        finally:
            control.down()
    settings.cache_clear()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running stack; `settings()` of all tests from then on gives its addresses."""
    with own_home(tmp_path_factory.mktemp("stack")) as home:
        control.up(auto_ports=True)
        yield home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First of all, since they take longest, and one process has them all (tests/conftest.py)."""
    items.sort(key=lambda item: Path(__file__).parent not in item.path.parents)
