"""Heat is as wide as a wave, and stays where it was."""

import numpy as np
import pytest

from sibeat_edge.report.heat import WIDTH, smoothed


def test_smoothing_is_a_mean_weighed_by_a_hann_window():
    maps = np.random.default_rng(0).random((3, 320))
    weights = np.hanning(WIDTH + 1)[1:-1]
    expected = [np.convolve(row, weights / weights.sum(), "same") for row in maps]
    np.testing.assert_allclose(smoothed(maps), expected)


def test_a_single_tick_becomes_a_wave_around_it():
    made = smoothed(np.eye(1, 320, 100))[0]
    half = WIDTH // 2
    assert made.argmax() == 100 and made.sum() == pytest.approx(1)
    np.testing.assert_allclose(made[100 - half : 100], made[100 + half : 100 : -1])
    assert not made[: 100 - half].any() and not made[101 + half :].any()


def test_series_are_smoothed_along_time_alone():
    maps = np.zeros((1, 64, 4))
    maps[0, 30, 2] = 1
    made = smoothed(maps, 8, axis=1)
    assert made.shape == (1, 64, 4) and made[0, :, 2].sum() == pytest.approx(1)
    assert not made[0, :, [0, 1, 3]].any()
