"""Versions of a job, what may follow on what, the gap of output; the exchange itself: tests/e2e/test_upgrade.py."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import StackError, StateError
from schemas.settings import PROJECT, adopt, computed, settings
from tickloom import package
from tickloom.upgrade_gap import Seen, Watch
from tickloom.upgrade_journal import FIXED, Journal, Version, present


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def code(folder: Path, layout: str) -> str:
    """A kept zip whose log says this."""
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("udfs/log.py", f"NEVER = 1\n{layout}\n")
    return package.keep(path)


def version(folder: Path, layout: str = "LAYOUT = 2", arguments: str = "") -> Version:
    sections = {name: section.model_dump(mode="json") for name, section in computed(settings()).items()}
    return Version(code(folder, layout), 1, arguments.split(), sections)


@pytest.mark.parametrize(("text", "layout"), [("LAYOUT = 7", 7), ("KEPT = 3", 1)])
def test_a_kept_zip_says_its_layout(home: Path, text: str, layout: int) -> None:
    assert package.layout(code(home, text)) == layout


def test_kept_code_lies_among_all_else_of_the_checkout() -> None:
    name = package.keep(package.build(PROJECT / "dist" / "tickloom.zip"))
    of = package.kept(name)
    assert package.digest(of.archive) == name
    assert not (of.folder / "udfs").is_symlink()
    assert (of.folder / "udfs" / "log.py").read_bytes() == (PROJECT / "udfs" / "log.py").read_bytes()
    assert (of.folder / "flink-conf").resolve() == PROJECT / "flink-conf"
    with pytest.raises(StackError, match="code 0000 was not kept"):
        package.kept("0000")


@pytest.mark.parametrize(("section", "key"), FIXED)
def test_what_decides_the_place_of_state_is_fixed(home: Path, section: str, key: str) -> None:
    was = version(home)
    now = replace(was, computed=was.computed | {section: was.computed[section] | {key: "other"}})
    was.check(was)
    with pytest.raises(StateError, match=rf"{section}\.{key} is fixed .* it runs with .*, now it is other"):
        was.check(now)
    replace(was, computed={}).check(now)  # a job of code that did not say


@pytest.mark.parametrize("arguments", ["--interval 1h", "--score --interval=1h"])
def test_the_interval_is_fixed_wherever_it_is_said(home: Path, arguments: str) -> None:
    was, now = version(home, arguments=arguments), version(home, arguments="--score")
    with pytest.raises(StateError, match=r"bars\.interval is fixed .* it runs with 1h, now it is 1d"):
        was.check(now)
    replace(was, arguments=["--interval", settings().bars.interval]).check(now)


def test_code_of_an_older_layout_cannot_follow(home: Path) -> None:
    newer, older = version(home, "LAYOUT = 3"), version(home)
    older.check(newer)
    with pytest.raises(StateError, match="reads state of layout 2, the job has layout 3"):
        newer.check(older)


def test_the_settings_of_a_version_come_back_by_its_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"TICKLOOM_FEATURES__PACKS": '["core", "intrabar"]', "TICKLOOM_CROSS_ASSET__DECAYS": "[0.94]"}
    with monkeypatch.context() as there:
        for name, value in wanted.items():
            there.setenv(name, value)
        settings.cache_clear()
        was, then = version(home), settings()
    settings.cache_clear()
    assert settings().features.packs == ("core",)
    for name, value in was.variables().items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    assert computed(settings()) == computed(then)


def test_a_worker_computes_by_what_its_job_was_submitted_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setenv("TICKLOOM_FEATURES__PACKS", '["core", "intrabar"]')
        there.setenv("TICKLOOM_KAFKA__BOOTSTRAP", "elsewhere:1")
        settings.cache_clear()
        sent = computed(settings())
    settings.cache_clear()
    monkeypatch.setattr("schemas.settings._ADOPTED", {})
    adopt(sent)
    assert settings().features.packs == ("core", "intrabar")
    assert settings().kafka.bootstrap != "elsewhere:1"


def test_the_journal_remembers_both_versions(home: Path) -> None:
    journal, was = Journal(), version(home)
    now = present(2, ["--score"])
    journal.add("tickloom.features", "a" * 32, now, was, savepoint="file:/s", committed=7, outcome="runs")
    journal.add("tickloom.scoring", "b" * 32, was, was)
    (entry,) = Journal().entries("tickloom.features")
    assert (Version(**entry["version"]), Version(**entry["before"])) == (now, was)
    assert (entry["savepoint"], entry["committed"], entry["id"]) == ("file:/s", 7, "a" * 32)


@pytest.mark.parametrize(
    ("seen", "gap", "words"),
    [
        ([], -1.0, "nothing was committed before"),
        ([5.0], -1.0, "nothing was committed since"),
        # committed at   2  5 | 9  11      exchanged at 6
        ([2.0, 5.0, 9.5, 11.0], 4.5, "a gap of 4.5 s"),
    ],
)
def test_the_gap_is_around_the_exchange(seen: list[float], gap: float, words: str) -> None:
    watch = Watch("feature.frame.v1")
    watch.seen = [Seen(at, int(at * 1000)) for at in seen]
    told, found = watch.told(6.0)
    assert found == gap
    assert words in told
