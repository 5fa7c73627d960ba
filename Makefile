PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OLD := $(VENV)-tflite

.PHONY: install quickstart test lint

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg export/setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ./export --editable '.[test]'
	touch $@

quickstart: install
	$(BIN)/python -m keras_sibeat.train configs/quickstart.toml
	$(BIN)/python -m keras_sibeat.export runs/quickstart --residuals
	$(BIN)/python -m keras_sibeat.data simulate --out runs/quickstart-wearer --wearers 1 --seconds 600 --seed 1
	$(BIN)/python -m sibeat_edge score runs/quickstart-wearer/s000 --report runs/quickstart/report.html \
		--model runs/quickstart/fold0-seed0/export/quickstart.tflite

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# tflite-runtime needs NumPy 1, so it has an environment of its own; there are wheels up to Python 3.11.
$(OLD)/.installed:
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install --quiet tflite-runtime==2.14.0 'numpy<2' scipy
	touch $@

test: lint $(OLD)/.installed
	KERAS_SIBEAT_TFLITE_RUNTIME=$(CURDIR)/$(OLD)/bin/python $(BIN)/python -m pytest --numprocesses 2 --dist loadfile
