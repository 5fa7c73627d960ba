PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OLD := $(VENV)-tflite
OLDEST := $(VENV)-oldest
BACKENDS := $(VENV)-backends
SLOW := $(VENV)-slow
# The oldest Python that there is, among pyenv's, too.
OLDEST_PYTHON ?= $(shell for version in 3.10 3.11 3.12 3.13; do \
	for python in python$$version $$HOME/.pyenv/versions/$$version.*/bin/python; do \
	$$python -c 'import venv' 2>/dev/null && echo $$python && exit; done; done)
# The fast half of the tests: those that train next to nothing. Then a training of a few steps, from another folder.
FAST ?= tests/test_backends.py tests/test_house.py tests/test_losses.py tests/test_optimizers.py \
	tests/test_public_names.py tests/config tests/layers tests/edge/test_command.py tests/edge/commands \
	tests/edge/reading tests/edge/report \
	$(addprefix tests/models/test_,networks.py saving.py scorer.py student.py)
SHORT := data.wearers=4 data.seconds=60 train.epochs=1 student.epochs=1
# pip compiles one file after the other; compileall takes all cores, which saves half a minute on two.
PIP := -m pip install --quiet --no-compile --constraint constraints.txt
COMPILE := -m compileall -q -j 0

.PHONY: install quickstart browser docs dist test test-oldest test-backends test-fuzz test-slow lint

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

# The site; a link that leads nowhere is an error.
docs: $(VENV)/.tools
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir build/site

# Wheels and source distributions of both packages, checked.
dist: $(VENV)/.tools
	$(BIN)/python $(PIP) --editable '.[release]'
	rm -rf dist
	$(BIN)/python -m build --outdir dist export
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*

# The page that scores a strip in the browser; needs npm and, of Debian, clang, lld, wasi-libc, libclang-rt-dev-wasm32.
browser: install
	$(BIN)/python examples/browser/serve.py

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

# Damaged files, 10,000 of each format, by two processes; the report says how many were tried. Each is
# written to the folder for temporary files, which is in memory where there is one.
test-fuzz: $(VENV)/.tools
	KERAS_SIBEAT_FUZZ=10000 TMPDIR=$(firstword $(wildcard /dev/shm) /tmp) $(BIN)/python -m pytest \
		tests/edge/reading/test_text_fuzz.py tests/edge/reading/test_format_fuzz.py \
		tests/edge/reading/test_binary_fuzz.py --numprocesses 2 --dist worksteal

$(OLDEST)/.installed: setup.cfg export/setup.cfg constraints-oldest.txt
	$(OLDEST_PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --no-compile --constraint constraints-oldest.txt \
		--editable ./export --editable . pyedflib pytest pytest-xdist hypothesis
	touch $@

test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest $(FAST) --numprocesses 2 --dist loadfile
	folder=$$(mktemp -d) && cd $$folder && $(abspath $(OLDEST))/bin/python -m keras_sibeat.train quickstart \
		$(addprefix --set ,$(SHORT)) && rm -r $$folder

# Without TensorFlow. The index has PyTorch for CPUs alone, which is a tenth of the other.
$(BACKENDS)/.installed: setup.cfg export/setup.cfg constraints.txt
	$(PYTHON) -m venv $(BACKENDS)
	$(BACKENDS)/bin/python $(PIP) --no-deps --extra-index-url https://download.pytorch.org/whl/cpu torch
	$(BACKENDS)/bin/python $(PIP) keras torch jax numpy scipy scikit-learn pytest hypothesis
	$(BACKENDS)/bin/python $(PIP) --no-deps --editable ./export --editable .
	touch $@

# Two tests draw arrays of many shapes, for each of which JAX compiles everything anew.
test-backends: $(BACKENDS)/.installed
	for backend in torch jax; do \
		KERAS_BACKEND=$$backend $(BACKENDS)/bin/python -m pytest tests/test_backends.py \
			tests/layers/test_scores.py tests/models/test_networks.py \
			-k 'not any_shape_of_window and not never_maps_lower' || exit 1; \
	done

# The tests that take minutes, with the extra of an archive: Ray's wheel is too large for the other tests.
$(SLOW)/.installed: setup.cfg export/setup.cfg constraints.txt
	$(PYTHON) -m venv $(SLOW)
	$(SLOW)/bin/python $(PIP) --editable './export[archive]' --editable '.[test]' duckdb
	touch $@

test-slow: $(SLOW)/.installed
	$(SLOW)/bin/python -m pytest -m slow tests
	$(SLOW)/bin/python -m pytest tests/edge/archive
