# What a person types. The work is done by `python3 -m deploy.local` (standard library only).
PYTHON ?= python3
VENV := .venv/bin
LOCAL := $(PYTHON) -m deploy.local
ARGS ?=
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help up down status logs clean-data test check format screenshots bench faults lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## start everything (installs what is missing) and say which address to open
	@$(LOCAL) up

down: ## stop everything; data stays
	@$(LOCAL) down

status: ## what runs now
	@$(LOCAL) status

logs: ## follow all logs (Ctrl-C ends)
	@$(LOCAL) logs

clean-data: ## stop everything and delete the local data (asks; FORCE=1 does not)
	@$(LOCAL) clean-data

test: ## all tests, with real servers (ARGS="-k name" for some of them, JOBS=0 in one process)
	@$(LOCAL) prepare-tests
	@$(VENV)/python -m pytest -n $(JOBS) --no-loadscope-reorder --reruns 1 $(ARGS)

check: ## lint, format, types, import rules, migrations, manifests for Kubernetes; secrets, known holes
	@$(LOCAL) prepare-checks
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports
	@$(VENV)/python -m deploy.checks.migrations
	@$(VENV)/python -m deploy.k8s.check
	@$(VENV)/python -m deploy.checks.secrets
	@$(VENV)/python -m deploy.checks.advisories

format: ## format the code as `make check` wants it
	@$(LOCAL) prepare-checks
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

screenshots: ## take the README's pictures from the running local start (needs make up)
	@$(LOCAL) prepare-tests
	@$(VENV)/python -m deploy.screenshots

bench: ## benchmarks, each figure beside its yardstick (minutes)
	@$(LOCAL) prepare-tests
	@$(VENV)/python -m deploy.bench $(ARGS)

faults: ## the long runs that break things in the middle (SEEDS=50 for more days, SEED=17 for one)
	@$(LOCAL) prepare-tests
	@SEEDS="$(SEEDS)" SEED="$(SEED)" $(VENV)/python -m pytest tests/faults -m faults $(ARGS)

lock: ## write the lock files anew from pyproject.toml and deploy/web/package.json (needs npm)
	@$(LOCAL) prepare-checks
	@for lock in "requirements.lock local" "requirements-dev.lock local,dev"; do set -- $$lock; \
	$(VENV)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra "$$2" --output-file "$$1" pyproject.toml || exit 1; done
	@cd deploy/web && npm install --package-lock-only --no-fund
