"""A stack with users: who gets which password, what stands in files, and that rights are no wider than the work."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.runtime.access import own
from jobs.runtime.dead_letters import DeadLetters
from jobs.stages.answer import DEAD_LETTERS, SCORES
from jobs.stages.decode import CORPORATE_ACTION, PRICE
from jobs.stages.write import BAR, FEATURE, REQUEST
from schemas.settings import PROJECT, settings, stack_file
from tickloom.stack import render, rights, security, topics


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A state folder whose stack has users."""
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    stack_file().write_text("[stack]\nsecure = true\n")
    settings.cache_clear()
    security.make()
    yield tmp_path
    settings.cache_clear()


def test_secrets_are_made_once_and_for_their_owner_only() -> None:
    before, folder = security.kept(), security.folder()
    security.make()
    assert security.kept() == before
    assert len(set(before.values())) == len(before) == 9
    assert min(map(len, before.values())) >= 40
    private = ["secrets.env", "keystore.pem", "broker.key", security.redis_users().name]
    assert {(folder / name).stat().st_mode & 0o777 for name in private} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_stack_without_users_has_no_passwords(home: Path) -> None:
    stack_file().write_text("[stack]\nsecure = false\n")
    settings.cache_clear()
    assert security.kept() == security.exports() == {}
    assert "SASL" not in render.kafka(settings().stack.ports, 0, 1).read_text()


def test_files_of_servers_hold_no_password() -> None:
    broker = render.kafka(settings().stack.ports, 0, 1).read_text()
    assert "authorizer.class.name" in broker
    for secret in security.kept().values():
        assert secret not in broker + security.redis_users().read_text()


@pytest.mark.parametrize(
    ("component", "names"),
    [
        ("kafka-2", {f"KAFKA_PASSWORD_{who}" for who in ("ADMIN", "BROKER", "FEATURES", "SCORING", "FEED", "READER")}),
        ("taskmanager", {"KAFKA_PASSWORD_FEATURES", "KAFKA_PASSWORD_SCORING", "STORE_PASSWORD_WRITER"}),
        ("jobmanager-2", {"KAFKA_PASSWORD_FEATURES", "KAFKA_PASSWORD_SCORING", "STORE_PASSWORD_WRITER"}),
        ("registry", set()),
        ("redis", set()),
    ],
)
def test_a_server_gets_the_passwords_that_it_needs(component: str, names: set[str]) -> None:
    environ = {"PATH": "/bin", **security.kept()}
    found = security.confined(component, environ)
    assert found.pop("PATH") == "/bin"
    if "manager" in component:
        names = names | {"STORE_PASSWORD_READER"}
    assert set(found) == {f"TICKLOOM_{name}" for name in names}


def test_flink_gets_the_passwords_of_servers_of_ones_own() -> None:
    mine = {"TICKLOOM_KAFKA_PASSWORD": "x", "TICKLOOM_STORE_PASSWORD": "y"}
    assert mine.items() <= security.confined("taskmanager", mine).items()
    assert not mine.keys() & security.confined("registry", mine).keys()


def test_a_shell_gets_all_but_the_brokers_own() -> None:
    assert security.kept().keys() - security.exports().keys() == {"TICKLOOM_KAFKA_PASSWORD_BROKER"}


def test_redis_users_are_those_of_the_page() -> None:
    page = (PROJECT / "docs" / "online-store.md").read_text("utf-8")
    for user in ("writer", "reader"):
        [said] = re.findall(rf"^ACL SETUSER {user} on >\S+ resetkeys resetchannels (.+)$", page, re.MULTILINE)
        assert rights.redis_rules("prod")[user] == said
    assert "{a%7Db:*" in rights.redis_rules("a}b")["reader"]


def allowed(role: str, kind: str, operation: str) -> set[str]:
    return {name for who, of, name, _, what in rights.rights() if (who, of, what) == (role, kind, operation)}


def test_a_job_may_write_where_it_writes_and_nowhere_else() -> None:
    letters = [DeadLetters(topic, 0) for topic in (PRICE, CORPORATE_ACTION)]
    own_letters = {f"{topic}.dlq" for topic in (BAR, FEATURE, REQUEST)}
    targets = {
        BAR,
        FEATURE,
        REQUEST,
        *own_letters,
        *(each.target for each in letters),
        *(each.late_target for each in letters),
    }
    assert allowed("features", "TOPIC", "WRITE") == targets
    assert allowed("scoring", "TOPIC", "WRITE") == {SCORES, DEAD_LETTERS}
    assert allowed("feed", "TOPIC", "WRITE") == {PRICE, CORPORATE_ACTION}
    assert allowed("reader", "TOPIC", "WRITE") == set()
    assert allowed("reader", "TOPIC", "READ") == set(topics.names())


def test_prefixes_hold_a_job_to_its_own_ids() -> None:
    for role in ("features", "scoring"):
        assert allowed(role, "TRANSACTIONAL_ID", "WRITE") == {own(role)}  # type: ignore[arg-type]
    assert not own("features").startswith(own("scoring"))
    prefixes = {(kind, name) for _, kind, name, prefix, _ in rights.rights() if prefix}
    assert {name[-1] for _, name in prefixes} == {"-"}, "a prefix without an end lets others in"
    assert {kind for kind, _ in prefixes} == {"GROUP", "TRANSACTIONAL_ID"}
