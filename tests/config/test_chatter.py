"""What a command writes to standard error: nothing about TensorFlow, but every error."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from keras_sibeat.config.chatter import held_back

QUIET = "from keras_sibeat.config.chatter import silence_tensorflow\nsilence_tensorflow()\n"
STEP = "import tensorflow as tf\ntf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1))\n"


def run(code, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**inherited, **environment},
        timeout=900,
    )


@pytest.mark.skipif(
    version("tensorflow").startswith("2.20"), reason="TensorFlow 2.20 tells at every level that it used XLA"
)
def test_a_step_by_xla_says_nothing_of_itself():
    done = run(QUIET + STEP)
    assert done.returncode == 0 and done.stderr == ""


def test_who_asks_for_it_sees_it_all():
    done = run(QUIET + STEP, KERAS_SIBEAT_VERBOSE="1")
    assert done.returncode == 0 and "I0000" in done.stderr


def test_a_users_own_level_stays():
    code = QUIET + "import os, sys\nprint(os.environ['TF_CPP_MIN_LOG_LEVEL'], *sys.meta_path)"
    assert "_QuietImport" in run(code).stdout
    told = run(code, TF_CPP_MIN_LOG_LEVEL="1").stdout
    assert told.startswith("1 ") and "_QuietImport" not in told


def test_an_import_that_fails_lets_out_what_was_held_back(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'no such driver\\n')\nraise ImportError('broken installation')\n"
    )
    done = run(QUIET + "import tensorflow", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "no such driver" in done.stderr and "broken installation" in done.stderr


def test_standard_error_is_held_back_below_python(capfd, monkeypatch):
    with held_back():
        os.write(2, b"held\n")
    os.write(2, b"told\n")
    assert capfd.readouterr().err == "told\n"
    monkeypatch.setenv("KERAS_SIBEAT_VERBOSE", "1")
    with held_back():
        os.write(2, b"asked for\n")
    assert capfd.readouterr().err == "asked for\n"
    monkeypatch.delenv("KERAS_SIBEAT_VERBOSE")
    with pytest.raises(KeyError), held_back():
        os.write(2, b"why\n")
        raise KeyError
    assert capfd.readouterr().err == "why\n"
