"""`tickloom demo`: real prices through Kafka, Flink and Feast to scores, by the commands that a user would type.

In: nothing but what `make setup` installed. Out: the newest features and scores of five symbols, and how many records
went where. Every native command that is run is printed. What it must not know: how any of the steps works.
"""

import json
import shlex
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

from feature_repo.log import files
from feature_repo.views import CROSS_ASSET, INDICATORS, feature_log
from jobs.runtime import committed
from schemas.errors import StackError
from schemas.settings import PROJECT, settings, state_dir
from tickloom import features, flink, replay, sample, train
from tickloom.flink_rest import FlinkRest
from tickloom.stack import control
from tickloom.stack.components import flink_url
from tickloom.stack.environment import environment
from udfs.tick_shard import FATES

INTERVAL = "1d"
SHOWN = ("log_return", "sma_20", "sma_200", "rsi_14", "macd_12_26_9", "volatility_20")
CROSS_SHOWN = ("beta_market_60", "peer_60", "peer_corr_60")
JOBS = {
    "tickloom.features": ("jobs.features", ["--interval", INTERVAL, "--score"]),
    "tickloom.scoring": ("jobs.scoring", []),
}
TIMEOUT_S = 180
console = Console(highlight=False, soft_wrap=True)


def demo(
    parallelism: Annotated[int, typer.Option(min=1, help="Of the features job.")] = 2,
) -> None:
    """Run the main job on real daily prices of five symbols, end to end, and show what came out."""
    started = time.monotonic()
    folder = state_dir() / "demo"
    with ThreadPoolExecutor(2) as pool:
        model = pool.submit(_data_and_model, folder)
        with _step("stack"):
            _stack(folder)
        model.result()
    with _step("feast, jobs, replay"), ThreadPoolExecutor(3) as pool:  # Kafka keeps the prices until the jobs read
        ticks, actions = folder / "ticks.parquet", folder / "actions.parquet"
        begun: list[Future[object]] = [
            pool.submit(_run, ["feast", "-c", "feature_repo", "apply"]),
            pool.submit(_jobs, parallelism),
            pool.submit(replay.replay, [ticks], replay.Target.KAFKA, actions, INTERVAL),
        ]
    for each in begun:
        each.result()
    with _step("scores"):
        scores = _newest_scores(int(pc.max(pq.read_table(folder / "bars.parquet")["event_time"]).cast("int64").as_py()))
    _show(scores)
    _counts()
    console.print(f"\ndone in {time.monotonic() - started:.0f} s. Where to look next:")
    console.print(f"  Flink's own page        {flink_url()}")
    console.print('  native commands         eval "$(.venv/bin/tickloom stack env)", then flink list, feast …')
    console.print("  the same by batch       .venv/bin/tickloom features compute --help")
    console.print("  stop everything         make down")


@contextmanager
def _step(name: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    console.print(f"[dim]{name}: {time.monotonic() - begun:.1f} s[/dim]")


def _data_and_model(folder: Path) -> None:
    """Sample data, its features by the batch path (Feast's log), a model of them; nothing if they are there."""
    if not (folder / "bars.parquet").exists():
        sample.sample(folder)
    if not all(path.exists() for path in files(feature_log(INTERVAL)).values()):
        features.compute(folder / "bars.parquet", feature_log(INTERVAL), folder / "actions.parquet", INTERVAL)
    if not train.loads(PROJECT / settings().scoring.model):
        train.train(feature_log(INTERVAL), interval=INTERVAL)


def _stack(folder: Path) -> None:
    """Up; and empty, unless the jobs of an earlier demo still run in it."""
    ours, fresh = folder / "ran", not (state_dir() / "kafka").exists()
    control.up(tell=console.print)
    if not fresh and not set(JOBS) <= set(_running()) and committed.length("market.price.v1"):
        if not ours.exists():
            what = "the topics hold records that are not the demo's"
            raise StackError(what, where=str(state_dir()), hint="set TICKLOOM_HOME to another folder")
        control.down(wipe=True)
        control.up(tell=console.print)
    ours.parent.mkdir(parents=True, exist_ok=True)
    ours.touch()


def _jobs(parallelism: int) -> None:
    """Submit what does not run yet, both at once, and wait until every task reads."""
    missing = {name: job for name, job in JOBS.items() if name not in _running()}
    tasks = {"tickloom.features": parallelism, "tickloom.scoring": 1}
    with ThreadPoolExecutor(len(JOBS)) as pool:
        submitted = [
            pool.submit(flink.run_job, module, args, tasks[name], tell=console.print)
            for name, (module, args) in missing.items()
        ]
    for future in submitted:
        FlinkRest(flink_url()).ready(future.result())


def _running() -> dict[str, str]:
    """Name -> id of the jobs that run."""
    rest = FlinkRest(flink_url())
    return {rest.name(job): job for job, state in rest.jobs().items() if state == "RUNNING"}


def _newest_scores(last_bar: int) -> dict[str, Any]:
    """The committed scores of the last bar; StackError when they do not come in time."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        for record in committed.records("scoring.score.v1"):
            if record["event_time"] == last_bar:
                return record
        time.sleep(0.5)
    raise StackError(
        f"no score of the last bar after {TIMEOUT_S} s", where=flink_url(), hint="tickloom stack logs taskmanager"
    )


def _show(scores: dict[str, Any]) -> None:
    """A row a symbol: features as Feast serves them, and the score."""
    columns = [(INDICATORS, name) for name in SHOWN] + [(CROSS_ASSET, name) for name in CROSS_SHOWN]
    entities = [word for symbol in scores["symbols"] for word in ("-e", f"symbol={symbol}")]
    wanted = [word for view, name in columns for word in ("-f", f"{view}{INTERVAL}:{name}")]
    served = json.loads(_run(["feast", "-c", "feature_repo", "get-online-features", *entities, *wanted]))
    day = time.strftime("%Y-%m-%d", time.gmtime(scores["event_time"] / 1e6 - 1))
    table = Table("", *scores["symbols"], title=f"features and scores of {day}")
    rows = [served["symbol"].index(symbol) for symbol in scores["symbols"]]
    for _, name in columns:
        table.add_row(name, *(_cell(served[name][row]) for row in rows))
    table.add_row("score", *(f"{score:+.6f}" for score in scores["scores"]), style="bold")
    table.add_row("status", *scores["status"])
    console.print(table)
    model = f"{scores['model']} {scores['model_version']}"
    console.print(f"model {model}; a score is the expected log return of the next bar")


def _cell(value: float | str | None) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _counts() -> None:
    """Records in, and where they ended."""
    topics = {
        "in": ("market.price.v1", "market.corporate_action.v1"),
        "out": ("market.bar.v1", "feature.frame.v1", "scoring.request.v1", "scoring.score.v1"),
        "dead letters": ("market.price.v1.dlq", "market.corporate_action.v1.dlq", "scoring.request.v1.dlq"),
    }
    for way, names in topics.items():
        counts = ", ".join(f"{sum(1 for _ in committed.records(name)):,} {name}" for name in names)
        console.print(f"{way}: {counts}")
    console.print("ticks: " + ", ".join(f"{int(n):,} {name}" for name, n in sorted(_fates().items())))


def _fates() -> dict[str, float]:
    """Where the ticks ended, when Flink has gathered it: every tick is then in one of the fates."""
    for _ in range(40):
        found = FlinkRest(flink_url()).metrics(_running()["tickloom.features"], "tickloom.")
        fates = {name: count for name, count in found.items() if name in FATES}
        taken = fates.get("on_time", 0) + fates.get("late", 0)
        if taken and taken == sum(fates.get(end, 0) for end in FATES[2:]):
            return fates
        time.sleep(0.5)
    return fates


def _run(command: list[str]) -> str:
    """Run a native command as a user would, print it, and return what it printed; StackError if it fails."""
    console.print(f"$ {shlex.join(command)}")
    done = subprocess.run(command, env=environment(), cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.splitlines()[-5:])
        raise StackError(f"{command[0]} failed: {last}", where=shlex.join(command), hint="tickloom doctor")
    return done.stdout
