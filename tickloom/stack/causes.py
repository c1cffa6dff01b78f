"""Why a server or a job failed, read from what it printed: a pattern, the cause in our words, and what to do."""

import re
from pathlib import Path

CAUSES = (
    (r"Address already in use|Failed to bind", "a port is taken", "tickloom stack up --ports auto"),
    (r"UnsupportedClassVersionError", "Java is older than 17", "install a JDK 17 or later, or set JAVA_HOME to one"),
    (r"java: (?:command )?not found|specify JAVA_HOME", "Java is missing", "install a JDK 17 or later"),
    (
        r"Could not find any factory for identifier '([^']+)'|(?:ClassNotFound|NoClassDefFound)\w+: ([\w.$/]+)",
        "a jar is missing on the class path: {0}",
        "make setup, then tickloom stack down && tickloom stack up",
    ),
    (
        r"(?:ModuleNotFoundError|python[\d.]*): No module named '?([\w.]+)",
        "Python does not find the module {0}",
        "make setup; a job's own modules must be in dist/tickloom.zip",
    ),
    (
        r"Connection refused.*?(?:localhost|127\.0\.0\.1)[/:\d]*|RestClientException|Could not retrieve the execution",
        "no Flink cluster answers",
        "tickloom stack up",
    ),
    (
        r"NoResourceAvailableException|Could not acquire the minimum required resources",
        "the cluster has no free slot for the job",
        "cancel a job (flink list), or start it with a smaller parallelism",
    ),
    (
        r"SaslAuthenticationException",
        "Kafka does not accept a user's password",
        "set TICKLOOM_KAFKA_PASSWORD where the TaskManagers start: docs/security.md",
    ),
    (
        r"((?:Topic|Group|TransactionalId|Cluster)AuthorizationException[^\n]*)",
        "Kafka does not allow this to the job's user: {0}",
        "give it the right: docs/security.md",
    ),
    (r"OutOfMemoryError|Cannot allocate memory", "out of memory", "free memory, or lower *.memory.process.size"),
    (r"No space left on device", "the disk is full", "make clean, or set TICKLOOM_HOME to another disk"),
)
LINES = 12


def explain(text: str) -> tuple[str, str]:
    """(cause, what to do) of the first known pattern in a log; two empty texts when none is known."""
    for pattern, cause, remedy in CAUSES:
        match = re.search(pattern, text)
        if match:
            return cause.format(next(filter(None, match.groups()), "")), remedy
    return "", ""


def essence(text: str) -> str:
    """A log without the frames of Java's stacks, which hide what was said."""
    return "\n".join(line for line in text.splitlines() if not re.match(r"\s+at |\s+\.\.\. \d+ more", line))


def last(text: str, lines: int = LINES) -> str:
    """The last lines of a text."""
    return "\n".join(text.splitlines()[-lines:])


def read(path: Path) -> str:
    """A log; empty if nothing was logged."""
    return path.read_text("utf-8", "replace") if path.exists() else ""
