"""`tickloom metrics`: the jobs' own metrics as Prometheus reads them.

In: Flink's REST API. Out: text in the exposition format. A cluster of more than one machine has Flink's own reporter
(docs/runbook.md), which gives the same series; on this machine it would listen on every interface.
"""

from typing import Annotated

import typer

GROUP = "tickloom."
JOB = "job"


def metrics(job: Annotated[str, typer.Option(help="Only this job: its name or id.")] = "") -> None:
    """Print counters, gauges and histograms of the running jobs in Prometheus' text format."""
    from tickloom.flink_rest import FlinkRest
    from tickloom.stack.components import flink_url

    cluster = FlinkRest(flink_url())
    names = {each: cluster.name(each) for each, state in cluster.jobs().items() if state == "RUNNING"}
    for each, name in names.items():
        if job in ("", each, name):
            for line in sorted(exposition(name, cluster.metrics(each, GROUP))):
                typer.echo(line)


def exposition(job: str, values: dict[str, float]) -> list[str]:
    """Lines `tickloom_<metric>{label="value",...} number` of Flink's `label.value. ... .metric` names."""
    lines = []
    for name, value in values.items():
        *scope, metric = name.split(".")
        labels = {JOB: job} | dict(zip(scope[::2], scope[1::2], strict=True))
        inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
        lines.append(f"tickloom_{metric}{{{inside}}} {value:g}")
    return lines
