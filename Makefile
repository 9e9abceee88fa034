# The commands of Kontor. Needs Python 3.11+ and make; everything else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help run worker test lint format bench vendor clean
SHELL := /bin/sh

# The first interpreter that is new enough; `make run PYTHON=/path/to/python` overrides the choice.
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$candidate; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Quiet, and without a question: nobody may be there to answer it.
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check
# More arguments for pytest or the measurements: make test ARGS="tests/jobs -x"
ARGS ?=

help:
	@echo "make run      install, prepare the database, start Kontor and print its address"
	@echo "make test     run every test (SQLite, PostgreSQL, and the browser where there is one)"
	@echo "make lint     ruff and mypy"
	@echo "make format   let ruff put the code into its form"
	@echo "make bench    measure Kontor beside two peers; writes bench/RESULTS.md"
	@echo "make vendor   fetch the pinned front-end files again into app/static/vendor"
	@echo "make worker   start one more worker for background jobs"
	@echo "make clean    remove .venv and caches; instance/ with the data stays"

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Kontor needs Python 3.11 or newer, and none was found." >&2; \
		echo "Install one, or name it: make run PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "Kontor needs Python 3.11 or newer; $(PYTHON) is older." >&2; exit 1; fi
	@echo "Making .venv with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python could not make a virtual environment. On Debian and Ubuntu its part" >&2; \
		echo "\"venv\" is a package of its own: install python3-venv and try again." >&2; exit 1; }

# A stamp for each set of requirements, so that a second start installs nothing.
$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing what Kontor runs on ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what Kontor and its tests run on ..."
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $(VENV)/.installed $@

$(VENV)/.installed-bench: bench/requirements.txt $(VENV)/.installed-dev
	@echo "Installing what the measurements compare Kontor with ..."
	@$(PIP) -r bench/requirements.txt
	@touch $@

run: $(VENV)/.installed
	@$(BIN)/flask --app wsgi start --demo

worker: $(VENV)/.installed
	@$(BIN)/flask --app wsgi worker

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.installed-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-bench
	@$(BIN)/python -m bench $(ARGS)

vendor: $(VENV)/.installed
	@$(BIN)/python -m app.vendor

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache tests/artifacts
