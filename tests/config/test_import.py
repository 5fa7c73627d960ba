"""A configuration is read without TensorFlow, and commands answer before they import anything slow."""

import subprocess
import sys

import pytest

SLOW = ("tensorflow", "keras", "pydantic", "scipy", "sklearn", "matplotlib")


def loaded(code):
    """Which of the slow packages a new process has imported after ``code``."""
    told = f"import sys\n{code}\nprint(*(name for name in {SLOW} if name in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stderr.split(), done.stdout


def test_a_configuration_is_read_without_tensorflow():
    found, _ = loaded(
        "from keras_sibeat.config import read_config\nread_config(overrides=['contrastive={}'])"
    )
    assert "pydantic" in found and not {"tensorflow", "keras"} & set(found)


@pytest.mark.parametrize("command", ["train", "data", "evaluate", "export", "results"])
def test_help_imports_nothing_slow_and_shows_an_example(command):
    code = (
        f"from keras_sibeat.{command}.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    found, told = loaded(code)
    assert found == [] and f"example: python -m keras_sibeat.{command} " in told
