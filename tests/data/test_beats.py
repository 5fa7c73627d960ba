"""Beats cut from recordings, compared with beats cut by hand; and the cache that keeps them."""

import errno
from dataclasses import replace

import numpy as np
import pytest

from keras_sibeat.data.beats import extract_beats, load_beats
from keras_sibeat.data.beatset import COLUMNS
from keras_sibeat.data.physionet import check_files
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import Annotations, write_recording
from keras_sibeat.data.synthetic import simulate_wearer, simulate_wearers
from keras_sibeat.errors import DataError
from sibeat_edge.beats.rhythm import FEATURES
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import Resampler

BEFORE, AFTER = 140, 180


def extract(recording, leads=("MLII",), before=BEFORE, after=AFTER):
    return extract_beats(recording, Preprocessing(leads, before, after))


@pytest.fixture(scope="module")
def recording():
    return simulate_wearer(3, 40, abnormal={"V": 0.15, "A": 0.1})


def inside(recording):
    """Annotated R-peaks whose windows fit, at 360 Hz, and their symbols."""
    samples = np.rint(recording.annotations.samples * 360 / recording.rate).astype(int)
    length = len(recording.signal) * 360 / recording.rate
    fits = (samples >= BEFORE) & (samples + AFTER <= length)
    return samples[fits], recording.annotations.symbols[fits]


def scale(window):
    low, high = window.min(), window.max()
    return 2 * (window - low) / (high - low) - 1


def assert_same(one, other):
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    assert (one.notes, one.sha256) == (other.notes, other.sha256)


def spoil(recording, first, last, value, lead=0):
    signal = recording.signal.copy()
    signal[first:last, lead] = value
    return replace(recording, signal=signal)


def overlapping(samples, first, last):
    return (samples - BEFORE < last) & (samples + AFTER > first)


# Windows


@pytest.mark.parametrize("lead", ["MLII", "V1"])
def test_windows_are_cut_from_the_filtered_lead_and_scaled_each(recording, lead):
    beats = extract(recording, (lead,))
    samples, symbols = inside(recording)
    filtered = process(BandPass(), recording.signal[:, recording.leads.index(lead)])
    assert beats.windows.shape == (len(samples), 320, 1) and beats.windows.dtype == np.float32
    for window, sample in zip(beats.windows[:, :, 0], samples, strict=True):
        np.testing.assert_allclose(window, scale(filtered[sample - 140 : sample + 180]), atol=1e-5)
    np.testing.assert_array_equal(beats.samples, samples)
    np.testing.assert_array_equal(beats.symbols, symbols)
    np.testing.assert_array_equal(beats.classes, symbols)
    assert set(beats.records) == {recording.name}


@pytest.mark.parametrize("leads", ["all", ("MLII", "V1"), ("V1", "MLII")])
def test_several_leads_become_channels_in_the_order_wanted(recording, leads):
    together = extract(recording, leads)
    names = recording.leads if leads == "all" else leads
    for channel, lead in enumerate(names):
        np.testing.assert_array_equal(together.windows[:, :, [channel]], extract(recording, (lead,)).windows)


def test_the_window_is_configurable(recording):
    beats = extract(recording, before=60, after=100)
    filtered = process(BandPass(), recording.signal[:, 0])
    sample = beats.samples[3]
    assert beats.windows.shape[1] == 160
    np.testing.assert_allclose(beats.windows[3, :, 0], scale(filtered[sample - 60 : sample + 100]), atol=1e-5)


def test_the_windows_band_is_configurable_and_does_not_change_the_detection(recording):
    wide = Preprocessing(band=(0.5, 40), order=200)
    beats, usual = extract_beats(recording, wide), extract(recording)
    filtered = process(BandPass((0.5, 40), 200), recording.signal[:, 0])
    sample = beats.samples[3]
    np.testing.assert_allclose(
        beats.windows[3, :, 0], scale(filtered[sample - 140 : sample + 180]), atol=1e-5
    )
    np.testing.assert_array_equal(beats.detected, usual.detected)


def test_rr_intervals_are_those_to_the_neighbouring_beats(recording):
    beats = extract(recording)
    annotated = list(recording.annotations.samples)
    places = [annotated.index(sample) for sample in beats.samples]
    for beat, place in enumerate(places):
        before = (annotated[place] - annotated[place - 1]) / 360 if place else np.nan
        after = (annotated[place + 1] - annotated[place]) / 360 if place + 1 < len(annotated) else np.nan
        np.testing.assert_array_equal([beats.rr_before[beat], beats.rr_after[beat]], [before, after])


def test_only_beats_count_as_beats(recording):
    annotations = recording.annotations
    marks = np.array(["+", "~", "!"])
    mixed = Annotations(
        np.concatenate([annotations.samples, annotations.samples[4:7] + 40]),
        np.concatenate([annotations.symbols, marks]),
    )
    order = np.argsort(mixed.samples)
    mixed = Annotations(mixed.samples[order], mixed.symbols[order])
    assert_same(extract(replace(recording, annotations=mixed)), extract(recording))


def test_first_and_last_beats_have_no_rr_beyond_them():
    annotations = Annotations(np.array([500, 900, 1400]), np.array(["N", "V", "N"]))
    recording = replace(simulate_wearer(0, 6), annotations=annotations)
    beats = extract(recording)
    np.testing.assert_allclose(beats.rr_before, [np.nan, 400 / 360, 500 / 360])
    np.testing.assert_allclose(beats.rr_after, [400 / 360, 500 / 360, np.nan])


def test_detected_means_less_than_10_samples_from_an_r_peak():
    recording = simulate_wearer(0, 20, abnormal={}, noise_mv=0)
    true = recording.annotations.samples[3:9]
    shifted = true + [0, 5, -5, 25, -25, 60]
    annotations = Annotations(shifted, np.full(6, "N"))
    beats = extract(replace(recording, annotations=annotations))
    assert beats.detected.tolist() == [True, True, True, False, False, False]


def test_beats_at_the_ends_are_skipped_and_counted(recording):
    annotations = Annotations(np.array([139, 140, 5000, 14220, 14221]), np.full(5, "N"))
    assert len(recording.signal) == 14400
    beats = extract(replace(recording, annotations=annotations))
    assert beats.samples.tolist() == [140, 5000, 14220]
    assert beats.notes == (
        f"Record {recording.name}: skipped 2 beats whose window passes the recording's end.",
    )


# Other rates


@pytest.mark.parametrize("rate", [250, 1000])
def test_other_rates_are_resampled_and_noted(rate):
    recording = simulate_wearer(3, 40, rate=rate)
    beats = extract(recording)
    samples, symbols = inside(recording)
    assert beats.notes[0] == f"Record {recording.name}: resampled from {rate} Hz to 360 Hz."
    np.testing.assert_array_equal(beats.samples, samples)
    np.testing.assert_array_equal(beats.symbols, symbols)
    filtered = process(BandPass(), process(Resampler(rate), recording.signal[:, 0]))
    sample = samples[5]
    np.testing.assert_allclose(
        beats.windows[5, :, 0], scale(filtered[sample - 140 : sample + 180]), atol=1e-5
    )


def test_a_beat_looks_the_same_at_another_rate():
    slow, fast = (extract(simulate_wearer(3, 40, rate, noise_mv=0)) for rate in (250, 360))
    assert np.abs(slow.samples - fast.samples).max() <= 2
    likeness = [
        np.corrcoef(*pair)[0, 1] for pair in zip(slow.windows[..., 0], fast.windows[..., 0], strict=True)
    ]
    assert min(likeness) > 0.97


# Gaps


@pytest.mark.parametrize("rate", [360, 250])
@pytest.mark.parametrize(
    ("value", "why"), [(np.nan, "has missing samples"), (0.0, "is flat"), (0.7, "is flat")]
)
def test_beats_in_a_stretch_without_signal_are_skipped_and_counted(rate, value, why):
    recording = simulate_wearer(3, 40, rate, abnormal={})
    samples, _ = inside(recording)
    first, last = 10 * rate, 15 * rate
    beats = extract(spoil(recording, first, last, value))
    ends = first * 360 / rate, last * 360 / rate
    if np.isnan(value):
        lost = overlapping(samples, *ends)
    else:  # the whole window
        lost = (samples - BEFORE >= ends[0]) & (samples + AFTER <= ends[1])
    assert lost.sum() >= 3
    np.testing.assert_array_equal(beats.samples, samples[~lost])
    assert f"Record {recording.name}: skipped {lost.sum()} beats whose window {why}." in beats.notes
    assert np.isfinite(beats.windows).all()


@pytest.mark.parametrize("value", [np.nan, 0.3])
@pytest.mark.parametrize(("early", "late"), [(0, 0), (1, 0), (0, 1)])
def test_a_window_is_lost_from_its_first_to_its_last_sample(recording, value, early, late):
    sample = inside(recording)[0][10]
    if np.isnan(value):  # missing samples right before and after it, or its first or last one
        spoilt = spoil(recording, sample - 160, sample - BEFORE + early, value)
        spoilt = spoil(spoilt, sample + AFTER - late, sample + 200, value)
        lost = early or late
    else:  # flat all over, or but for its first or last sample
        spoilt = spoil(recording, sample - BEFORE + early, sample + AFTER - late, value)
        lost = not (early or late)
    assert (sample in extract(spoilt).samples) == (not lost)


def test_one_flat_lead_is_enough_to_lose_a_beat(recording):
    beats = extract(spoil(recording, 3600, 5400, 0.0, lead=1), "all")
    assert f"Record {recording.name}: skipped" in beats.notes[-1] and "is flat" in beats.notes[-1]


def test_a_gap_in_a_lead_that_is_not_wanted_does_not_matter(recording):
    spoilt = spoil(recording, 2000, 4000, np.nan, lead=1)
    assert_same(extract(spoilt), extract(recording))
    assert len(extract(spoilt, "all")) < len(extract(recording, "all"))


def test_beats_far_from_a_gap_are_untouched(recording):
    beats, whole = extract(spoil(recording, 7000, 7100, np.nan)), extract(recording)
    far = (whole.samples < 6500) | (whole.samples > 7600)
    kept = np.isin(beats.samples, whole.samples[far])
    np.testing.assert_array_equal(beats.windows[kept], whole.windows[far])


def test_a_recording_without_any_sample_has_no_beats(recording):
    beats = extract(replace(recording, signal=np.full_like(recording.signal, np.nan)))
    assert len(beats) == 0 and beats.windows.shape == (0, 320, 1)
    assert "has missing samples" in beats.notes[-1]


# Errors


@pytest.mark.parametrize("lead", ["I", "v2", ""])
def test_a_missing_lead(recording, lead):
    with pytest.raises(DataError, match=rf"Record seed3: lead {lead} is missing; found MLII, V1; expected"):
        extract(recording, ("MLII", lead))


def test_no_annotations(recording):
    with pytest.raises(DataError, match="Record seed3: found no annotations; expected"):
        extract(replace(recording, annotations=None))


@pytest.mark.parametrize(("samples", "rate"), [(0, 360), (319, 360), (221, 250)])
def test_a_recording_too_short_for_one_beat(samples, rate):
    annotations = Annotations(np.array([0]), np.array(["N"]))
    short = replace(simulate_wearer(0, 2, rate=rate), annotations=annotations)
    short = replace(short, signal=short.signal[:samples])
    found = -(-samples * 360 // rate)
    with pytest.raises(DataError, match=rf"Record seed0: found {found} samples at 360 Hz.*at least 320"):
        extract(short)


def test_a_recording_of_exactly_one_window(recording):
    one = replace(
        recording, signal=recording.signal[:320], annotations=Annotations(np.array([140]), np.array(["N"]))
    )
    assert len(extract(one)) == 1


# Cache


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("KERAS_SIBEAT_CACHE", str(folder))
    return folder


@pytest.fixture
def database(tmp_path):
    """Folder and record names of a small database."""
    recordings = simulate_wearers(2, seed=5, seconds=15, rate=250)
    for recording in recordings:
        write_recording(recording, tmp_path / "db")
    return tmp_path / "db", [recording.name for recording in recordings]


def load(database, **settings):
    folder, names = database
    paths = {name: folder / name for name in names}
    return load_beats(paths, check_files(folder, names), Preprocessing(**settings))


def refuse(*_, **__):
    raise AssertionError("read a recording although the cache holds its beats")


def test_a_cached_set_is_the_same_and_needs_no_recording(cache, database, monkeypatch):
    first = load(database)
    assert len(list(cache.iterdir())) == 1 and len(first) > 20
    assert len(first.notes) >= 2 and len(first.sha256) == 64
    monkeypatch.setattr("keras_sibeat.data.beats.read_recording", refuse)
    assert_same(load(database), first)


def test_beats_of_a_database_are_those_of_its_recordings_in_order(cache, database):
    beats = load(database)
    assert list(dict.fromkeys(beats.records.tolist())) == ["s000", "s001"]
    folder, names = database
    alone = load((folder, names[1:]))
    np.testing.assert_array_equal(beats.windows[beats.records == "s001"], alone.windows)
    assert alone.sha256 != beats.sha256


@pytest.mark.parametrize(
    "settings",
    [{"leads": ("V1",)}, {"leads": "all"}, {"before": 100}, {"after": 100}, {"band": (1, 40)}, {"order": 50}],
)
def test_other_settings_are_cached_apart(cache, database, settings):
    first, other = load(database), load(database, **settings)
    assert len(list(cache.iterdir())) == 2
    assert first.windows.tobytes() != other.windows.tobytes()
    assert first.sha256 == other.sha256
    assert_same(load(database, **settings), other)


def test_other_data_is_cached_apart(cache, database):
    first = load(database)
    write_recording(simulate_wearers(3, seed=6, seconds=15)[0], database[0])
    other = load(database)
    assert first.sha256 != other.sha256
    assert first.windows.tobytes() != other.windows.tobytes()


def test_the_same_data_elsewhere_is_the_same(cache, database, tmp_path, monkeypatch):
    first = load(database)
    folder, names = database
    folder.rename(tmp_path / "moved")
    monkeypatch.setattr("keras_sibeat.data.beats.read_recording", refuse)
    assert_same(load((tmp_path / "moved", names)), first)


def test_a_full_disk_leaves_no_half_file(cache, database, monkeypatch):
    def full(file, **columns):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OSError, match="No space left"):
            load(database)
    assert list(cache.iterdir()) == []
    assert len(load(database)) > 20  # and once there is space again, all is well


def test_an_error_in_a_recording_leaves_no_cache(cache, database):
    folder, _ = database
    (folder / "s001.atr").unlink()
    with pytest.raises(DataError, match=r"s001\.atr: no such file"):
        load(database)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_beside_a_wearer_no_interval_is_known_across_missing_samples():
    recording = simulate_wearer(4, 90, abnormal={})
    marks, signal = recording.annotations, recording.signal.copy()
    signal[62 * 360 : 64 * 360] = np.nan
    kept = (marks.samples < 61 * 360) | (marks.samples > 65 * 360)
    holed = replace(
        recording,
        signal=signal,
        annotations=replace(marks, samples=marks.samples[kept], symbols=marks.symbols[kept]),
    )
    beats = extract_beats(holed, Preprocessing(waits=True))
    behind = np.flatnonzero(beats.samples > 65 * 360)[0]
    before, after = (FEATURES.index(name) for name in ("before", "after"))
    assert beats.rhythm[behind, before] == 0 == beats.rhythm[behind - 1, after]
    assert np.all(beats.rhythm[50 : behind - 1, before] != 0)


# R-peaks beside a wearer's template


RELATIVE = Preprocessing(waits=True)
JITTER = 9  # samples, 25 ms


def jittered(recording, seed=0, first=0):
    """The recording with each R-peak moved by up to ``JITTER`` samples, the first one by ``first``; and by
    how much each was."""
    marks = recording.annotations
    steps = np.random.default_rng(seed).integers(-JITTER, JITTER + 1, len(marks.samples))
    steps[0] = first
    return replace(recording, annotations=replace(marks, samples=marks.samples + steps)), steps


@pytest.fixture(scope="module")
def wearer():
    """A wearer of normal beats, none of which is too near to an end of the recording to be cut or aligned."""
    whole = simulate_wearer(4, 90, abnormal={})
    marks = whole.annotations
    kept = (marks.samples > 400) & (marks.samples < len(whole.signal) - 400)
    return replace(
        whole, annotations=replace(marks, samples=marks.samples[kept], symbols=marks.symbols[kept])
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_beside_a_template_it_does_not_matter_how_well_the_r_peaks_are_placed(wearer, seed):
    moved, steps = jittered(wearer, seed)
    assert np.abs(steps).max() == JITTER and np.abs(np.diff(steps)).max() > JITTER
    beats, exact = extract_beats(moved, RELATIVE), extract_beats(wearer, RELATIVE)
    assert len(beats) == len(exact) == len(wearer.annotations.samples)
    np.testing.assert_array_equal(beats.windows, exact.windows)
    np.testing.assert_array_equal(beats.rhythm, exact.rhythm)
    # What is known of a beat is told of its annotation.
    np.testing.assert_array_equal(beats.samples, moved.annotations.samples)
    np.testing.assert_allclose(beats.rr_before[1:], np.diff(moved.annotations.samples) / 360)


@pytest.mark.parametrize("first", [-8, 5])
def test_beats_are_placed_as_the_first_one_is_and_then_as_most_are(wearer, first):
    """Where the first R-peak alone is off, all windows are at first, and less and less later on."""
    beats = extract_beats(jittered(wearer, first=first)[0], RELATIVE).windows[:, :, 0]
    exact = extract_beats(wearer, RELATIVE).windows[:, :, 0]
    shifts = range(-10, 11)
    errors = [np.abs(np.roll(exact, shift, axis=1) - beats)[:, 10:-10].mean(axis=1) for shift in shifts]
    found = np.array(shifts)[np.argmin(errors, axis=0)]
    assert set(found[1:20]) == {-first}
    assert abs(np.median(found[-10:])) < abs(first) and np.abs(np.diff(found[1:])).max() <= 1


@pytest.mark.parametrize("rate", [360, 250])
def test_the_visible_r_peaks_lie_one_above_the_other(rate):
    recording = simulate_wearer(4, 90, rate, abnormal={"V": 0.1, "A": 0.1})
    moved, _ = jittered(recording, 2)
    beats = extract_beats(moved, RELATIVE)
    normal = beats.windows[beats.symbols == "N", :, 0]
    peaks = normal[:, 110:170].argmax(axis=1)
    assert len(normal) > 60 and np.mean(np.abs(peaks - np.median(peaks)) <= 1) > 0.97


def test_a_beat_that_stands_alone_is_cut_where_its_annotation_is(wearer):
    moved, steps = jittered(wearer)
    beats = extract_beats(moved)
    filtered = process(BandPass(), wearer.signal[:, 0])
    for window, sample in zip(beats.windows, wearer.annotations.samples + steps, strict=True):
        np.testing.assert_allclose(window[:, 0], scale(filtered[sample - 140 : sample + 180]), atol=1e-5)


def test_an_r_peak_is_not_moved_where_signal_is_missing_but_its_neighbours_are(wearer):
    moved, steps = jittered(wearer)
    lost = moved.annotations.samples[20]
    beats = extract_beats(spoil(moved, lost - 40, lost + 40, np.nan), RELATIVE)
    exact = extract_beats(spoil(wearer, lost - 40, lost + 40, np.nan), RELATIVE)
    assert len(beats) == len(exact) < len(steps)
    np.testing.assert_array_equal(beats.windows, exact.windows)


# Bridged gaps


@pytest.mark.parametrize(("rate", "longest"), [(360, 14), (250, 10), (1000, 40)])
@pytest.mark.parametrize("wanted", [Preprocessing(), RELATIVE], ids=["alone", "beside a template"])
def test_a_gap_of_40_ms_is_bridged_by_a_line_and_a_longer_one_is_missing(rate, longest, wanted):
    recording = simulate_wearer(3, 90, rate, abnormal={})
    first = recording.annotations.samples[30] + rate // 10
    whole = extract_beats(recording, wanted)
    for count in (1, longest):
        line = recording.signal.copy()
        ends = [first - 1, first + count]
        line[first : first + count, 0] = np.interp(range(first, first + count), ends, line[ends, 0])
        bridged = extract_beats(spoil(recording, first, first + count, np.nan), wanted)
        expected = extract_beats(replace(recording, signal=line), wanted)
        np.testing.assert_array_equal(bridged.samples, whole.samples)
        np.testing.assert_allclose(bridged.windows, expected.windows, atol=1e-5)
        np.testing.assert_allclose(bridged.rhythm, expected.rhythm, atol=1e-5)
    missing = extract_beats(spoil(recording, first, first + longest + 1, np.nan), wanted)
    assert 0 < len(whole) - len(missing) <= 3 and "has missing samples" in missing.notes[-1]


# Recordings without annotations


def test_recordings_without_annotations_are_those_of_the_detected_r_peaks(cache, tmp_path):
    recording = simulate_wearer(6, 40, rate=250, abnormal={})
    path = write_recording(replace(recording, annotations=None), tmp_path / "db")
    digests = check_files(tmp_path / "db", [recording.name], "none")
    beats = load_beats({"a": path}, digests, Preprocessing(annotator="none"))
    assert set(beats.symbols) == {"N"} and beats.detected.all() and len(beats) >= 30
    truth = recording.annotations.samples * 360 / 250
    assert np.abs(beats.samples[:, None] - truth).min(axis=1).max() <= 3
    with pytest.raises(DataError, match=r"\.atr: no such file"):
        load_beats({"a": path}, digests, Preprocessing())


def test_the_first_lead_has_any_name(recording):
    renamed = replace(recording, leads=("ECG", "V1"))
    assert_same(extract(renamed, "first"), extract(recording))
    assert_same(extract(renamed, "first"), extract(renamed, ("ECG",)))
