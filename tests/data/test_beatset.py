"""The columns of beats, and the recorded time that whole records and parts of them stand for."""

from dataclasses import replace

import numpy as np
import pytest

from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.beatset import COLUMNS, BeatSet, recorded_hours
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import beatgan, inter_patient
from keras_sibeat.data.synthetic import simulate_wearer


@pytest.fixture(scope="module")
def two():
    """Beats of 60 s and of 40 s, some of them abnormal, some of no class."""
    longer, shorter = (
        replace(simulate_wearer(seed, seconds, abnormal={"V": 0.2}), name=name)
        for seed, seconds, name in ((3, 60, "a"), (4, 40, "b"))
    )
    beats = BeatSet.join([extract_beats(longer), extract_beats(shorter)], "checksum")
    symbols = beats.symbols.copy()
    symbols[::7] = "B"
    return replace(beats, symbols=symbols)


def lengths(beats):
    return {name: float(beats.seconds[beats.records == name].sum()) for name in np.unique(beats.records)}


def test_take_keeps_the_columns_together(two):
    for rows in (two.symbols == "V", np.array([4, 1])):
        taken = two.take(rows)
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(taken, name), getattr(two, name)[rows])
        assert len(taken) == len(two.samples[rows])


def test_join_appends_rows_and_notes():
    one, other = (extract_beats(simulate_wearer(seed, 10, rate=rate)) for seed, rate in ((3, 360), (11, 250)))
    joined = BeatSet.join([one, other], "checksum")
    assert len(joined) == len(one) + len(other) and joined.sha256 == "checksum"
    assert joined.notes == one.notes + other.notes
    assert set(joined.records) == {"seed3", "seed11"}


@pytest.mark.parametrize("rate", [360, 250])
def test_the_beats_of_a_recording_stand_for_its_length(rate):
    beats = extract_beats(simulate_wearer(3, 40, rate=rate))
    assert beats.seconds.dtype == np.float64
    np.testing.assert_allclose(beats.seconds, 40 / len(beats))


def test_beats_before_the_first_template_leave_their_time_to_the_others():
    beats = extract_beats(simulate_wearer(0, 120), Preprocessing(waits=True))
    assert recorded_hours(beats) == pytest.approx(120 / 3600)


def test_a_beat_that_is_left_out_leaves_its_time_to_those_of_its_recording(two):
    usable = two.symbols == "N"
    kept = two.keep(usable)
    assert len(kept) == usable.sum() < len(two)
    assert lengths(kept) == pytest.approx({"a": 60, "b": 40})
    for name in "ab":
        assert len(set(kept.seconds[kept.records == name].tolist())) == 1


def test_a_recording_without_a_usable_beat_takes_its_time_with_it(two):
    assert lengths(two.keep(two.records == "b")) == pytest.approx({"b": 40})
    assert recorded_hours(two.keep(np.zeros(len(two), bool))) == 0


def test_shuffled_folds_share_the_whole_length(two):
    folds = beatgan(two)
    for fold in folds:
        parts = [recorded_hours(part) for part in (fold.train, fold.validation, fold.test)]
        assert sum(parts) == pytest.approx(100 / 3600)
        assert all(0 < hours < 80 / 3600 for hours in parts)


def test_whole_records_test_for_their_whole_length(two):
    (fold,) = inter_patient(two, ["a", "c"], ["b"])
    assert recorded_hours(fold.test) == pytest.approx(40 / 3600)


def test_the_length_of_a_series_is_unknown(two):
    series = replace(two, seconds=np.full(len(two), np.nan))
    assert np.isnan(recorded_hours(series)) and np.isnan(recorded_hours(series.keep(series.records == "a")))
