"""Which recordings paths name, and which files those consist of."""

import pytest

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.listing import files_of, find_recordings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Records of one segment and of two, one whose signal is an EDF, loose and hidden files."""
    texts = {
        "one.hea": "one 2 250 100\none.dat 16\nsignals/other.dat 16\n# notes.txt is no signal\n",
        "parted.hea": "parted/3 1 250 300\nparted_1 100\n~ 100\nparted_2 100\n",
        "parted_1.hea": "parted_1 1 250 100\nparted_1.dat 16\n",
        "parted_2.hea": "parted_2 1 250 100\nshared.edf 16\n",
        "single.edf": "",
        "day.1.csv": "",
    }
    names = (
        "one.dat",
        "one.atr",
        "one.csv",
        "one.sib",
        "parted.qrs",
        "parted_1.dat",
        "shared.edf",
        "loose.dat",
    )
    for name in (*names, ".hidden.csv", "notes.txt"):
        (tmp_path / name).write_text("")
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "rows.txt").write_text("0.1\n0.2\n")
    (tmp_path / "settings.json").write_text('{"theme": "dark"}')
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "other.dat").write_text("")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "a.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(paths):
    return [path.as_posix() for path in paths]


def test_of_a_folder_each_recording_is_listed_once(folder):
    wanted = ["day.1.csv", "one", "one.csv", "parted", "rows.txt", "single.edf"]
    assert named(find_recordings(".")) == wanted
    assert named(path.relative_to(folder) for path in find_recordings(folder)) == wanted


def test_a_folder_of_a_record_s_name_does_not_hide_the_record(folder):
    (folder / "one").mkdir()
    assert named(find_recordings("one")) == ["one"]


def test_a_folder_without_recordings_is_told(folder):
    with pytest.raises(RecordError, match="signals: found a folder without a recording"):
        find_recordings("signals")


@pytest.mark.parametrize("name", ["one", "one.hea", "one.dat", "one.atr", "one.sib"])
def test_any_file_of_a_record_names_it(folder, name):
    assert named(find_recordings(name)) == ["one"]


def test_a_name_with_brackets_is_no_pattern_if_it_is_there(folder):
    (folder / "a[1].csv").write_text("")
    assert named(find_recordings("a[1].csv")) == ["a[1].csv"]


@pytest.mark.parametrize("name", ["one", "one.hea"])
def test_a_record_is_its_header_its_signals_and_its_annotations(folder, name):
    assert sorted(named(files_of(name))) == ["one.atr", "one.dat", "one.hea", "signals/other.dat"]


@pytest.mark.parametrize("name", ["packed", "packed.hea.gz", "packed.dat.gz"])
def test_the_compressed_files_of_a_record_are_its_files(folder, name):
    for ending in ("hea.gz", "dat.gz", "atr"):
        (folder / f"packed.{ending}").write_bytes(b"any")
    assert sorted(named(files_of(name))) == ["packed.atr", "packed.dat.gz", "packed.hea.gz"]


def test_a_record_of_segments_has_all_their_files(folder):
    wanted = ["parted.hea", "parted.qrs", "parted_1.dat", "parted_1.hea", "parted_2.hea", "shared.edf"]
    assert sorted(named(files_of("parted"))) == wanted


def test_another_file_is_all_there_is(folder):
    assert named(files_of("single.edf", "absent.csv", "day.1.csv")) == ["single.edf", "day.1.csv"]


@pytest.mark.parametrize("text", ["", "#\n", "x", "x 1\n\0\n", "x/2 1\nx\n", "x 1\n/\n", "x/1 1\n.\n"])
def test_a_header_of_nonsense_names_nothing_and_harms_nothing(folder, text):
    (folder / "x.hea").write_text(text)
    assert "x.hea" in named(files_of("x")) and "x" in named(find_recordings("."))
