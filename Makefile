# The workshop. `make` alone lists what can be done; every target sets up what it needs.
# Needs only a POSIX shell, make and Python 3.11 or newer.

BIN := .venv/bin
JOBS ?= 2
ROOM ?=
ARGS ?=
SET_UP := pyproject.toml constraints.txt hatch_build.py tools/environment.sh

.DEFAULT_GOAL := help
.PHONY: help demo test room check types rules format docs bench hooks constraints clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.fettle ## The whole loop on real data: train, serve, drift, retrain (ARGS="--fast" for a short one)
	$(BIN)/fettle demo $(ARGS)

test: .venv/.workshop ## Every test, with a real browser, PostgreSQL, S3 and HTTP (ARGS="-k word")
	@sh tools/browser.sh
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

room: .venv/.workshop ## The tests of one room: make room ROOM=data
	@test -n "$(ROOM)" || { echo "Which room? For example: make room ROOM=data"; exit 2; }
	$(BIN)/python -m pytest tests/$(ROOM) $(ARGS)

check: .venv/.workshop ## Format, lint, types, import contracts, and how long the code is
	@$(MAKE) --no-print-directory --keep-going --jobs=2 types rules

types: .venv/.workshop
	NODE_OPTIONS="--max-semi-space-size=128 $$NODE_OPTIONS" $(BIN)/pyright

rules: .venv/.workshop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.measure

format: .venv/.workshop ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.workshop ## Write the generated reference pages anew
	$(BIN)/python -m tools.reference

bench: .venv/.workshop ## Run every benchmark (one: .venv/bin/python benchmarks/import_time.py)
	@for each in $$(grep -l __main__ benchmarks/*.py); do echo "== $$each"; $(BIN)/python $$each || exit 1; done

hooks: .venv/.workshop ## Install the pre-commit hooks
	$(BIN)/pre-commit install

constraints: .venv/.workshop ## Write constraints.txt from what is installed
	sh tools/constraints.sh

clean: ## Remove the environment and what tools left behind
	rm -rf .venv build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/.fettle: $(SET_UP)
	@sh tools/environment.sh .
	@touch $@

.venv/.workshop: $(SET_UP)
	@sh tools/environment.sh '.[dev]'
	@touch .venv/.fettle $@
