"""Scores against scipy, scikit-learn and brute force; quantiles against counted beats."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, mahalanobis
from sklearn.covariance import LedoitWolf

from keras_sibeat.layers.scores import (
    LEVELS,
    Mahalanobis,
    NearestPrototype,
    NormalQuantile,
    NormalSpread,
    RebuildError,
    TemplateDistance,
)


@pytest.fixture
def half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def embeddings(count=200, units=5, seed=0):
    """Correlated normal numbers off the origin."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(units, units))
    return (rng.normal(size=(count, units)) @ mix + rng.normal(size=units)).astype("float32")


def quantile_of(normals, scores):
    layer = NormalQuantile()
    layer.adapt(normals)
    return np.array(layer(np.asarray(scores, "float32").reshape(-1, 1)))[:, 0]


def test_the_template_distance_is_the_logarithm_of_the_mean_square_of_the_difference():
    window = np.random.default_rng(0).normal(size=(6, 20, 4)).astype("float32")
    squares = (window[:, :, :2] - window[:, :, 2:]) ** 2
    wanted = np.log(squares.reshape(6, -1).mean(axis=1) + 1e-4)
    np.testing.assert_allclose(TemplateDistance()(window)[:, 0], wanted, rtol=1e-5)
    same = np.concatenate([window[:, :, :2]] * 2, axis=2)
    np.testing.assert_allclose(TemplateDistance()(same), np.log(1e-4), rtol=1e-5)


@pytest.mark.parametrize(("first", "last"), [(0, None), (4, None), (4, 9), (0, 1), (19, 20), (7, 400)])
def test_the_template_distance_counts_the_ticks_from_the_first_to_before_the_last(first, last):
    window = np.random.default_rng(0).normal(size=(6, 20, 4)).astype("float32")
    ticks = range(first, 20 if last is None else min(last, 20))
    squares = [(window[:, tick, :2] - window[:, tick, 2:]) ** 2 for tick in ticks]
    wanted = np.log(np.mean(squares, axis=(0, 2)) + 1e-4)
    layer = TemplateDistance(first, last)
    np.testing.assert_allclose(layer(window)[:, 0], wanted, rtol=1e-5)
    elsewhere = window.copy()
    elsewhere[:, [tick for tick in range(20) if tick not in ticks]] += 5
    np.testing.assert_array_equal(layer(elsewhere), layer(window))
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (copy.first, copy.last) == (first, last) and copy.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy(window), layer(window))


@pytest.mark.parametrize(("first", "last"), [(-1, None), (-3, 5), (5, 5), (5, 3), (0, 0)])
def test_a_template_distance_without_a_tick_is_an_error(first, last):
    with pytest.raises(ValueError, match=f"found ticks {first} to {last}, expected at least one"):
        TemplateDistance(first, last)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
@settings(max_examples=30)
def test_the_spread_is_numpys_median_and_quartiles(normals):
    layer = NormalSpread()
    layer.adapt(normals)
    low, median, high = np.quantile(normals, [0.25, 0.5, 0.75])
    wide = high - low if high - low > 1e-20 else 1.0
    scores = np.float32([[-3.0], [0.0], [1e3]])
    wanted = (scores - np.float32(median)) / np.float32(wide)
    np.testing.assert_allclose(layer(scores), wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_the_spread_of_what_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="NormalSpread: found 1 of 2 scores that are not finite"):
        NormalSpread().adapt([0.0, np.nan])


def test_the_rebuild_error_is_the_mean_square_of_a_window():
    rng = np.random.default_rng(0)
    window, rebuilt = rng.normal(size=(2, 6, 20, 3)).astype("float32")
    expected = ((window - rebuilt) ** 2).reshape(6, -1).mean(axis=1)
    np.testing.assert_allclose(RebuildError()(window, rebuilt), expected[:, None], rtol=1e-5)


def test_mahalanobis_is_scipy_s_under_scikit_learn_s_covariance():
    normals, others = embeddings(), 3 * embeddings(20, seed=1)
    layer = Mahalanobis()
    layer.adapt(normals)
    fitted = LedoitWolf().fit(normals.astype("float64"))
    expected = [mahalanobis(row, fitted.location_, fitted.precision_) ** 2 for row in others]
    found = np.array(layer(others))
    assert found.shape == (20, 1)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-3)


@pytest.mark.parametrize(
    "normals",
    [
        np.ones((20, 4), "float32"),
        np.pad(embeddings(30, 2), ((0, 0), (0, 2))),  # two units are dead
        embeddings(3, 16),  # fewer beats than units
        embeddings(1, 4),
    ],
    ids=["all alike", "dead units", "few", "one"],
)
@pytest.mark.filterwarnings("ignore:Only one sample")
def test_mahalanobis_bears_embeddings_that_hardly_vary(normals):
    layer = Mahalanobis()
    layer.adapt(normals)
    at_home, away = np.array(layer(normals))[:, 0], np.array(layer(normals[:1] + 5))[:, 0]
    assert np.isfinite(at_home).all() and np.isfinite(away).all()
    assert away > at_home.max()


def test_prototypes_are_scored_as_by_brute_force():
    layer = NearestPrototype(8, seed=0)
    layer.adapt(embeddings())
    others = embeddings(30, seed=1)
    expected = cdist(others, layer.prototypes.numpy()).min(axis=1)
    np.testing.assert_allclose(np.array(layer(others))[:, 0], expected, rtol=1e-4)


def test_prototypes_are_the_centres_of_the_normal_beats_clusters():
    centres = np.array([[0, 0], [10, 0], [0, 10], [-10, -10]], "float32")
    normals = np.repeat(centres, 50, axis=0) + embeddings(200, 2) / 100
    layer = NearestPrototype(4, seed=0)
    layer.adapt(normals)
    wanted = normals.reshape(4, 50, 2).mean(axis=1)
    assert cdist(layer.prototypes.numpy(), wanted).min(axis=0).max() < 0.01


def test_small_distances_far_from_the_origin_do_not_drown_in_rounding():
    layer = NearestPrototype(3)
    layer.build((None, 4))
    layer.prototypes.assign(np.full((3, 4), 100.0) + np.eye(3, 4))
    beat = layer.prototypes.numpy()[1:2] + np.float32(2**-10)
    np.testing.assert_allclose(layer(beat), [[2 * 2**-10]], rtol=1e-3)


def test_a_seed_gives_the_same_prototypes():
    first, second = NearestPrototype(8, seed=3), NearestPrototype(8, seed=3)
    for layer in (first, second):
        layer.adapt(embeddings())
    np.testing.assert_array_equal(first.prototypes, second.prototypes)


@pytest.mark.parametrize("count", [0, 513])
def test_a_number_of_prototypes_out_of_range_is_an_error(count):
    with pytest.raises(ValueError, match=f"found {count} prototypes, expected 1 to 512"):
        NearestPrototype(count)


def test_fewer_beats_than_prototypes_are_an_error():
    with pytest.raises(ValueError, match="found 7 beats, expected at least 8"):
        NearestPrototype(8).adapt(embeddings(7))


def test_up_to_the_99_percent_quantile_p_is_the_share_of_normals_that_score_higher():
    normals = np.random.default_rng(0).gamma(2, size=2000).astype("float32")
    scores = np.quantile(normals, np.linspace(0.005, 0.985, 99)).astype("float32")
    p = np.exp(-quantile_of(normals, scores))
    higher = (normals[None] > scores[:, None]).mean(axis=1)
    np.testing.assert_allclose(p, higher, atol=0.004)


def test_beyond_the_99_percent_quantile_the_tail_is_exponential():
    rate = 3.0
    normals = np.random.default_rng(0).exponential(1 / rate, 200_000)
    scores = np.array([2.0, 3.0, 5.0, 9.0])
    np.testing.assert_allclose(quantile_of(normals, scores), rate * scores, rtol=0.05)


def test_the_tail_s_scale_is_the_mean_excess():
    normals = np.random.default_rng(0).normal(size=1000)
    threshold = np.quantile(normals, 0.99)
    excess = np.mean(normals[normals > threshold] - threshold)
    expected = -np.log(0.01) + np.array([0, 1, 7]) / excess
    np.testing.assert_allclose(quantile_of(normals, threshold + np.array([1e-6, 1, 7])), expected, rtol=1e-4)


def test_scores_below_all_normals_are_wholly_normal():
    np.testing.assert_array_equal(quantile_of(np.arange(50.0), [-1, -1e30, 0]), 0)


def test_a_tie_counts_as_normal_up_to_its_last_beat():
    normals = np.repeat([0.0, 1.0, 2.0], [30, 40, 30])
    p = np.exp(-quantile_of(normals, [-0.5, 0, 1, 1.999, 2]))
    np.testing.assert_allclose(p, [1, 0.7, 0.3, 0.3, 0.01], atol=0.011)


@pytest.mark.parametrize("normals", [[0.0] * 9, [3.0], [1e-30, 2e-30], [0.0] * 90 + [5.0] * 10])
def test_the_highest_normals_may_be_tied(normals):
    highest = max(normals)
    found = quantile_of(normals, [highest - 1, highest, highest + 1, highest + 1000])
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(-np.log(1 / LEVELS), rel=1e-3)
    assert found[0] < found[1] < found[2] < found[3]


finite = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=60)
@given(st.lists(finite, min_size=1, max_size=40), st.lists(finite, min_size=2, max_size=20))
def test_a_higher_score_never_maps_lower(normals, scores):
    normals = [normal if abs(normal) > 1e-30 else 0.0 for normal in normals]  # closer ones have no difference
    scores = np.sort(np.array([*scores, *normals, *np.nextafter(np.float32(normals), np.float32(-np.inf))]))
    found = quantile_of(normals, scores)
    assert np.isfinite(found).all() and found.min() >= 0
    assert (np.diff(found) >= -1e-6 * found[1:]).all()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=50), st.floats(0.5, 8), st.floats(-5, 5))
def test_units_do_not_matter(normals, scale, offset):
    scores = np.linspace(-10, 2000, 60)
    expected = quantile_of(normals, scores)
    found = quantile_of(scale * np.array(normals) + offset, scale * scores + offset)
    if len(set(normals)) > 1:  # where all are tied, no spread tells the tail's scale
        np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-2)


def test_nan_is_no_normal_score():
    assert np.isnan(quantile_of([1.0, 2.0], [np.nan])).all()


@pytest.mark.parametrize(
    ("scores", "told"),
    [([], "found 0 of 0 scores"), ([1.0, np.nan], "found 1 of 2 scores"), ([np.inf], "found 1 of 1 scores")],
)
def test_quantiles_of_no_numbers_are_an_error(scores, told):
    with pytest.raises(ValueError, match=f"{told} that are not finite; expected numbers, at least one"):
        NormalQuantile().adapt(scores)


@pytest.mark.parametrize("shape", [(9,), (9, 1)])
def test_scores_are_adapted_to_as_a_list_or_a_column(shape):
    layer = NormalQuantile()
    layer.adapt(np.arange(9.0).reshape(shape))
    np.testing.assert_allclose(layer.quantiles, np.quantile(np.arange(9), np.arange(LEVELS) / LEVELS))


def test_half_precision_elsewhere_leaves_scores_whole(half_precision):
    normals = embeddings(300, 3)
    layers = [Mahalanobis(), NearestPrototype(4), NormalQuantile()]
    inputs = [normals, normals, normals[:, :1]]
    for layer, values in zip(layers, inputs, strict=True):
        layer.adapt(values)
        found = layer(300 * values)  # squares beyond the 65504 that half precision holds
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        assert np.isfinite(np.array(found)).all()
    distances = np.array(layers[0](300 * normals))[:, 0]
    assert distances.max() > 65504 and len(np.unique(distances)) > 290


def test_fitted_scores_are_saved_with_the_model(tmp_path):
    inputs = keras.Input((5,))
    layers = [Mahalanobis(name="m"), NearestPrototype(6, seed=2, name="p"), NormalQuantile(name="q")]
    for layer in layers[:2]:
        layer.adapt(embeddings())
    layers[2].adapt(np.array(layers[0](embeddings(seed=1))))
    distance = layers[0](inputs)
    model = keras.Model(inputs, [distance, layers[1](inputs), layers[2](distance)])
    model.save(tmp_path / "scores.keras")
    loaded = keras.saving.load_model(tmp_path / "scores.keras", safe_mode=True)
    assert (loaded.get_layer("p").count, loaded.get_layer("p").seed) == (6, 2)
    for got, wanted in zip(loaded(embeddings(seed=2)), model(embeddings(seed=2)), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_nothing_of_a_fitted_score_trains():
    for layer in (Mahalanobis(), NearestPrototype(4)):
        layer.adapt(embeddings())
        assert not layer.trainable_variables and layer.non_trainable_variables
