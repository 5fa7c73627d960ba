"""What is installed: the wheels hold all that the code opens, and work far from the checkout."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"keras_sibeat": ROOT, "sibeat_edge": ROOT / "export"}
# Records of how the models that ship were made and measured; a model's own manifest lies in its file.
KEPT_BACK = {
    f"sibeat_edge/presets/mitdb-{name}.json" for name in ("beat", "beat-report", "wearer", "wearer-report")
}
BUILD = """
import sys
from setuptools import build_meta
getattr(build_meta, sys.argv[1])(sys.argv[2])
"""

for needed in ("setuptools", "wheel"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed, which builds the wheels", allow_module_level=True)


def build(source, kind, out):
    """Build what pip builds, by the same hooks, from a copy of the sources; returns the file."""
    out.mkdir(exist_ok=True)
    before = set(out.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, out], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (made,) = set(out.iterdir()) - before
    return made


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Of each package: the wheel, the source distribution, and the wheel made of that."""
    base, made = tmp_path_factory.mktemp("wheels"), {}
    tree = base / "tree"
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".*")
    for name in ("keras_sibeat", "configs", "export"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=leave)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name, folder in PACKAGES.items():
        source = tree / folder.relative_to(ROOT)
        packed = build(source, "build_sdist", base / f"{name}-packed")
        with tarfile.open(packed) as archive:
            archive.extractall(base / "unpacked", filter="data")
        again = base / "unpacked" / packed.name.removesuffix(".tar.gz")
        made[name] = [
            build(source, "build_wheel", base / "direct"),
            build(again, "build_wheel", base / "from-source"),
        ]
    return made


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_holds_all_of_its_package_and_so_does_one_of_the_source_distribution(wheels, package):
    folder = PACKAGES[package]
    files = {
        os.path.relpath(Path(top) / name, folder)
        for top, _, names in os.walk(folder / package, followlinks=True)
        for name in names
        if "__pycache__" not in top
    }
    assert KEPT_BACK & files == {name for name in KEPT_BACK if name.startswith(package)}
    for wheel in wheels[package]:
        found = {name for name in names_in(wheel) if ".dist-info/" not in name}
        assert found == files - KEPT_BACK
        assert any(name.endswith("LICENSE") for name in names_in(wheel))


OPENED = """
import sys
from pathlib import Path
import keras_sibeat, sibeat_edge
from keras_sibeat.config import find_config, read_config
from keras_sibeat.config.reading import SHIPPED
from sibeat_edge.report.recording import PRESET

home = Path(sys.argv[1])
assert {Path(module.__file__).parents[1] for module in (keras_sibeat, sibeat_edge)} == {home}
configs = sorted(file.stem for file in SHIPPED.glob("*.toml"))
assert read_config(find_config("quickstart")).name == "quickstart"
print(len(configs), "tensorflow" in sys.modules)
from keras_sibeat.export.firmware_readme import TEMPLATE  # needs TensorFlow
firmware, card = home / "sibeat_edge/firmware/Makefile", home / "keras_sibeat/presets/CARD.txt"
for file in (TEMPLATE, PRESET, firmware, card):
    assert file.is_file() and home in file.parents, file
"""


def test_what_is_installed_works_in_another_folder(wheels, tmp_path):
    home = tmp_path / "home"
    for wheel, _ in wheels.values():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(*arguments):
        settings = {**os.environ, "PYTHONPATH": str(home)}
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=elsewhere,
            env=settings,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    assert run("-c", OPENED, home) == f"{len(list((ROOT / 'configs').glob('*.toml')))} False\n"
    assert run("-m", "keras_sibeat", "--version") == "keras_sibeat 0.2.0\n"
    assert run("-m", "sibeat_edge", "--version") == "sibeat_edge 0.2.0\n"
    assert "usage: python -m keras_sibeat.train" in run("-m", "keras_sibeat.train", "quickstart", "--help")
    assert not list(elsewhere.iterdir())
