"""An emptied store of a million entities, filled again from Kafka: `python -m tests.bench.rebuild [--entities N]`.

A stack of its own with Redis; `feature.frame.v1` holds one frame of indicators_1d a thousand entities. What is timed is
what `tickloom store rebuild` does.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from confluent_kafka import Producer

from feature_repo.stores import open_store
from feature_repo.views import layout
from jobs.runtime.rebuild import FEATURE, rebuild
from jobs.stages.write import feature_record
from schemas.registry import register
from schemas.settings import settings, store_url
from schemas.wire import encoder
from tests.e2e.conftest import own_home
from tickloom.stack import control
from udfs.frame import INDICATORS, Frame

VIEW, GROUP = "indicators_1d", 1000


def publish(entities: int) -> None:
    """The frames, all of one day."""
    names, rng = layout(VIEW).numbers, np.random.default_rng(1)
    encode = encoder(FEATURE, register(settings().registry.url)[FEATURE])
    producer = Producer({"bootstrap.servers": settings().kafka.bootstrap, "linger.ms": 50, "compression.type": "lz4"})
    for first in range(0, entities, GROUP):
        symbols = [f"S{i:07}" for i in range(first, min(first + GROUP, entities))]
        values = rng.normal(size=(len(symbols), len(names)))
        frame = Frame(INDICATORS, 0, 86_400_000_000, 86_400_000_000, 0, symbols, names, values, interval="1d")
        producer.produce(FEATURE, encode(feature_record(frame)), b"indicators/0")
        producer.poll(0)
    producer.flush(120)


def main() -> None:
    """Publish, rebuild, print the time; the store must hold every entity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, own_home(Path(name) / "home"):
        control.up(auto_ports=True)
        publish(options.entities)
        store, load, begun = open_store(store_url()), os.getloadavg()[0], time.monotonic()
        counts = rebuild(store, settings().store.project)
        seconds = time.monotonic() - begun
        last = layout(VIEW).unpack(store.read(settings().store.project, VIEW, [f"S{options.entities - 1:07}"]))
        store.close()
    if counts != {VIEW: options.entities} or not last.present.all():
        raise SystemExit(f"the store holds {counts}")
    print(f"{options.entities:,} entities of {len(layout(VIEW).numbers)} features in {seconds:.1f} s, load {load:.1f}")


if __name__ == "__main__":
    main()
