# The ways in, for people and for CI. `make help` lists them.
#   PORT, HOST    where the search page answers (make run)
#   PYTHON        the interpreter that .venv is made with: 3.11 or later
#   DATA          a folder of test collections in the BEIR layout (make bench)
#   JOBS, ARGS    processes and further arguments of pytest (make test ARGS="-k journey")

PORT ?= 8000
HOST ?= 127.0.0.1
JOBS ?= 2
ARGS ?=
DATA ?= data
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
TORCH := torch==2.13.0

VENV := .venv
PY := $(VENV)/bin/python
LOCK := $(VENV)/lock
INSTALLED := $(VENV)/installed
INSTALLED_DEV := $(VENV)/installed-dev
ON_POSTGRESQL := tests/models tests/indexing tests/commands tests/retrieval tests/api tests/test_query_service.py tests/ingestion/test_document_writes.py tests/ingestion/test_runner.py
SOURCES := manage.py search semsearch_project tests benchmarks
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test test-postgresql screenshots messages bench check format lint types contracts migrations deploy schema examples lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 22

run: ## Install what is missing, then start the search page and the worker (PORT=8000)
	@"$(PYTHON)" -P semsearch_project/launch.py --host "$(HOST)" --port "$(PORT)" --check
	@$(MAKE) --no-print-directory install
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py collectstatic --noinput --verbosity 0
	@$(PY) manage.py ensure_admin
	@exec $(PY) -m semsearch_project.launch --host "$(HOST)" --port "$(PORT)" --sample --stop-with-parent

install: $(INSTALLED) ## Make .venv with what the application needs
	@:
install-dev: $(INSTALLED_DEV) ## Make .venv with what the tests need, too
	@:

$(INSTALLED): requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Semsearch needs Python 3.11 or later; \
	this is %s. Name another: make PYTHON=/path/to/python3.11" % sys.version.split()[0])'
	@$(PY) -m pip --version >/dev/null 2>&1 || { echo "Making $(VENV) with $(PYTHON)"; "$(PYTHON)" -m venv --clear $(VENV); }
	@echo "Installing torch, then requirements.txt; this takes some minutes the first time"
	@$(PY) -m pip install --quiet $(TORCH)
	@$(PY) -m pip install --quiet -r requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "Installing requirements-dev.txt"
	@$(PY) -m pip install --quiet -r requirements-dev.txt
	@touch $@

test: $(INSTALLED_DEV) ## Run the tests (ARGS="-k words" for some of them)
	$(PY) -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-postgresql: $(INSTALLED_DEV) ## Run the tests of models, indexing, retrieval and API on PostgreSQL
	$(PY) -m tests.on_postgresql -n $(JOBS) --dist loadgroup $(ON_POSTGRESQL) $(ARGS)

screenshots: $(INSTALLED_DEV) ## Take pictures of every page into screenshots/, and say what axe finds on them
	$(PY) -m tests.screens screenshots

messages: $(INSTALLED_DEV) ## Put new texts of visitors' pages into the catalogues, and compile them (ARGS=fr for a new language)
	$(PY) -m tests.catalogue $(ARGS)

check: $(INSTALLED_DEV) ## Everything that CI checks: format, lint, types, contracts, migrations, deploy, schema, tests on both databases
	@$(MAKE) --no-print-directory lint types contracts migrations deploy schema
	@$(MAKE) --no-print-directory test-postgresql
	@$(MAKE) --no-print-directory test

format: $(INSTALLED_DEV) ## Put the code in shape
	$(PY) -m ruff format $(SOURCES)
	$(PY) -m ruff check --fix $(SOURCES)

lint: $(INSTALLED_DEV)
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m ruff check $(SOURCES)

types: $(INSTALLED_DEV)
	$(PY) -m mypy

contracts: $(INSTALLED_DEV)
	$(VENV)/bin/lint-imports

migrations: $(INSTALLED_DEV)
	$(PY) manage.py makemigrations --check --dry-run --settings semsearch_project.settings.test

deploy: $(INSTALLED_DEV)
	DJANGO_SECRET_KEY=$$($(PY) -c "import secrets; print(secrets.token_urlsafe(50))") DJANGO_ALLOWED_HOSTS=search.example.org \
	$(PY) manage.py check --deploy --fail-level WARNING --settings semsearch_project.settings.production

schema: $(INSTALLED_DEV)
	$(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null --settings semsearch_project.settings.test

examples: $(INSTALLED_DEV) ## Play docs/requests.http with the real encoder, and put its answers into the OpenAPI schema
	SEMSEARCH_TEST_RECORD=1 $(PY) -m pytest -n 0 tests/api/test_examples.py

lock: ## Write requirements*.txt anew: the newest versions that the groups in pyproject.toml allow
	rm -rf $(LOCK) && "$(PYTHON)" -m venv $(LOCK)
	$(LOCK)/bin/python -m pip install --quiet --upgrade pip
	$(LOCK)/bin/python -m pip install --quiet $(TORCH)
	$(LOCK)/bin/python -m pip install --quiet --group runtime
	$(LOCK)/bin/python -m pip freeze | sed 's/+cpu$$//' | grep -vE '^(nvidia|cuda|triton)' | LC_ALL=C sort -f > $(LOCK)/runtime
	$(LOCK)/bin/python -m pip install --quiet --group test
	$(LOCK)/bin/python -m pip freeze | sed 's/+cpu$$//' | grep -vE '^(nvidia|cuda|triton)' | LC_ALL=C sort -f > $(LOCK)/all
	{ echo '# What the application needs, whole and exact. Made by `make lock` from pyproject.toml; do not edit.'; \
	  echo '# torch comes first and by itself (see the Makefile): pip then takes a CPU build where one is at hand.'; \
	  cat $(LOCK)/runtime; } > requirements.txt
	{ echo '# What the checks and tests need besides. Made by `make lock` from pyproject.toml; do not edit.'; \
	  echo '-r requirements.txt'; grep -vxFf $(LOCK)/runtime $(LOCK)/all; } > requirements-dev.txt
	rm -rf $(LOCK)

bench: $(INSTALLED_DEV) ## Measure side by side with what could be used instead (DATA=folder of test collections, ARGS=--small)
	$(PY) benchmarks/bench.py "$(DATA)" $(ARGS)

clean: ## Remove .venv and caches; keeps the data in var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path "./.git/*" -prune -exec rm -rf {} +
