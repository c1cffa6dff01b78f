"""The smoke lane: faults of many kinds on the real stack, and the oracle's verdict."""

import pytest

from tests.chaos.campaign import private, run
from tests.chaos.ledger import verdict
from tests.chaos.trades import START_US, Market

KINDS = ["kill worker", "kill taskmanager", "kill jobmanager", "kill broker", "kill redis", "stop worker",
         "reset redis", "repeats"]  # fmt: skip


@pytest.mark.timeout(1500)
def test_eight_faults_leave_no_trace() -> None:
    market = Market(seed=8, symbols=24, rate=500, seconds=3600, start_us=START_US)
    with private():
        outcome = run(market, len(KINDS), KINDS)
    assert outcome.good, verdict(outcome)
    assert {kind for kind, *_ in outcome.faults} == set(KINDS)
    assert outcome.compared["trades"] > 20_000
