"""What a model says of many views: the same as of each alone."""

import numpy as np
import pytest

from sibeat_edge.beats.rhythm import OF_A_BEAT
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.views import on_time, viewed
from sibeat_edge.report.recording import PRESET


@pytest.fixture(scope="module")
def model():
    return Model(PRESET)


def views(count):
    draws = np.random.default_rng(0)
    template = np.hanning(320)[:, None] ** 8
    beats = [template + 0.4 * (n % 3) * draws.standard_normal((320, 1)) for n in range(count)]
    made = [np.hstack([beat, template]).astype(np.float32) for beat in beats]
    return [(window, draws.normal(size=8, scale=0.2).astype(np.float32)) for window in made]


def test_scores_are_those_of_each_view_alone(model):
    given = views(20)  # two batches, and some beats alone
    found = viewed(model, given, heat=True)
    assert len(found) == 20 and len({one.score for one in found}) > 3
    for one, (window, rhythm) in zip(found, given, strict=True):
        beat, template = window[:, :1], window[:, 1:]
        assert one.score == model.score(window, rhythm)
        assert one.of_template == model.score(np.hstack([template, template]), rhythm)
        np.testing.assert_array_equal(one.residuals, np.square(beat - template)[:, 0])
        late = model.score(window, np.where(OF_A_BEAT, 0, rhythm))
        assert on_time(model, window, rhythm) == late


def test_a_model_of_one_beat_says_the_same_of_many_views():
    windows = [(window[:, :1],) for window, _ in views(20)]
    model = Model("mitdb-beat")
    found = viewed(model, windows)
    assert [one.score for one in found] == [model.score(*view) for view in windows]
    assert len({one.score for one in found}) > 3 and all(one.form is None for one in found)


def test_of_no_views_nothing_is_said(model):
    assert viewed(model, []) == []
