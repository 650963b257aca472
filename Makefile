# Two commands: `make serve` and `make test`. Each does all the set-up it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup serve test lint types contract smoke bench train lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Set up .venv with the locked dependencies; afterwards .venv/bin/hamlet works

$(VENV)/.ready: requirements.lock setup.cfg setup.py pyproject.toml moderation/kernels.pyx scripts/setup
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup requirements.lock
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/setup requirements-dev.lock
	@touch $@

serve: $(VENV)/.ready ## Set up what is missing and serve on 127.0.0.1:8080 (SQLite under var/, the shipped model)
	@exec $(BIN)/hamlet serve --demo $(ARGS)

test: $(VENV)/.ready-dev ## Set up what is missing (a C compiler, PostgreSQL, Chromium, Node and WordPress, too) and run all tests
	@VENV="$(VENV)" scripts/compiler
	@scripts/postgresql
	@scripts/chromium
	@VENV="$(VENV)" scripts/node
	@VENV="$(VENV)" scripts/wordpress
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.ready-dev ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.ready-dev ## mypy, strict
	@$(BIN)/mypy

contract: $(VENV)/.ready-dev ## import-linter: api -> moderation <- training
	@$(BIN)/lint-imports

smoke: $(VENV)/.ready ## Start the real server and post the seeds to it
	@$(BIN)/python scripts/smoke.py

bench: $(VENV)/.ready-dev ## Measure: requests, time of a comment, memory, history, rules, a simulation, training (half an hour; ARGS=scoring for one)
	@scripts/bench-tools
	@$(BIN)/python -m bench $(ARGS)

train: $(VENV)/.ready ## Train the base model: make train OUT=models/base/X.Y.Z HAMLET_DATA_DIR=...
	@$(BIN)/hamlet train base --out $(OUT) $(ARGS)

lock: $(VENV)/.ready-dev ## Write the lock files anew
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url setup.cfg scripts/build.in -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra dev setup.cfg -c requirements.lock -o requirements-dev.lock

clean: ## Remove what set-up and tests made (not var/, where the data is)
	rm -rf $(VENV) build *.egg-info moderation/kernels.c moderation/kernels.*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
