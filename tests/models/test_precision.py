"""Half and double precision: networks in any dtype policy learn as in float32, and losses stay in full."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_manners import MODELS, beatgan, compiled, contrastive, trained
from small_windows import LENGTH, beats

from keras_sibeat.layers.views import Noise, Views
from keras_sibeat.models.distiller import Distiller

# Of each loss in each of two epochs, relative. Rounding errors grow from step to step, so steps are small.
TOLERANCE = {"mixed_bfloat16": 0.05, "mixed_float16": 0.01}


@functools.cache
def single(name):
    """The losses in float32."""
    return losses(MODELS[name]())


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def slow():
    return keras.optimizers.SGD(0.004)


def fit(model):
    """All logs of two epochs."""
    return model.fit(beats(32), batch_size=8, epochs=2, shuffle=False, verbose=0).history


def losses(model):
    return fit(compiled(model, slow))


def unscaled(model):
    """Before a loss scale is found, steps are left out; a small one shows whether each is right."""
    for name in model.trains:
        getattr(model, name).dynamic_scale.assign(8.0)


@pytest.mark.parametrize("half", TOLERANCE)
@pytest.mark.parametrize("name", MODELS)
def test_a_mixed_policy_learns_as_float32_does(policy, name, half):
    expected = single(name)
    policy(half)
    model = compiled(MODELS[name](), slow)
    if half == "mixed_float16":
        assert all(
            isinstance(getattr(model, each), keras.optimizers.LossScaleOptimizer) for each in model.trains
        )
        unscaled(model)
    found = fit(model)
    assert set(found) == set(expected) and expected["loss"][1] < expected["loss"][0]
    for key in set(found) - {"shift_accuracy", "reinitialised"}:
        np.testing.assert_allclose(found[key], expected[key], rtol=TOLERANCE[half], atol=1e-3, err_msg=key)
    assert {v.dtype for group in model.trains.values() for v in group} == {"float32"}
    assert int(model.optimizer.iterations) == 8


def test_both_optimizers_find_a_scale_and_count_their_steps(policy):
    policy("mixed_float16")
    model = compiled(beatgan(), lambda: keras.optimizers.Adam(1e-3))
    for name in model.trains:
        getattr(model, name).dynamic_scale.assign(2.0**40)  # infinite gradients: no step
    before = trained(model)
    model.train_on_batch(beats())
    for mine, old in zip(trained(model), before, strict=True):
        np.testing.assert_array_equal(mine, old)
    for name in model.trains:
        assert int(getattr(model, name).iterations) == 0
        assert float(getattr(model, name).dynamic_scale) == 2.0**39


def test_a_step_without_scaling_is_left_to_who_asks_for_it(policy):
    policy("mixed_float16")
    model = compiled(beatgan(), auto_scale_loss=False)
    assert type(model.optimizer) is type(model.discriminator_optimizer) is keras.optimizers.SGD


@pytest.mark.parametrize("name", ["BeatGAN", "SimCLR", "Distiller"])
def test_float64_is_trained_in_float64(policy, name):
    policy("float64")
    model = compiled(MODELS[name]())
    assert model.precision == "float64"
    assert np.isfinite(model.fit(beats(16), batch_size=8, verbose=0).history["loss"]).all()


def test_the_networks_policies_count_not_the_models(policy):
    expected = single("BeatGAN")
    assert losses(beatgan(dtype="mixed_bfloat16")) == expected
    networks = beatgan()
    policy("mixed_bfloat16")
    model = type(networks)(networks.generator, networks.discriminator, dtype="float32")
    assert losses(model) == expected


@pytest.mark.parametrize("whole", ["float16", "bfloat16"])
def test_weights_in_half_precision_are_refused(policy, whole):
    policy(whole)
    with pytest.raises(ValueError, match=f"BeatGAN: found weights in {whole}, expected float32 or float64"):
        compiled(beatgan())


def test_float16_on_several_replicas_is_refused(policy, monkeypatch):
    policy("mixed_float16")
    monkeypatch.setattr("keras_sibeat.models.descent.replicas", lambda: 2)
    with pytest.raises(ValueError, match="found float16 on 2 replicas.*; expected mixed_bfloat16"):
        compiled(contrastive())


@pytest.mark.parametrize(("named", "dtype"), [("mixed_float16", "float32"), ("float64", "float64")])
def test_views_are_drawn_in_full_precision(policy, named, dtype):
    policy(named)
    windows = tf.constant(beats(2)) / 3
    found = Views([Noise(0.1, seed=0)])(windows, training=True)
    assert found.dtype == dtype
    half = tf.cast(tf.cast(found, "float16"), found.dtype)
    assert np.abs(found - half).max() > 0  # what float16 would have rounded


def test_a_model_in_half_precision_is_loaded_and_goes_on_under_another_policy(policy, tmp_path):
    policy("mixed_float16")
    model = compiled(MODELS["Distiller"](), lambda: keras.optimizers.Adam(1e-3))
    unscaled(model)
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    policy("float32")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is Distiller and float(loaded.optimizer.dynamic_scale) == 8
    found, expected = (each.train_on_batch(beats(seed=3), return_dict=True) for each in (loaded, model))
    assert found == expected and int(loaded.optimizer.iterations) == 2


def test_convolutions_as_products_keep_their_policy(policy):
    model = beatgan()
    policy("mixed_bfloat16")
    np.testing.assert_allclose(
        model._rebuild(tf.constant(beats())), model.generator(beats(), training=True), atol=1e-5
    )
    assert model._rebuild(tf.constant(beats())).shape == (8, LENGTH, 1)
