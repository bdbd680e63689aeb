# Everything from a fresh machine that has python3 and make:  make demo,  make test.
# An environment is made on first use, and again when pyproject.toml changes.

PYTHON ?= python3
ARGS   ?=

# A stamp is the last line of its recipe, so that it exists only if every line before it succeeded.
DEMO  := .venv/.demo
DEV   := .venv/.dev
BENCH := .venv-bench/.bench

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types docs bench clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(DEMO)  ## find films like a film
	.venv/bin/python examples/films/demo.py $(ARGS)

test: $(DEV)  ## every test; one of them: make test ARGS="-k cosine"; other data: LIKEWISE_DATA=folder
	.venv/bin/python -m pytest $(ARGS)

lint: $(DEV)  ## style and layout of the code
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: $(DEV)  ## types of the package
	.venv/bin/mypy

docs: $(DEV)  ## links resolve, the pages that tools write are up to date
	.venv/bin/python tools/write_cli_docs.py --check
	.venv/bin/python tools/write_metrics_docs.py --check
	.venv/bin/python tools/write_recommend_docs.py --check
	.venv/bin/python tools/write_report_docs.py --check
	.venv/bin/python tools/check_docs.py

bench: $(BENCH)  ## every peer and likewise on this machine; writes docs/benchmarks.md
	.venv-bench/bin/python -m benchmarks $(ARGS)

clean:  ## remove environments, builds and caches
	rm -rf .venv .venv-bench build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Editable everywhere: the three sets of packages share .venv, and must all see the working tree.
$(DEMO): .venv/.made pyproject.toml
	@echo "Installing what the demonstration needs into .venv"
	@.venv/bin/python -m pip install --quiet --prefer-binary --editable '.[cli]' scipy
	@touch $@

$(DEV): .venv/.made pyproject.toml
	@echo "Installing what the tests need into .venv (PyTorch among it: some minutes, once)"
	@.venv/bin/python -m pip install --quiet --prefer-binary --editable '.[dev]'
	@touch $@

$(BENCH): .venv-bench/.made pyproject.toml
	@echo "Installing the libraries to compare with into .venv-bench (some minutes, once)"
	@.venv-bench/bin/python -m pip install --quiet --prefer-binary --editable '.[bench]'
	@touch $@

# --clear: what an interrupted attempt left is half an environment.
%/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "likewise needs Python 3.10 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(@D)
	@touch $@
