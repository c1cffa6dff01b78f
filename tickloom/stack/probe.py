"""Ask each kind of server whether it does its work: one question, True or False, within two seconds."""

import json
import socket
import urllib.request
from typing import Any

import psutil

from tickloom.stack.ports import HOST

TIMEOUT_S = 2.0


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """The JSON that a GET of the address answers; OSError when it answers nothing or an error."""
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return json.load(answer)


def kafka(port: int, brokers: int, client: dict[str, Any]) -> bool:
    """Whether the broker of this port sees the whole cluster; asked with these properties."""
    if not _connects(port):
        return False
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        asked = AdminClient({**client, "bootstrap.servers": f"{HOST}:{port}", "log_level": 0})
        return len(asked.list_topics(timeout=TIMEOUT_S).brokers) == brokers
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


def taskmanager(url: str, process: psutil.Process | None) -> bool:
    """Whether the JobManager knows the TaskManager of this process; None: no process is known by anybody.

    A TaskManager is named `host:port-…` by a port that it listens on, so that neither a dead one, which is remembered
    for a while, nor another is taken for it.
    """
    try:
        listening = {each.laddr.port for each in process.net_connections("tcp")} if process else set()
        found = fetch(f"{url}/taskmanagers")["taskmanagers"]
    except (OSError, psutil.Error):
        return False
    return any(int(each["id"].split(":")[1].split("-")[0]) in listening and each["slotsNumber"] > 0 for each in found)


def redis(port: int, login: bytes = b"") -> bool:
    """Whether Redis answers a PING, after a login if it asks for one."""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as link:
            link.sendall(login + b"PING\r\n")
            return link.recv(64).endswith(b"+PONG\r\n")
    except OSError:
        return False


def zookeeper(port: int) -> bool:
    """Whether ZooKeeper serves: asked for its state, it tells its version."""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as link:
            link.sendall(b"srvr")
            return link.recv(9) == b"Zookeeper"
    except OSError:
        return False


def _connects(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S):
            return True
    except OSError:
        return False
