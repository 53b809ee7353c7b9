# Needs only make and Python 3.11 or newer. The first run creates .venv and installs into it; later runs start at
# once. LATENTE_DATA, if set in the environment, reaches every command.

PYTHON ?= python3
WORKERS ?= 2
DEMO_OUT ?= demo-report
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs clean distclean

help:
	@echo 'make demo    train six autoencoders on 10,000 photographs and write a report (minutes)'
	@echo 'make test    run the tests; ARGS="-k vae" passes options to pytest'
	@echo 'make lint    ruff and mypy;  make format  lets ruff rewrite the files'
	@echo 'make docs    build docs/_build/html'
	@echo 'make clean   remove outputs and caches;  make distclean  removes .venv too'

demo: $(VENV)/.installed-data,codec
	$(BIN)/latente demo --out $(DEMO_OUT) --force

# Every worker of pytest-xdist computes with one thread: more would fight for the same cores.
test: $(VENV)/.installed-test
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo 'open docs/_build/html/index.html'

clean:
	rm -rf $(DEMO_OUT) build dist docs/_build docs/_generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'latente needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[$*]'
	@touch $@
