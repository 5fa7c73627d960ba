"""The table of judged beats: the device's own verdicts, with their parts and the experts' classes."""

import numpy as np
import pandas
import pytest

import keras_sibeat
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.synthetic import simulate_wearer, simulate_wearers
from keras_sibeat.errors import ConfigError, DataError, RunError
from sibeat_edge import Model, score_recording
from sibeat_edge.beats.rhythm import OF_A_BEAT
from sibeat_edge.report.recording import PRESET

RECORDING = simulate_wearer(seed=5, seconds=150.0)


@pytest.fixture(scope="module")
def table():
    return keras_sibeat.score_beats("mitdb-wearer", RECORDING)


def test_each_beat_is_told_as_the_device_tells_it(table):
    beats = score_recording(PRESET, RECORDING.signal[:, 0].astype(np.float64), 360.0)
    assert len(table) == len(beats)
    for name in ("time", "kind", "why", "above", "alarm", "quality", "irregular"):
        assert table[name].tolist() == [getattr(beat, name) for beat in beats]
    for name in ("score", "snr", "rr"):
        expected = [getattr(beat, name) for beat in beats]
        np.testing.assert_array_equal(table[name], np.array(expected, float))
    assert {"S", "V"} & set(table["kind"]) and set(table["record"]) == {"seed5"}


def test_shape_and_timing_are_the_models_own_runs(table, monkeypatch):
    """The score is asked of the same window on time, and of the template beside itself."""
    model, runs = Model(PRESET), []
    scores = model.scores

    def noted(windows, rhythms):
        found = scores(windows, rhythms)
        runs.extend(zip(windows, rhythms, found, strict=True))
        return found

    monkeypatch.setattr(model, "scores", noted)
    again = keras_sibeat.score_beats(model, RECORDING)
    scored = again[again["quality"] == "good"]
    pandas.testing.assert_frame_equal(again, table)
    on_time = [value for window, rhythm, value in runs if not np.any(np.asarray(rhythm)[OF_A_BEAT])]
    at_rest = [value for window, rhythm, value in runs if np.array_equal(window[:, 0], window[:, 1])]
    np.testing.assert_allclose(sorted(set(scored["shape"])), sorted(set(on_time) & set(scored["shape"])))
    assert set(np.round(scored["shape"], 5)) <= set(np.round(on_time, 5))
    assert set(np.round(scored["timing"], 5)) <= set(np.round(at_rest, 5))


def test_the_experts_class_stands_beside_what_was_found(table):
    marks = RECORDING.annotations
    classes = {"N": "N", "A": "S", "V": "V", "F": "F"}
    for time, expert in zip(table["time"], table["expert"], strict=True):
        nearest = np.argmin(np.abs(marks.samples / 360 - time))
        if abs(marks.samples[nearest] / 360 - time) < 0.1:
            assert expert == classes[marks.symbols[nearest]]
    bare = keras_sibeat.score_beats("mitdb-wearer", RECORDING.signal[:, 0], rate=360)
    assert bare["expert"].isna().all() and bare["score"].equals(table["score"])


def test_a_model_without_a_template_has_scores_alone():
    table = keras_sibeat.score_beats(PRESET.with_name("mitdb-beat.tflite"), RECORDING)
    assert (table["kind"] == "").all() and table[["shape", "timing"]].isna().all(axis=None)
    assert (table["alarm"] == (table["score"] > table["threshold"])).all()


def test_the_threshold_is_what_was_asked_for():
    table = keras_sibeat.score_beats("mitdb-beat", RECORDING, threshold=1.0)
    assert set(table["threshold"]) == {1.0}
    assert (table["above"] == (table["score"] > 1.0)).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of WFDB records and one CSV file."""
    folder = tmp_path_factory.mktemp("recordings")
    for recording in simulate_wearers(2, seed=0, seconds=20.0):
        write_recording(recording, folder)
    np.savetxt(folder / "logged.csv", RECORDING.signal[: 20 * 360, 0])
    return folder


def test_recordings_come_one_by_one_in_a_list_a_mapping_or_a_folder(folder):
    whole = keras_sibeat.score_beats("mitdb-beat", folder, rate=360)
    assert list(dict.fromkeys(whole["record"])) == ["s000", "s001", "logged"]
    paths = [folder / "s000", folder / "s001", folder / "logged.csv"]
    assert keras_sibeat.score_beats("mitdb-beat", paths, rate=360).equals(whole)
    named = keras_sibeat.score_beats("mitdb-beat", {"a": paths[0], "b": RECORDING.signal[:, 0]}, rate=360)
    assert list(dict.fromkeys(named["record"])) == ["a", "b"]
    assert (
        named[named["record"] == "a"]["score"].tolist() == whole[whole["record"] == "s000"]["score"].tolist()
    )


def test_a_recording_without_beats_gives_a_table_without_rows():
    table = keras_sibeat.score_beats("mitdb-beat", np.zeros(3600), rate=360)
    assert len(table) == 0 and "score" in table.columns


def test_what_cannot_be_scored_is_one_sentence(tmp_path):
    with pytest.raises(
        ConfigError,
        match="nothing: found no run and no .tflite file of that name; expected one, or a preset: mitdb-beat",
    ):
        keras_sibeat.score_beats("nothing", RECORDING)
    with pytest.raises(RunError, match="found no config.json"):
        keras_sibeat.score_beats(tmp_path, RECORDING)
    with pytest.raises(DataError, match="Record seed5: found two of that name; expected different ones"):
        keras_sibeat.score_beats("mitdb-beat", [RECORDING, RECORDING])
