"""Wearers whose rhythm or shape is never the usual one: what the shipped model calls their beats.

The bounds are stated behaviour, not aims: a change that moves a wearer beyond one has to be looked at. The
matrix of each record is in RESULTS.md.
"""

import pytest

from keras_sibeat.data.recording import read_recording
from keras_sibeat.evaluate.decision_figures import record_figures
from keras_sibeat.evaluate.decisions import decide
from keras_sibeat.evaluate.ec57_tables import CALLED, CLASSES
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET


@pytest.fixture(scope="module")
def model():
    return Model(PRESET)


def matrix_of(model, mitdb, name):
    """The record, decided, and ``found("NQ", "SV")``: how many beats of N and Q were called S or V."""
    decided = decide(model, read_recording(mitdb / name))
    matrix = record_figures(decided)["matrix"]

    def found(true, called):
        rows = [(CLASSES + "O").index(one) for one in true]
        return int(matrix[rows][:, [CALLED.index(one) for one in called]].sum())

    return decided, found


@pytest.mark.parametrize("name", ["102", "104", "107"])
def test_paced_beats_are_the_wearers_own(model, mitdb, name):
    _, found = matrix_of(model, mitdb, name)
    assert found("Q", "N") > 1500 and found("NQO", "SV") <= 0.01 * found("NQ", CALLED)


def test_a_paced_wearers_rare_unpaced_beats_are_called_ventricular(model, mitdb):
    """Record 217: fibrillation under a pacemaker. The unpaced beats are unlike the paced ones."""
    _, found = matrix_of(model, mitdb, "217")
    assert found("Q", "SV") <= 0.01 * found("Q", CALLED)
    assert found("N", "V") > 0.8 * found("N", CALLED) and found("N", CALLED) < 300


@pytest.mark.parametrize("name, share", [("231", 0.01), ("214", 0.01), ("207", 0.05)])
def test_a_bundle_branch_block_that_comes_and_goes_is_no_ectopic_beat(model, mitdb, name, share):
    _, found = matrix_of(model, mitdb, name)
    assert found("N", CALLED) > 1000 and found("NO", "SV") <= share * found("N", CALLED)


@pytest.mark.parametrize("name", ["202", "219", "221", "222"])
def test_fibrillation_is_one_episode_and_not_premature_beats(model, mitdb, name):
    decided, found = matrix_of(model, mitdb, name)
    assert found("NO", "SV") <= 0.05 * found("N", CALLED)
    told = [episode.what for episode in decided.told]
    assert told.count("irregular rhythm") <= 5


def test_where_every_third_beat_is_ventricular_they_are_named(model, mitdb):
    """Record 208."""
    _, found = matrix_of(model, mitdb, "208")
    assert found("V", "V") > 0.9 * found("V", CALLED) and found("NO", "SV") <= 5


def test_most_fusion_beats_are_normal_or_ventricular_and_never_supraventricular(model, mitdb):
    """Record 213: they have no name of their own."""
    _, found = matrix_of(model, mitdb, "213")
    assert found("F", "V") > 0.15 * found("F", CALLED) and found("F", "S") == 0


def test_a_wearer_whose_beats_are_mostly_premature_keeps_the_others_as_normal(model, mitdb):
    """Record 232: the premature beats come in rows, the normal ones behind pauses."""
    _, found = matrix_of(model, mitdb, "232")
    assert found("S", "S") > 0.7 * found("S", CALLED) and found("NO", "SV") <= 0.05 * found("N", CALLED)
