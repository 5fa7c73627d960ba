"""The R-peak detector against annotations: what is counted, and on which lead."""

from dataclasses import replace

import numpy as np
import pytest

from keras_sibeat.data.__main__ import main
from keras_sibeat.data.detection import detect_rpeaks, measure_detector
from keras_sibeat.data.recording import Annotations, Recording, write_recording
from keras_sibeat.data.synthetic import simulate_wearer


@pytest.fixture(scope="module")
def recording():
    """A minute of a simulated wearer, a second lead of nothing beside it."""
    whole = simulate_wearer(seed=0, seconds=60.0).of_leads(("MLII",))
    flat = np.zeros_like(whole.signal)
    return replace(whole, signal=np.hstack([flat, whole.signal]), leads=("V5", "MLII"))


def annotated(recording: Recording, samples):
    """The recording with normal beats annotated at these samples alone."""
    samples = np.asarray(samples, np.int64)
    return replace(recording, annotations=Annotations(samples, np.full(len(samples), "N")))


def test_every_simulated_beat_is_found(recording):
    row = measure_detector([recording])["all"]
    assert row["beats"] == len(recording.beats().samples) and row["missed"] + row["false"] <= 2


def test_missed_and_false_beats_are_counted(recording):
    peaks = detect_rpeaks(recording, "MLII") * recording.rate / 360
    between = (peaks[20] + peaks[21]) / 2  # more than 150 ms from both
    known = np.sort([*np.delete(peaks, [5, 9, 30]), between])
    row = measure_detector([annotated(recording, np.rint(known))])[recording.name]
    assert (row["missed"], row["false"]) == (1, 3)
    assert row["sensitivity"] == pytest.approx(1 - 1 / len(known))
    assert row["positive_predictivity"] == pytest.approx(1 - 3 / len(peaks))


@pytest.mark.parametrize("lead", ["MLII", "ECG II", "d2ii", "ii"])
def test_the_lead_may_have_any_of_its_names(recording, lead):
    named = measure_detector([recording], lead)["all"]
    assert (named["missed"] < 5) == (lead != "d2ii")  # an unknown name: the first lead, which is flat


def test_a_sensitive_detector_is_measured_as_such(recording):
    small = recording.signal.copy()
    beats = recording.beats().samples
    for beat in beats[20::7]:
        small[beat - 20 : beat + 20] *= 0.44
    quieter = replace(recording, signal=small)
    missed = [
        measure_detector([quieter], is_sensitive=sensitive)["all"]["missed"] for sensitive in (False, True)
    ]
    assert missed[1] < missed[0]


def test_the_command_counts_the_same(recording, tmp_path, capsys):
    write_recording(recording, tmp_path)
    main(["rpeaks", str(tmp_path), "--lead", "II"])
    row = measure_detector([recording], "II")["all"]
    counted = f"all: {row['beats']} beats, {row['missed']} missed, {row['false']} false"
    assert counted in capsys.readouterr().out
