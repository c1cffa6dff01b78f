"""The local stack with users: passwords, certificates, and which server gets which of them.

In: the settings. Out: files of the state folder's `security`, readable by their owner only; properties of the brokers,
Redis' users, variables for the environment of each server.
The passwords are made here, for servers that start and end with this folder, so something must remember them between
two commands: secrets.env. `tickloom stack env` prints it for a person's shell; the servers get, each in its own
environment, what they need of it. Brokers of one's own need none of this: see docs/security.md.
Must not know: how servers are started, and how clients log in.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from schemas.sections import KAFKA_PASSWORD, STORE_PASSWORD, Role
from schemas.settings import settings, state_dir
from tickloom.stack.rights import redis_rules

ROLES: tuple[Role, ...] = ("admin", "features", "scoring", "feed", "reader")
BROKER = "broker"
"""As whom brokers and controllers ask each other; nobody else has its password."""
STORE_URLS = {"url": "writer", "read_url": "reader"}
SECRETS = (KAFKA_PASSWORD, STORE_PASSWORD)
NOT_OF_FLINK = {
    *(f"{KAFKA_PASSWORD}_{who}" for who in ("ADMIN", "BROKER", "FEED", "READER")),
    f"{STORE_PASSWORD}_ADMIN",
}
VALID = timedelta(days=3650)


def folder() -> Path:
    """Where the files are."""
    return state_dir() / "security"


def make() -> None:
    """Passwords and certificates, once a state folder."""
    kept = folder() / "secrets.env"
    if kept.exists():
        return
    from tickloom.stack.certificates import authority

    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    authority(folder(), BROKER, valid=VALID)
    _write("keystore.pem", "".join((folder() / f"{BROKER}.{end}").read_text("utf-8") for end in ("key", "pem")))
    names = [_variable(KAFKA_PASSWORD, role) for role in (*ROLES, BROKER)]
    names += [_variable(STORE_PASSWORD, user) for user in redis_rules("")]
    _write(kept.name, "".join(f"{name}={secrets.token_urlsafe(32)}\n" for name in names))


def kept() -> dict[str, str]:
    """Every password by its variable; none unless the stack of this state folder is secure."""
    path = folder() / "secrets.env"
    if not settings().stack.secure or not path.exists():
        return {}
    return dict(line.split("=", 1) for line in path.read_text("utf-8").splitlines())


def redis_login() -> bytes:
    """What a connection to Redis says first; nothing where it asks for no password."""
    password = kept().get(_variable(STORE_PASSWORD, "admin"))
    return f"AUTH admin {password}\r\n".encode() if password else b""


def exports() -> dict[str, str]:
    """What a person's shell gets: all but the brokers' own."""
    return {name: value for name, value in kept().items() if name != _variable(KAFKA_PASSWORD, BROKER)}


def known() -> dict[str, str]:
    """The environment with the passwords of this stack, for commands that keep the stack itself."""
    return {**os.environ, **kept()}


def confined(component: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server: of all passwords those that it needs."""
    mine = {**environ, **kept()}
    return {name: value for name, value in mine.items() if not name.startswith(SECRETS) or _needs(component, name)}


def chosen(host: str, redis_port: int) -> dict[str, dict[str, object]]:
    """What stack.toml says of a secure stack, by section."""
    users: dict[str, str] = {role: role for role in ROLES}
    return {
        "kafka": {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            "ca": str(folder() / "ca.pem"),
            "users": users,
        },
        "store": {name: f"redis://{user}@{host}:{redis_port}/0" for name, user in STORE_URLS.items()},
    }


def broker_properties() -> dict[str, object]:
    """Properties that make every listener of a broker ask for TLS and a password, and give rights by name only.

    The file of properties names variables; the broker reads them from its own environment.
    """
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    asks = f'username="{BROKER}" password="{_env(BROKER)}"'
    known_users = " ".join(f'user_{name}="{_env(name)}"' for name in (BROKER, *ROLES))
    found: dict[str, object] = {
        "listener.security.protocol.map": "BROKER:SASL_SSL,CONTROLLER:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder() / "keystore.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder() / "ca.pem",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{BROKER};User:admin",
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": f"{KAFKA_PASSWORD}.*",
    }
    for listener in ("broker", "controller"):
        found[f"listener.name.{listener}.plain.sasl.jaas.config"] = f"{login} {asks} {known_users};"
    return found


def redis_users() -> Path:
    """Redis' file of users, with the hashes of their passwords."""
    lines = ["user default off"]
    for user, rule in redis_rules(settings().store.project).items():
        digest = hashlib.sha256(kept()[_variable(STORE_PASSWORD, user)].encode()).hexdigest()
        lines.append(f"user {user} on #{digest} resetchannels {rule}")
    return _write("redis.acl", "\n".join(lines) + "\n")


def load_functions(host: str, port: int) -> None:
    """The online store's functions, which its writers may not load."""
    from feature_repo.stores.redis import RedisStore

    password = kept()[_variable(STORE_PASSWORD, "admin")]
    RedisStore(f"redis://admin:{password}@{host}:{port}/0").load()


def _variable(prefix: str, name: str) -> str:
    return f"{prefix}_{name.upper()}"


def _env(user: str) -> str:
    return f"${{env:{_variable(KAFKA_PASSWORD, user)}}}"


def _needs(component: str, name: str) -> bool:
    """Whether a server needs a password: brokers know all users, Flink's processes are the jobs'."""
    if component.startswith("kafka"):
        return name.startswith(KAFKA_PASSWORD)
    flink = component.startswith(("jobmanager", "taskmanager"))
    return flink and name not in NOT_OF_FLINK


def _write(name: str, text: str) -> Path:
    path = folder() / name
    path.touch(0o600)
    path.write_text(text, "utf-8")
    return path
