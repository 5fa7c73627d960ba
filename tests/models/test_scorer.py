"""The scorer's outputs against each of them computed apart."""

import keras
import numpy as np
import pytest
from scipy.spatial.distance import cdist, mahalanobis
from sklearn.covariance import LedoitWolf

from keras_sibeat.layers.names import SCORES_OF_A_BEAT
from keras_sibeat.layers.scores import NormalQuantile
from keras_sibeat.layers.views import Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.rhythm import rhythm_network
from keras_sibeat.models.scorer import build_scorer
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator

LENGTH = 24


def beats(count, seed):
    """Sines of random phase and frequency, within [-1, 1]."""
    phase, speed = np.random.default_rng(seed).uniform(0.2, 1, (2, count, 1, 1))
    return np.sin(6 * phase + speed * np.arange(LENGTH)[:, None]).astype("float32")


@pytest.fixture(scope="module")
def model():
    """Untrained: a scorer takes a model as it is."""
    size = {"length": LENGTH, "width": 2, "depth": 2}
    discriminator = contrastive_discriminator(**size, head="v2", units=6, projection=4, seed=0)
    simclr = SimCLR(discriminator, Views([]), shift_weight=0)
    return ContrastiveBeatGAN(conv_generator(**size, latent=3, seed=1), simclr)


@pytest.fixture(scope="module")
def scorer(model):
    return build_scorer(model, beats(100, 0), beats(60, 1), prototypes=12, seed=5)


def found(scorer, windows):
    return {name: np.asarray(values) for name, values in scorer(windows).items()}


def directions(model, windows):
    embedding = np.asarray(model.discriminator(windows)[2], "float64")
    return embedding / np.linalg.norm(embedding, axis=1, keepdims=True)


def test_every_score_is_that_computed_apart(model, scorer):
    windows = beats(20, 2)
    scores = found(scorer, windows)
    assert set(scores) == {*SCORES_OF_A_BEAT, "score"}
    assert all(values.shape == (20, 1) for values in scores.values())
    rebuilt = np.asarray(model.generator(windows))
    np.testing.assert_allclose(scores["rebuild"][:, 0], ((windows - rebuilt) ** 2).mean((1, 2)), rtol=1e-4)
    np.testing.assert_allclose(scores["shift"], model.discriminator(windows)[4], atol=1e-5)
    fitted = LedoitWolf().fit(directions(model, beats(100, 0)))
    distances = [
        mahalanobis(row, fitted.location_, fitted.precision_) ** 2 for row in directions(model, windows)
    ]
    np.testing.assert_allclose(scores["mahalanobis"][:, 0], distances, rtol=1e-2)
    prototypes = scorer.get_layer("prototypes").prototypes.numpy()
    assert prototypes.shape == (12, 6)
    nearest = cdist(directions(model, windows), prototypes).min(axis=1)
    np.testing.assert_allclose(scores["prototypes"][:, 0], nearest, atol=1e-4)


def test_the_combination_is_the_mean_of_the_quantiles_among_validation_normals(scorer):
    normals, scores = found(scorer, beats(60, 1)), found(scorer, beats(20, 2))
    levels = []
    for name in SCORES_OF_A_BEAT:
        quantile = NormalQuantile()
        quantile.adapt(normals[name])
        levels.append(np.asarray(quantile(scores[name])))
    np.testing.assert_allclose(scores["score"], np.mean(levels, axis=0), rtol=1e-3, atol=1e-3)


def test_the_combination_weighs_as_told(model):
    normals, windows = beats(30, 1), beats(20, 2)
    weights = {"prototypes": 3.0, "rebuild": 1.0}
    built = build_scorer(model, beats(40, 0), normals, weights, prototypes=4)
    alone = [
        found(build_scorer(model, beats(40, 0), normals, [name], prototypes=4), windows)["score"]
        for name in weights
    ]
    wanted = np.average(alone, axis=0, weights=[3, 1])
    np.testing.assert_allclose(found(built, windows)["score"], wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_an_error(model, weight):
    with pytest.raises(ValueError, match="build_scorer: found weights .*, expected finite numbers above 0"):
        build_scorer(model, beats(40, 0), beats(30, 1), {"shift": 1.0, "rebuild": weight})


def test_the_order_of_the_combination_does_not_matter(model):
    combine = ("rebuild", "mahalanobis", "prototypes")
    first, second = (
        found(build_scorer(model, beats(40, 0), beats(30, 1), order, prototypes=4), beats(20, 2))
        for order in (combine, combine[::-1])
    )
    np.testing.assert_array_equal(first["score"], second["score"])


def test_one_score_alone_is_its_own_quantile(model):
    built = build_scorer(model, beats(40, 0), beats(30, 1), ["shift"], prototypes=4)
    normals, scores = found(built, beats(30, 1)), found(built, beats(20, 2))
    quantile = NormalQuantile()
    quantile.adapt(normals["shift"])
    np.testing.assert_allclose(scores["score"], quantile(scores["shift"]), rtol=1e-3, atol=1e-3)
    order = np.argsort(scores["shift"][:, 0])
    assert (np.diff(scores["score"][order, 0]) >= 0).all()


def test_a_saved_scorer_scores_the_same(scorer, tmp_path):
    scorer.save(tmp_path / "scorer.keras")
    loaded = keras.saving.load_model(tmp_path / "scorer.keras", safe_mode=True)
    expected = found(scorer, beats(20, 2))
    for name, values in found(loaded, beats(20, 2)).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    rebuilt = scorer.get_layer("generator")(beats(20, 2))
    np.testing.assert_array_equal(loaded.get_layer("generator")(beats(20, 2)), rebuilt)


def test_one_beat_scores_as_among_others(scorer):
    windows = beats(20, 2)
    together = found(scorer, windows)
    for name, value in found(scorer, windows[7:8]).items():
        np.testing.assert_allclose(value, together[name][7:8], rtol=1e-3, atol=1e-4, err_msg=name)


def test_there_are_never_more_prototypes_than_beats(model):
    built = build_scorer(model, beats(9, 0), beats(30, 1), ["prototypes"])
    assert built.get_layer("prototypes").prototypes.shape == (9, 6)


@pytest.mark.parametrize("combine", [(), ("rebuild", "entropy")])
def test_an_unknown_score_or_none_is_an_error(model, combine):
    with pytest.raises(
        ValueError, match=r"build_scorer: found scores \[.*\], expected some of rebuild, shift"
    ):
        build_scorer(model, beats(40, 0), beats(30, 1), combine)


@pytest.mark.parametrize("core", [(0, None), (5, 17)])
def test_a_wearers_scorer_compares_a_beat_and_its_template_in_the_core_alone(core, tmp_path):
    size = {"length": LENGTH, "channels": 2, "width": 2, "depth": 2}
    discriminator = contrastive_discriminator(**size, units=6, projection=4, seed=0)
    pair = ContrastiveBeatGAN(
        conv_generator(**size, latent=3, seed=1), SimCLR(discriminator, Views([]), shift_weight=0)
    )
    train, window = (np.concatenate([beats(20, seed), beats(20, seed + 9)], axis=2) for seed in (0, 1))
    inputs = {"window": window, "rhythm": np.random.default_rng(0).normal(size=(20, 8)).astype("float32")}
    network = rhythm_network(seed=2)
    built = build_scorer(pair, train, inputs, ["template"], prototypes=4, rhythm=network, core=core)
    squares = np.square(window[:, slice(*core), 0] - window[:, slice(*core), 1])
    wanted = np.log(squares.mean(axis=1) + 1e-4)
    np.testing.assert_allclose(found(built, inputs)["template"][:, 0], wanted, rtol=1e-4)
    built.save(tmp_path / "scorer.keras")
    loaded = keras.saving.load_model(tmp_path / "scorer.keras", safe_mode=True)
    np.testing.assert_array_equal(found(loaded, inputs)["template"], found(built, inputs)["template"])
