"""Fuzzed messages through the real job: `python -m tests.fuzz --messages 1000000 --seed 1`. Last line the verdict.

Random bytes, truncated, flipped and oversized messages, unknown and foreign schemas, empty payloads and tombstones
among good ticks; an oracle of its own says what must become of each. A stack of its own.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.e2e.conftest import own_home
from tests.fuzz.lane import run
from tickloom.stack import control


def main() -> None:
    """Run it; exit 1 with what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000, help="bad ones")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, own_home(Path(folder)):
        control.up(auto_ports=True)
        try:
            print(run(options.messages, options.seed))
        except AssertionError as failed:
            print(f"FUZZ FAILED: seed {options.seed}: {failed}")
            sys.exit(1)


if __name__ == "__main__":
    main()
