# Every target does its own set-up; `make help` says what each is for.
.DEFAULT_GOAL := help
.PHONY: help setup up down demo demo-once test check chaos bench e2e clean
TENGERIM := .venv/bin/tengerim
PYTEST := .venv/bin/pytest

help: ## say what each target is for
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## make .venv and install the Debian packages that the local stack is built with
	@infra/setup.sh

up: setup ## start the servers of the local stack
	@$(TENGERIM) up

down: setup ## stop the servers; what they hold stays
	@$(TENGERIM) down

demo: up ## replay two operating days of the country, about 4 minutes each, live in the terminal and on a page
	@$(TENGERIM) demo $(ARGS)

demo-once: up ## run the first of them as fast as it goes, from nothing, and write build/demo.json
	@$(TENGERIM) demo --once $(ARGS)

test: up check ## run the checks and all tests but those of `make chaos` and `make e2e`, on the real servers
	@infra/setup.sh test
	@$(PYTEST) -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup ## lint, format, strict types and file sizes
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@if [ -e infra/sizes.py ]; then .venv/bin/python -m infra.sizes; fi

chaos: up ## kill, restart and cut everything while numbered readings flow, and balance the ledger
	@$(PYTEST) tests/chaos -m chaos $(ARGS)

bench: up ## measure readings a second and delays, and write build/bench.json
	@.venv/bin/python -m tests.bench $(ARGS)

e2e: up ## run what people see, long tests as well: the page in browsers, access, load; whole days against the oracle
	@infra/setup.sh test
	@THOROUGH=1 $(PYTEST) tests/dashboards tests/scenario tests/property -m "not chaos" $(ARGS)

clean: ## remove .venv and what was built here (first `tengerim wipe --everything`, if the servers are to go, too)
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
