PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait for processes half of their time: three at once for two cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((3 * os.cpu_count() + 1) // 2)')
READY := $(VENV)/.ready

.PHONY: demo test check bench certify chaos screenshots setup clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "drainbot needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 has no venv module: install it (Debian: apt-get install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' || { echo "A package could not be installed (see above). Where it has no wheel for this platform it is built: install a C compiler and Python's headers (Debian: apt-get install gcc make python3-dev), then run make again."; exit 1; }
	@touch $@

demo: $(READY)
	$(BIN)/python -m sandbox.demo $(if $(SCRIPT),--script)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m sandbox.bench

certify: $(READY)
	$(BIN)/python -m sandbox.certify $(ARGS)

chaos: $(READY)
	$(BIN)/python -m sandbox.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

screenshots: $(READY)
	$(BIN)/python -m sandbox.screenshots $(ARGS)

clean:
	rm -rf $(VENV) .demo build dist *.egg-info
