"""The house: who may import whom, and how large a room may be. Imports are read from the sources."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAINING, EDGE = ROOT / "keras_sibeat", ROOT / "export" / "sibeat_edge"
CHAIN = ("config", "data", "train", "presets", "evaluate", "export", "results")
KERAS_PARTS = ("layers", "models", "losses", "optimizers", "distribution")
SHARED = ("errors", "files")
EDGE_FLOORS = ({"signal"}, {"beats"}, {"model", "reading"}, {"scorer"}, {"report"}, {"archive"}, {"commands"})
# What everyone may import, as it knows nothing of the chain: the names from which a configuration chooses,
# without Keras, and the models that ship.
LEAVES = {"keras_sibeat.layers.names", "keras_sibeat.presets.loading"}
MOST_LINES, MOST_ENTRIES = 300, 16
SOURCES = sorted([*TRAINING.rglob("*.py"), *EDGE.rglob("*.py")])


def name_of(file):
    base = TRAINING.parent if TRAINING in file.parents else EDGE.parent
    parts = file.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file):
    """Modules of ours that a file imports, but for those inside of a command's ``main``, its door: a command
    may call a later verb, as ``train`` evaluates what it has trained."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and _is_door(node))]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    known = {name_of(source) for source in SOURCES}
    return {name for name in found if name in known}


def _is_door(function):
    """Whether it is a command's ``main``, or what that calls with its parsed ``options``."""
    names = {ast.unparse(decorator) for decorator in function.decorator_list}
    return "command" in names or (function.name.startswith("_") and "options" in _arguments(function))


def _arguments(function):
    return [argument.arg for argument in function.args.args]


def room(name):
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("file", [f for f in SOURCES if TRAINING in f.parents], ids=name_of)
def test_imports_run_back_along_the_chain(file):
    own, name = room(name_of(file)), name_of(file)
    for other in imported(file) - {"keras_sibeat", *LEAVES}:
        if not other.startswith("keras_sibeat."):
            continue
        there = room(other)
        if own in CHAIN:
            later = CHAIN[CHAIN.index(own) + 1 :]
            assert there not in later, f"{name} imports {other}, a later verb"
            assert own != "config" or there in ("config", *SHARED), f"{name} imports {other}: TensorFlow"
        elif own in KERAS_PARTS:
            assert there in (*KERAS_PARTS, "errors"), f"{name}, a Keras part, imports {other}"
        elif own in SHARED:
            assert there in SHARED, f"{name} imports {other}"


@pytest.mark.parametrize("file", [f for f in SOURCES if EDGE in f.parents], ids=name_of)
def test_the_device_package_has_floors_of_its_own(file):
    assert not any(other.startswith("keras_sibeat") for other in imported(file))
    own = room(name_of(file))
    floor = next((number for number, rooms in enumerate(EDGE_FLOORS) if own in rooms), None)
    above = set().union(*EDGE_FLOORS[floor + 1 :]) if floor is not None else set()
    assert not {room(other) for other in imported(file)} & above


@pytest.mark.parametrize("module", ["keras_sibeat", "keras_sibeat.config", "sibeat_edge"])
def test_no_tensorflow(module):
    code = (
        f"import pkgutil, importlib, sys, {module}\n"
        f"[importlib.import_module(m.name) for m in pkgutil.walk_packages({module}.__path__, '{module}.')"
        f" if not m.name.endswith('__main__') and '{module}' != 'keras_sibeat']\n"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'jax') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_no_module_is_longer_than_a_reader_holds(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_the_root_shows_the_way():
    entries = {path.name for path in TRAINING.iterdir()} - {"__pycache__"}
    assert len(entries) <= MOST_ENTRIES, sorted(entries)
    assert {*CHAIN, *KERAS_PARTS, *SHARED} <= {Path(name).stem for name in entries}


def test_the_tests_mirror_the_packages():
    rooms = {path.name for path in TRAINING.iterdir() if path.is_dir()} - {"__pycache__"}
    assert rooms <= {path.name for path in (ROOT / "tests").iterdir()}
    rooms = {path.name for path in EDGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= {path.name for path in (ROOT / "tests" / "edge").iterdir()}
