# Everything lives in .venv within this folder; a second run sets nothing up again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The tests' order: the same each time. Another one: make test SEED=default
SEED ?= 1

.PHONY: demo test test-again test-lowest lint docs pictures site kill-matrix exchanges bench clean

## demo: the suite against Alibaba Cloud's own Python SDK, on the embedded service
demo: $(VENV)/demo.stamp
	@$(BIN)/python examples/demo/run.py

## test: all tests of this project, with the highest versions of what it needs
test: $(VENV)/test.stamp $(VENV)/sdk.stamp $(VENV)/node.stamp $(VENV)/browser.stamp $(VENV)/docs.stamp
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n auto --randomly-seed=$(SEED) --left-out=$(VENV)/left-out.txt
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report
	@cat $(VENV)/left-out.txt

## test-again: the tests that failed in the last run, once more, one by one
test-again:
	@$(BIN)/python -m coverage run -m pytest --last-failed --last-failed-no-failures=none --maxfail=1
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

## test-lowest: a part of the tests, with the lowest versions that pyproject.toml allows
test-lowest: .venv-lowest/test.stamp
	@.venv-lowest/bin/python -m pytest -n auto -m "not highest" tests/plugin/test_modules.py tests/plugin/test_property_tests.py \
		tests/plugin/test_parity.py tests/plugin/test_usage.py tests/strategies

## lint: types, style, generated pages, the site
lint: $(VENV)/test.stamp site
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python docs/generate.py --check

## docs: write the pages of docs/ that are made from the contract and from docstrings
docs: $(VENV)/demo.stamp
	@$(BIN)/python docs/generate.py

## site: docs/ as a site in .site/, which needs no network; a link that leads nowhere is an error
site: $(VENV)/docs.stamp
	@$(BIN)/properdocs build --strict 2>$(VENV)/site.log || { cat $(VENV)/site.log; exit 1; }

## pictures: those of a report, from a real run, into docs/how-to/pictures/ (needs a Chromium)
pictures: $(VENV)/test.stamp $(VENV)/browser.stamp
	@$(BIN)/python docs/make_pictures.py

## kill-matrix: every wrong client of the tests against every case, into docs/explanation/kill-matrix.md
kill-matrix: $(VENV)/test.stamp
	@$(BIN)/python benchmarks/kill_matrix.py

## exchanges: a right and a wrong exchange for every rule and case, of the clients of the tests
exchanges: $(VENV)/test.stamp
	@$(BIN)/python benchmarks/exchanges.py
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .venv-lowest .site report

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

$(VENV)/docs.stamp: $(VENV)/demo.stamp pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

# Older generations of the official SDKs, which exclude the newest: the tests put each folder on PYTHONPATH in turn.
$(VENV)/sdk.stamp: $(VENV)/test.stamp
	@rm -rf $(VENV)/sdk
	@for name in alibabacloud-1 aliyun-3-0; do $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --target $(VENV)/sdk/$$name --group sdk-$$name || exit 1; done
	@touch $@

# The package and its extras at their lowest, and whatever else the tests need at its highest.
.venv-lowest/test.stamp: $(VENV)/test.stamp pyproject.toml
	@echo "setting up .venv-lowest (once)"
	@$(PYTHON) -m venv .venv-lowest
	@.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python tests/packaging/lowest.py >.venv-lowest/constraints.txt
	@.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-lowest/constraints.txt \
		--editable ".[all]" --group test
	@touch $@

# What the Node drivers need. Where it cannot be had, their tests are skipped and say so.
$(VENV)/node.stamp: examples/drivers/package.json | $(VENV)/pip.stamp
	@mkdir -p $(VENV)/node && cp $< $(VENV)/node/
	@npm install --prefix $(VENV)/node --no-audit --no-fund --loglevel=error >$(VENV)/node/npm.log 2>&1 && touch $@ \
		|| echo "npm install failed, so the Node drivers are not tested; see $(VENV)/node/npm.log"

# What drives a Chromium that is on this machine. Without one the tests in a browser are left out, and it is said.
$(VENV)/browser.stamp: $(VENV)/pip.stamp pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group browser && touch $@ \
		|| echo "pip install --group browser failed, so the HTML report is not tested in a browser"
