"""Score requests -> one read of the online store a batch -> models -> scores and dead letters in Kafka, exactly once.

`tickloom demo` submits it so:

    flink run -d -pym jobs.scoring -pyfs dist/tickloom.zip [--model models/default] [--store URL] ...

Model folders and an SQLite store must be on every TaskManager's machine under the same path. A version that is
published into a model folder is taken up while the job runs.
"""

import argparse
from pathlib import Path

from jobs.runtime import kafka, transactions
from jobs.runtime.environment import environment
from jobs.runtime.scorer import fits
from jobs.stages.answer import DEAD_LETTERS, REQUESTS, SCORES
from jobs.stages.score import Scoring, score
from schemas.errors import ConfigError
from schemas.registry import register
from schemas.settings import UNITS, parse_duration, settings, store_url
from udfs.scoring.artifact import load
from udfs.scoring.assign import Folders
from udfs.scoring.trust import trusted_keys


def main() -> None:
    """Check the models here, where a person sees it, then build the job and submit it."""
    options = arguments()
    trusted = trusted_keys()
    folders = Folders(options.model, challengers(options), str(Path.cwd()))
    folders.weights()
    manifests = [load(path, trusted)[0] for path in folders.paths()]
    for manifest in manifests:
        fits(manifest, manifests[0].interval)
    config = settings().model_copy(
        update={"kafka": settings().kafka.model_copy(update={"bootstrap": options.bootstrap})}
    )
    scoring = Scoring(
        folders=folders,
        trusted=trusted,
        salt=config.scoring.salt,
        store=options.store,
        project=options.project,
        registry=options.registry,
        ids=register(options.registry),
        max_age_us=parse_duration(options.max_age),
        refuse=config.scoring.refuse,
        watch_s=parse_duration(config.scoring.watch) / UNITS["s"],
    )

    _, tables = environment("tickloom.scoring")
    transactions.check(config, "scoring", tables.get_config().get)
    tables.execute_sql(kafka.source("request", REQUESTS, config, "scoring"))
    tables.execute_sql(kafka.sink("scored", [SCORES, DEAD_LETTERS], config, "scoring"))
    score(tables.sql_query("select v, part, pos, cast(ts as timestamp(3)) ts from request"), scoring).execute_insert(
        "scored"
    )


def arguments() -> argparse.Namespace:
    """The command line; what is left out comes from the settings."""
    config = settings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", default=config.kafka.bootstrap, help="Kafka brokers")
    parser.add_argument("--registry", default=config.registry.url, help="schema registry, Confluent-compatible")
    parser.add_argument(
        "--store", default=store_url(reading=True), help="online store: redis://host:port/db or sqlite:///path"
    )
    parser.add_argument("--project", default=config.store.project, help="Feast project in the store")
    parser.add_argument("--model", default=config.scoring.model, help="folder that `tickloom train` wrote")
    challenger = "FOLDER=SHARE: a model beside it, for this share of the symbols; may be repeated"
    parser.add_argument("--challenger", action="append", metavar="FOLDER=SHARE", help=challenger)
    parser.add_argument("--max-age", default=config.scoring.max_age, help="older features score as STALE: 3d")
    return parser.parse_args()


def challengers(options: argparse.Namespace) -> dict[str, float]:
    """Folder -> share of the command line's challengers, else of the settings'; ConfigError if one is neither."""
    if options.challenger is None:
        return settings().scoring.challengers
    found = [text.rpartition("=") for text in options.challenger]
    try:
        return {folder: float(share) for folder, _, share in found}
    except ValueError as error:
        hint = "--challenger models/next=0.1"
        raise ConfigError(f"not FOLDER=SHARE: {error}", where="--challenger", hint=hint) from error


if __name__ == "__main__":
    main()
