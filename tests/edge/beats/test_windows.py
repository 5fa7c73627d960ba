import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sibeat_edge.beats.windows import AFTER, BEFORE, beat_windows, normalise, sliding_windows

RAMP = np.stack([np.arange(1000.0), -np.arange(1000.0)], axis=1)

windows = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=3, max_dims=3, max_side=12),
    elements=st.floats(-1000, 1000, width=32),
)


def test_a_beat_is_320_samples():
    assert (BEFORE, AFTER, BEFORE + AFTER) == (140, 180, 320)


def test_beat_windows_stand_around_their_r_peak():
    cut, kept = beat_windows(RAMP, [200, 555])
    assert cut.shape == (2, 320, 2) and cut.dtype == np.float32 and kept.all()
    for window, peak in zip(cut, (200, 555), strict=True):
        np.testing.assert_array_equal(window, RAMP[peak - 140 : peak + 180])


@pytest.mark.parametrize(
    ("peak", "fits"), [(-1, False), (139, False), (140, True), (820, True), (821, False), (999, False)]
)
def test_only_windows_inside_the_signal_are_kept(peak, fits):
    cut, kept = beat_windows(RAMP, [500, peak])
    assert kept.tolist() == [True, fits]
    assert len(cut) == 1 + fits


def test_beat_windows_of_no_beats():
    cut, kept = beat_windows(RAMP, [])
    assert cut.shape == (0, 320, 2) and kept.shape == (0,)


@settings(max_examples=60, deadline=None)
@given(steps=st.integers(1, 200), length=st.integers(1, 200), stride=st.integers(1, 50))
def test_sliding_windows_start_at_the_multiples_of_the_stride(steps, length, stride):
    cut = sliding_windows(RAMP[:steps], length, stride)
    assert cut.shape == (max(0, (steps - length) // stride + 1), length, 2)
    np.testing.assert_array_equal(cut[:, 0, 0], stride * np.arange(len(cut)))
    np.testing.assert_array_equal(np.diff(cut[:, :, 0], axis=1), 1)


@settings(max_examples=100, deadline=None)
@given(windows)
def test_normalised_channels_span_exactly_minus_1_to_1_or_are_0(windows):
    scaled = normalise(windows)
    flat = np.ptp(windows, axis=1) == 0
    assert scaled.shape == windows.shape and scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled.min(axis=1), np.where(flat, 0, -1))
    np.testing.assert_array_equal(scaled.max(axis=1), np.where(flat, 0, 1))


@settings(max_examples=100, deadline=None)
@given(
    windows=hnp.arrays(np.float64, (2, 9, 2), elements=st.integers(-100, 100)),
    gain=st.floats(0.01, 1000),
    offset=st.floats(-1000, 1000),
)
def test_gain_and_offset_do_not_matter(windows, gain, offset):
    np.testing.assert_allclose(normalise(gain * windows + offset), normalise(windows), atol=1e-6)


def test_each_channel_of_each_window_has_its_own_scale():
    windows = np.array([[[0, 5], [1, 5], [4, 5]], [[10, -1], [20, 0], [10, 3]]])
    expected = [[[-1, 0], [-0.5, 0], [1, 0]], [[-1, -1], [1, -0.5], [-1, 1]]]
    np.testing.assert_array_equal(normalise(windows), expected)
    np.testing.assert_array_equal(normalise(windows[0]), expected[0])  # without a batch axis, too
