"""Planted anomalies lie where they are said to lie, in beats that are fit for them."""

import numpy as np
import pytest

from keras_sibeat.data.planted import APART, CALM, FADE, KINDS, SEEN, SETTLED, known_by_class, plant
from keras_sibeat.data.recording import Annotations, Recording
from keras_sibeat.data.synthetic import simulate_wearer


@pytest.fixture(scope="module")
def recording():
    return simulate_wearer(2, seconds=600.0, rate=360.0, abnormal={"V": 0.03, "A": 0.03})


@pytest.fixture(scope="module")
def planted(recording):
    return plant(recording, np.random.default_rng(0), each=5)


def test_nothing_changes_but_at_the_places(recording, planted):
    changed, places = planted
    time = np.arange(len(recording.signal)) / recording.rate
    known = np.zeros(len(time), bool)
    for place in places:
        known |= (time >= place.first - FADE - 0.003) & (time <= place.last + FADE + 0.003)
    far = np.abs(changed.signal - recording.signal).max(axis=1)
    # Of a bell's tails beyond twice its width a seventh of its height is left.
    assert far[known].max() > 0.3 and far[~known].max() < 0.25 * far[known].max()
    assert np.mean(far[~known] > 1e-4) < 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_there_and_can_be_seen(recording, planted, kind):
    changed, places = planted
    own = [place for place in places if place.kind == kind]
    assert own
    for place in own:
        part = slice(*(round(end * recording.rate) for end in (place.first, place.last + 0.003)))
        assert np.abs(changed.signal[part] - recording.signal[part]).max() > SEEN / 2


def test_calm_normal_beats_alone_are_changed(recording, planted):
    marks, rows = recording.beats(), []
    for place in planted[1]:
        (row,) = np.flatnonzero(marks.samples == place.sample)
        assert set(marks.symbols[row - 1 : row + 2]) == {"N"}
        assert np.diff(marks.samples[row - 1 : row + 2]).min() >= CALM * recording.rate
        rows.append(row)
    assert min(rows) >= SETTLED and np.diff(rows).min() >= APART


def test_a_bump_is_a_bell_in_the_middle_of_its_place():
    rng = np.random.default_rng(5)
    change, (first, last) = KINDS["bump"](rng, 1.0)
    time = np.arange(-0.45, 0.6, 1 / 360)
    bump = change(np.zeros((len(time), 1)), time)[:, 0]
    width = (last - first) / 4
    peak = bump[np.argmax(np.abs(bump))]
    expected = peak * np.exp(-np.square((time - (first + last) / 2) / width) / 2)
    assert np.allclose(bump, expected, atol=0.01) and 0.1 < abs(peak) < 0.36


def test_an_inverted_t_wave_is_mirrored_at_the_line_below_it():
    time = np.arange(-0.45, 0.6, 1 / 360)
    wave = np.exp(-np.square((time - 0.3) / 0.03))[:, None]
    change, _ = KINDS["T inversion"](np.random.default_rng(0), 1.0)
    assert np.allclose(change(0.2 + wave, time), 0.2 - wave, atol=1e-3)


def test_a_missing_p_wave_leaves_its_line_and_a_moved_one_its_size():
    time = np.arange(-0.45, 0.6, 1 / 360)
    wave = np.exp(-np.square((time + 0.15) / 0.02))[:, None]
    without, _ = KINDS["missing P"](np.random.default_rng(0), 1.0)
    assert np.allclose(without(wave, time), 0, atol=1e-3)
    moved, (first, _) = KINDS["moved P"](np.random.default_rng(0), 1.0)
    made = moved(wave, time)[:, 0]
    assert made.max() == pytest.approx(1, abs=0.02)
    assert time[np.argmax(made)] == pytest.approx(-0.15 + first + 0.24, abs=0.004)


def test_a_wearer_without_p_and_t_waves_loses_none():
    peaks = np.arange(360, 360 * 200, 360)
    signal = np.zeros((360 * 202, 1), np.float32)
    signal[peaks] = 1.0
    lead = np.convolve(signal[:, 0], np.hanning(19), "same")[:, None].astype(np.float32)
    recording = Recording("narrow", lead, 360.0, ("II",), Annotations(peaks, np.full(len(peaks), "N")))
    _, places = plant(recording, np.random.default_rng(0), each=2)
    kinds = {place.kind for place in places}
    assert {"bump", "wide QRS"} <= kinds and not kinds & {"missing P", "moved P", "T inversion"}


def test_annotations_beside_the_r_peak_move_no_place(recording):
    marks = recording.annotations
    beside = Annotations(marks.samples + 12, marks.symbols)
    moved = Recording("beside", recording.signal, recording.rate, recording.leads, beside)
    expected = plant(recording, np.random.default_rng(1), each=3)[1]
    found = plant(moved, np.random.default_rng(1), each=3)[1]
    middles = [np.array([(place.first + place.last) / 2 for place in places]) for places in (expected, found)]
    assert [place.kind for place in found] == [place.kind for place in expected]
    assert np.abs(middles[1] - middles[0]).max() <= 3 / 360


def test_a_recording_too_short_for_a_template_stays_as_it_is():
    short = simulate_wearer(0, seconds=20.0)
    changed, places = plant(short, np.random.default_rng(0), each=2)
    assert places == [] and (changed.signal == short.signal).all()


def test_beats_of_a_class_are_abnormal_where_it_says(recording):
    places = known_by_class(recording, np.random.default_rng(0), each=4)
    kinds = [place.kind for place in places]
    assert kinds.count("V") == kinds.count("S") == 4
    marks = recording.beats()
    for place in places:
        (row,) = np.flatnonzero(marks.samples == place.sample)
        assert marks.symbols[row] == {"V": "V", "S": "A"}[place.kind]
        peak = place.sample / recording.rate
        assert place.first < peak
        assert (place.last > peak) == (place.kind == "V")
