# `make help` lists the targets. Each prepares what it needs first (.venv, system packages); when nothing has
# changed since the last time, that takes no time.

PYTHON ?= python3
LEGS ?= mariadb sqlite
# One more than processors: tests also wait, for databases, servers and browsers. An idle worker takes tests from others.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")
UPGRADE ?=

BOOTSTRAP := $(PYTHON) sandbox/bootstrap.py
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
MANAGE := MONETIZATION_DATABASE_URL=sqlite://:memory: $(PY) manage.py
LOCK := $(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" --quiet $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help run demo demo-reset test test-lnd lint bench soak soak-short lock messages clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

run: ## start everything on port 8001 and pay the demo's winner; Ctrl-C stops it
	@$(BOOTSTRAP)
	@exec $(PY) -m sandbox run

demo: ## the same on free ports and fresh data, ending by itself with the receipt
	@$(BOOTSTRAP)
	@exec $(PY) -m sandbox once

demo-reset: ## forget the demo's data, so that `make run` starts anew
	@$(BOOTSTRAP)
	@exec $(PY) -m sandbox reset

test: ## every test but the long soaks, on MariaDB and again on SQLite (LEGS="mariadb sqlite")
	@$(BOOTSTRAP) --dev --databases
	@set -e; for leg in $(LEGS); do TEST_LEGS="$(LEGS)" TEST_DATABASE=$$leg $(PYTEST) -n $(WORKERS) --maxprocesses 8 --dist worksteal; done

test-lnd: ## the contract with LND and whole journeys on two real nodes, which it builds (needs Go)
	@$(BOOTSTRAP) --dev --databases
	@$(PY) -m tests.live_lnd.regtest build
	TEST_DATABASE=mariadb $(PYTEST) -m lnd tests/live_lnd -n 2 --dist loadfile -rP -o faulthandler_timeout=900

lint: ## style, types, layers, Django's checks, missing migrations
	@$(BOOTSTRAP) --dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(MANAGE) check --fail-level WARNING
	$(MANAGE) makemigrations --check --dry-run
	$(PY) -m lightning.proto.generate --check

bench: ## the ratios of bench/, measured on this machine
	@$(BOOTSTRAP) --dev --databases
	$(PY) -m bench

soak: ## long repetition, full sizes
	@$(BOOTSTRAP) --dev --databases
	SOAK_SIZE=full $(PYTEST) -m soak -o faulthandler_timeout=14400

soak-short: ## the same in the sizes of CI
	@$(BOOTSTRAP) --dev --databases
	SOAK_SIZE=short $(PYTEST) -m soak

lock: ## write requirements*.txt from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	@$(BOOTSTRAP) --dev
	$(LOCK) --output-file requirements.txt >/dev/null
	$(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt >/dev/null

messages: ## collect the texts of pages and compile the French ones (needs gettext)
	@$(BOOTSTRAP)
	$(MANAGE) makemessages --locale fr --no-wrap --add-location file --ignore '.venv/*' --ignore 'tests/*' --ignore 'bench/*'
	$(MANAGE) compilemessages --locale fr

clean: ## remove .venv, .run (the demo's data too) and every cache
	rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
