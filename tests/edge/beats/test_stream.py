"""Beats cut from a stream: the same windows as offline, in blocks of any size, with gaps and pauses."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sps

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.alignment import ROOM_AFTER, ROOM_BEFORE, Aligner
from sibeat_edge.beats.stream import PAUSE, BeatStream, CutBeat, Pause
from sibeat_edge.beats.stretch import CLEAN, Stretch
from sibeat_edge.beats.windows import AFTER, BEFORE, beat_windows
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.quality import noise_reason
from sibeat_edge.signal.resampling import RATE
from sibeat_edge.signal.rpeaks import RPeakDetector

SECONDS = 30
SIGNAL = simulate_wearer(seed=3, seconds=SECONDS).signal.astype(float)
BAND, ORDER, WINDOW = (0.67, 45.0), 540, (100, 150)
WORN = {"band": BAND, "order": ORDER, "knows_wearer": True}  # as a wearer's model has it


def cut(signal, sizes=(10**6,), rate=RATE, **options):
    stream, found, start, turn = BeatStream(rate, signal.shape[1], **options), [], 0, 0
    while start < len(signal):
        size = sizes[turn % len(sizes)]
        found += stream.push(signal[start : start + size])
        start, turn = start + size, turn + 1
    return found + stream.finish()


def told(beat):
    """All that is told of a beat but its window."""
    return beat.time, beat.reason, beat.rr, beat.snr, beat.likeness, beat.bridged


def test_windows_are_those_of_the_offline_path():
    peaks = process(RPeakDetector(), process(BandPass(), SIGNAL[:, 0]))
    windows, inside = beat_windows(process(BandPass(BAND, ORDER), SIGNAL), peaks, *WINDOW)
    found = cut(SIGNAL, band=BAND, order=ORDER, window=WINDOW, start=7.0)
    np.testing.assert_allclose([beat.time for beat in found], 7 + peaks / RATE)
    whole = [beat for beat, fits in zip(found, inside, strict=True) if fits]
    assert len(whole) > 20 and {beat.reason for beat in whole} == {""}
    np.testing.assert_array_equal(np.float32([beat.window for beat in whole]), windows)
    edges = [beat for beat, fits in zip(found, inside, strict=True) if not fits]
    assert all(beat.reason == "edge" and beat.window is None for beat in edges)
    assert found[0].rr is None
    np.testing.assert_allclose([beat.rr for beat in found[1:]], np.diff(peaks) / RATE)


@settings(max_examples=10)
@given(
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=5),
    hole=st.integers(0, SECONDS - 6),
    value=st.sampled_from([np.nan, 0.0]),
)
def test_blocks_of_any_size_cut_the_same_beats(sizes, hole, value):
    signal = SIGNAL.copy()
    signal[hole * RATE : (hole + 5) * RATE] = value
    once, parts = cut(signal), cut(signal, sizes)
    assert [told(beat) for beat in once] == [told(beat) for beat in parts]
    assert all(
        np.array_equal(a.window, b.window) for a, b in zip(once, parts, strict=True) if a.window is not None
    )


@pytest.mark.parametrize("value, reason", [(np.nan, "missing"), (0.5, "flat")])
def test_a_gap_has_no_windows_and_no_rr_across_it(value, reason):
    signal = SIGNAL.copy()
    signal[10 * RATE : 15 * RATE] = value
    found = cut(signal)
    near = [beat.reason for beat in found if 9.9 < beat.time < 15.1 or abs(beat.time - 9.8) < 0.3]
    assert reason in near and "" not in [beat.reason for beat in found if 10 < beat.time < 15]
    first = next(beat for beat in found if beat.time > 15)
    assert first.rr is None and all(beat.rr is not None for beat in found[1:] if beat.time < 9.5)


def quiet(seconds):
    return 1e-4 * np.random.default_rng(0).standard_normal((seconds * RATE, SIGNAL.shape[1]))


def test_a_pause_is_told_once_and_only_if_asked_for():
    signal = np.concatenate([SIGNAL, quiet(40)])
    found = cut(signal, tells_pauses=True)
    (place,) = [number for number, part in enumerate(found) if isinstance(part, Pause)]
    assert found[place] == Pause(follows=True) and isinstance(found[place - 1], CutBeat)
    without = [part.time for part in cut(signal)]
    assert without == [part.time for part in found[:place] + found[place + 1 :]]


def test_a_pause_comes_as_soon_as_it_is_certain():
    stream, found, seconds = BeatStream(RATE, SIGNAL.shape[1], tells_pauses=True), [], 0
    newest = max(beat.time for beat in stream.push(SIGNAL))
    for block in np.split(quiet(40), 40):
        seconds += 1
        found += stream.push(block)
        if any(isinstance(part, Pause) for part in found):
            break
    newest = max([newest, *(part.time for part in found if isinstance(part, CutBeat))])
    assert PAUSE / RATE <= SECONDS + seconds - newest <= PAUSE / RATE + 4


def test_the_signal_lost_in_a_pause_is_told():
    signal = np.concatenate([SIGNAL, quiet(40)])
    signal[(SECONDS + 3) * RATE : (SECONDS + 4) * RATE] = np.nan
    (pause,) = [part for part in cut(signal, tells_pauses=True) if isinstance(part, Pause)]
    assert not pause.follows


@pytest.mark.parametrize("rate", [0, 10_001])
def test_a_rate_out_of_range_is_told(rate):
    with pytest.raises(ValueError, match=f"found {rate} Hz, expected 1 to 10000 Hz"):
        BeatStream(rate, 1)


# Blocks, with all that the stages hold back


@functools.cache
def clean(seed=3, rate=RATE, seconds=SECONDS):
    """Lead ``(samples, 1)`` of a wearer without abnormal beats, and its R-peaks in samples."""
    wearer = simulate_wearer(seed, seconds, rate, abnormal={}, noise_mv=0.01)
    return wearer.signal[:, :1].astype(float), wearer.annotations.samples


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    gaps=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.039, 0.05, 0.1, 3.0]), st.integers(0, 1)),
        max_size=12,
    ),
    swinging=st.floats(0, 1),
    rate=st.sampled_from([125, RATE]),
    knows_wearer=st.booleans(),
)
def test_gaps_and_noise_are_the_same_in_blocks_of_any_size(sizes, gaps, swinging, rate, knows_wearer):
    draws = np.random.default_rng(len(gaps))
    signal = simulate_wearer(seed=5, seconds=SECONDS, rate=rate).signal.astype(float)
    first = int(swinging * len(signal))
    part = signal[first : first + 8 * rate]
    part += 0.3 * np.ptp(signal) * draws.standard_normal(part.shape)
    for place, seconds, lead in gaps:
        first = int(place * len(signal))
        signal[first : first + max(1, int(seconds * rate)), lead] = np.nan
    options = {**WORN, "knows_wearer": knows_wearer, "rate": rate}
    once, parts = cut(signal, **options), cut(signal, sizes, **options)
    assert [told(beat) for beat in once] == [told(beat) for beat in parts]
    for one, other in zip(once, parts, strict=True):
        assert (one.window is None) == (other.window is None) and (one.window is not None or one.reason)
        assert one.window is None or knows_wearer or one.is_clean
        assert one.window is None or one.window.tobytes() == other.window.tobytes()


# Gaps


def reasons(found):
    return {beat.reason for beat in found if beat.reason != "edge"}


@pytest.mark.parametrize("rate", [128, 250, 360, 500])
@pytest.mark.parametrize("seconds", [0.0, 0.039])
def test_gaps_of_up_to_39_ms_void_no_beat(rate, seconds):
    """Every 1.37 s, and so anywhere in a beat; and on top of it."""
    signal, peaks = clean(rate=rate)
    whole, count = cut(signal, rate=rate, **WORN), max(1, int(seconds * rate))
    for starts in (np.arange(rate, len(signal) - rate, round(1.37 * rate)), peaks[3:-3:3] - count // 2):
        lossy = signal.copy()
        lossy[starts[:, None] + np.arange(count)] = np.nan
        found = cut(lossy, rate=rate, **WORN)
        assert reasons(found) == {""} and len(found) == len(whole) > 20
        apart = np.array([beat.time for beat in found]) - [beat.time for beat in whole]
        assert np.abs(apart).max() <= 0.02 and all(beat.rr is not None for beat in found[1:])


@pytest.mark.parametrize("rate", [128, 250, 360, 500])
def test_beats_whose_windows_or_filter_reach_a_short_gap_are_told_as_bridged(rate):
    signal, _ = clean(rate=rate)
    lossy, first, reached = signal.copy(), 15 * rate, []
    lossy[first : first + max(1, int(0.03 * rate))] = np.nan
    for beat in cut(lossy, rate=rate, **WORN):
        before, after = ((room + ORDER / 2) / RATE for room in (BEFORE, AFTER))
        margins = beat.time + after - first / rate, first / rate + 0.03 - (beat.time - before)
        if beat.reason != "edge" and np.abs(margins).min() > 2 / rate:
            reached.append(min(margins) > 0)
            assert beat.bridged == reached[-1] and beat.reason == ""
    assert 2 <= sum(reached) < 6 < len(reached)
    assert not any(beat.bridged for beat in cut(signal, rate=rate, **WORN))


@pytest.mark.parametrize("rate", [125, RATE])
def test_a_short_gap_is_scored_as_if_a_line_had_been_recorded(rate):
    signal, peaks = clean(rate=rate)
    count = int(0.039 * rate)
    lost = np.isin(np.arange(len(signal)), peaks[2:-2, None] + round(0.02 * rate) + np.arange(count))
    filled = np.interp(np.arange(len(signal)), np.flatnonzero(~lost), signal[~lost, 0])[:, None]
    found = cut(np.where(lost[:, None], np.nan, signal), rate=rate, **WORN)
    recorded = cut(filled, rate=rate, **WORN)
    assert [(b.time, b.reason) for b in found] == [(b.time, b.reason) for b in recorded]
    for one, other in zip(found, recorded, strict=True):
        if one.window is not None:
            np.testing.assert_allclose(one.window, other.window, atol=1e-12)


@pytest.mark.parametrize("rate", [128, 250, 360, 500])
def test_a_gap_of_100_ms_voids_the_beats_whose_windows_or_filter_reach_it(rate):
    signal, peaks = clean(rate=rate)
    lossy, first, last = signal.copy(), 15 * rate, int(15.1 * rate)
    lossy[first:last] = np.nan
    reached = []
    for beat in cut(lossy, rate=rate, **WORN):
        before, after = ((room + ORDER / 2) / RATE for room in (BEFORE, AFTER))
        margins = beat.time + after - first / rate, last / rate - (beat.time - before)  # inside if positive
        if beat.reason != "edge" and np.abs(margins).min() > 2 / rate:
            reached.append(min(margins) > 0)
            assert beat.reason == ("missing" if reached[-1] else "")
        if beat.rr is None:
            assert beat.time < 1.5 or beat.time - 1.5 < 15.1 <= beat.time
    assert 2 <= sum(reached) < 6 < len(reached)


# A lead without a heart


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from([100, 125, 128, 250, 300, 360, 500, 512]),
    offset=st.one_of(st.floats(-300, 300), st.sampled_from([0.0, 0.1, 300.0])),
)
def test_a_constant_lead_has_no_beats(rate, offset):
    assert cut(np.full((15 * rate, 1), offset), rate=rate, **WORN) == []


# Where a beat is


def two_peaked(sigma=0.01):
    """A QRS of two peaks, of which now the first, now the second is the higher, and where it is."""
    places = np.arange(400, SECONDS * RATE - 400, 287)
    ticks = np.arange(SECONDS * RATE)[:, None] - places
    higher = np.where(np.arange(len(places)) % 2, 1.0, 0.96)
    first, second = (np.exp(-np.square((ticks + shift) / 2.5) / 2) for shift in (6, -6))
    wave = higher * first + (1.96 - higher) * second + 0.2 * np.exp(-np.square((ticks - 90) / 15) / 2)
    noise = sigma * np.random.default_rng(0).standard_normal(len(ticks))
    return (wave.sum(axis=1) + noise)[:, None], places


def test_a_qrs_of_two_equal_peaks_is_always_found_at_the_same_place_if_beats_are_aligned():
    signal, places = two_peaked()
    offsets = {}
    for knows_wearer in (False, True):
        found = cut(signal, **{**WORN, "knows_wearer": knows_wearer})
        offsets[knows_wearer] = np.round([beat.time * RATE for beat in found]) - places
        centre = np.argmax([beat.window[:, 0] for beat in found], axis=1) - BEFORE
        # Either peak may be the higher in the window.
        assert np.abs(centre + offsets[knows_wearer]).max() <= 7
    assert np.ptp(offsets[False]) >= 11 and np.ptp(offsets[True]) <= 2


def test_the_windows_of_aligned_beats_are_alike():
    signal, _ = two_peaked()
    spread = {}
    for knows_wearer in (False, True):
        windows = np.array(
            [beat.window[:, 0] for beat in cut(signal, **{**WORN, "knows_wearer": knows_wearer})]
        )
        spread[knows_wearer] = np.corrcoef(windows).min()
    assert spread[True] > 0.98 > 0.7 > spread[False]


@settings(max_examples=10, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=5),
    window=st.sampled_from([(140, 180), (60, 40)]),
)
def test_beats_are_moved_alike_in_blocks_of_any_size(sizes, window):
    """The signal that an alignment needs may come later than that of the window."""
    signal, _ = two_peaked()
    once, parts = cut(signal, window=window, **WORN), cut(signal, sizes, window=window, **WORN)
    assert [told(beat) for beat in once] == [told(beat) for beat in parts]
    assert {beat.reason for beat in once} == {""}


def test_a_beat_in_a_gap_stays_where_it_was_found_and_teaches_nothing():
    signal, places = two_peaked()
    lossy = signal.copy()
    for number in (10, 11):  # either peak is the higher, and the T wave is lost
        lossy[places[number] + 80 : places[number] + 130] = np.nan
    found, plain = cut(lossy, **WORN), cut(lossy, **{**WORN, "knows_wearer": False})
    moved = [abs(round((one.time - other.time) * RATE)) for one, other in zip(found, plain, strict=True)]
    assert moved[10:12] == [0, 0] and max(moved[8:10]) >= 11 <= max(moved[12:14])
    assert found[10].reason == found[11].reason == "missing"
    assert (
        len({beat.snr for beat in found[9:12]}) == 1 < len({beat.snr for beat in cut(signal, **WORN)[9:12]})
    )


def test_rr_is_that_of_the_aligned_beats():
    signal, places = two_peaked()
    found = cut(signal, **WORN)
    np.testing.assert_allclose([beat.rr for beat in found[1:]], np.diff(places) / RATE, atol=2 / RATE)
    np.testing.assert_allclose([beat.rr for beat in found[1:]], np.diff([beat.time for beat in found]))


def test_an_aligner_that_knows_the_wearer_places_the_first_beats_of_a_new_stream():
    signal, places = two_peaked()
    for number in (20, 21):  # so that either peak comes first in the new stream
        start = places[number] + 150
        before = cut(signal[:start], aligner=(aligner := Aligner()), **WORN)
        after = cut(signal[start:], aligner=aligner, **WORN)
        assert before[1].snr is None and after[2].snr is not None  # the third likeness that is known
        found = [beat.time * RATE for beat in before] + [start + beat.time * RATE for beat in after]
        assert np.ptp(np.round(found) - places) <= 2


def test_two_beats_are_never_at_the_same_place():
    """A wide beat with two steep flanks is found twice, in a wearer whose beats are smooth and as wide."""
    ticks, signal = np.arange(60 * RATE), np.zeros(60 * RATE)
    for number, place in enumerate(range(300, 59 * RATE, 300)):
        at = ticks - place
        smooth = np.exp(-np.square(at / 30) / 2)
        steep = (np.tanh((at + 30) / 6) - np.tanh((at - 30) / 6)) / 2 + 0.3 * np.exp(-np.square(at / 20) / 2)
        signal += smooth if number < 40 or number % 2 else steep
    signal += 0.003 * np.random.default_rng(0).standard_normal(len(signal))
    found = cut(signal[:, None], **WORN)
    assert min(beat.rr for beat in found[1:]) > 0


# Noise


def swings(count, seed):
    """Slow random swings as those of moving electrodes, 1 to 8 Hz, ±1 at most."""
    draws = np.random.default_rng(seed).standard_normal(count + 4 * RATE)
    band = sps.butter(4, (1, 8), "bandpass", fs=RATE, output="sos")
    slow = sps.sosfiltfilt(band, draws)[2 * RATE : -2 * RATE]
    return slow / np.abs(slow).max()


def under(noise, seed, start=40):
    """Beats before, under and after noise, without those of the seconds in which it is noticed."""
    signal, _ = clean(seed, seconds=start + 100)
    noisy, seconds = signal.copy(), len(noise) // RATE
    noisy[start * RATE : (start + seconds) * RATE, 0] += np.ptp(signal) * noise
    found = [beat for beat in cut(noisy, **WORN) if beat.reason != "edge"]
    spans = (8, start - 1), (start + 6, start + seconds - 1), (start + seconds + 10, np.inf)
    return [[beat for beat in found if first <= beat.time < last] for first, last in spans]


@pytest.mark.parametrize("seed", range(4))
def test_swings_as_high_as_the_qrs_make_no_beat_clean_while_they_last(seed):
    before, while_, after = under(swings(30 * RATE, seed), seed)
    assert reasons(before) == {""} == reasons(after) and len(before) > 20 < len(after)
    assert {"motion"} <= reasons(while_) <= {"motion", "noisy"} and len(while_) > 15
    assert max(beat.snr for beat in while_) < CLEAN == 4 < 15 < min(beat.snr for beat in before + after)


@pytest.mark.parametrize("seed", range(4))
def test_beats_in_some_noise_are_scored_beside_a_template_that_does_not_learn_from_them(seed):
    """In noise from -2 to 2 dB; a model without a template scores none of these beats."""
    signal, _ = clean(seed, seconds=140)
    noisy = signal.copy()
    noisy[40 * RATE : 70 * RATE, 0] += 0.6 * np.ptp(signal) * swings(30 * RATE, seed)
    for knows_wearer in (True, False):
        found = cut(noisy, **{**WORN, "knows_wearer": knows_wearer})
        some = [beat for beat in found if beat.reason == "motion" and -2 <= beat.snr < 2]
        assert some and not any(beat.is_clean for beat in some)
        assert [beat.window is not None for beat in some] == [knows_wearer] * len(some)
        assert all(beat.window is None for beat in found if beat.snr is not None and beat.snr < -4)


@pytest.mark.parametrize("seed", range(4))
def test_white_noise_makes_every_beat_noisy_while_it_lasts(seed):
    noise = 0.3 * np.random.default_rng(seed).standard_normal(30 * RATE)
    before, while_, after = under(noise, seed)
    assert reasons(before) == {""} == reasons(after) and len(before) > 20 < len(after)
    assert reasons(while_) == {"noisy"} and len(while_) > 15


def test_a_beat_that_alone_looks_fit_is_not_among_beats_that_swing():
    """``noise_reason`` knows one window. The stretch is what ``motion`` comes from."""
    signal, _ = clean(1, seconds=140)
    signal = signal.copy()
    signal[40 * RATE : 70 * RATE, 0] += np.ptp(signal) * swings(30 * RATE, 1)
    filtered = process(BandPass(BAND, ORDER), signal)
    moving = [beat for beat in cut(signal, **WORN) if beat.reason == "motion"]
    windows, _ = beat_windows(filtered, [round(beat.time * RATE) for beat in moving])
    assert len(windows) >= 10 and {noise_reason(window, BEFORE) for window in windows} == {""}


@pytest.mark.parametrize("abnormal", [{"V": 0.1}, {"V": 0.3}, {"A": 0.2}, {"F": 0.1, "V": 0.1}])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_abnormal_beats_are_neither_noise_nor_motion(abnormal, seed):
    signal = simulate_wearer(seed, 60.0, abnormal=abnormal).signal[:, :1].astype(float)
    assert reasons(cut(signal, **WORN)) == {""}


def test_only_beside_a_wearer_s_beats_a_small_one_is_found():
    signal, beat = np.zeros((30 * 360, 1)), np.exp(-np.square(np.arange(-40, 41) / 9.0))
    for place in range(200, len(signal) - 50, 400):
        signal[place - 40 : place + 41, 0] += beat
    signal[6000 - 40 : 6000 + 41, 0] += 0.43 * beat
    times = [[one.time for one in cut(signal, knows_wearer=knows)] for knows in (False, True)]
    (extra,) = {round(time * 360) for time in times[1]} - {round(time * 360) for time in times[0]}
    assert abs(extra - 6000) < 3 and len(times[1]) == len(times[0]) + 1 == 28


def test_the_ratio_that_a_beat_tells_is_that_of_its_stretch_and_its_likeness_its_own():
    aligner, stretch, known = Aligner(), Stretch(), []
    filtered = process(BandPass(BAND, ORDER), SIGNAL)[:, 0]
    peaks = process(RPeakDetector(), process(BandPass(), SIGNAL[:, 0]))
    found = cut(SIGNAL, **{**WORN, "knows_wearer": False})
    for peak, beat in zip(peaks, found, strict=True):
        likeness = None
        if ROOM_BEFORE <= peak <= len(SIGNAL) - ROOM_AFTER:
            likeness = aligner.push(filtered[peak - ROOM_BEFORE : peak + ROOM_AFTER]).snr
            stretch.push(likeness)
        assert beat.snr == stretch.snr and beat.likeness == likeness
        known += [] if likeness is None else [likeness]
    assert found[0].snr is None and found[-1].snr is not None and len(set(known)) > 15


def test_of_a_beat_whose_t_wave_is_lost_no_likeness_is_known():
    signal, peaks = clean()
    lossy = signal.copy()
    lossy[peaks[10] + 60 : peaks[10] + 100] = np.nan
    found = [beat for beat in cut(lossy, **WORN) if 1 < beat.time < SECONDS - 1]
    unknown = [beat.time for beat in found[2:] if beat.likeness is None]
    assert unknown == [pytest.approx(peaks[10] / RATE, abs=0.05)]
    assert min(beat.likeness for beat in found[2:] if beat.likeness is not None) > 10


def test_an_extrasystole_has_a_low_likeness_and_its_stretch_a_high_ratio():
    signal = simulate_wearer(2, 60.0, abnormal={"V": 0.02}).signal[:, :1].astype(float)
    found = [beat for beat in cut(signal, **WORN) if beat.reason != "edge" and beat.likeness is not None]
    odd = [beat for beat in found if beat.likeness < 5]
    assert 1 <= len(odd) <= 3 and min(beat.snr for beat in found[3:]) > 10
