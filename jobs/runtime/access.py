"""Kafka as the settings say it is reached: [kafka] -> properties of this process's clients, options of Flink's tables.

In: the section, and in which role somebody asks. Out: properties. A client of this process takes its password from the
environment. A table gets only the name of the variable, which Kafka's own code reads where it connects: so no job
graph, plan, configuration or log holds a password. Must not know: topics, and what is read or written.
"""

import os
from collections.abc import Mapping
from typing import Any

from schemas.errors import ConfigError, StackError
from schemas.sections import KAFKA_PASSWORD, Kafka, Role

SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
LOGIN_ERRORS = {"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED"}
HOME = 'of the local stack: eval "$(tickloom stack env)"'


def user(kafka: Kafka, role: Role) -> str:
    """As whom a role asks."""
    return kafka.users.get(role, kafka.username)


def variable(kafka: Kafka, role: Role) -> str:
    """The environment variable that holds a role's password."""
    return f"{KAFKA_PASSWORD}_{role.upper()}" if role in kafka.users else KAFKA_PASSWORD


def own(role: Role, name: str = "") -> str:
    """A consumer group or transactional id of a role: the prefix to which its rights are bound, and a name."""
    return f"tickloom-{role}-{name}"


def client(kafka: Kafka, role: Role, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Properties of a confluent_kafka client; ConfigError if the environment lacks the password."""
    found: dict[str, Any] = {"bootstrap.servers": kafka.bootstrap}
    if kafka.security_protocol == "PLAINTEXT":
        return found
    found |= {"security.protocol": kafka.security_protocol, "log_level": 2}
    if kafka.ca:
        found["ssl.ca.location"] = kafka.ca
    if kafka.security_protocol == "SASL_SSL":
        name = variable(kafka, role)
        if not environ.get(name):
            who = f"Kafka's user {user(kafka, role)!r} ({role})"
            raise ConfigError(f"no password of {who}", where=f"environment variable {name}", hint=f"set it; {HOME}")
        login = {"mechanism": kafka.sasl_mechanism, "username": user(kafka, role), "password": environ[name]}
        found |= {f"sasl.{key}": value for key, value in login.items()}
    return found


def connector(kafka: Kafka, role: Role) -> dict[str, str]:
    """Options of a table of Flink's Kafka connector."""
    found = {"bootstrap.servers": kafka.bootstrap}
    if kafka.security_protocol != "PLAINTEXT":
        found["security.protocol"] = kafka.security_protocol
        if kafka.ca:
            found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": kafka.ca}
    if kafka.security_protocol == "SASL_SSL":
        module = "plain.Plain" if kafka.sasl_mechanism == "PLAIN" else "scram.Scram"
        name, password = user(kafka, role), f"${{env:{variable(kafka, role)}}}"
        found |= {
            "sasl.mechanism": kafka.sasl_mechanism,
            "sasl.jaas.config": f"{SHADED}.security.{module}LoginModule required"
            f' username="{name}" password="{password}";',
            "config.providers": "env",
            "config.providers.env.class": f"{SHADED}.config.provider.EnvVarConfigProvider",
            "config.providers.env.param.allowlist.pattern": f"{KAFKA_PASSWORD}.*",
        }
    return {f"properties.{key}": value for key, value in found.items()}


def refusal(error: Any, kafka: Kafka, role: Role) -> StackError | None:
    """What a KafkaError means, if it says that this user may not do so; None for every other error."""
    who, name = f"user {user(kafka, role)!r} ({role})", error.name()
    where = f"{kafka.bootstrap}: {error.str()}"
    if name in LOGIN_ERRORS:
        said = f"set {variable(kafka, role)} to the password; {HOME}"
        return StackError(f"Kafka does not accept the password of {who}", where=where, hint=said)
    if name == "_SSL":
        return StackError("Kafka's certificate is not trusted", where=where, hint="set kafka.ca to its authority's PEM")
    if name.endswith("_AUTHORIZATION_FAILED"):
        return StackError(f"Kafka does not allow this to {who}", where=where, hint="rights: docs/security.md")
    return None


def topic(asked: Any, name: str, kafka: Kafka, role: Role, patience_s: float = 10) -> Any:
    """What a client's brokers say of a topic (an unknown one: an error, no partitions); StackError if they refuse."""
    from confluent_kafka import KafkaException

    try:
        found = asked.list_topics(name, timeout=patience_s).topics[name]
    except KafkaException:
        check(kafka, role)
        raise
    if found.error and (refused := refusal(found.error, kafka, role)):
        raise refused
    return found


def check(kafka: Kafka, role: Role, environ: Mapping[str, str] = os.environ, patience_s: float = 5) -> None:
    """StackError if the brokers do not take the user's password, or have a certificate that is not trusted.

    librdkafka tries for ever and tells only its callback, which must not raise.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    heard: list[Any] = []
    asked = AdminClient({**client(kafka, role, environ), "error_cb": heard.append})
    try:
        asked.list_topics(timeout=patience_s)
    except KafkaException as error:
        asked.poll(0)
        for each in (*heard, error.args[0]):
            if refused := refusal(each, kafka, role):
                raise refused from error
