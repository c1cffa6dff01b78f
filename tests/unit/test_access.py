"""How Kafka is reached: what a client and a table are told, and what they are never told."""

import traceback
from collections.abc import Iterator

import pytest

from jobs.runtime import access, kafka
from schemas.errors import ConfigError
from schemas.settings import settings

SECRET = "s3cret-of-somebody"
SECURE = {"SECURITY_PROTOCOL": "SASL_SSL", "CA": "/etc/ca.pem", "USERNAME": "tickloom"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Brokers that ask for a password, and it."""
    for key, value in SECURE.items():
        monkeypatch.setenv(f"TICKLOOM_KAFKA__{key}", value)
    monkeypatch.setenv("TICKLOOM_KAFKA_PASSWORD", SECRET)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_without_security_there_is_an_address_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA__SECURITY_PROTOCOL", "PLAINTEXT")
    settings.cache_clear()
    section = settings().kafka
    assert access.client(section, "reader") == {"bootstrap.servers": section.bootstrap}
    assert access.connector(section, "features") == {"properties.bootstrap.servers": section.bootstrap}


def test_a_client_takes_the_password_from_the_environment() -> None:
    found = access.client(settings().kafka, "reader")
    assert (found["sasl.username"], found["sasl.password"]) == ("tickloom", SECRET)
    assert (found["security.protocol"], found["ssl.ca.location"]) == ("SASL_SSL", "/etc/ca.pem")


def test_a_role_may_have_a_user_and_a_password_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA__USERS__FEED", "exchange")
    monkeypatch.setenv("TICKLOOM_KAFKA_PASSWORD_FEED", "another")
    settings.cache_clear()
    feed, reader = (access.client(settings().kafka, role) for role in ("feed", "reader"))  # type: ignore[arg-type]
    assert (feed["sasl.username"], feed["sasl.password"]) == ("exchange", "another")
    assert (reader["sasl.username"], reader["sasl.password"]) == ("tickloom", SECRET)


def test_a_password_that_is_missing_is_an_error_that_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKLOOM_KAFKA_PASSWORD")
    with pytest.raises(ConfigError, match=r"no password of Kafka's user 'tickloom' \(reader\)") as caught:
        access.client(settings().kafka, "reader")
    assert "environment variable TICKLOOM_KAFKA_PASSWORD" in str(caught.value)


@pytest.mark.parametrize(("mechanism", "module"), [("PLAIN", "PlainLogin"), ("SCRAM-SHA-512", "ScramLogin")])
def test_a_table_names_the_variable_and_never_the_password(
    monkeypatch: pytest.MonkeyPatch, mechanism: str, module: str
) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA__SASL_MECHANISM", mechanism)
    settings.cache_clear()
    tables = [kafka.source("price", "t", settings(), "features"), kafka.sink("out", ["t"], settings(), "features")]
    for ddl in tables:
        assert SECRET not in ddl
        assert 'username="tickloom" password="${env:TICKLOOM_KAFKA_PASSWORD}"' in ddl
        assert module in ddl
        assert f"'properties.sasl.mechanism' = '{mechanism}'" in ddl
    assert "'properties.group.id' = 'tickloom-features-price'" in tables[0]
    assert "'sink.transactional-id-prefix' = 'tickloom-features-out'" in tables[1]


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a;b", "a$b", "a b", "a\\b"])
def test_a_name_that_would_end_its_quotes_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA__USERNAME", name)
    settings.cache_clear()
    with pytest.raises(ConfigError, match=r"kafka\.username"):
        settings()


def test_a_password_among_the_settings_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLOOM_KAFKA__PASSWORD", SECRET)
    settings.cache_clear()
    with pytest.raises(ConfigError, match=r"kafka\.password") as caught:
        settings()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
