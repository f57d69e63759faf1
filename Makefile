# `make` alone prints what there is. Everything runs in .venv, which `.ci/setup.py` makes and keeps up to date.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
SETUP := $(PYTHON) .ci/setup.py
UVICORN := $(BIN)/uvicorn webapp.config.asgi:application --host 127.0.0.1 --port $(PORT) \
	--ws websockets-sansio --ws-per-message-deflate false
NOT_FAST := slow or ray or browser or gpu
BENCHES := $(patsubst tests/bench/bench_%.py,bench-%,$(wildcard tests/bench/bench_*.py))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo serve dev test test-fast lint format check frontend-check gallery bench $(BENCHES) chaos lock clean distclean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@for name in $(BENCHES); do echo "  make $$name"; done

setup: ## create .venv with everything, build the front end (seconds when nothing changed)
	@$(SETUP) test frontend

demo: ## run the main job end to end on real images; SERVE=1 leaves the server running
	@$(SETUP) run frontend
	@$(BIN)/python manage.py demo $(if $(SERVE),--serve)

serve: ## serve the embedded application on PORT (8000)
	@$(SETUP) run frontend
	@$(BIN)/python manage.py migrate --verbosity 0
	$(UVICORN)

dev: ## like serve, with debug pages and reloading
	@$(SETUP) test frontend
	@DEBUG=1 $(BIN)/python manage.py migrate --verbosity 0
	DEBUG=1 $(UVICORN) --reload --reload-dir webapp --reload-dir routing

test: ## set up all that tests need, then lint, front-end tests and the whole pytest; ARGS="-k feed" narrows it
	@$(SETUP) test frontend browser
	@$(MAKE) --no-print-directory lint frontend-check
	$(BIN)/python -m pytest $(ARGS)

test-fast: ## pytest without the slow, ray and browser tests
	@$(SETUP) test
	$(BIN)/python -m pytest -m "not ($(NOT_FAST))" $(ARGS)

lint: ## ruff, mypy and the import contracts
	@$(SETUP) test
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; exit 1; }
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## apply ruff's formatting and safe fixes
	@$(SETUP) test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

check: lint test-fast ## what to run before a commit

frontend-check: ## types, lint and unit tests of the front end
	@$(SETUP) frontend-check

gallery: ## screenshots of every screen into out/gallery/; ARGS="-k phone" narrows it
	@$(SETUP) test frontend browser
	$(BIN)/python -m pytest tests/e2e/gallery.py -q $(ARGS)

bench: $(BENCHES) ## every benchmark; each also has a target of its own

$(BENCHES): bench-%: tests/bench/bench_%.py
	@$(SETUP) test
	$(BIN)/python $< $(ARGS)

chaos: ## kill, cut and restart things under load, and check that nothing acknowledged is lost; ARGS="--only redis"
	@$(SETUP) test
	$(BIN)/python -m webapp.devtools.chaos $(ARGS)

lock: ## write requirements/*.lock from pyproject.toml; ARGS=--upgrade takes newer versions
	@$(SETUP) test
	$(BIN)/python .ci/lock.py $(ARGS)

clean: ## remove caches and built files, but no data (var/) and no environment
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache webapp/static build out ./*.egg-info
	find engine models routing webapp tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## also remove .venv and the npm packages
	rm -rf .venv webapp/frontend/node_modules
