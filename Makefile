# `make` installs; `make demo` shows it; `make test` is what continuous integration runs.
PYTHON ?= python3.11
# Where torch comes from. Empty: the default package index, whose Linux build brings CUDA libraries.
# CPU only: make TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PY := .venv/bin/python
STAMP := .venv/.installed
DEMO ?= --patients 24
BUNDLE ?= var/export
DIR ?= var/backup

.PHONY: install demo up down status test lint bench prove mutate verify backup restore clean
.DEFAULT_GOAL := install

install: $(STAMP)

$(STAMP): requirements.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.txt
	touch $(STAMP)

demo: install
	$(PY) -m deploy status | grep -q RUNNING || $(PY) -m deploy up
	$(PY) -m deploy demo-accounts
	$(PY) -m demo $(DEMO)

up: install
	$(PY) -m deploy up

down: install
	$(PY) -m deploy down

status: install
	$(PY) -m deploy status

test: install
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy services workflows models clinician_app patient_gateway compliance demo deploy bench tests docs
	.venv/bin/lint-imports --config pyproject.toml

prove: install
	$(PY) -m tests.proof

mutate: install
	$(PY) -m tests.mutation

bench: install
	$(PY) -m bench

verify: install
	$(PY) -m compliance verify $(BUNDLE)

backup: install
	$(PY) -m services.store backup $(DIR)

restore: install
	$(PY) -m services.store restore $(DIR)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
