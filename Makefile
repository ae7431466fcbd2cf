PYTHON ?= python3
SOURCE ?= sample
DATA ?=
VENV := .venv
BIN := $(VENV)/bin
# Spark needs an older pandas, and therefore its own environment.
SPARK := .venv-spark
DASHBOARD := dashboard/node_modules/.package-lock.json
# Errors only: warnings about the user's own pip configuration are not about this project.
INSTALL := -m pip install -qq --disable-pip-version-check
# Two workers share the tests, file by file, in the order of tests/python/conftest.py.
WORKERS := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run run-spark test check test-spark java node dashboard pages docs lint format contracts sample lock clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo
	@echo 'On your own data:  make run SOURCE=<file in sources/> DATA=<path>'

run: $(VENV)/installed  ## Build everything, print a summary, publish; SOURCE and DATA choose the data
	@$(BIN)/clientele build --source $(SOURCE) $(if $(DATA),--data '$(DATA)')
	@$(BIN)/clientele publish

test: $(VENV)/installed-dev lint  ## Linters and all tests
	$(BIN)/pytest $(WORKERS)

BASE ?= HEAD
check: $(VENV)/installed-dev  ## Check what a change touches, within a minute; BASE is the commit to compare with
	@$(BIN)/python tests/check.py --base $(BASE)

lint: $(VENV)/installed-dev  ## ruff and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	CLIENTELE_DB=target/lint.duckdb $(BIN)/sqlfluff lint --processes 2 models tests analyses

run-spark: $(SPARK)/installed  ## The same on Apache Spark, in this process; needs Java 17 or 21
	@$(SPARK)/bin/clientele build --target spark --source $(SOURCE) $(if $(DATA),--data '$(DATA)')

test-spark: $(SPARK)/installed  ## Compare every mart on Spark with DuckDB's, and run the macros on both
	$(SPARK)/bin/pytest $(WORKERS) tests/python/spark

dashboard: $(VENV)/installed  ## Write the dashboard of the published marts, as static pages
	@$(BIN)/clientele dashboard

pages: $(DASHBOARD)  ## Bundle the dashboard's chart library again; needs Node 20 or later
	@cd dashboard && npm run --silent build

docs: $(VENV)/installed  ## dbt's documentation as one file: target/static_index.html
	@$(BIN)/dbt docs generate --static --quiet
	@echo "Open target/static_index.html"

format: $(VENV)/installed-dev  ## Rewrite Python to the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

contracts: $(VENV)/installed  ## Update docs/contracts.csv, and report what the CHANGELOG or the version lack
	@$(BIN)/python tests/python/contracts.py

sample: $(VENV)/installed  ## Write the bundled sample again with the simulator
	$(BIN)/clientele sample

lock: $(VENV)/installed-dev  ## Resolve the lock files again from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml $(LOCK_OPTIONS) --extra dev --extra test --extra metrics -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml $(LOCK_OPTIONS) -c requirements-dev.lock -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml $(LOCK_OPTIONS) --extra spark --extra test -o requirements-spark.lock
LOCK_OPTIONS := --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate

clean:  ## Remove what builds left; the environment and published data stay
	rm -rf target logs clientele.duckdb .clientele.duckdb.*.lock

# pip checks the hashes and resolves nothing. The project itself is linked, not copied.
$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo 'Installing the packages of requirements.lock into $(VENV)'
	@$(BIN)/python $(INSTALL) --require-hashes -r requirements.lock
	@$(BIN)/python $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@echo 'Installing the packages of requirements-dev.lock into $(VENV)'
	@$(BIN)/python $(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(SPARK)/installed: requirements-spark.lock pyproject.toml | java $(SPARK)/bin/python
	@echo 'Installing the packages of requirements-spark.lock into $(SPARK)'
	@$(SPARK)/bin/python $(INSTALL) --require-hashes -r requirements-spark.lock
	@$(SPARK)/bin/python $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# Checked before half a gigabyte is downloaded for nothing.
java:
	@{ test -x "$${JAVA_HOME:-.}/bin/java" || command -v java >/dev/null; } || \
		{ echo "Spark needs Java 17 or 21: install one (Debian: openjdk-17-jre-headless) or set JAVA_HOME"; exit 2; }

$(DASHBOARD): dashboard/package-lock.json | node
	cd dashboard && npm ci --no-fund --no-audit --loglevel=error

node:
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null || \
		{ echo "the chart library and tests of the dashboard need Node 20 or later, with npm: install one (Debian: nodejs and npm)"; exit 2; }

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "clientele needs Python 3.11 to 3.13; say PYTHON=python3.12 or the like"; exit 2; }
	@$(PYTHON) -m venv $(@:/bin/python=)
