"""Ask each kind of server whether it does its work: one question, True or False, within two seconds."""

import json
import socket
import urllib.request
from typing import Any

from tickloom.stack.ports import HOST

TIMEOUT_S = 2.0


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """The JSON that a GET of the address answers; OSError when it answers nothing or an error."""
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return json.load(answer)


def kafka(port: int, brokers: int) -> bool:
    """Whether the broker of this port sees the whole cluster."""
    if not _connects(port):
        return False
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        client = AdminClient({"bootstrap.servers": f"{HOST}:{port}", "log_level": 0})
        return len(client.list_topics(timeout=TIMEOUT_S).brokers) == brokers
    except KafkaException:
        return False


def registry(url: str) -> bool:
    """Whether the schema registry lists its subjects."""
    try:
        return isinstance(fetch(f"{url}/subjects"), list)
    except OSError:
        return False


def jobmanager(url: str) -> bool:
    """Whether Flink's REST interface answers."""
    try:
        return "taskmanagers" in fetch(f"{url}/overview")
    except OSError:
        return False


def taskmanager(url: str, since_s: float) -> bool:
    """Whether a TaskManager reported to the JobManager after this time: one that was killed before does not count."""
    try:
        found = fetch(f"{url}/taskmanagers")["taskmanagers"]
    except OSError:
        return False
    return any(each["timeSinceLastHeartbeat"] >= since_s * 1000 and each["slotsNumber"] > 0 for each in found)


def redis(port: int) -> bool:
    """Whether Redis answers a PING."""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as link:
            link.sendall(b"PING\r\n")
            return link.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


def _connects(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S):
            return True
    except OSError:
        return False
