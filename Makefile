# Needs Python 3.11 or 3.12, a JDK 17 or later, Maven and make. `make` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# every command below runs in the project's own environment
BIN := .venv/bin
JARS := flink-conf/connectors
IS_OURS = import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
PYTHON = $(shell for each in python3.11 python3.12 python3 python; do \
	$$each -c '$(IS_OURS)' 2>/dev/null && echo $$each && break; done)

.PHONY: help setup demo test lanes test-fast lint types bench chaos simulate mutants sbom down clean redis

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.installed $(JARS)/target/.fetched redis ## Install what the lock files name; quick when nothing changed

demo: setup ## Real prices through Kafka, Flink and Feast to scores
	@$(BIN)/tickloom demo

test: setup ## Every test, the real stack included, in as many processes as there are cores
	@$(BIN)/python -m pytest -n auto --maxprocesses 4

lanes: setup ## The long tests on real stacks: upgrades, evolution, fuzz, letters, users
	@$(BIN)/python -m pytest -m lane

test-fast: setup ## Unit and property tests: no JVM
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 tests/unit tests/property

lint: setup ## Style, and which module may import which
	@$(BIN)/ruff check && $(BIN)/ruff format --check --quiet && $(BIN)/lint-imports --no-logo

types: setup ## mypy, strict
	@$(BIN)/mypy

bench: setup ## The job beside Quix Streams, kernels beside KunQuant, the store beside Feast's own, scoring; minutes
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.catalogue
	@$(BIN)/python -m tests.bench.comatrix
	@$(BIN)/python -m tests.bench.through_flink
	@$(BIN)/python -m tests.bench.bench_store
	@$(BIN)/python -m tests.bench.bench_scoring

chaos: setup ## Faults on a live stack, from a seed: SEED=1 FAULTS=40
	@$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --faults $(or $(FAULTS),40)

sbom: .venv/.installed ## The bill of materials of the lock files, CycloneDX: dist/sbom.json
	@$(BIN)/python -m tickloom.sbom dist/sbom.json

simulate: setup ## Thousands of worlds with faults, each in one process: SEEDS=10000
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),10000)

mutants: setup ## Planted bugs, each run until the checker catches it
	@$(BIN)/python -m tests.mutations

down: .venv/.installed ## Stop the stack's processes
	@$(BIN)/tickloom stack down

clean: down ## Also delete its data, and all that was built
	rm -rf .tickloom dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || \
		{ echo "no Python 3.11 or 3.12 with venv: apt-get install python3 python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(JARS)/target/.fetched: $(JARS)/pom.xml $(JARS)/jars.lock | .venv/.installed
	@command -v mvn >/dev/null && command -v java >/dev/null || \
		{ echo "no JDK or no Maven: apt-get install openjdk-17-jdk-headless maven"; exit 1; }
	rm -rf $(JARS)/target
	mvn --quiet --batch-mode --file $(JARS)/pom.xml package
	$(BIN)/python -m tickloom.stack.jars
	mkdir $(JARS)/target/registry && tar -xzf $(JARS)/target/*.tar.gz -C $(JARS)/target/registry
	@touch $@

# RUNLEVEL=1 keeps Debian from starting a server of its own
redis:
	@command -v redis-server >/dev/null || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing redis-server" && \
		apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq redis-server >/dev/null; } || \
		echo "no redis-server, so the online store is SQLite; for Redis: sudo apt-get install redis-server"
