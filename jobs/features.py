"""Prices and corporate actions -> blocks of ticks -> bars -> indicators, factors -> cross-section -> store and Kafka.

`tickloom demo` submits it so:

    flink run -d -pym jobs.features -pyfs dist/tickloom.zip [--interval 1d] [--score]
"""

import argparse
from collections.abc import Mapping

from pyflink.table import StatementSet, StreamTableEnvironment

from jobs.runtime import kafka, transactions
from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.environment import environment
from jobs.stages.bars import Bars, bars
from jobs.stages.cross_section import CrossSection, cross_section
from jobs.stages.decode import CORPORATE_ACTION, PRICE, DecodeActions, DecodePrices
from jobs.stages.indicators import Indicators, factors, indicators
from jobs.stages.read import read
from jobs.stages.store import WriteVectors, store
from jobs.stages.write import BAR, FEATURE, REQUEST, Encode, write
from schemas.registry import register
from schemas.settings import Settings, check_spans, intervals_of, parse_duration, settings, store_url
from udfs.catalogue import chosen

OWN = (BAR, FEATURE, REQUEST)
"""Topics that only this job writes; its alarm reads them."""


def main() -> None:
    """Build the job from settings, look whether Kafka will do, and submit it."""
    config = settings()
    _, tables = environment("tickloom.features")
    job = build(tables, arguments(), config, register(config.registry.url))
    transactions.check(config, "features", tables.get_config().get)
    kafka.begin_at_end(OWN, config, "features")
    job.execute()


def arguments() -> argparse.Namespace:
    """The command line; what is left out comes from the settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interval", default=settings().bars.interval, help="length of a bar: 1s, 1m, 1d")
    parser.add_argument("--store", default=store_url(), help="online store: redis://host:port/db or sqlite:///path")
    parser.add_argument("--score", action="store_true", help="request scores for each finished frame")
    return parser.parse_args()


def build(
    tables: StreamTableEnvironment, options: argparse.Namespace, config: Settings, ids: Mapping[str, int]
) -> StatementSet:
    """The job, not yet submitted; ids: of the schemas, by topic."""
    interval, *_ = intervals = intervals_of(config, options.interval)
    check_spans(config, interval)
    price, action = (DeadLetters(topic, ids[f"{topic}.dlq"]) for topic in (PRICE, CORPORATE_ACTION))
    shards, max_gap = config.state.shards, parse_duration(config.bars.max_gap)
    blocks = read(
        tables,
        config,
        DecodePrices(config.registry.url, price, shards, parse_duration(config.bars.block), max_gap),
        DecodeActions(config.registry.url, action, shards),
    )
    closed = bars(blocks, Bars(interval, config, price, action))
    frames = indicators(closed, Indicators(intervals, config))
    stored = store(frames, WriteVectors(options.store, config), "store_indicators")
    if chosen(across=True):  # stored before the cross-section requests scores: its watermark waits for them
        measured = factors(closed, Indicators(intervals, config, across=True))
        stored = stored.union(store(measured, WriteVectors(options.store, config), "store_factors"))
    crossed = cross_section(stored, CrossSection(intervals, config))
    finished = store(crossed, WriteVectors(options.store, config), "store_cross_asset")
    own = [DeadLetters(topic, ids[f"{topic}.dlq"]) for topic in OWN]
    letters = [each for dead in (price, action) for each in (dead.target, dead.late_target)]
    targets = [*(name for dead in own for name in (dead.topic, dead.target)), *letters]
    return write(tables, config, stored.union(finished), Encode(ids, interval, options.score), targets, own)


if __name__ == "__main__":
    main()
