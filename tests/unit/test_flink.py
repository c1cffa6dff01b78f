"""Flink's command line as we print it, and its REST interface as a table of canned answers."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from schemas.errors import StackError
from tickloom import flink
from tickloom.flink_rest import FlinkRest

Serve = Callable[[dict[str, Any]], FlinkRest]
JOB = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (((), 1, "", {}, True), "flink run -d -p 1 -pym jobs.features -pyfs dist/tickloom.zip"),
        ((("--a", "b"), 2, "", {}, False), "flink run -p 2 -pym jobs.features -pyfs dist/tickloom.zip --a b"),
        (
            ((), 2, "file:///s", {"k": "v"}, True),
            "flink run -d -p 2 -Dk=v -s file:///s -pym jobs.features -pyfs dist/tickloom.zip",
        ),
    ],
)
def test_the_native_command(given: tuple[Any, ...], printed: str) -> None:
    assert " ".join(flink._command("jobs.features", *given)) == printed


def test_without_a_cluster_the_remedy_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink, "flink_url", lambda: "http://127.0.0.1:1")
    with pytest.raises(StackError, match="no Flink cluster answers") as caught:
        flink.run_job("jobs.features")
    assert caught.value.hint == "tickloom stack up"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A cluster that answers each `METHOD path` from a table: a list is consumed from the left, its last one stays."""
    servers: list[HTTPServer] = []

    def start(answers: dict[str, Any]) -> FlinkRest:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                found = answers.get(f"{self.command} {self.path}")
                if isinstance(found, list):
                    found = found.pop(0) if len(found) > 1 else found[0]
                self.send_response(404 if found is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            do_GET = do_POST = do_PATCH = answer  # noqa: N815 - http.server asks for these names

            def log_message(self, *_: object) -> None: ...

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return FlinkRest(f"http://127.0.0.1:{servers[-1].server_port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def job(state: str) -> dict[str, Any]:
    return {"state": state, "name": "features", "vertices": [{"status": state}]}


def test_wait_and_ready(serve: Serve) -> None:
    starting = {**job("RUNNING"), "vertices": [{"status": "INITIALIZING"}]}
    answers = {f"GET /jobs/{JOB}": [job("CREATED"), job("RUNNING"), starting, starting, job("RUNNING")]}
    cluster = serve(answers)
    assert cluster.wait(JOB) == "RUNNING"
    cluster.ready(JOB)
    assert len(answers[f"GET /jobs/{JOB}"]) == 1, "it was ready before its tasks ran"


def test_a_failed_job_says_why(serve: Serve) -> None:
    entries = [{"stacktrace": "java.lang.IllegalStateException: broken\n\tat x"}]
    cluster = serve(
        {
            f"GET /jobs/{JOB}": job("FAILED"),
            f"GET /jobs/{JOB}/exceptions": {"exceptionHistory": {"entries": entries}},
        }
    )
    with pytest.raises(StackError, match=r"the job is FAILED, not RUNNING: java\.lang\.IllegalStateException: broken"):
        cluster.wait(JOB)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"location": "file:///s"}, None),
        ({"failure-cause": {"stack-trace": "CheckpointException: late\n\tat x"}}, "CheckpointException: late$"),
    ],
)
def test_stop_gives_the_savepoint_or_says_why_not(serve: Serve, operation: dict[str, Any], said: str | None) -> None:
    cluster = serve(
        {
            f"POST /jobs/{JOB}/stop": {"request-id": "r"},
            f"GET /jobs/{JOB}/savepoints/r": [
                {"status": {"id": "IN_PROGRESS"}},
                {"status": {"id": "COMPLETED"}, "operation": operation},
            ],
            f"GET /jobs/{JOB}": job("FINISHED"),
        }
    )
    if said is None:
        assert cluster.stop(JOB) == "file:///s"
    else:
        with pytest.raises(StackError) as caught:
            cluster.stop(JOB)
        assert caught.value.what == f"the savepoint failed: {said.removesuffix('$')}"


def test_numbers_of_a_job(serve: Serve) -> None:
    cluster = serve(
        {
            "GET /jobs": {"jobs": [{"id": JOB, "status": "RUNNING"}]},
            f"GET /jobs/{JOB}/metrics?get=numRestarts": [[{"id": "numRestarts", "value": "3"}]],
            f"GET /jobs/{JOB}/checkpoints": {"counts": {"completed": 7}},
            f"GET /jobs/{JOB}/vertices/v/subtasks/metrics?get=a,b&agg=sum": [[{"id": "a", "sum": 5.0}]],
        }
    )
    assert cluster.jobs() == {JOB: "RUNNING"}
    assert cluster.restarts(JOB) == 3
    assert cluster.checkpoints(JOB) == 7
    assert cluster.counters(JOB, "v", ["a", "b"]) == {"a": 5.0}


def test_what_flink_refuses_is_an_error_of_ours(serve: Serve) -> None:
    with pytest.raises(StackError, match=rf"Flink refused GET /jobs/{JOB}"):
        serve({}).state(JOB)
    with pytest.raises(StackError, match="Flink does not answer"):
        FlinkRest("http://127.0.0.1:1").jobs()
