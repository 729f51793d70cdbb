# make demo    a rehearsal of examples/dev.ini, nothing installed before but Python and make
# make test    lint, types, import layers, tests (parallel; long series as a sample)
# make test-all  the same, with the long series in full
# make docs     docs as a site, in build/docs
# make schemas the JSON Schemas of --output json, from the code

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The long series work more than they wait, and rehearse at speeds that many processes slow down.
ifndef JOBS
test-all: JOBS = $(shell echo $$((2 * $$(nproc 2>/dev/null || echo 2) + 1)))
endif
# Many tests wait for devices, rollouts and answers: three processes for each processor.
JOBS ?= $(shell echo $$((3 * $$(nproc 2>/dev/null || echo 2))))
# They write journals, which wait for the disk; in memory, if there are 3 GiB of it, they do not.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 3000000 { print "TMPDIR=/dev/shm" }')
PYTEST = $(MEMORY) $(BIN)/pytest -n $(JOBS) --dist worksteal

# What pytest makes of the assertions, and Python of the sources, is kept, wherever this runs.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-all checks lint types imports rewritten tests docs schemas format clean

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/otactl rehearse examples/dev.ini

test: checks tests

# Beside one another: each takes one processor.
checks: $(VENV)/.dev
	$(MAKE) --no-print-directory -j 2 types lint imports rewritten

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# Once, so that not every process of the test run rewrites every file; a file that cannot be
# imported ends the run here, not after ten minutes.
rewritten: $(VENV)/.dev
	@$(BIN)/pytest --collect-only -qq tests >$(VENV)/collected || { cat $(VENV)/collected; exit 1; }

tests: $(VENV)/.dev
	sh tests/debian-packages.sh
	$(PYTEST) -m "not slow and not aws"

test-all: checks
	sh tests/debian-packages.sh
	OTACTL_EXAMPLES=random $(PYTEST) -m "not aws"

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

schemas: $(VENV)/.dev
	$(BIN)/python -m scripts.dev.write_schemas

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
