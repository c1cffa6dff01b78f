"""Who may do what: rights in Kafka by role, commands in Redis by user, each as little as its work needs.

In: the topics. Out: access control lists, as Kafka and Redis take them. docs/security.md has the table.
Must not know: passwords, and where the servers are.
"""

from collections.abc import Mapping
from urllib.parse import quote

from jobs.runtime.access import own
from schemas.loader import CHANGEABLE, TOPICS, dead_letter_topics
from schemas.sections import Role

PRICE, ACTION = CHANGEABLE
BAR, FEATURE, REQUEST = "market.bar.v1", "feature.frame.v1", "scoring.request.v1"
Right = tuple[Role, str, str, bool, str]
"""Role, kind of resource, its name, whether that is a prefix of names, operation."""


def rights() -> list[Right]:
    """All that is allowed in Kafka."""
    letters = [f"{topic}{end}" for topic in CHANGEABLE for end in (".dlq", ".late.dlq")]
    reads: dict[Role, list[str]] = {
        "features": [PRICE, ACTION, BAR, FEATURE, REQUEST],
        "scoring": [REQUEST],
        "feed": [PRICE, ACTION],
        "reader": [*TOPICS, *dead_letter_topics()],
    }
    writes: dict[Role, list[str]] = {
        "features": [*(f"{topic}{end}" for topic in (BAR, FEATURE, REQUEST) for end in ("", ".dlq")), *letters],
        "scoring": ["scoring.score.v1", f"{REQUEST}.dlq"],
        "feed": [PRICE, ACTION],
    }
    found: list[Right] = [("reader", "GROUP", "tickloom-", True, "DESCRIBE")]
    for role, names in reads.items():
        found += [(role, "TOPIC", name, False, "READ") for name in names]
        found.append((role, "GROUP", own(role), True, "READ"))
    for role, names in writes.items():
        found += [(role, "TOPIC", name, False, "WRITE") for name in names]
    for role in ("features", "scoring"):
        found.append((role, "BROKER", "kafka-cluster", False, "DESCRIBE_CONFIGS"))  # how long transactions may live
        found += [(role, "TRANSACTIONAL_ID", own(role), True, name) for name in ("WRITE", "DESCRIBE")]
    return found


def authorize(client: Mapping[str, object]) -> None:
    """Give each user its rights; those that it has stay."""
    from confluent_kafka.admin import (
        AclBinding,
        AclOperation,
        AclPermissionType,
        AdminClient,
        ResourcePatternType,
        ResourceType,
    )

    def binding(role: Role, kind: str, name: str, prefix: bool, operation: str) -> AclBinding:
        pattern = ResourcePatternType.PREFIXED if prefix else ResourcePatternType.LITERAL
        kinds, allow = ResourceType[kind], AclPermissionType.ALLOW
        return AclBinding(kinds, name, pattern, f"User:{role}", "*", AclOperation[operation], allow)

    admin = AdminClient(dict(client))
    for future in admin.create_acls([binding(*right) for right in rights()]).values():
        future.result()


def redis_rules(project: str) -> dict[str, str]:
    """What each user of Redis may do in a Feast project, as ACL SETUSER takes it."""
    tag = f"{{{quote(project, safe='')}:*"
    mine = " ".join(f"~tickloom{kind}:{tag}" for kind in ("", ".fence", ".layouts", ".refused"))
    functions = "+fcall|tickloom_fence +fcall|tickloom_write +fcall|tickloom_swap"
    commands = "+time +get +set +getrange +mget +exists +multi +exec +hset +hgetall +rpush"
    return {
        "admin": "~* &* +@all",
        "writer": f"{mine} -@all {functions} {commands}",
        "reader": f"%R~tickloom:{tag} %R~tickloom.layouts:{tag} -@all +mget +multi +exec +hgetall",
    }
