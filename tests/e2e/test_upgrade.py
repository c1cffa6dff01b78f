"""`tickloom upgrade` as a user types it, under load: moved, broken and back by itself, given another feature."""

from pathlib import Path

import pytest

from tests.upgrades.__main__ import Options, run

pytestmark = pytest.mark.lane


@pytest.mark.timeout(1200)
def test_three_upgrades_one_of_which_fails(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        verdict, done = run(tmp_path, patch, Options(turns=("parallelism", "broken", "features"), minutes=8))
    moved, broken, added = done
    assert (verdict.holds, verdict.first) == (True, [])
    assert verdict.newer > 0
    assert [each.code for each in done] == [0, 1, 0]
    for each, started in ((moved, "flink run -d -p 2 -s"), (added, "flink run -d -p 2 -s")):
        assert "$ flink stop --savepointPath" in each.printed
        assert f"$ {started}" in each.printed
        assert each.gap_s > 0
    assert "planted" in broken.printed
    assert "goes on" in broken.printed
    assert broken.printed.count("$ flink run") == 2
