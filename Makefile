# Each target sets up what it needs in .venv, by itself.
PYTHON ?= $(firstword $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p; done))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary :all:
SUITES ?= suites
RIG ?= rx5-virtual

.PHONY: run run-served test lint types bench soak clean

run: .venv/installed
	$(BIN)/hil run --rig $(RIG) --exclude level:endurance $(SUITES)

# The head unit and the instruments behind sockets, as on a bench; the other ECUs by the runner. In wall time.
run-served: .venv/installed
	$(BIN)/hil serve rx5-virtual --only "head unit" --at rx5-served -- \
		$(BIN)/hil run --rig rx5-served --exclude level:endurance $(SUITES)

test: .venv/installed-dev
	$(BIN)/python -m pytest -n auto -m "not soak"

lint: .venv/installed-dev
	$(BIN)/ruff format --check harness tests benchmarks
	$(BIN)/ruff check harness tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/robocop check suites tests

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks

soak: .venv/installed-dev
	$(BIN)/python -m pytest -n auto -m soak

clean:
	rm -rf .venv

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name one: make PYTHON=/path/to/python3" >&2; exit 3; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(PIP) -e .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ .venv/installed
