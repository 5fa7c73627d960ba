"""Warnings about the wearer's own beats."""

import re

import numpy as np
import pytest
import wfdb
from examples import write_wfdb
from relative_models import relative_model

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.template import UNLIKE
from sibeat_edge.report.recording import score_file


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A function that scores ``(samples,)`` at 360 Hz as a recording called ``wearer``."""

    def score(signal):
        folder = tmp_path_factory.mktemp("recordings")
        return score_file(write_wfdb(folder, "wearer", signal[:, None]), relative_model())

    return score


def clean(seconds):
    return simulate_wearer(seed=4, seconds=seconds, abnormal={}).signal[:, 0].astype(np.float64)


def about_beats(scored):
    return [warning for warning in scored.warnings if "wearer's own beats" in warning or "kind" in warning]


def test_of_a_wearer_with_one_kind_of_beats_nothing_is_told(scored):
    assert about_beats(scored(clean(150))) == []


def test_too_few_beats_for_a_template_are_told_and_nothing_is_scored(scored):
    found = scored(clean(8))
    (warning,) = about_beats(found)
    assert "found no template of the wearer's own beats (too few beats); expected one" in warning
    assert len(found.beats) > 5 and all(beat.score is None for beat in found.beats)
    assert found.templates == ()


def test_a_lead_turned_over_is_told(scored):
    upright = clean(200)
    turned = np.concatenate([upright, -clean(UNLIKE * 1.5)])
    (warning,) = about_beats(scored(turned))
    assert "found 1 more kind of frequent beats (" in warning and "expected one kind" in warning


def test_a_warm_up_that_went_on_is_told(scored, mitdb):
    """Record 207 begins with a bundle branch block that comes and goes, among extrasystoles."""
    signal = wfdb.rdrecord(str(mitdb / "207"), sampto=5 * 60 * 360, channels=[0]).p_signal[:, 0]
    found = scored(signal)
    (warning,) = [w for w in about_beats(found) if "warm-up" in w]
    assert re.search(r"found a warm-up in which \w.+ beats \w.+; expected mostly beats of one kind", warning)
    assert len(found.templates) >= 1 and any(beat.reason == "warm-up" for beat in found.beats)
