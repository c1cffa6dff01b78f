"""Redis servers of our own: on free ports, without any file, stopped by their process; one, with TLS, or a cluster."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

SLOTS = 16_384


@contextmanager
def redis_server(folder: Path, *arguments: str) -> Iterator[str]:
    """Address of an empty Redis that runs as long as the context; its log goes to the folder."""
    [port] = _free_ports(1)
    with _running(folder, port, ["--port", str(port), *arguments]):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def redis_with_tls(folder: Path, *arguments: str) -> Iterator[str]:
    """host:port of a Redis that speaks TLS only, with ca.pem, server.pem and server.key of the folder."""
    [port] = _free_ports(1)
    files = {"ca-cert-file": "ca.pem", "cert-file": "server.pem", "key-file": "server.key"}
    tls = [part for name, file in files.items() for part in (f"--tls-{name}", str(folder / file))]
    with _running(folder, port, ["--port", "0", "--tls-port", str(port), *tls, *arguments]):
        yield f"127.0.0.1:{port}"


@contextmanager
def redis_cluster(folder: Path, nodes: int = 3) -> Iterator[list[int]]:
    """Ports of a cluster of that many primaries, all slots among them and each known to all."""
    ports = _free_ports(2 * nodes)
    with ExitStack() as stack:
        for i, port in enumerate(ports[:nodes]):
            home = folder / str(port)
            home.mkdir()
            bus = ["--cluster-enabled", "yes", "--cluster-port", str(ports[nodes + i])]
            stack.enter_context(_running(home, port, ["--port", str(port), *bus]))
        clients = [stack.enter_context(redis.Redis(port=port, decode_responses=True)) for port in ports[:nodes]]
        for i, client in enumerate(clients):
            client.execute_command("CLUSTER ADDSLOTSRANGE", SLOTS * i // nodes, SLOTS * (i + 1) // nodes - 1)
            for port, bus_port in zip(ports[:i], ports[nodes:], strict=False):
                client.execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)
        _await(lambda: all(_whole(client, nodes) for client in clients), "the cluster did not form")
        yield ports[:nodes]


def _whole(client: redis.Redis, nodes: int) -> bool:
    info = client.execute_command("CLUSTER INFO")
    return bool(info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == nodes)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def _running(folder: Path, port: int, arguments: list[str]) -> Iterator[None]:
    common = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with (folder / "redis.log").open("w") as log:
        command = [shutil.which("redis-server") or "redis-server", *arguments, *common]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _await(lambda: _open(port) or server.poll() is not None, f"redis-server did not open port {port}")
        if server.poll() is not None:
            raise RuntimeError(f"redis-server: {(folder / 'redis.log').read_text()[-500:]}")
        yield
    finally:
        server.terminate()
        server.wait(10)


def _open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _await(ready: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.02)
