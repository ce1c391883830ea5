# GNU make. Everything is installed below .venv/ (Python) and .stack/ (Azurite, Airflow).
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3.13
RUN := .venv/bin/python

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is touched last, so an interrupted installation is done again.
.venv/installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
	  echo "error: '$(PYTHON)' is not Python 3.13. Install it (https://www.python.org/downloads/), or set its path:" \
	    "make PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@echo "installing the Python packages ..."
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > .venv/uv.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@.venv/bin/uv pip install --quiet --python $(RUN) --require-hashes --requirement requirements-dev.lock
	@.venv/bin/uv pip install --quiet --python $(RUN) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: venv
venv: .venv/installed ## Install the Python packages into .venv

.PHONY: stack
stack: venv ## Install Azurite and Airflow 3 below .stack
	@$(RUN) -m local.install

.PHONY: stack-postgres
stack-postgres: stack
	@$(RUN) -m local.install postgres

# Airflow 2 and the FAB auth manager need Python 3.11 and Airflow 1.10 Python 3.8; if one is missing its tests are
# skipped, but not in CI. So are those of nginx, of a browser and of the models, which are no part of .stack:
# `apt-get install nginx-light chromium spin gcc`.
.PHONY: stack-2
stack-2: stack-postgres
	@$(RUN) -m local.install airflow-2 airflow-3-fab

.PHONY: stack-kusto
stack-kusto: venv
	@$(RUN) -m local.install kusto

.PHONY: stack-1
stack-1: stack-2
	@$(RUN) -m local.install airflow-1

.PHONY: demo
demo: venv ## Start everything, upload three files, show their DAG runs, stop
	@$(RUN) -m local.demo

.PHONY: run
run: venv ## Start everything and keep it running until Ctrl-C
	@$(RUN) -m local.run

.PHONY: upload
upload: venv ## Upload FILE=... (as NAME=...) into the stack of `make run`
	@test -n "$(FILE)" || { echo 'error: FILE is not set: make upload FILE=README.md' >&2; exit 2; }
	@$(RUN) -m local.upload "$(FILE)" $(if $(NAME),"$(NAME)")

.PHONY: test
test: stack-2 stack-kusto .stack/checkov/installed .stack/atheris/installed ## Run all tests, with a real Azurite and real Airflows 3 and 2
	@$(RUN) -m pytest $(ARGS)

UNIT_TESTS := -m "not stack and not airflow"

.PHONY: test-unit
test-unit: venv ## Run the tests that need no stack: seconds
	@$(RUN) -m pytest $(UNIT_TESTS) $(ARGS)

# The first line of the output has the seed. To repeat an order: make test-random ARGS=--random-order-seed=SEED
.PHONY: test-random
test-random: venv ## Run the tests that need no stack in random order
	@$(RUN) -m pytest $(UNIT_TESTS) --random-order-bucket=global $(ARGS)

.PHONY: test-airflow
test-airflow: stack-1 ## Run the Airflow contract against 1.10, 2 and 3, on SQLite and PostgreSQL, with many threads
	@AIRFLOWS=all AIRFLOW_THREADS=32 FAULTS=full $(RUN) -m pytest tests/airflow -o timeout=1800 $(ARGS)

.PHONY: test-host
test-host: stack ## Run the host's conformance tests (HOST=standin or HOST=func)
	@$(RUN) -m pytest tests/host_conformance $(ARGS)

.PHONY: test-infra
test-infra: stack-kusto .stack/checkov/installed ## Run the tests of the Azure templates and hooks
	@$(RUN) -m pytest tests/infra tests/alerts $(ARGS)

# In a virtual environment of its own, because it has many dependencies. The lock file lists them all: --no-deps.
.stack/checkov/installed: infra/checkov.lock .venv/installed
	@.venv/bin/uv venv --quiet --clear --python $(RUN) .stack/checkov
	@.venv/bin/uv pip install --quiet --python .stack/checkov/bin/python --no-deps --require-hashes \
	  --requirement infra/checkov.lock
	@touch $@

.PHONY: checkov
checkov: .stack/checkov/installed ## Scan the Azure templates with Checkov
	@.stack/checkov/bin/checkov --config-file .checkov.yaml

.PHONY: live
live: venv ## Run docs/deploy.md and docs/unproven.md in an Azure subscription, or print them
	@$(RUN) -m local.live $(ARGS)

.PHONY: test-faults
test-faults: stack-postgres ## Run the fault tests in their long form
	@FAULTS=full $(RUN) -m pytest tests/faults tests/end_to_end -o timeout=3600 $(ARGS)

.PHONY: drill
drill: venv ## Cause each fault, see its alert fire alone and its runbook end it (docs/operations.md)
	@$(RUN) -m local.install azurite kusto
	@DRILL=full $(RUN) -m pytest tests/alerts -o timeout=1800 $(ARGS)

.PHONY: model
model: venv ## Search the models of the protocols in their long form: minutes (docs/model/)
	@MODEL=full $(RUN) -m pytest tests/model_check -o timeout=3600 $(ARGS)

# Not for every platform: there its tests are skipped, but not in CI.
.stack/atheris/installed: tests/fuzz/requirements.lock .venv/installed
	-@.venv/bin/uv pip install --quiet --python $(RUN) --require-hashes --only-binary :all: --target .stack/atheris \
	  --requirement tests/fuzz/requirements.lock && touch $@

.PHONY: fuzz
fuzz: .stack/atheris/installed ## Look for an hour for messages, rows, routes and names that the app cannot stand
	@FUZZ=full $(RUN) -m pytest tests/fuzz $(ARGS)

.PHONY: soak
soak: stack ## Deliver 100,000 versions a million times, three calls of ten failing (hours; ARGS="--versions 1000 ...")
	@$(RUN) -m tests.faults.soak $(ARGS)

# In a virtual environment of its own: nothing else needs what draws.
.stack/plots/installed: benchmarks/plots.lock .venv/installed
	@.venv/bin/uv venv --quiet --clear --python $(RUN) .stack/plots
	@.venv/bin/uv pip install --quiet --python .stack/plots/bin/python --require-hashes --requirement benchmarks/plots.lock
	@touch $@

.PHONY: benchmarks
benchmarks: stack ## Measure everything that docs/benchmarks.md shows (an hour), and draw it
	@$(RUN) -m benchmarks.event
	@$(RUN) -m benchmarks.cold_start
	@$(RUN) -m benchmarks.memory
	@$(RUN) -m benchmarks.drain
	@$(RUN) -m benchmarks.backlog
	@$(RUN) -m benchmarks.upload
	@$(RUN) -m benchmarks.upload --airflow 2
	@$(RUN) -m benchmarks.costs
	@$(RUN) -m benchmarks.scale
	@$(MAKE) plots

.PHONY: plots
plots: .stack/plots/installed ## Draw docs/benchmarks/*.png from what the benchmarks kept
	@.stack/plots/bin/python -m benchmarks.plots

.PHONY: lint
lint: venv ## Check style, format and types
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

.PHONY: format
format: venv ## Format the code and apply safe fixes
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

.PHONY: pictures
pictures: stack ## Make the pictures in docs/images with the browser tests
	@PICTURES=docs/images $(RUN) -m pytest tests/operate/page/test_browser.py -k legible $(ARGS)

.PHONY: settings
settings: venv ## Write docs/settings.md from the code
	@$(RUN) -m local.settings_page

.PHONY: package
package: venv ## Build app.zip, the package that is deployed
	@$(RUN) -m local.package

AUDIT := .venv/bin/uv tool run --quiet pip-audit==2.10.1 --disable-pip --require-hashes --requirement requirements.txt

.PHONY: audit
audit: venv ## Look for known vulnerabilities in what is deployed
	@$(AUDIT)

.PHONY: sbom
sbom: venv ## Write sbom.json (CycloneDX), what is deployed
	@$(AUDIT) --format cyclonedx-json --output sbom.json

# requirements.txt is for Azure: Linux on x86-64, CPython 3.13. The tests run with the same versions.
COMPILE := .venv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate --no-emit-index-url

.PHONY: lock
lock: venv ## Update the lock files
	@$(COMPILE) --python-version 3.13 --python-platform x86_64-manylinux2014 requirements.in --output-file requirements.txt
	@$(COMPILE) --python-version 3.13 --group dev requirements.in --constraint requirements.txt --output-file requirements-dev.lock
	@$(COMPILE) --python-version 3.13 local/airflow/requirements-3.in --output-file local/airflow/requirements-3.lock
	@$(COMPILE) --python-version 3.11 local/airflow/requirements-3-fab.in --output-file local/airflow/requirements-3-fab.lock
	@$(COMPILE) --python-version 3.11 --exclude-newer 2026-03-15 local/airflow/requirements-2.in --output-file local/airflow/requirements-2.lock
	@$(COMPILE) --python-version 3.13 local/postgres/requirements.in --output-file local/postgres/requirements.lock
	@$(COMPILE) --python-version 3.13 tests/fuzz/requirements.in --output-file tests/fuzz/requirements.lock
	@$(COMPILE) --python-version 3.13 benchmarks/upload/requirements-3.in --constraint local/airflow/requirements-3.lock --output-file benchmarks/upload/requirements-3.lock
	@$(COMPILE) --python-version 3.11 --exclude-newer 2026-03-15 benchmarks/upload/requirements-2.in --constraint local/airflow/requirements-2.lock --output-file benchmarks/upload/requirements-2.lock
	@$(COMPILE) --python-version 3.13 --group plots --output-file benchmarks/plots.lock
	@$(COMPILE) --python-version 3.13 infra/checkov.in --override infra/checkov-overrides.txt --output-file infra/checkov.lock
	@cd local && npm install --package-lock-only --loglevel=error
	@cd local/kusto && npm install --package-lock-only --loglevel=error --omit-lockfile-registry-resolved

.PHONY: clean
clean: ## Remove everything that was installed or generated
	rm -rf .venv .stack .python_packages app.zip sbom.json blob_to_dag.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
