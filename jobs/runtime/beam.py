"""Beam's harness without its profiler, in Python workers.

Beam starts a thread for each bundle that samples which step is at work, and joins it at the bundle's end, which waits
for its next sample: up to a sixth of the time that the bundle took. Flink does not read these samples.
"""

import sys
import threading
from typing import Any

MODULE = "apache_beam.runners.worker.statesampler"


def do_not_sample() -> None:
    """Only where a harness runs: elsewhere nothing is imported."""
    if module := sys.modules.get(MODULE):

        def start(sampler: Any) -> None:
            sampler.tracked_thread = threading.current_thread()
            module.set_current_tracker(sampler)
            sampler.started = True

        def stop(sampler: Any) -> None:
            module.set_current_tracker(None)
            sampler.finished = True

        module.StateSampler.start, module.StateSampler.stop = start, stop
