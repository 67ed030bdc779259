# `make` lists what can be made. Everything is installed into .venv from requirements.lock; nothing else is touched.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
SECONDS ?= 120
WORKERS ?= 3

.PHONY: help setup demo up down test check lint types imports docs docs-check unit stack localstack chaos fuzz bench synth deploy diff destroy lock golden fmt clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## install everything into .venv (the targets below do it by themselves)

.venv/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Haulier needs Python 3.11 or newer: no '$(PYTHON)' found. Install it, or name it: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Haulier needs Python 3.11 or newer: '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Haulier needs Python's venv module (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "installing into .venv (once; a minute or two)"
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	@$(BIN)/uv pip install --quiet --python $(RUN) --require-hashes -r requirements.lock \
	  || $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(RUN) --no-deps --editable . \
	  || $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(RUN) -m infra.bundle || true
	@touch $@

demo: .venv/.ready ## the main job on real data, on the embedded stack; then a worker is killed in the middle of one
	@$(RUN) -m examples.demo

up: .venv/.ready ## start the embedded stack (`haulier up`)
	@$(BIN)/haulier up

down: .venv/.ready ## stop the embedded stack (`haulier down`)
	@$(BIN)/haulier down --yes

test: check ## everything CI runs: lint, types, imports, generated docs, then all tests
	@$(RUN) -m pytest

check: lint types imports docs-check ## all that is checked without running the code

lint: .venv/.ready ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted: make fmt" >&2; exit 1; }

types: .venv/.ready ## mypy, strict, on our packages
	@$(BIN)/mypy

imports: .venv/.ready ## who may import whom
	@$(BIN)/lint-imports

docs: .venv/.ready ## write the generated pages of docs/
	@$(RUN) -m scripts.docs
	@$(RUN) -m tests.iam

docs-check: .venv/.ready ## fail if a generated page is not what the code says
	@$(RUN) -m scripts.docs --check

unit: .venv/.ready ## the fast tests alone
	@$(RUN) -m pytest -m "not stack"

stack: .venv/.ready ## the tests against the embedded stack alone
	@$(RUN) -m pytest -m stack

localstack: .venv/.ready ## the stacks' tests against the LocalStack at URL=http://127.0.0.1:4566 (docs/local.md; needs Docker)
	@test -n "$(URL)" || { echo "say where LocalStack listens: make localstack URL=http://127.0.0.1:4566" >&2; exit 2; }
	@HAULIER_LOCALSTACK_URL=$(URL) $(RUN) -m pytest tests/localstack

bench: .venv/.ready ## measure the record path beside other ways; writes bench/RESULTS.md (some 40 minutes)
	@$(RUN) -m bench records

fuzz: .venv/.ready ## search for input that breaks a decoder, for SECONDS=120 each; needs atheris
	@$(BIN)/uv pip install --quiet --python $(RUN) atheris
	@$(RUN) -m tests.fuzz $(SECONDS)

chaos: .venv/.ready ## kill, freeze and cheat workers for SECONDS=120 (SEED=, WORKERS=3), then count every record
	@$(RUN) -m tests.chaos --seconds $(SECONDS) --workers $(WORKERS) $(if $(SEED),--seed $(SEED)) $(CHAOS)

synth: .venv/.ready ## write the CloudFormation templates to cdk.out; no account, no network, no Docker
	@$(RUN) -m scripts.synth

deploy: .venv/.ready ## deploy to your AWS account by the HAULIER_ variables that are set (docs/deploying.md); shows changes, asks
	@$(RUN) -m scripts.cdk deploy --all

diff: .venv/.ready ## what `make deploy` would change in your AWS account
	@$(RUN) -m scripts.cdk diff

destroy: .venv/.ready ## delete the stacks of ENVIRONMENT=dev in your AWS account, and all in their buckets; refuses prod; asks
	@test -n "$(ENVIRONMENT)" || { echo "say which: make destroy ENVIRONMENT=dev" >&2; exit 2; }
	@$(RUN) -m scripts.destroy "$(ENVIRONMENT)"

golden: .venv/.ready ## write the templates tests compare with anew (tests/infra/golden); look at their diff
	@$(RUN) -m tests.infra.golden

fmt: .venv/.ready ## format the code
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

lock: .venv/.ready ## resolve the dependencies anew into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --all-extras --group dev pyproject.toml -o requirements.lock

clean: ## stop the embedded stack and remove what the targets made
	@test ! -x $(BIN)/haulier || $(BIN)/haulier down --yes || true
	@rm -rf .venv .haulier .cache cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
