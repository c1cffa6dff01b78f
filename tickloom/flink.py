"""Run and stop a job of ours on the cluster by Flink's own commands, which are printed, and say why one failed.

In: a module of jobs, its arguments. Out: ids of jobs, paths of savepoints. Must not know: what a job does.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping

from schemas.errors import StackError
from tickloom import package
from tickloom.flink_rest import FlinkRest
from tickloom.package import Code
from tickloom.stack import causes, probe
from tickloom.stack.components import flink_url
from tickloom.stack.environment import environment, flink_folder, flink_home

ROOT_CAUSE = re.compile(r"^Caused by: (.+)", re.MULTILINE)
SAVEPOINT = re.compile(r"Savepoint completed\. Path: (\S+)")
LONG = "1h"
"""A savepoint comes behind all that the job has read and not yet done."""
SUBMITTED = re.compile(r"JobID ([0-9a-f]{32})")
# the last line of a Python stack, with the indented lines (where, do) of our own errors
PYTHON_ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): .+(?:\n  .+)*", re.MULTILINE)


def run_job(
    module: str,
    args: Iterable[str] = (),
    parallelism: int = 1,
    *,
    detached: bool = True,
    savepoint: str = "",
    options: Mapping[str, str] | None = None,
    code: Code | None = None,
    variables: Mapping[str, str] | None = None,
    tell: Callable[[str], object] = print,
) -> str:
    """Submit the job of a module (`jobs.features`) and return its id (32 hexadecimal digits) while it runs.

    Not `detached`: return when it has ended, after what it printed itself went to `tell`.

    `savepoint`: path from which the job goes on. `options`: Flink settings of this job (`-Dkey=value`).
    `code`: that of a version before; without, the present one is packed. `variables`: of the client's environment.
    `tell` gets the native command. StackError with the cause when the job is not accepted.
    """
    if not probe.jobmanager(flink_url()):  # Flink's own command tries for more than a minute
        raise StackError("no Flink cluster answers", where=flink_url(), hint="tickloom stack up")
    if code is None:
        package.keep(package.build())
        code = Code()
    else:
        tell(f"$ cd {shlex.quote(str(code.folder))}")
    archive = os.path.relpath(code.archive, code.folder)
    command = _command(module, args, parallelism, savepoint, options or {}, detached, archive)
    tell(f"$ {shlex.join(command)}")
    done = subprocess.run(
        [str(flink_home() / "bin" / "flink"), *command[1:]],
        env=environment() | dict(variables or {}),
        cwd=code.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    found = SUBMITTED.search(printed)
    if done.returncode or not found:
        raise refused(module, printed)
    if not detached:
        tell(done.stdout.strip().splitlines()[-1])
    return found[1]


def stop_job(job: str, *options: str, tell: Callable[[str], object] = print) -> str:
    """Stop a job with a savepoint, whose path is returned; with `--drain` all that waits for its time is done first.

    StackError if there is no savepoint: the job then goes on as it did.
    """
    where = ["--savepointPath", str(flink_folder("savepoints"))]
    command = ["flink", "stop", *where, *options, f"-Dclient.timeout={LONG}", job]
    tell(f"$ {shlex.join(command)}")
    done = subprocess.run(
        [str(flink_home() / "bin" / "flink"), *command[1:]],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = SAVEPOINT.search(done.stdout)
    if not found:
        raise StackError(f"no savepoint: {(done.stdout + done.stderr).strip()[-400:]}", where=shlex.join(command))
    return found[1]


def refused(module: str, printed: str) -> StackError:
    """Why a job was not accepted, from what Flink's command and the job's own Python printed."""
    own = causes.essence(printed.partition("ERROR PythonDriver")[0].strip() or printed)
    raised = ROOT_CAUSE.findall(own) or PYTHON_ERROR.findall(own) or own.splitlines()[-1:] or ["nothing was printed"]
    cause, remedy = causes.explain(printed)
    return StackError(f"{module} was not accepted: {cause or raised[-1]}", where=causes.last(own), hint=remedy)


def failure(job: str) -> str:
    """Why a job failed last: the innermost error of its newest stack, of Python if there is one; "" if it has not."""
    stack = next(iter(FlinkRest(flink_url()).stacks(job)), "")
    found: list[str] = PYTHON_ERROR.findall(stack) or ROOT_CAUSE.findall(stack) or [stack.partition("\n")[0]]
    return found[-1]


def _command(
    module: str, args: Iterable[str], parallelism: int, savepoint: str, options: Mapping[str, str], detached: bool,
    archive: str = "dist/tickloom.zip",
) -> list[str]:  # fmt: skip
    settings = [f"-D{key}={value}" for key, value in options.items()]
    start = ["-s", savepoint] if savepoint else []
    code = ["-pym", module, "-pyfs", archive]
    return ["flink", "run", *["-d"] * detached, "-p", str(parallelism), *settings, *start, *code, *args]
