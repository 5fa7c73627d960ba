"""What Keras' users expect of models with a step of their own: validation, weights, compile, inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_manners import MODELS, SIZE, beatgan, compiled, contrastive, distiller, simclr, trained
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.layers.partners import Partners
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.networks import conv_discriminator
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator

NAMES = ["BeatGAN", "SimCLR", "ContrastiveBeatGAN", "SIBeatGAN", "Distiller"]
WEIGHED = {"BeatGAN": beatgan, "self-taught": MODELS["self-taught"], "Distiller": distiller}
WEIGHED["SimCLR without NT-Xent"] = lambda: simclr(nt_xent_weight=0.0)
WEIGHED["ContrastiveBeatGAN without NT-Xent"] = lambda: contrastive(nt_xent_weight=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_callbacks_with_their_defaults_see_a_validation_loss(name, tmp_path):
    model = compiled(MODELS[name]())
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)
    callbacks = [keras.callbacks.EarlyStopping(), best]
    found = model.fit(
        beats(16), validation_data=(beats(10, 1),), batch_size=8, epochs=2, verbose=0, callbacks=callbacks
    ).history
    assert callbacks[0].best == best.best == min(found["val_loss"])
    assert (tmp_path / "best.keras").exists()


@pytest.mark.parametrize("name", ["SimCLR", "Distiller"])
def test_evaluation_draws_the_same_again_and_training_does_not_notice(name):
    model, plain = compiled(MODELS[name]()), compiled(MODELS[name]())
    for each in (model, plain):
        each.fit(beats(16), batch_size=8, shuffle=False, verbose=0)
    first = model.evaluate(beats(20), batch_size=8, verbose=0)
    assert model.evaluate(beats(20), batch_size=8, verbose=0) == first
    assert_equal(copies(model.variables), copies(plain.variables))
    assert plain.evaluate(beats(20), batch_size=8, verbose=0) == pytest.approx(first)
    found, wanted = (each.fit(beats(16), batch_size=8, shuffle=False, verbose=0) for each in (model, plain))
    assert found.history == wanted.history
    # Another batch of the same windows is drawn otherwise.
    twice = model.evaluate(np.tile(beats(8), (2, 1, 1)), batch_size=8, verbose=0)[0]
    assert twice != model.evaluate(beats(8), batch_size=8, verbose=0)[0]


def test_simclr_is_evaluated_by_its_loss_of_what_it_draws():
    model = compiled(simclr())
    found = model.evaluate(beats(8), batch_size=8, return_dict=True, verbose=0)
    seen, draw = [], model.draw
    model.draw = lambda *given: seen.append(draw(*given)) or seen[-1]
    model.compile(run_eagerly=True)
    model.evaluate(beats(8), batch_size=8, verbose=0)
    judged = [model.discriminator(windows, training=False) for windows in seen[0]]
    loss, terms = model.contrast([each[3] for each in judged], [each[4] for each in judged])
    wanted = {"loss": float(loss), **{name: float(value) for name, value in terms.items()}}
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("name", WEIGHED)
def test_beats_of_weight_0_move_nothing_and_equal_weights_scale_the_losses(name):
    model = compiled(WEIGHED[name]())
    before = trained(model)
    model.fit(beats(16), sample_weight=np.zeros(16), batch_size=8, verbose=0)
    assert_equal(trained(model), before)
    logs = []
    for weights in (None, np.ones(8), np.full((8, 1), 0.5)):
        model = compiled(WEIGHED[name]())
        logs.append(model.fit(beats(), sample_weight=weights, batch_size=8, shuffle=False, verbose=0).history)
    for key in set(logs[0]) - {"reinitialised", "shift_accuracy"}:
        assert logs[1][key] == pytest.approx(logs[0][key], rel=1e-5)
        if key not in ("loss", "feature_loss"):  # which the discriminator's smaller step changes
            assert logs[2][key][0] == pytest.approx(logs[0][key][0] / 2, rel=1e-5), key


def test_a_weight_weighs_its_own_beat():
    model, windows = beatgan(), beats()
    weights = np.arange(8) / 4
    errors = np.mean((windows - model(windows).numpy()) ** 2, axis=(1, 2))
    found = compiled(model).evaluate(
        windows, sample_weight=weights, batch_size=3, return_dict=True, verbose=0
    )
    assert found["loss"] == pytest.approx(np.mean(weights * errors), rel=1e-5)
    found = model.evaluate(windows, np.arange(8) % 2, sample_weight=np.arange(8) % 2, verbose=0)
    assert found[0] == pytest.approx(np.sum(errors[1::2]) / 8, rel=1e-5)


def test_class_weights_weigh_the_beats_of_their_class():
    labels = np.arange(8) % 2
    logs = []
    for options in ({"class_weight": {0: 0.25, 1: 2.0}}, {"sample_weight": np.where(labels, 2.0, 0.25)}):
        model = compiled(beatgan())
        logs.append(model.fit(beats(), labels, batch_size=8, shuffle=False, verbose=0, **options).history)
    for key, values in logs[0].items():
        assert values == pytest.approx(logs[1][key])
    with pytest.raises(
        ValueError, match="BeatGAN: found class_weight without y, expected the beats' classes"
    ):
        model.fit(beats(), class_weight={0: 1.0}, verbose=0)


@pytest.mark.parametrize(("name", "told"), [("SimCLR", "NT-Xent"), ("SIBeatGAN", "the distillation")])
def test_weights_are_refused_where_a_loss_compares_beats(name, told):
    with pytest.raises(
        ValueError, match=f"{name}: found weights of beats, expected none, as {told} compares"
    ):
        compiled(MODELS[name]()).fit(beats(), sample_weight=np.ones(8), verbose=0)


def own_networks(**options):
    """A generator and a discriminator of one convolution each, with regularisers."""
    window = keras.Input((LENGTH, 1))
    convolve = {"kernel_size": 4, "strides": 2, "padding": "same", "use_bias": False}
    code = keras.layers.Conv1D(2, **convolve, name="code", **options.get("generator", {}))(window)
    generator = keras.Model(window, keras.layers.Conv1DTranspose(1, **convolve)(code))
    window = keras.Input((LENGTH, 1))
    features = keras.layers.Conv1D(2, **convolve, name="seen", **options.get("discriminator", {}))(window)
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(features))
    return generator, keras.Model(window, [logit, features])


@pytest.mark.parametrize("owner", ["generator", "discriminator"])
def test_a_regulariser_of_weights_pulls_its_own_network_alone(owner):
    keras.utils.set_random_seed(0)
    strength = 10.0
    plain = BeatGAN(*own_networks())
    taught = BeatGAN(*own_networks(**{owner: {"kernel_regularizer": keras.regularizers.L2(strength)}}))
    for mine, other in ((taught.generator, plain.generator), (taught.discriminator, plain.discriminator)):
        mine.set_weights(other.get_weights())
    name = {"generator": "code", "discriminator": "seen"}[owner]
    before = getattr(plain, owner).get_layer(name).get_weights()[0]
    logs = [compiled(model).train_on_batch(beats(), return_dict=True) for model in (plain, taught)]
    pulled, free = (getattr(m, owner).get_layer(name).get_weights()[0] for m in (taught, plain))
    np.testing.assert_allclose(pulled, free - 0.02 * 2 * strength * before, atol=1e-5)  # SGD's step
    added = strength * np.sum(before**2) if owner == "generator" else 0.0
    if owner == "generator":
        assert logs[1]["loss"] == pytest.approx(logs[0]["loss"] + added, rel=1e-4)
        assert_equal(taught.discriminator.get_weights(), plain.discriminator.get_weights())
        taught.generator.set_weights(plain.generator.get_weights())
        evaluated = [model.evaluate(beats(), return_dict=True, verbose=0) for model in (plain, taught)]
        kernel = plain.generator.get_layer("code").get_weights()[0]
        assert evaluated[1]["rebuild_loss"] == pytest.approx(evaluated[0]["rebuild_loss"])
        wanted = evaluated[0]["loss"] + strength * np.sum(kernel**2)
        assert evaluated[1]["loss"] == pytest.approx(wanted, rel=1e-5)
    else:
        assert logs[1]["discriminator_loss"] == pytest.approx(logs[0]["discriminator_loss"], rel=1e-5)


def test_a_regulariser_of_activity_counts():
    keras.utils.set_random_seed(0)
    model = BeatGAN(*own_networks(generator={"activity_regularizer": keras.regularizers.L2(3.0)}))
    code = keras.Model(model.generator.input, model.generator.get_layer("code").output)(beats())
    found = compiled(model).train_on_batch(beats(), return_dict=True)
    rest = found["rebuild_loss"] + found["feature_loss"]
    assert found["loss"] - rest == pytest.approx(3 * np.sum(code**2) / 8, rel=1e-4)
    before = np.sum(code**2)
    for _ in range(3):
        model.train_on_batch(beats())
    code = keras.Model(model.generator.input, model.generator.get_layer("code").output)(beats())
    assert np.sum(code**2) < 0.8 * before


@pytest.mark.parametrize("build", [simclr, distiller])
def test_a_regulariser_counts_in_a_loss_of_one_network(build):
    model, plain = build(), build()
    variable = model.learners[0]
    variable.regularizer = keras.regularizers.L1(2.0)
    found, wanted = (
        compiled(each).train_on_batch(beats(), return_dict=True)["loss"] for each in (model, plain)
    )
    initial = np.abs(copies(build().learners)[0]).sum()
    assert found == pytest.approx(wanted + 2 * initial, rel=1e-4)


def test_means_of_an_epoch_count_the_windows_of_a_smaller_batch():
    model = compiled(distiller(), lambda: keras.optimizers.SGD(0.0))
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])
    )
    model.fit(beats(12), batch_size=8, shuffle=False, verbose=0, callbacks=[callback])
    # Keras' logs are means since the epoch's begin.
    last = 3 * seen[1] - 2 * seen[0]
    assert last > 0 and seen[1] == pytest.approx((8 * seen[0] + 4 * last) / 12)


class Sequence(keras.utils.PyDataset):
    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, number):
        return tuple(array[8 * number : 8 * number + 8] for array in self.arrays)


@pytest.mark.parametrize("name", ["BeatGAN", "Distiller"])
def test_every_source_of_the_same_beats_teaches_the_same(name):
    windows, labels, weights = beats(16), np.arange(16) % 2, np.linspace(0, 2, 16).astype("float32")
    whole = (windows, labels, weights)
    unknown = tf.data.Dataset.from_generator(
        lambda: (tuple(x[n : n + 8] for x in whole) for n in (0, 8)), output_types=("float32",) * 3
    )
    flat = tf.data.Dataset.from_tensor_slices((windows[..., 0].astype("float64"), labels, weights)).batch(8)
    sources = [Sequence(*whole), (Sequence(*whole)[n] for n in range(2)), unknown, flat]
    wanted = compiled(MODELS[name]()).fit(
        windows, sample_weight=weights, batch_size=8, shuffle=False, verbose=0
    )
    for source in sources:
        found = compiled(MODELS[name](), run_eagerly=False).fit(source, shuffle=False, verbose=0).history
        for key, value in wanted.history.items():
            assert found[key] == pytest.approx(value, rel=1e-5), (source, key)


@pytest.mark.parametrize("name", NAMES)
def test_whole_numbers_and_batches_of_any_size_are_taken(name):
    model = compiled(MODELS[name](), run_eagerly=False)
    windows = np.round(3 * beats(17)).astype("int16")
    found = model.fit(windows, batch_size=8, verbose=0, validation_data=(windows,)).history
    assert all(np.isfinite(values).all() for values in found.values())


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        (beats()[:, :20], r"found windows \(8, 20, 1\), expected \(batch, 24, 1\)"),
        (beats(channels=2), r"found windows \(8, 24, 2\), expected \(batch, 24, 1\)"),
        ({"window": beats()}, r"found a dict of inputs, expected windows \(batch, 24, 1\)"),
    ],
)
@pytest.mark.parametrize("name", ["BeatGAN", "SimCLR", "Distiller"])
def test_other_inputs_are_refused_in_a_sentence(name, windows, told):
    model = compiled(MODELS[name](), run_eagerly=True)
    with pytest.raises(ValueError, match=f"{name}: {told}"):
        model.train_on_batch(windows)


def test_weights_of_ticks_are_refused():
    with pytest.raises(ValueError, match=r"found weights of shape \(8, 24\), expected one for each beat"):
        compiled(beatgan(), run_eagerly=True).train_on_batch(beats(), np.zeros(8), np.ones((8, 24)))


def test_partners_without_wearers_are_refused():
    model = compiled(simclr(partners=Partners(0)), run_eagerly=True)
    with pytest.raises(ValueError, match="SimCLR: found no wearers; expected windows and their wearers"):
        model.train_on_batch(beats())


def test_windows_may_have_any_length_where_the_networks_take_it():
    window = keras.Input((None, 1))
    generator = keras.Model(window, keras.layers.Conv1D(1, 5, padding="same")(window))
    window = keras.Input((None, 1))
    features = keras.layers.Conv1D(2, 4, 2, padding="same", use_bias=False)(window)
    pooled = keras.layers.GlobalAveragePooling1D()(features)
    model = BeatGAN(generator, keras.Model(window, [keras.layers.Dense(1)(pooled), features]))
    assert np.isfinite(compiled(model).fit(beats(), batch_size=4, verbose=0).history["loss"]).all()


def test_channels_first_networks_are_taken_and_the_librarys_stay_channels_last():
    first = {"padding": "same", "data_format": "channels_first"}
    window = keras.Input((1, LENGTH))
    generator = keras.Model(window, keras.layers.Conv1D(1, 5, **first)(window))
    window = keras.Input((1, LENGTH))
    features = keras.layers.Conv1D(2, 5, **first)(window)
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(features))
    model = compiled(BeatGAN(generator, keras.Model(window, [logit, features])))
    assert np.isfinite(model.fit(np.moveaxis(beats(), 2, 1), verbose=0).history["loss"]).all()
    try:
        keras.config.set_image_data_format("channels_first")
        networks = conv_discriminator(**SIZE), contrastive_discriminator(**SIZE, units=4, projection=3)
    finally:
        keras.config.set_image_data_format("channels_last")
    formats = {getattr(layer, "data_format", None) for each in networks for layer in each.layers}
    assert formats == {None, "channels_last"}


@pytest.mark.parametrize(
    "options", [{"jit_compile": "auto"}, {"run_eagerly": False, "steps_per_execution": 2}]
)
@pytest.mark.parametrize("name", ["BeatGAN", "SimCLR", "Distiller"])
def test_every_way_to_run_learns_the_same(name, options):
    found, wanted = (
        compiled(MODELS[name](), **each).fit(beats(32), batch_size=8, shuffle=False, verbose=0).history
        for each in (options, {})
    )
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, rel=1e-4)


def test_optimizers_come_by_name_and_by_config_and_are_saved(tmp_path):
    model = beatgan()
    sgd = keras.optimizers.serialize(keras.optimizers.SGD(0.125, momentum=0.5))
    model.compile("adam", sgd, jit_compile=False, steps_per_execution=3)
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is keras.optimizers.Adam
    assert type(loaded.discriminator_optimizer) is keras.optimizers.SGD
    assert loaded.discriminator_optimizer.get_config() == model.discriminator_optimizer.get_config()
    assert (loaded.jit_compile, loaded.run_eagerly, loaded.steps_per_execution) == (False, False, 3)
    found, wanted = (each.train_on_batch(beats(seed=3), return_dict=True) for each in (loaded, model))
    assert found == wanted
    assert_equal(trained(loaded), trained(model))


def test_compile_refuses_what_the_step_would_ignore():
    for options in ({"loss": "mse"}, {"metrics": ["mae"]}, {"weighted_metrics": ["mae"]}):
        with pytest.raises(
            ValueError, match=f"SimCLR: found {next(iter(options))} in compile, expected none"
        ):
            simclr().compile(**options)
    adam = keras.optimizers.Adam()
    with pytest.raises(
        ValueError, match="BeatGAN: found one optimizer for two networks, expected one for each"
    ):
        beatgan().compile(adam, adam)


@pytest.mark.parametrize("name", ["BeatGAN", "SimCLR", "Distiller"])
def test_what_is_exported_computes_what_a_call_does(name, tmp_path):
    model = MODELS[name]()
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    found, wanted = (keras.tree.flatten(each(beats())) for each in (loaded.serve, model))
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert type(model) is not SimCLR or len(found) == 5
