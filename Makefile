# `make help` lists the targets. Needs make and Python >= 3.11; everything else is installed into .venv.

CANDIDATES := python3.13 python3.12 python3.11 python3
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do "$$p" -c '$(SUITABLE)' >/dev/null 2>&1 && echo "$$p" && break; done)

BIN := .venv/bin
READY := .venv/.ready
WORKERS := --numprocesses auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all fuzz fuzz-files chaos mutants debug-pass lint format types bench house docs release clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(READY)  ## set up .venv with minigraph and its development tools

$(READY): pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Found no Python >= 3.11 with venv among: $(CANDIDATES)." \
	    "Install one, or give its path: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON); this takes a minute or two."
	@$(BIN)/python -c '$(SUITABLE)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	    || "$(PYTHON)" -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable ".[dev]"
	@touch $@

DEMO := $(if $(wildcard $(READY)),.venv,.venv-demo)

.venv-demo/.ready: pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Found no Python >= 3.11 with venv among: $(CANDIDATES)." \
	    "Install one, or give its path: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up .venv-demo with $(PYTHON) and what running needs; this takes a minute."
	@"$(PYTHON)" -m venv --clear .venv-demo
	@.venv-demo/bin/python -m pip install --disable-pip-version-check --editable ".[viz]"
	@touch $@

demo: $(DEMO)/.ready  ## train on the digits in the package; results and a page with the graph in runs/mnist-cnn
	$(DEMO)/bin/minigraph train mnist-cnn --no-resume
	$(DEMO)/bin/minigraph viz mnist-cnn --open --out runs/mnist-cnn/graph.html

# Without byte code, each child process of the tests would compile all sources anew.
test test-all: export PYTHONDONTWRITEBYTECODE =

test: $(READY)  ## run the tests on all cores
	$(BIN)/python -m pytest $(WORKERS)

test-all: $(READY)  ## run the tests, the slow ones too
	$(BIN)/python -m pytest $(WORKERS) -m "slow or not slow"

fuzz: $(READY)  ## check random programs for MINUTES (10), from the seed where the last call stopped, or from SEED
	cd tests && ../$(BIN)/python -m fuzz --folder ../runs/fuzz --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

fuzz-files: $(READY)  ## give damaged files to all readers for MINUTES (10), from where the last call stopped
	cd tests && ../$(BIN)/python -m fuzz.files --folder ../runs/fuzz-files --minutes $(or $(MINUTES),10)

chaos: $(READY)  ## kill commands and load sessions for MINUTES (10), from where the last call stopped
	cd tests && ../$(BIN)/python -m chaos --folder ../runs/chaos --minutes $(or $(MINUTES),10)

mutants: $(READY)  ## make COUNT (300) faults in the code and count those that the tests catch; goes on where it stopped
	cd tests && ../$(BIN)/python -m mutants --results ../runs/mutants.json --count $(or $(COUNT),300)

debug-pass: $(READY)  ## a debugger at the first failing test of a pass, from a fresh clone: make debug-pass PASS=layout
	@test -n "$(PASS)" || { echo "Say which pass: make debug-pass PASS=layout" >&2; exit 1; }
	@test -f tests/passes/test_$(PASS).py || { echo "There is no tests/passes/test_$(PASS).py; there are:" \
	    $(patsubst tests/passes/test_%.py,%,$(wildcard tests/passes/test_*.py)) >&2; exit 1; }
	$(BIN)/python -m pytest -x --pdb -m "slow or not slow" tests/passes/test_$(PASS).py

lint: $(READY)  ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)  ## repair style and formatting where that is safe
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)  ## check types
	$(BIN)/mypy --package minigraph

bench: $(READY)  ## time the training step, Session.run, launches, compiling, the import and filters
	$(BIN)/minigraph bench mnist-step
	$(BIN)/python tests/bench/session_overhead.py
	$(BIN)/python tests/bench/launch_overhead.py
	$(BIN)/python tests/bench/compile_deep.py
	$(BIN)/python tests/bench/import_time.py
	$(BIN)/python tests/bench/filters.py

house: $(READY)  ## draw the house in CONTRIBUTING.md from the imports
	cd tests && ../$(BIN)/python -m house.draw_house

docs: $(READY)  ## build the handbook, build/site/index.html: tutorial, reference, how it works; it opens offline
	$(BIN)/python -c 'import mkdocs, mkdocstrings' 2>/dev/null \
	    || $(BIN)/python -m pip install -qq --disable-pip-version-check --editable ".[docs]"
	$(BIN)/python docs/site/build.py

release: $(READY)  ## build dist/: source, wheel, notes; check the wheel in a bare environment; upload nothing
	$(BIN)/python tests/house/release.py

clean:  ## remove .venv, caches and build outputs; keep runs/
	find minigraph -maxdepth 1 -type l -delete
	rm -rf .venv .venv-demo build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
