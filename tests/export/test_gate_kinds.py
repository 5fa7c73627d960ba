"""Kinds that an exported model names otherwise than the float student, on recordings that are played."""

from dataclasses import replace

import numpy as np
import pytest
from normal_recordings import SOME, write_normals

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.export import kinds
from keras_sibeat.export.alarm_rate import wanted_rate
from keras_sibeat.export.embedding import embed_manifest
from keras_sibeat.export.gate import KINDS_FLIPPED, judge
from keras_sibeat.export.kinds import FloatModel, Kinds, compare_kinds
from keras_sibeat.export.manifest import make_manifest
from keras_sibeat.export.sources import Source
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert, predict_tflite
from keras_sibeat.presets.loading import load_preset
from keras_sibeat.train.student import student_scores
from sibeat_edge.scorer import score_recording

WEARER = ["wearer={}", "contrastive={}", "window.band=[0.67, 45]", "window.order=540"]  # as the preset's
DATABASES = [
    "data.source=wfdb",
    "protocol.name=databases",
    "data.sources.one.folder=.",
    "data.sources.one.trains=['n0']",
    "data.sources.one.validates=['n1', 'n2']",
    "data.sources.one.tests=['n3']",
]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_normals(tmp_path_factory.mktemp("recordings"), 4, 120, {n: SOME for n in range(4)})


@pytest.fixture(scope="module")
def source(recordings):
    """The preset's float student, and beats of simulated wearers."""
    config = read_config(overrides=[*WEARER, *DATABASES], data=recordings)
    (fold,) = load_folds(config).values()
    return Source("small", load_preset("mitdb-wearer"), config, fold)


def compare(source, network=None):
    """What comes of the int8 model of the source's student, or of another network, made as an export does."""
    validation, rate = source.fold.validation, wanted_rate(source, None)
    content = convert(network or source.network, validation.inputs)
    scores = (
        student_scores(source.network, validation.inputs),
        predict_tflite(content, validation.inputs)[:, 0],
    )
    verdict = judge(*scores, source.fold.is_abnormal(validation), rate.share)
    manifest = make_manifest(source, content, scores[1], verdict, rate)
    content, _ = embed_manifest(content, manifest)
    return compare_kinds(source, content, scores[0], verdict.threshold_float, rate)


def test_the_float_model_scores_as_keras_does(source):
    content = convert(source.network, source.fold.test.inputs, "float32")
    model = FloatModel(content, {"signal": {"leads": ["MLII"]}})
    wanted = student_scores(source.network, source.fold.test.inputs)[:20]
    found = [model.score(*beat) for beat in list(zip(*source.fold.test.arrays, strict=True))[:20]]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_int8_names_the_beats_as_the_float_student_does(source):
    found, beats = compare(source), len(source.fold.validation)
    assert 0.9 * beats < found.played < 1.1 * beats
    assert found.flipped <= KINDS_FLIPPED


def test_another_model_names_them_otherwise(source):
    other = student(channels=2, rhythm=8, width=4, depth=3, units=6, seed=0)  # untrained
    kernel, bias = other.get_layer("score").get_weights()
    lowest = student_scores(other, source.fold.validation.inputs).min()
    other.get_layer("score").set_weights([kernel, bias + 1 - lowest])  # as a threshold lies above 0
    assert compare(source, other).flipped > 5 * KINDS_FLIPPED


def test_what_is_played_is_bounded(source, monkeypatch):
    played = []

    def count(model, signal, rate):
        played.append((type(model), signal.shape, rate))
        return score_recording(model, signal, rate)

    monkeypatch.setattr(kinds, "score_recording", count)
    monkeypatch.setattr(kinds, "LONGEST", 90.0)
    monkeypatch.setattr(kinds, "PLAYED", 80.0)
    compare(source)
    assert {shape for _, shape, _ in played} == {(90 * 360, 1)} and len(played) == 2
    assert len({kind for kind, _, _ in played}) == 2


def test_a_lead_is_played_by_any_of_its_names(recordings):
    own, other = (
        kinds._signal(read_config(overrides=[f"data.leads=['{lead}']"], data=recordings), "n1")
        for lead in ("MLII", "ecg ii")
    )
    assert own[1] == other[1]
    np.testing.assert_array_equal(own[0], other[0])


def test_simulated_recordings_are_played_too(source):
    settings = [*WEARER, "protocol.name=inter_patient", "data.wearers=4", "data.seconds=120"]
    config = read_config(overrides=settings)
    simulated = replace(source, config=config, fold=load_folds(config)[0])
    assert compare(simulated).played > 50


def test_beats_without_a_kind_do_not_count():
    assert Kinds.compare(["", "N", "N", "S"], ["", "N", "V", ""]) == Kinds(2 / 3, 3)
    assert Kinds.compare(["", ""], ["", ""]) == Kinds(None, 0)
