# The whole command surface of the repository. Needs only Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# every process that tests and the demo start would compile the sources anew
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench lock

help: ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.service: $(BIN)/python requirements.lock pyproject.toml
	@echo "installing the service from requirements.lock …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.service requirements-dev.lock
	@echo "installing what tests and checks need from requirements-dev.lock …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.service ## make .venv with the service and the command tongban

demo: install ## run the newborn story and serve the portal on http://127.0.0.1:8000
	@$(BIN)/tongban demo

test: $(VENV)/.dev ## run every test, on as many cores as there are
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## lint, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure against the bars and the peers
	@$(BIN)/tongban bench story

lock: $(VENV)/.dev ## renew both lock files from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --extra exchange --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -c requirements.lock -o requirements-dev.lock
