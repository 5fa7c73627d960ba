"""Beats cut from a stream: the same windows as offline, in blocks of any size, with gaps and pauses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.stream import PAUSE, BeatStream, CutBeat, Pause
from sibeat_edge.beats.windows import beat_windows
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import RATE
from sibeat_edge.signal.rpeaks import RPeakDetector

SECONDS = 30
SIGNAL = simulate_wearer(seed=3, seconds=SECONDS).signal.astype(float)
BAND, ORDER, WINDOW = (0.67, 45.0), 540, (100, 150)


def cut(signal, sizes=(10**6,), **options):
    stream, found, start, turn = BeatStream(RATE, signal.shape[1], **options), [], 0, 0
    while start < len(signal):
        size = sizes[turn % len(sizes)]
        found += stream.push(signal[start : start + size])
        start, turn = start + size, turn + 1
    return found + stream.finish()


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
    assert [(b.time, b.reason, b.rr) for b in once] == [(b.time, b.reason, b.rr) for b in parts]
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
