"""A TCP proxy that does harm when asked: delay, reset, truncation.

In: a port to listen on, an address to pass on to. Out: bytes as they came, or not. Must not know protocols.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 1 << 16
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: a close is a reset."""


class Proxy:
    """Listens on 127.0.0.1 for the server on another port there; `harmed` counts what it did."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.target, self.harmed = name, ("127.0.0.1", port), 0
        self._how: dict[str, float | bool] = {}
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def harm(self, **how: float | bool) -> Iterator[None]:
        """delay_s: of each answer; reset: every connection at its next byte; truncate: answers after half."""
        self._how = how
        try:
            yield
        finally:
            self._how = {}

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            try:
                server = socket.create_connection(self.target, 2)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for source, sink, answer in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(source, sink, answer), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                how = self._how
                if how and (answer or "reset" in how):
                    self.harmed += 1
                    time.sleep(float(how.get("delay_s", 0)))
                    if "reset" in how or "truncate" in how:
                        sink.sendall(data[: len(data) // 2] if "truncate" in how else b"")
                        for each in (source, sink):
                            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
