"""Score requests -> one read of the online store a batch -> model -> scores and dead letters in Kafka, exactly once.

`tickloom demo` submits it so:

    flink run -d -pym jobs.scoring -pyfs dist/tickloom.zip [--model models/default] [--store URL] ...

The model folder and an SQLite store must be on every TaskManager's machine under the same path.
"""

import argparse
from pathlib import Path

from jobs.runtime import kafka
from jobs.runtime.environment import environment
from jobs.stages.answer import DEAD_LETTERS, REQUESTS, SCORES
from jobs.stages.score import Scoring, score
from schemas.registry import register
from schemas.settings import Kafka, parse_duration, settings, store_url
from udfs.scoring.artifact import load
from udfs.scoring.trust import trusted_keys


def main() -> None:
    """Check the model here, where a person sees it, then build the job and submit it."""
    options = arguments()
    trusted = trusted_keys()
    load(Path(options.model), trusted)
    config = settings().model_copy(update={"kafka": Kafka(bootstrap=options.bootstrap)})
    scoring = Scoring(
        model=str(Path(options.model).absolute()),
        trusted=trusted,
        store=options.store,
        project=options.project,
        registry=options.registry,
        ids=register(options.registry),
        max_age_us=parse_duration(options.max_age),
    )

    _, tables = environment("tickloom.scoring")
    tables.execute_sql(kafka.source("request", REQUESTS, config))
    tables.execute_sql(kafka.sink("scored", [SCORES, DEAD_LETTERS], config))
    score(tables.sql_query("select v, part, pos, cast(ts as timestamp(3)) ts from request"), scoring).execute_insert(
        "scored"
    )


def arguments() -> argparse.Namespace:
    """The command line; what is left out comes from the settings."""
    config = settings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", default=config.kafka.bootstrap, help="Kafka brokers")
    parser.add_argument("--registry", default=config.registry.url, help="schema registry, Confluent-compatible")
    parser.add_argument("--store", default=store_url(), help="online store: redis://host:port/db or sqlite:///path")
    parser.add_argument("--project", default=config.store.project, help="Feast project in the store")
    parser.add_argument("--model", default=config.scoring.model, help="folder that `tickloom train` wrote")
    parser.add_argument("--max-age", default=config.scoring.max_age, help="older features score as STALE: 3d")
    return parser.parse_args()


if __name__ == "__main__":
    main()
