# Everything starts here; `make` alone tells what there is.
PYTHON ?= python3
PORT ?= 8000
PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN := .venv/bin
export PORT

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install demo notebooks test test-spark test-pbx test-simulation accuracy bench lint types imports pytest lock clean system-run system-test system-spark dev spark

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: system-run ## .venv with the command callstats (at once done when nothing changed)
	@$(PYTHON) tools/install.py run

demo: install ## set up, load a simulated quarter and a real recording, show them on 127.0.0.1:8000 (PORT=… changes it)
	@$(BIN)/callstats demo

test: system-test dev lint types imports pytest ## set up, then every check: ruff, mypy, import contracts, pytest

notebooks: dev ## the demonstration's data, then every notebook run and written as a page to .demo/notebooks/
	@$(BIN)/callstats demo --only-make
	@PLOTLY_RENDERER=png $(BIN)/jupyter nbconvert --log-level ERROR --execute --to html --output-dir .demo/notebooks \
		--HTMLExporter.mathjax_url= --HTMLExporter.require_js_url= notebooks/*.ipynb
	@echo "written to .demo/notebooks/; open them with a browser, or notebooks/ with Jupyter"

test-spark: spark ## set up Spark (and Java), then every SQL text on Spark and on DuckDB, compared
	@SPARK_TESTS=1 $(BIN)/python -m pytest -n 0 tests/spark $(PYTEST_ARGS)

test-pbx: system-test dev ## the collector attached to a real Asterisk (root, Debian and the lab beside this project)
	@PBX_TESTS=1 $(BIN)/python -m pytest -n 0 tests/pbx $(PYTEST_ARGS)

test-simulation: dev ## reconstruction compared with the truth of 100,000 simulated calls, per set of sources
	@CALLSTATS_TRUTH_CALLS=$${CALLSTATS_TRUTH_CALLS:-100000} $(BIN)/python -m pytest -q -n 0 tests/simulate/test_truth.py

accuracy: dev ## reconstruction compared with the truth of the recordings, per set of sources
	@$(BIN)/python -m tests.accuracy

bench: dev ## the yardsticks, measured side by side; BENCH_ARGS="--calls 200000 --rows cdr,cel"
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: dev ## ruff
	@$(BIN)/ruff check --quiet .

types: dev ## mypy --strict
	@$(BIN)/mypy

imports: dev ## the import contracts
	@$(BIN)/lint-imports --no-logo > .venv/imports.log || { cat .venv/imports.log; exit 1; }

pytest: dev ## the tests alone; PYTEST_ARGS="-k queue" narrows them
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

lock: dev ## write the lock files anew (UPGRADE=1: newest versions; with Python 3.11)
	@sh tools/lock.sh

clean: ## remove what the commands above made
	@rm -rf .venv .demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

system-run:
	@$(PYTHON) tools/system.py run

system-test:
	@$(PYTHON) tools/system.py test

system-spark:
	@$(PYTHON) tools/system.py spark

dev: system-run
	@$(PYTHON) tools/install.py dev

spark: system-spark dev
	@$(PYTHON) tools/install.py spark
