import numpy as np
import pytest

from keras_sibeat.data.series import load_series, read_series
from keras_sibeat.errors import DataError

STEPS = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)


def write(file, values, separator=" "):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(separator.join(str(v) for v in row) for row in values) + "\n")
    return file


def scaled(values):
    low, high = values.min(axis=0), values.max(axis=0)
    return 2 * (values - low) / (high - low) - 1


@pytest.fixture
def folder(tmp_path):
    """Two walks and a run, as CSV, with blanks, and with tabs."""
    write(tmp_path / "walk" / "01.txt", STEPS)
    write(tmp_path / "walk" / "02.csv", 2 * STEPS[:20], ",")
    write(tmp_path / "run" / "03.more.tsv", STEPS[::-1], "\t")
    return tmp_path


@pytest.mark.parametrize("separator", [",", ", ", " ", "   ", "\t", " ,\t"])
def test_reads_commas_and_blanks(tmp_path, separator):
    values = read_series(write(tmp_path / "a", STEPS, separator))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, STEPS)


def test_one_channel_and_one_step_stay_two_dimensional(tmp_path):
    assert read_series(write(tmp_path / "a", STEPS[:, :1])).shape == (30, 1)
    assert read_series(write(tmp_path / "b", STEPS[:1])).shape == (1, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n1 2 3\n", "columns changed"),
        ("x,y\n1,2\n", "could not convert string 'x'"),
        ("1,2\n3,,4\n", "found an empty field in line 2"),
        ("1,,3\n,2,3\n", "found an empty field in line 1"),  # the same number of fields a line
        ("1,2,\n", "found an empty field in line 1"),
        ("1 2\n3 nan\n", "found a value that is not finite at step 1"),
        ("inf 2\n3 4\n", "found a value that is not finite at step 0"),
        ("1 1e39\n", "found a value that is not finite at step 0"),
    ],
)
def test_what_is_no_series_is_named(tmp_path, text, message):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=rf"bad\.csv: .*{message}.*; expected"):
        read_series(file)


def test_binary_files_are_no_series(tmp_path):
    (tmp_path / "bad.bin").write_bytes(bytes(range(128, 256)))
    with pytest.raises(DataError, match=r"bad\.bin: .*; expected one step a line"):
        read_series(tmp_path / "bad.bin")


def test_windows_of_every_file_with_its_class(folder):
    beats = load_series(folder, {"walk": ["walk/*"], "run": ["run/*.tsv"]}, length=8, stride=5)
    per_file = [(n - 8) // 5 + 1 for n in (30, 20, 30)]
    assert beats.windows.shape == (sum(per_file), 8, 3)
    assert beats.records.tolist() == np.repeat(["01", "02", "03"], per_file).tolist()
    assert beats.classes.tolist() == np.repeat(["walk", "walk", "run"], per_file).tolist()
    np.testing.assert_array_equal(beats.samples[: per_file[0]], 5 * np.arange(per_file[0]))
    assert np.isnan(beats.rr_before).all() and beats.detected.all() and len(beats.sha256) == 64


def test_each_channel_is_scaled_over_its_file(folder):
    beats = load_series(folder, {"walk": ["walk/*"]}, length=8, stride=5)
    first, second = (beats.windows[beats.records == name] for name in ("01", "02"))
    np.testing.assert_allclose(first[2], scaled(STEPS)[10:18], atol=1e-6)
    np.testing.assert_allclose(second[1], scaled(STEPS[:20])[5:13], atol=1e-6)


def test_the_checksum_is_the_content_s(folder):
    groups = {"walk": ["walk/*"]}
    before = load_series(folder, groups, 8, 5).sha256
    assert load_series(folder, groups, 10, 2).sha256 == before
    write(folder / "walk" / "01.txt", STEPS + 1)
    assert load_series(folder, groups, 8, 5).sha256 != before


@pytest.mark.parametrize("length", [20, 21])
def test_a_file_shorter_than_a_window(folder, length):
    if length == 20:
        assert (load_series(folder, {"walk": ["walk/*"]}, length, 5).records == "02").sum() == 1
        return
    with pytest.raises(DataError, match=r"02\.csv: found 20 steps; expected at least one window of 21"):
        load_series(folder, {"walk": ["walk/*"]}, length, 5)


@pytest.mark.filterwarnings("ignore:loadtxt")
def test_an_empty_file(folder):
    (folder / "walk" / "00.txt").touch()
    with pytest.raises(DataError, match=r"00\.txt: found 0 steps; expected at least one window"):
        load_series(folder, {"walk": ["walk/*"]}, 8, 5)


def test_a_pattern_without_files(folder):
    with pytest.raises(DataError, match=r"jump/\*: no such file; expected series of class jump"):
        load_series(folder, {"walk": ["walk/*"], "jump": ["jump/*"]}, 8, 5)


def test_another_number_of_channels(folder):
    write(folder / "walk" / "03.txt", STEPS[:, :2])
    with pytest.raises(DataError, match=r"03\.txt: found 2 channels; expected 3"):
        load_series(folder, {"walk": ["walk/*"]}, 8, 5)


def test_motion_capture(mocap):
    groups = {"walk": ["walk/*.4d"], "run": ["run/*.4d"], "jump": ["other/*.4d"]}
    beats = load_series(mocap, groups, length=64, stride=5)
    assert beats.windows.shape[1:] == (64, 4)
    files = dict(zip(beats.records.tolist(), beats.classes.tolist(), strict=True))
    assert [list(files.values()).count(name) for name in groups] == [16, 10, 1]
    lines = len((mocap / "walk" / "35_15.amc.4d").read_text().splitlines())
    assert (beats.records == "35_15").sum() == (lines - 64) // 5 + 1
    assert np.abs(beats.windows).max() == 1
