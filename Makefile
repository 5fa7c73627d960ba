PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OLD := $(VENV)-tflite
# pip compiles one file after the other; compileall takes all cores, which saves half a minute on two.
PIP := -m pip install --quiet --no-compile --constraint constraints.txt
COMPILE := -m compileall -q -j 0

.PHONY: install quickstart test lint

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg export/setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable ./export --editable '.[export]'
	-$(BIN)/python $(COMPILE) $(VENV)/lib >/dev/null 2>&1
	touch $@

$(VENV)/.tools: $(VENV)/.installed
	$(BIN)/python $(PIP) --editable ./export --editable '.[test]'
	-$(BIN)/python $(COMPILE) $(VENV)/lib >/dev/null 2>&1
	touch $@

quickstart: install
	$(BIN)/python -m keras_sibeat.train configs/quickstart.toml
	$(BIN)/python -m keras_sibeat.export runs/quickstart --residuals
	$(BIN)/python -m keras_sibeat.data simulate --out runs/quickstart-wearer --wearers 1 --seconds 600 --seed 1
	$(BIN)/python -m sibeat_edge score runs/quickstart-wearer/s000 --report runs/quickstart/report.html \
		--model runs/quickstart/fold0-seed0/export/quickstart.tflite

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# tflite-runtime needs NumPy 1, so it has an environment of its own; there are wheels up to Python 3.11.
$(OLD)/.installed:
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install --quiet --no-compile tflite-runtime==2.14.0 'numpy<2' scipy
	touch $@

# The examples in the docstrings are tests, too.
test: lint $(OLD)/.installed
	KERAS_SIBEAT_TFLITE_RUNTIME=$(CURDIR)/$(OLD)/bin/python $(BIN)/python -m pytest --doctest-modules \
		tests keras_sibeat export/sibeat_edge --numprocesses 2 --dist loadfile --no-loadscope-reorder \
		--durations 20
