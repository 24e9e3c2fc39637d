# Everything runs from a virtual environment that these targets make: nothing else is needed but Python >= 3.10.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help test stack-test lint format docs pictures demo bench kibana clean

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("elkmon needs Python >= 3.10: make PYTHON=python3.11 ...") if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	touch $@

test: $(READY)  ## run every test, with branch coverage
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term $(ARGS)

stack-test: $(READY)  ## the tests on a real Kibana and Logstash, named by ELKMON_TEST_ES_URL, ELKMON_TEST_KIBANA_URL, LOGSTASH_HOME
	$(BIN)/python -m pytest -m 'kibana or logstash' $(ARGS)

lint: $(READY)  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## let ruff write the code's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## build the site into site/; any broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

pictures: $(READY)  ## take the pictures of README and site anew, with Chromium
	$(BIN)/python -m tests.support.pictures

demo: $(READY)  ## a simulated week of real predictions, and its error report
	$(BIN)/elkmon demo

bench: $(READY)  ## side-by-side measurements, as a table of ratios
	$(BIN)/python -m benchmarks

kibana: $(READY)  ## write kibana/elkmon.ndjson anew, from the field table
	$(BIN)/python -m elkmon.kibana

clean:  ## remove what the targets made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* dist site
