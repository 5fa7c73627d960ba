"""Files and folders that are whole or absent, on disks that are full or cannot be written."""

import errno
import json
import subprocess
import sys
import textwrap

import pytest

from keras_sibeat.errors import command
from keras_sibeat.files import whole_file, whole_folder, write_json

SENTENCE = ": found file too large; expected room to write it."


def limited(code, *arguments, limit=20_000):
    """Run Python code in a process that can write no file larger than ``limit`` bytes."""
    start = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    line = [sys.executable, "-c", start + code, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True)


def stopped(action):
    """Run as a command, which ends with exit code 2."""
    with pytest.raises(SystemExit) as stop:
        command(action)()
    assert stop.value.code == 2


WRITERS = {
    "JSON": "write_json(path, list(range(100_000)))",
    "NumPy": "with whole_file(path) as partial: numpy.savez(partial, numpy.zeros(100_000))",
    "folder": "with whole_folder(path) as partial: (partial / 'a').write_text('x' * 100_000)",
    "HDF5": """
        with whole_file(path) as partial, h5py.File(partial, "w") as file:
            file.create_dataset("x", data=numpy.zeros(100_000))
    """,
}


START = """
import sys, h5py, numpy
from pathlib import Path
from keras_sibeat.errors import command
from keras_sibeat.files import whole_file, whole_folder, write_json
path = Path(sys.argv[1])
@command
def main():
"""


def written_with_little_room(kind, path):
    """What the process says that writes ``path``, its only argument."""
    code = START + textwrap.indent(textwrap.dedent(WRITERS[kind]), "    ") + "\nmain()"
    return limited(code, path)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_told_in_one_sentence_and_leaves_nothing(tmp_path, kind):
    path = tmp_path / "new" / "a.npz"
    done = written_with_little_room(kind, path)
    assert (done.returncode, done.stderr) == (2, f"error: {path}{SENTENCE}\n")
    assert list(path.parent.iterdir()) == []


def test_what_was_there_stays_where_the_disk_is_full(tmp_path):
    write_json(tmp_path / "a.json", [1])
    assert written_with_little_room("JSON", tmp_path / "a.json").returncode == 2
    assert json.loads((tmp_path / "a.json").read_text()) == [1]
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("writer", [whole_file, whole_folder])
def test_a_path_below_a_file_is_told(tmp_path, writer, capsys):
    (tmp_path / "file").touch()

    def main():
        with writer(tmp_path / "file" / "run" / "a"):
            raise AssertionError("nothing can be written")

    stopped(main)
    message = capsys.readouterr().err
    assert message.startswith(f"error: {tmp_path / 'file' / 'run'}") and message.count("\n") == 1
    assert "found not a directory; expected a path that can be read and written." in message


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as error, whole_file(tmp_path / "a"):
        open(tmp_path / "other")
    assert error.value.filename == str(tmp_path / "other")


def test_what_h5py_says_of_a_full_disk_is_understood_and_other_errors_pass(tmp_path):
    with pytest.raises(OSError, match=str(tmp_path / "a")) as error, whole_file(tmp_path / "a"):
        raise RuntimeError("flush failed (errno = 28, error message = 'No space left on device')")
    assert error.value.errno == errno.ENOSPC
    with pytest.raises(RuntimeError, match="another"), whole_file(tmp_path / "a"):
        raise RuntimeError("another")
