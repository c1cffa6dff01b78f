"""The registry's client against answers of a registry, good, bad and none."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from schemas import registry
from schemas.errors import SchemaError, StackError
from schemas.loader import TOPICS, dead_letter_topics, text
from schemas.registry import Lookup, register

UNKNOWN = 404, {"error_code": 40403, "message": "Schema not found"}
INCOMPATIBLE = 409, {"error_code": 409, "message": "new at /fields/0"}
PRICE = 200, {"schema": text("market.price.v1")}


class Registry(ThreadingHTTPServer):
    """Gives the next answer of a list, the last one again and again, and notes what was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None))
        answers = self.server.answers
        code, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode() if answer is not None else b"")

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    def log_request(self, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Any]:
    servers = []

    def start(*answers: tuple[int, Any]) -> Registry:
        servers.append(Registry(*answers))
        Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_every_topic_and_its_dead_letters_are_registered(serve: Any) -> None:
    server = serve((200, {"id": 7}))
    assert register(server.url) == dict.fromkeys([*TOPICS, *dead_letter_topics()], 7)
    assert "market.price.v1.late.dlq" in dead_letter_topics()
    config = ("PUT", "/config/market.price.v1-value", {"compatibility": "BACKWARD"})
    schema = ("POST", "/subjects/market.price.v1-value/versions", {"schema": text("market.price.v1")})
    assert server.asked.index(config) < server.asked.index(schema)
    letters = ("POST", "/subjects/market.price.v1.dlq-value/versions", {"schema": text("dead_letter.v1")})
    assert letters in server.asked


def test_an_incompatible_schema_is_refused(serve: Any) -> None:
    with pytest.raises(SchemaError, match="new at /fields/0"):
        register(serve((200, {}), INCOMPATIBLE).url)


def test_a_known_id_is_asked_for_once(serve: Any) -> None:
    server = serve(PRICE)
    lookup = Lookup(server.url)
    assert lookup(5)["name"] == lookup(5)["name"] == "Price"
    assert server.asked == [("GET", "/schemas/ids/5", None)]


@pytest.mark.parametrize("answer", [UNKNOWN, (200, {"schema": 'syntax = "proto3";'}), (200, {"schema": "[" * 9_999})])
def test_an_unknown_id_is_asked_for_again_after_a_while(
    serve: Any, answer: tuple[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answer)
    lookup = Lookup(server.url)
    for _ in range(3):
        with pytest.raises(SchemaError, match="no Avro schema has id 5"):
            lookup(5)
    assert len(server.asked) == 1
    monkeypatch.setattr(registry, "FORGET_S", 0.0)
    for _ in range(2):
        with pytest.raises(SchemaError):
            lookup(6)
    assert len(server.asked) == 3


NO_ANSWERS = [(503, None), (404, None), (404, {"error_code": 404}), (200, None), (401, {}), (200, {}), (200, []),
              (200, {"schema": 7})]  # fmt: skip


@pytest.mark.parametrize("failure", NO_ANSWERS)
def test_a_registry_that_recovers_is_waited_for(serve: Any, failure: tuple[int, Any]) -> None:
    assert Lookup(serve(failure, failure, PRICE).url)(5) == json.loads(text("market.price.v1"))


@pytest.mark.parametrize("failure", [(503, None), (404, None), (404, {"error_code": 404})])
def test_one_that_does_not_is_an_error_of_the_stack(serve: Any, failure: tuple[int, Any]) -> None:
    with pytest.raises(StackError, match="does not answer"):
        Lookup(serve(failure).url, patience_s=0.15)(5)


def test_nobody_listens(serve: Any) -> None:
    server = serve(PRICE)
    server.shutdown()
    server.server_close()
    with pytest.raises(StackError, match="tickloom stack status"):
        Lookup(server.url, patience_s=0.15)(5)


def test_an_id_beyond_the_signed_ones_is_not_asked_for(serve: Any) -> None:
    server = serve(PRICE)
    with pytest.raises(SchemaError):
        Lookup(server.url)(2**31)
    assert server.asked == []
