"""A registry that can be slow, down or wrong: a small HTTP server in front of the real one."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

GARBAGE = {"404": (404, b"<html>"), "500": (500, b"{}"), "no_json": (200, b"\xff{"), "empty": (200, b"{}"),
           "list": (200, b"[]"), "number": (200, b'{"schema": 7}')}  # fmt: skip
"""Answers that are none."""


class Proxy(ThreadingHTTPServer):
    """mode: "" passes on; a name of GARBAGE answers so; "slow" waits for seconds; "down" hangs up."""

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind, self.mode = behind.removesuffix("/apis/ccompat/v7"), ""
        self.asked: list[str] = []
        """The mode in which each question for an id came."""
        self.url = f"http://127.0.0.1:{self.server_port}/apis/ccompat/v7"


class Handler(BaseHTTPRequestHandler):
    """Passes on, or not."""

    server: Proxy

    def answer(self) -> None:
        mode = self.server.mode
        if "/schemas/ids/" in self.path:
            self.server.asked.append(mode)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        if mode == "down":
            self.close_connection = True
            return
        if mode == "slow":
            sleep(3)
        code, found = GARBAGE.get(mode) or self.real(body)
        self.send_response(code)
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    def real(self, body: bytes | None) -> tuple[int, bytes]:
        kind = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        try:
            with urlopen(Request(self.server.behind + self.path, body, kind, method=self.command)) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()

    def log_request(self, *args: Any) -> None:
        pass


@contextmanager
def proxy(behind: str) -> Iterator[Proxy]:
    """One that runs."""
    server = Proxy(behind)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
