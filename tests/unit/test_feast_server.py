"""A real `feast serve`, asked over HTTP, on both stores."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feature_repo.views import layout
from tests.unit.serving import BARS, REPO, at, native

Ask = Any  # a path and a JSON body to the server's JSON answer


@pytest.fixture(scope="module")
def ask(home: Path) -> Iterator[Ask]:
    """Posts to a `feast -c feature_repo serve` of this state folder; stopped with all its workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("feast")),
        "-c",
        str(REPO),
        "serve",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    environment = os.environ | {"PYTHONPATH": str(REPO.parent)}
    with (home / "serve.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)

    def post(path: str, body: dict[str, Any]) -> Any:
        data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)) as answer:
            return json.loads(answer.read() or b"null")

    try:
        _await(f"http://127.0.0.1:{port}/health", server, home / "serve.log")
        yield post
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"feast serve did not answer: {log.read_text()[-2000:]}")


def column(answer: Any, name: str) -> tuple[list[Any], list[str]]:
    result = answer["results"][answer["metadata"]["feature_names"].index(name)]
    return result["values"], result["statuses"]


def test_what_the_job_wrote(ask: Ask) -> None:
    native("HTTP", at(2), 0.1 + 0.2)
    body = {"features": ["indicators_1d:sma_20", "indicators_1d:rsi_14"], "entities": {"symbol": ["HTTP", "NONE"]}}
    answer = ask("/get-online-features", body)
    assert column(answer, "sma_20") == ([0.1 + 0.2, None], ["PRESENT", "NOT_FOUND"])
    assert column(answer, "rsi_14") == ([None, None], ["PRESENT", "NOT_FOUND"])
    assert answer["results"][1]["event_timestamps"][0].startswith("2002-11-10T00:00:00.000002")


def test_a_feature_service(ask: Ask) -> None:
    native("SERVICE", at(2), 7.0)
    answer = ask("/get-online-features", {"feature_service": "scoring_v1", "entities": {"symbol": ["SERVICE"]}})
    assert column(answer, "sma_20") == ([7.0], ["PRESENT"])
    assert column(answer, "peer_60") == ([None], ["NOT_FOUND"])


def row(symbol: str, peer: str) -> dict[str, list[Any]]:
    of = layout("cross_asset_1d")
    numbers = {name: [0.5] for name in of.numbers} | {"beta_market_60": [-0.0]}
    texts = {name: [peer] for name, _ in of.texts}
    return {"symbol": [symbol], "event_time": [at(7).isoformat()], **numbers, **texts}


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/push", {"push_source_name": "cross_asset_1d_push"}),
        ("/write-to-online-store", {"feature_view_name": "cross_asset_1d"}),
    ],
)
def test_written_over_http(ask: Ask, path: str, target: dict[str, str]) -> None:
    symbol = path.strip("/")
    ask(path, {**target, "df": row(symbol, "ÆG")})
    names = ["peer_60", "beta_market_60"]
    body = {"features": [f"cross_asset_1d:{name}" for name in names], "entities": {"symbol": [symbol]}}
    answer = ask("/get-online-features", body)
    assert [column(answer, name)[0] for name in names] == [["ÆG"], [-0.0]]


def test_materialized_over_http(ask: Ask) -> None:
    ask("/materialize-incremental", {"end_ts": "2030-01-01T00:00:00", "feature_views": ["indicators_1d"]})
    body = {"features": ["indicators_1d:sma_20"], "entities": {"symbol": ["AAPL"]}}
    answer = ask("/get-online-features", body)
    assert column(answer, "sma_20")[1] == ["PRESENT"]
    stamp = answer["results"][1]["event_timestamps"][0]
    assert stamp.startswith(at(BARS - 1).strftime("%Y-%m-%dT%H:%M:%S"))


def test_an_unknown_feature_is_no_server_error(ask: Ask) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("/get-online-features", {"features": ["nowhere:x"], "entities": {"symbol": ["A"]}})
    caught.value.close()
    assert caught.value.code in {404, 422}
