"""What maps are worth, where the answer is known in closed form."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from keras_sibeat.evaluate.map_metrics import (
    agreement,
    deletion,
    deletion_area,
    hottest,
    overlap,
    pointing,
    replaced,
)


def truths(count=400, length=100, width=20, seed=0):
    first = np.random.default_rng(seed).integers(0, length - width + 1, (count, 1))
    ticks = np.arange(length)
    return (ticks >= first) & (ticks < first + width)


def test_a_map_that_is_the_truth_is_right():
    truth = truths()
    assert pointing(truth.astype(float), truth).all() and (overlap(truth.astype(float), truth) == 1).all()


def test_a_map_that_is_the_contrary_is_wrong():
    truth = truths()
    assert not pointing(-truth.astype(float), truth).any() and (overlap(-1.0 * truth, truth) == 0).all()


def test_chance_points_at_a_share_as_large_as_the_truth():
    truth = truths(count=20_000)
    maps = np.random.default_rng(1).random(truth.shape)
    assert pointing(maps, truth).mean() == pytest.approx(0.2, abs=0.01)
    shared = np.arange(21)
    expected = np.sum(hypergeom(100, 20, 20).pmf(shared) * shared / (40 - shared))
    assert overlap(maps, truth).mean() == pytest.approx(expected, abs=0.002)


def test_half_of_the_truth_is_a_third_of_the_union():
    truth = np.zeros((1, 10), bool)
    truth[0, 2:6] = True
    maps = np.zeros((1, 10))
    maps[0, 4:8] = 1
    assert overlap(maps, truth).tolist() == [pytest.approx(2 / 6)]


def test_as_many_places_are_hottest_as_are_asked_for_where_maps_tie():
    assert hottest(np.zeros((3, 8)), np.array([0, 3, 8])).sum(axis=1).tolist() == [0, 3, 8]


def test_replacing_leaves_the_template_beside_the_beat_as_it_is():
    windows = np.stack([np.arange(4.0), np.full(4, 9.0)], axis=1)[None]
    kept = np.array([1, 1, 0, 0])[None, :, None]
    made = replaced(windows, np.full((1, 4, 1), -1.0), kept)
    assert made[0].T.tolist() == [[0, 1, -1, -1], [9, 9, 9, 9]] and windows[0, 3, 0] == 3


def test_deleting_the_truth_first_ends_the_score_at_once_and_last_at_the_end():
    truth = truths(count=50, width=20)
    windows, usual = truth[:, :, None].astype(float), np.zeros((50, 100, 1))

    def score(changed):
        return changed.sum(axis=(1, 2))

    first = deletion_area(deletion(score, windows, usual, truth.astype(float)))
    last = deletion_area(deletion(score, windows, usual, -truth.astype(float)))
    assert first == pytest.approx(0.1) and last == pytest.approx(0.9)  # a triangle a fifth wide


def test_deleting_by_chance_takes_what_each_place_brings():
    windows, usual = np.ones((200, 100, 1)), np.zeros((200, 100, 1))
    maps = np.random.default_rng(0).random((200, 100))
    area = deletion_area(deletion(lambda changed: changed.sum(axis=(1, 2)), windows, usual, maps))
    assert area == pytest.approx(0.5)


def test_channels_can_be_deleted_one_by_one():
    windows, usual = np.ones((1, 2, 2)), np.zeros((1, 2, 2))
    maps = np.array([[0.0, 3.0, 0.0, 0.0]])  # the second channel of the first tick
    curve = deletion(lambda changed: changed[:, 0, 1], windows, usual, maps, shares=(0.0, 0.25))
    assert curve.ravel().tolist() == [1, 0]


def test_a_score_that_is_usual_has_nothing_to_be_explained():
    assert np.isnan(deletion_area(np.ones((10, 3))))


def test_a_map_agrees_with_itself_and_not_with_its_contrary():
    maps = np.random.default_rng(0).random((30, 100))
    truth = truths(count=30)
    assert agreement(maps, 2 * maps + 1, truth) == pytest.approx(
        {"correlation": 1, "same_place": 1, "overlap": 1}
    )
    assert agreement(maps, -maps, truth)["correlation"] == pytest.approx(-1)
