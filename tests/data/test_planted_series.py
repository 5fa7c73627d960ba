"""Anomalies in a series lie in one channel, where the mask says."""

import numpy as np
import pytest

from keras_sibeat.data.planted_series import KINDS, SEEN, SHARE, plant_in_windows


def walks(count=12):
    phase = np.random.default_rng(0).uniform(0, 6, (count, 1, 4))
    return np.sin(phase + np.arange(64)[:, None] * [0.2, 0.3, 0.4, 0.5]).astype("float32")


@pytest.mark.parametrize("kind", KINDS)
def test_one_channel_changes_for_a_quarter_of_the_window(kind):
    windows = walks()
    made, truth, rows = plant_in_windows(windows, kind, np.random.default_rng(1))
    assert made.shape == truth.shape == (len(rows), 64, 4) and len(rows) > 6
    assert (truth.sum(axis=(1, 2)) == SHARE * 64).all() and (truth.any(axis=1).sum(axis=1) == 1).all()
    assert (made[~truth] == windows[rows][~truth]).all()
    assert (np.abs(made - windows[rows]).max(axis=(1, 2)) >= SEEN).all()


def test_a_held_channel_keeps_the_value_that_it_had():
    made, truth, _ = plant_in_windows(walks(), "held", np.random.default_rng(1))
    parts = made[truth].reshape(len(made), -1)
    assert (np.ptp(parts, axis=1) == 0).all()


def test_windows_in_which_nothing_can_be_seen_are_left_out():
    made, truth, rows = plant_in_windows(np.zeros((3, 64, 2)), "held", np.random.default_rng(0))
    assert made.shape == truth.shape == (0, 64, 2) and len(rows) == 0


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="found the kind 'jump', expected one of bump"):
        plant_in_windows(walks(), "jump", np.random.default_rng(0))
