import pkgutil
import subprocess
import sys

import sibeat_edge

MODULES = [part.name for part in pkgutil.walk_packages(sibeat_edge.__path__, "sibeat_edge.")]


def test_the_device_package_imports_nothing_of_the_training():
    modules = ["sibeat_edge", *(name for name in MODULES if not name.endswith("__main__"))]
    assert {"sibeat_edge.signal.filters", "sibeat_edge.signal.rpeaks", "sibeat_edge.beats.windows"} <= set(
        modules
    )
    code = (
        f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
        "print([n for n in ('tensorflow', 'keras', 'keras_sibeat', 'wfdb', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
