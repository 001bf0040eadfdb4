# Everything lives in .venv within this folder; a second run sets nothing up again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint docs bench clean

## demo: the suite against Alibaba Cloud's own Python SDK, on the embedded service
demo: $(VENV)/demo.stamp
	@$(BIN)/python examples/demo/run.py

## test: all tests of this project
test: $(VENV)/test.stamp
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n auto
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

## lint: types, style, generated pages
lint: $(VENV)/test.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python docs/generate.py --check

## docs: write the pages of docs/ that are made from the contract
docs: $(VENV)/demo.stamp
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) report

$(VENV)/pip.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "this needs Python 3.10 or later: make PYTHON=python3.11 ...")'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@touch $@

$(VENV)/demo.stamp: $(VENV)/pip.stamp pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]" --group demo
	@touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test --group lint
	@touch $@
