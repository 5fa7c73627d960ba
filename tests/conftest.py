"""Data sets that lie beside the checkout, where they do, and a cache that no test shares with the user."""

import gc
import os
import sys
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# They hold no examples, and as modules of examples those of two folders would bear one name.
collect_ignore_glob = ["*conftest.py"]

# XLA compiles its programs to be made soon rather than to run fast: what the tests train is tiny.
SOON = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
os.environ.setdefault("XLA_FLAGS", SOON)

# No verdict depends on how busy the machine is.
settings.register_profile("keras_sibeat", deadline=None)
settings.load_profile("keras_sibeat")


# What takes longest comes first, so that no process is left alone with it in the end.
SLOWEST = ("test_cluster.py", "train", "presets", "models", "evaluate", "export")


def pytest_collection_modifyitems(items):
    def rank(item):
        parts = item.path.parts
        return next((place for place, name in enumerate(SLOWEST) if name in parts), len(SLOWEST))

    items.sort(key=lambda item: rank(item) if "tests" in item.path.parts else len(SLOWEST))


def pytest_terminal_summary(terminalreporter):
    """Say with how many damaged files the readers were tried."""
    reports = chain.from_iterable(terminalreporter.stats.values())
    properties = [
        one
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for one in report.user_properties
    ]
    lines = [value for name, value in properties if name == "damaged files"]
    if lines:
        terminalreporter.section("damaged files")
        terminalreporter.write("".join(f"{line}\n" for line in lines))


def local_copy(name, variable):
    folder = Path(os.environ.get(variable, ROOT.parent / "shared" / name))
    if not folder.is_dir():
        pytest.skip(f"no copy of {name}: set {variable} to its folder")
    return folder


@pytest.fixture(scope="session")
def mitdb():
    """Folder of the MIT-BIH Arrhythmia Database."""
    return local_copy("mitdb", "KERAS_SIBEAT_MITDB")


@pytest.fixture(scope="session")
def databases():
    """Folder of the databases that ``mitdb-wearer`` was trained and tested on, and of the noise."""
    folder = Path(os.environ.get("KERAS_SIBEAT_DATA", ROOT.parent / "shared"))
    wanted = ("mitdb", "svdb", "cinc2017")
    missing = [name for name in wanted if not (folder / name).is_dir()]
    if missing:
        pytest.skip(f"no copy of {missing[0]}: set KERAS_SIBEAT_DATA to a folder with {', '.join(wanted)}")
    return folder


@pytest.fixture(scope="session")
def mocap():
    """Folder of the CMU motion capture series."""
    return local_copy("mocap", "KERAS_SIBEAT_MOCAP")


@pytest.fixture(scope="session")
def nstdb_noise():
    """Folder of the noise recordings bw, em and ma of the MIT-BIH Noise Stress Test Database."""
    return local_copy("nstdb_noise", "KERAS_SIBEAT_NSTDB")


@pytest.fixture(scope="session", autouse=True)
def nothing_for_the_long_run():
    """TensorFlow does not optimise graphs, which takes longer than to run them a few times.

    What has been imported stays for ever, so the garbage collection need not look at it again.
    """
    gc.freeze()
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory):
    """One cache for all the tests, so that what several of them need is computed once.

    Processes that share the tests share it, too: its files are renamed into place when they are whole.
    """
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.getbasetemp()
        folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
        folder.mkdir(exist_ok=True)
        patch.setenv("KERAS_SIBEAT_CACHE", str(folder))
        yield folder
