"""TCP ports of 127.0.0.1: which are taken, by whom, and a free set for a stack of its own."""

import random
import socket

import psutil

from schemas.errors import StackError
from schemas.settings import Ports

HOST = "127.0.0.1"
# below the range from which systems hand out ports to clients, so that none is taken between the choice and its use
CHOICE = range(20_000, 32_000, 20)


def taken(port: int) -> bool:
    """Whether a server listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def holder(port: int) -> str:
    """Who listens on the port, as far as the system tells us: `process 123 (java)`."""
    try:
        listening = (c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN)
        pid = next(c.pid for c in listening if c.laddr and c.laddr.port == port)
        return f"process {pid} ({psutil.Process(pid).name()})"
    except (psutil.Error, StopIteration):
        return "another process"


def demand_free(name: str, ports: tuple[int, ...]) -> None:
    """StackError if a server already listens on one of the ports that the component needs."""
    for port in filter(taken, ports):
        raise StackError(
            f"{name}: port {port} is taken by {holder(port)}",
            where="[stack.ports] of tickloom.toml",
            hint="tickloom stack up --ports auto, or set another port there",
        )


def choose() -> Ports:
    """Free ports for a whole stack: twenty in a row, as three brokers and one server of each other kind need them."""
    for first in random.sample(CHOICE, len(CHOICE)):
        if not any(taken(port) for port in range(first, first + 20)):
            others = {"registry": 10, "flink": 12, "redis": 14, "zookeeper": 16}
            return Ports(kafka=first, **{name: first + offset for name, offset in others.items()})
    raise StackError("no twenty free ports in a row", where=f"{HOST}:{CHOICE.start}-{CHOICE.stop}")
