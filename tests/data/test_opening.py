"""Somebody's recording in each of its forms: the same samples, and one sentence where there are none."""

import numpy as np
import pytest

from keras_sibeat.data.opening import open_recording
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import DataError
from sibeat_edge.errors import RecordError

RECORDING = simulate_wearer(seed=3, seconds=20.0, rate=250.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the recording as WFDB record and as CSV."""
    folder = tmp_path_factory.mktemp("recordings")
    write_recording(RECORDING, folder)
    header = "time (s),MLII (uV),V1 (uV)"
    time = np.arange(len(RECORDING.signal)) / 250
    rows = np.column_stack([time, 1000 * RECORDING.signal])
    np.savetxt(folder / "seed3.csv", rows, delimiter=",", header=header, comments="")
    return folder


@pytest.mark.parametrize("name", ["seed3", "seed3.hea", "seed3.csv"])
def test_a_file_is_the_recording_that_was_written(files, name):
    found = open_recording(files / name)
    assert found.rate == 250 and found.leads == ("MLII",) and found.name == "seed3"
    np.testing.assert_allclose(found.signal, RECORDING.signal[:, :1], atol=6e-4)
    assert (found.annotations is None) == name.endswith(".csv")
    if found.annotations:
        np.testing.assert_array_equal(found.annotations.samples, RECORDING.annotations.samples)


def test_a_recording_gives_the_lead_that_the_model_takes_or_another_by_name():
    assert open_recording(RECORDING).signal.tolist() == RECORDING.signal[:, :1].tolist()
    assert open_recording(RECORDING, lead="V1").signal.tolist() == RECORDING.signal[:, 1:].tolist()
    assert open_recording(RECORDING, wanted=["V1", "MLII"]).leads == ("V1", "MLII")
    assert open_recording(RECORDING, wanted="all").leads == ("MLII", "V1")
    assert open_recording(RECORDING, wanted=["V5"], lead="first").leads == ("MLII",)


def test_samples_have_no_names_so_the_first_column_is_taken():
    signal = RECORDING.signal.astype(np.float64)
    for samples in (signal, signal[:, 0], signal[:, 0].tolist()):
        found = open_recording(samples, 250)
        assert found.leads == ("1",) and found.annotations is None
        np.testing.assert_allclose(found.signal, RECORDING.signal[:, :1])
    assert open_recording(signal, 250, lead="2").signal.tolist() == RECORDING.signal[:, 1:].tolist()


@pytest.mark.parametrize(
    ("recorded", "options", "told"),
    [
        (np.zeros(500), {}, "found no rate; expected 1 to 10000 Hz"),
        (np.zeros(500), {"rate": -5.0}, "found a rate of -5 Hz; expected 1 to 10000 Hz"),
        (np.zeros((0, 1)), {"rate": 250}, r"found the shape \(0, 1\); expected \(samples,\) or"),
        (np.zeros((2, 2, 2)), {"rate": 250}, r"found the shape \(2, 2, 2\)"),
        (["a", "b"], {"rate": 250}, "found no numbers"),
        (np.zeros(500), {"rate": 250, "lead": "MLII"}, "lead MLII is missing; found 1"),
        (RECORDING, {"rate": 360}, "Record seed3: found 250 Hz; expected 360 Hz as given"),
        (RECORDING, {"lead": "V5"}, "Record seed3: lead V5 is missing; found MLII, V1"),
    ],
)
def test_what_cannot_be_taken_is_one_sentence(recorded, options, told):
    with pytest.raises(DataError, match=told):
        open_recording(recorded, **options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RecordError, match="found no such file"):
        open_recording(tmp_path / "a.csv")
