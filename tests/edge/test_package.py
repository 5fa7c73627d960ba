"""What the package's modules import: nothing of the training, and along the rooms in one direction."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import sibeat_edge

ROOT = Path(sibeat_edge.__file__).parent
MODULES = [
    "sibeat_edge",
    *(part.name for part in pkgutil.walk_packages(sibeat_edge.__path__, "sibeat_edge.")),
]
BASIC = {"errors", "files", "imports", "marks"}  # which every room may use
ROOMS = {  # a room or module at the root, and the rooms that it may import
    "errors": set(),
    "files": set(),
    "imports": set(),
    "marks": set(),
    "signal": set(),
    "beats": {"signal"},
    "model": {"signal", "beats"},
    "reading": {"signal"},
    "scorer": {"signal", "beats", "model"},
    "report": {"signal", "beats", "model", "reading", "scorer"},
    "archive": {"model", "reading", "report", "__version__"},
}


def file_of(module):
    place = ROOT.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def imported(module):
    """Full names of what a module imports anywhere, inside of functions as well."""
    names = set()
    for node in ast.walk(ast.parse(file_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms_of(names):
    """The rooms of this package among full names."""
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "sibeat_edge" and len(part) > 1}


@pytest.mark.parametrize("module", [name for name in MODULES if len(name.split(".")) > 1])
def test_a_room_imports_only_those_before_it(module):
    room = module.split(".")[1]
    if room not in ("__main__", "commands"):  # they may use all
        assert rooms_of(imported(module)) <= ROOMS[room] | BASIC | {room}


def test_an_import_against_the_direction_would_be_seen():
    """The rooms that are imported today, one by one: a reader that sees no import would fail here."""
    found = {room: set() for room in ROOMS}
    for module in MODULES[1:]:
        room = module.split(".")[1]
        if room in ROOMS:
            found[room] |= rooms_of(imported(module)) - BASIC - {room}
    assert found["beats"] == {"signal"} and found["model"] == {"signal", "beats"}
    assert found["scorer"] == {"signal", "beats", "model"} and "scorer" in found["report"]


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_the_training_or_tensorflow(module):
    heavy = {"tensorflow", "keras", "keras_sibeat", "sklearn"}
    assert not {name.split(".")[0] for name in imported(module)} & heavy


def test_all_modules_together_load_neither_training_nor_file_formats():
    modules = [name for name in MODULES if not name.endswith("__main__")]
    assert {"sibeat_edge.signal.filters", "sibeat_edge.signal.rpeaks", "sibeat_edge.beats.windows"} <= set(
        modules
    )
    code = (
        f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
        "print([n for n in ('tensorflow', 'keras', 'keras_sibeat', 'wfdb', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
