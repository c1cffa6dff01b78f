"""`python -m tests.chaos --seed 1 --faults 40`: a run from its seed; the last line is the verdict."""

import argparse
import sys
import time

from tests.chaos.campaign import Outcome, private, run
from tests.chaos.ledger import append, verdict
from tests.chaos.trades import START_US, Market

LONGEST_S = 4 * 3600
LATE_S, CANCELLED_S = 0.4, 0.2
"""So many a second, whatever the rate: each restates all bars since its own."""


def main() -> int:
    """0 when nothing is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--rate", type=float, default=2000, help="trades a second")
    parser.add_argument("--seconds", type=int, default=0, help="go on for so long, faults or not")
    parser.add_argument("--symbols", type=int, default=48)
    parser.add_argument("--only", action="append", help="a kind of fault; may be repeated")
    parser.add_argument("--ledger", action="store_true", help="append to docs/chaos.md")
    parser.add_argument("--keep", action="store_true", help="keep the state folder of a run that fails")
    options = parser.parse_args()
    changes = {"late": LATE_S / options.rate, "cancelled": CANCELLED_S / options.rate}
    market = Market(options.seed, options.symbols, options.rate, LONGEST_S, START_US, **changes)
    outcome = Outcome(market)
    with private(lambda: options.keep and not outcome.good):
        outcome = run(market, options.faults, options.only, options.seconds)
    if options.ledger:
        append(outcome)
    print(verdict(outcome))
    return len(outcome.problems) > 0


if __name__ == "__main__":
    sys.exit(main())
