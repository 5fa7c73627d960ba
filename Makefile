PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install quickstart test lint

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg export/setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ./export --editable '.[test]'
	touch $@

quickstart: install
	$(BIN)/python -m keras_sibeat.train configs/quickstart.toml

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test: lint
	$(BIN)/python -m pytest
