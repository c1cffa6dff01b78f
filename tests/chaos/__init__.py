"""The chaos lane: a live feed into the real stack, faults from a seed, and an oracle that shares no code with the jobs.

trades.py     what happens in the market: a pure function of (seed, symbol, sequence)
feed.py       a process that publishes it, live; commands make it misbehave
arena.py      stack, job and feed of a run;  monitor.py: readers that never stop
faults*.py    what is done to them, each with a proof that it bit;  phases.py: when
oracle.py     what the committed output must be;  reference.py: and its features, by batch
campaign.py   a run from seed to verdict;  ledger.py: where it is written down;  controls.py: runs that must fail
"""
