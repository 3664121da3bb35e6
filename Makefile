# Each target works on a fresh machine with Python >= 3.11, git and make: .venv is made on demand.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
# Two threads on a busy two-core machine run slower than one; processes share the work instead.
THREADS := OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1
WORKERS ?= 2

.PHONY: demo test test-slow fuzz lint bench clean help
.DEFAULT_GOAL := help

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## render a synthetic capture into out/demo, triangulate it and train on it (some minutes)
	$(THREADS) $(BIN)/mvboot demo --processes $(WORKERS) --out out/demo --overwrite

test: $(READY) ## run the tests that are quick (some minutes)
	@# Compiled code is kept per file, and knows nothing of changes in the files that it calls.
	@find mvboot -name '*.nb[ic]' ! -newer "$$(ls -t mvboot/triangulation/*.py | head -1)" -delete
	$(THREADS) $(BIN)/python -m pytest -q -n $(WORKERS) -m 'not slow and not gpu'

test-slow: $(READY) ## run the tests that take seconds each (ten minutes and more)
	$(THREADS) $(BIN)/python -m pytest -q -n $(WORKERS) -m 'slow'

fuzz: $(READY) ## damage 200,000 files of every kind that is read (some twenty minutes)
	$(THREADS) $(BIN)/python tests/fuzz/run.py --inputs 200000 --workers $(WORKERS)

lint: $(READY) ## style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) ## measure speed and accuracy beside the peers
	$(BIN)/pip install -q -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/triangulation.py --out benchmarks/results/triangulation.md
	$(THREADS) $(BIN)/python benchmarks/calibration.py --out benchmarks/results/calibration.md
	$(THREADS) $(BIN)/python benchmarks/synth.py --out benchmarks/results/synth.md
	$(THREADS) $(BIN)/python benchmarks/affinity.py --out benchmarks/results/affinity.md
	$(THREADS) $(BIN)/python benchmarks/training_step.py --out benchmarks/results/training_step.md

clean: ## remove what the other targets made
	rm -rf .venv out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find mvboot -name '*.nb[ic]' -delete

$(READY): setup.cfg pyproject.toml constraints-dev.txt
	@test -n "$(PYTHON)" || { echo "mvboot needs Python 3.11 or newer; install it, or set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints-dev.txt -e '.[dev]'
	@touch $(READY)
