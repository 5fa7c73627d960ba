"""An archive's source: the recordings in a folder or an object store, and the files that each consists of."""

import pytest

from sibeat_edge.archive import source as module
from sibeat_edge.archive.source import Source, Unreachable
from sibeat_edge.errors import EdgeError, RecordError

fsspec = pytest.importorskip("fsspec", reason="opens the object stores of an archive")
FILES = {
    "a.edf": b"edf",
    "ward/b.csv": b"0.1\n",
    "ward/notes.md": b"",
    "ward/100.hea": b"100 1 360 10\n100.dat 16 200\n",
    "ward/100.dat": b"\0" * 20,
    "ward/100.atr": b"",
    "ward/mat.hea": b"mat 1 300 10\nmat.mat 16+24 1000/mV\n",
    "ward/mat.mat": b"MATLAB",
    "long/seg.hea": b"seg/2 1 360 20\nseg_1 10\n~ 5\nseg_2 10\n",
    "long/seg_1.hea": b"seg_1 1 360 10\nseg_1.dat 16 200\n",
    "long/seg_1.dat": b"\1" * 20,
    "long/seg_2.hea": b"seg_2 1 360 10\nseg_2.dat 16 200\n",
    "long/seg_2.dat": b"\2" * 20,
    "long/evil.hea": b"evil 1 360 10\n../../etc/passwd 16 200\n",
    ".hidden/c.csv": b"0.1\n",
}
NAMES = ["a.edf", "long/evil", "long/seg", "ward/100", "ward/b.csv", "ward/mat"]


@pytest.fixture
def store():
    """A store in memory, as an object store is: no folders, only names."""
    files = fsspec.filesystem("memory")
    for name, content in FILES.items():
        files.pipe(f"/clinic/{name}", content)
    yield files
    files.rm("/clinic", recursive=True)


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / "clinic" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clinic" / name).write_bytes(content)
    return tmp_path / "clinic"


def test_folder_and_store_have_the_same_recordings(folder, store):
    assert Source(str(folder)).names() == NAMES
    assert Source(f"file://{folder}").names() == NAMES
    assert Source("memory://clinic").names() == NAMES


def test_the_results_are_no_recordings(folder):
    out = folder / "out"
    (out / "beats").mkdir(parents=True)
    (out / "beats" / "x.csv").write_text("0.1\n")
    assert "out/beats/x.csv" in Source(str(folder)).names()
    assert Source(str(folder)).names(without=out) == NAMES


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("a.edf", ["a.edf"]),
        ("ward/100", ["ward/100.dat", "ward/100.hea"]),
        ("ward/mat", ["ward/mat.hea", "ward/mat.mat"]),
        (
            "long/seg",
            ["long/seg.hea", *(f"long/seg_{part}" for part in ("1.dat", "1.hea", "2.dat", "2.hea"))],
        ),
        ("long/evil", ["long/evil.hea"]),
    ],
)
def test_a_recording_is_fetched_with_what_it_consists_of_and_removed(store, tmp_path, name, files):
    with Source("memory://clinic").local(name, tmp_path) as path:
        assert path == tmp_path / name
        found = sorted(file for file in tmp_path.rglob("*") if file.is_file())
        assert [file.relative_to(tmp_path).as_posix() for file in found] == files
        assert all(file.read_bytes() == FILES[file.relative_to(tmp_path).as_posix()] for file in found)
    assert not list(tmp_path.iterdir())


def test_a_local_recording_is_read_where_it_lies(folder, tmp_path):
    source = Source(str(folder))
    with source.local("a.edf", tmp_path / "none") as path:
        assert path == folder / "a.edf"
    assert source.tell(f"{path}: found x; expected y.", tmp_path) == "a.edf: found x; expected y."


def test_a_file_that_has_gone_is_the_recordings_fault(store, tmp_path):
    source = Source("memory://clinic")
    store.rm("/clinic/ward/100.dat")
    with pytest.raises(RecordError, match="^ward/100.dat: found no such file"):
        with source.local("ward/100", tmp_path):
            pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failures", [2, 9])
def test_a_network_that_fails_is_asked_again_and_is_no_recordings_fault(
    store, tmp_path, monkeypatch, failures
):
    asked, get = [], store.get_file

    def fail(*arguments):
        asked.append(arguments)
        if len(asked) <= failures:
            raise ConnectionError("reset by peer")
        get(*arguments)

    source = Source("memory://clinic")
    monkeypatch.setattr(type(store), "get_file", lambda self, *arguments: fail(*arguments))
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    if failures == 2:
        with source.local("a.edf", tmp_path) as path:
            assert path.read_bytes() == b"edf"
    else:
        with pytest.raises(Unreachable, match=r"no answer \(reset by peer\)"):
            with source.local("a.edf", tmp_path):
                pass


@pytest.mark.parametrize("location", ["absent", "memory://absent", "nosuch://bucket/x", "empty"])
def test_a_source_without_recordings_is_one_sentence(tmp_path, monkeypatch, location):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EdgeError, match="found .*; expected ") as caught:
        Source(location).names()
    assert "\n" not in str(caught.value)


def test_a_disk_that_is_mounted_no_longer_is_no_recordings_fault(tmp_path):
    source = Source(str(tmp_path / "disk"))
    with pytest.raises(Unreachable, match="found no such folder any more"):
        source.check()
