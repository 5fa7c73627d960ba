"""SimCLR on the discriminator: its heads, its losses against NumPy's, its step, what is saved of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.layers.shifts import Bump, Shifts, WaveGain
from keras_sibeat.layers.views import Gain, Noise, Views
from keras_sibeat.models.simclr import OUTPUTS, SimCLR, contrastive_discriminator

CENTRE, UNITS, PROJECTION = 12, 6, 4


def discriminator(head="v1", seed=0, channels=1):
    size = {"length": LENGTH, "channels": channels, "width": 2, "depth": 2}
    return contrastive_discriminator(**size, head=head, units=UNITS, projection=PROJECTION, seed=seed)


def draws(seed=0):
    views = Views([Gain(0.5, seed=seed), Noise(0.05, seed=seed + 1)])
    return views, Shifts([Bump(CENTRE, seed + 2), WaveGain(CENTRE, seed + 3)], seed + 4)


def build(head="v1", seed=0, **options):
    return SimCLR(discriminator(head, seed), *draws(seed), **options)


def parts(network):
    """The network's trainable variables by the head they belong to: trunk, logit, head_1, projection, …"""
    found = {}
    for variable in network.trainable_variables:
        name = variable.path.split("/")[-2]
        if len(variable.shape) == 3:
            name = "logit" if variable.shape[-1] == 1 else "trunk"
        name = {"batch": "trunk", "shift": "shift"}.get(name[:5], name)
        found.setdefault(name, []).append(variable)
    return found


def touched(network, step):
    """The heads whose every variable the ``step`` changes; none may be changed in part."""
    before = {name: copies(variables) for name, variables in parts(network).items()}
    step()
    moved = {
        name: [not np.array_equal(*pair) for pair in zip(before[name], copies(variables), strict=True)]
        for name, variables in parts(network).items()
    }
    assert all(all(flags) or not any(flags) for flags in moved.values())
    return {name for name, flags in moved.items() if all(flags)}


def numpy_nt_xent(first, second, temperature, negatives=None):
    rows = np.concatenate([first, second])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    losses = []
    for anchor in range(len(unit)):
        positive = (anchor + len(first)) % len(unit)
        rest = [unit[k] for k in range(len(unit)) if k != anchor]
        if negatives is not None:
            rest += list(negatives / np.linalg.norm(negatives, axis=1, keepdims=True))
        similar = [np.exp(unit[anchor] @ other / temperature) for other in rest]
        losses.append(-np.log(np.exp(unit[anchor] @ unit[positive] / temperature) / np.sum(similar)))
    return np.mean(losses)


@pytest.mark.parametrize(("head", "hidden"), [("v1", 1), ("v2", 2)])
def test_the_head_has_two_layers_in_v1_and_three_in_v2(head, hidden):
    network = discriminator(head, channels=2)
    ticks, filters = LENGTH // 4, 4
    trunk = 4 * 2 * 2 + 4 * 2 * filters + 2 * filters  # two halvings, the second normalised
    trunk += ticks * filters * UNITS
    heads = ticks * filters + hidden * (UNITS + 1) * UNITS + (UNITS + 1) * PROJECTION
    heads += (UNITS + 1) * UNITS + UNITS + 1  # of the shift head
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == trunk + heads
    assert set(parts(network)) == {
        "trunk",
        "logit",
        *(f"head_{number + 1}" for number in range(hidden)),
        "projection",
        "shift",
    }


def test_outputs_are_as_named():
    shapes = dict(zip(OUTPUTS, (output.shape for output in discriminator().outputs), strict=True))
    assert shapes == {
        "logit": (None, 1),
        "features": (None, LENGTH // 4, 4),
        "embedding": (None, UNITS),
        "projection": (None, PROJECTION),
        "shift": (None, 1),
    }


@pytest.mark.parametrize("head", ["v1", "v2"])
def test_the_embedding_is_the_trunk_s_output_in_v1_and_the_first_hidden_layer_in_v2(head):
    network = discriminator(head)
    judged = dict(zip(OUTPUTS, copies(network(beats())), strict=True))
    (collapse,) = (v for v in parts(network)["trunk"] if tuple(v.shape) == (LENGTH // 4, 4, UNITS))
    hidden = [np.einsum("btf,tfu->bu", judged["features"], collapse.numpy())]
    for number in range(1, {"v1": 2, "v2": 3}[head]):
        kernel, bias = copies(network.get_layer(f"head_{number}").weights)
        hidden.append(np.maximum(hidden[-1] @ kernel + bias, 0))
    tapped = hidden[0] if head == "v1" else hidden[1]
    np.testing.assert_allclose(judged["embedding"], tapped, atol=1e-6)
    kernel, bias = copies(network.get_layer("shift_1").weights)
    for name, source in (("projection", hidden[-1]), ("shift", np.maximum(tapped @ kernel + bias, 0))):
        kernel, bias = copies(network.get_layer(name).weights)
        np.testing.assert_allclose(judged[name], source @ kernel + bias, atol=1e-5)


def test_the_seed_decides_the_weights():
    assert_equal(discriminator(seed=3).get_weights(), discriminator(seed=3).get_weights())
    kernels = zip(copies(discriminator("v2", 3).weights), copies(discriminator("v2", 4).weights), strict=True)
    assert all(not np.array_equal(a, b) for a, b in kernels if a.std())
    first, second = (discriminator("v2").get_layer(f"head_{n}").get_weights()[0] for n in (1, 2))
    assert not np.array_equal(first, second)


def test_an_unknown_head_is_an_error():
    with pytest.raises(ValueError, match="found head 'v3', expected v1 or v2"):
        discriminator("v3")


@pytest.mark.parametrize("hard_negatives", [False, True])
@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.25, 2.0), (0.0, 1.5), (0.5, 0.0)])
def test_the_loss_is_the_weighted_sum_of_numpy_s(weights, hard_negatives):
    model = build(
        temperature=0.3, nt_xent_weight=weights[0], shift_weight=weights[1], hard_negatives=hard_negatives
    )
    draw = np.random.default_rng(0).normal
    projections, logits = (
        [draw(size=(5, width)).astype("float32") for _ in range(3)] for width in (PROJECTION, 1)
    )
    loss, found = model.contrast(projections, logits)
    first, second, shifted = projections
    normal, broken = np.concatenate(logits[:2]), logits[2]
    expected = {}
    if weights[0]:
        negatives = shifted if hard_negatives else None
        expected["nt_xent"] = numpy_nt_xent(first, second, 0.3, negatives)
    if weights[1]:
        probability = [1 / (1 + np.exp(-logit)) for logit in (normal, broken)]
        expected["shift_loss"] = np.mean(-np.log(1 - probability[0])) / 2
        expected["shift_loss"] += np.mean(-np.log(probability[1])) / 2
        expected["shift_accuracy"] = (np.mean(normal < 0) + np.mean(broken > 0)) / 2
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, rel=1e-5)
    terms = expected.get("nt_xent", 0), expected.get("shift_loss", 0)
    assert float(loss) == pytest.approx(np.dot(weights, terms), rel=1e-5)


def test_of_two_views_alone_nothing_is_shifted():
    model = SimCLR(discriminator(), draws()[0], shift_weight=0)
    first, second = model.draw(beats())
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("weights", [{}, {"nt_xent_weight": 0}, {"shift_weight": 0, "hard_negatives": True}])
def test_what_is_shifted_is_the_second_view(weights):
    model, (views, shifts) = build(seed=5, **weights), draws(seed=5)
    expected = [views(beats(), training=True) for _ in range(2)]
    expected.append(shifts(expected[1], training=True))
    assert_equal(model.draw(beats()), expected)


def plain_step(network, windows, temperature, nt_xent_weight, shift_weight, hard_negatives):
    """Loss and gradients by TensorFlow's own functions, of the discriminator's own graph."""
    count = len(windows[0])
    with tf.GradientTape() as tape:
        _, _, _, projections, logits = network(tf.concat(windows, 0), training=True)
        unit = tf.math.l2_normalize(projections, axis=1)
        views, shifted = unit[: 2 * count], unit[2 * count :]
        similar = views @ tf.transpose(views) / temperature - 1e9 * tf.eye(2 * count, dtype=views.dtype)
        if hard_negatives:
            similar = tf.concat([similar, views @ tf.transpose(shifted) / temperature], 1)
        positives = (np.arange(2 * count) + count) % (2 * count)
        loss = nt_xent_weight * tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=positives, logits=similar)
        )
        is_shifted = np.repeat([0.0, 0.0, 1.0], count)[:, None]
        crosses = tf.nn.sigmoid_cross_entropy_with_logits(labels=is_shifted, logits=logits)
        weights = shift_weight * np.repeat([0.25, 0.25, 0.5], count)[:, None] / count
        loss += tf.reduce_sum(weights * crosses)
    return loss, tape.gradient(loss, [variable.value for variable in network.trainable_variables])


@pytest.mark.parametrize(
    ("head", "jit_compile", "hard_negatives"), [("v1", True, True), ("v2", False, False)]
)
def test_a_step_follows_the_plain_gradient(float64, head, jit_compile, hard_negatives):
    options = {"temperature": 0.4, "nt_xent_weight": 0.7, "shift_weight": 1.3}
    model = build(head, **options, hard_negatives=hard_negatives)
    model.compile(keras.optimizers.SGD(0.5), jit_compile=jit_compile, run_eagerly=not jit_compile)
    plain = keras.models.clone_model(model.discriminator)
    plain.set_weights(model.discriminator.get_weights())
    # XLA draws other numbers than TensorFlow's own kernels.
    draw = tf.function(build(head, **options).draw, jit_compile=jit_compile)
    for seed in range(2):
        windows = beats(seed=seed, dtype="float64")
        drawn = draw(tf.constant(windows))
        loss, gradients = plain_step(plain, drawn, **options, hard_negatives=hard_negatives)
        for variable, gradient in zip(plain.trainable_variables, gradients, strict=True):
            if gradient is not None:  # the adversarial logit's
                variable.assign(variable - 0.5 * gradient)
        found = model.train_on_batch(windows, return_dict=True)
        assert found["loss"] == pytest.approx(float(loss), rel=1e-7)
    for got, wanted in zip(model.discriminator.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("head", "weights", "learning"),
    [
        ("v1", {}, {"trunk", "head_1", "projection", "shift"}),
        ("v1", {"nt_xent_weight": 0}, {"trunk", "shift"}),
        ("v2", {"nt_xent_weight": 0}, {"trunk", "head_1", "shift"}),
        ("v2", {"shift_weight": 0}, {"trunk", "head_1", "head_2", "projection"}),
    ],
)
def test_a_weight_of_zero_leaves_its_head_as_it_is(head, weights, learning):
    model = build(head, **weights)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    # Of a dead unit nothing moves in one step.
    steps = [beats(32, seed) for seed in range(3)]
    assert touched(model.discriminator, lambda: [model.train_on_batch(x) for x in steps]) == learning


def test_the_loss_falls():
    model = build("v2")
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    history = model.fit(beats(256), batch_size=32, epochs=6, verbose=0).history
    assert set(history) == {"loss", "nt_xent", "shift_loss", "shift_accuracy"}
    assert history["nt_xent"][-1] < 0.8 * history["nt_xent"][0]
    assert history["shift_loss"][-1] < history["shift_loss"][0]


def test_it_judges_as_its_discriminator_does():
    model = build()
    assert_equal(model(beats()), model.discriminator(beats()))


def test_training_goes_on_after_loading_as_if_nothing_had_been(tmp_path):
    options = {"temperature": 0.2, "nt_xent_weight": 0.5, "shift_weight": 0.25, "hard_negatives": True}
    model = build("v2", **options)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = True
    assert loaded.jit_compile is False
    assert {name: loaded.get_config()[name] for name in options} == options
    for seed in range(2):
        found, expected = (m.train_on_batch(beats(seed=seed), return_dict=True) for m in (loaded, model))
        assert found == expected
    for part in ("discriminator", "optimizer"):
        assert_equal(copies(getattr(loaded, part).variables), copies(getattr(model, part).variables))


def test_a_checkpoint_holds_all_of_the_optimizer_whatever_has_moved(tmp_path):
    model, loaded = (SimCLR(discriminator(), draws(seed)[0], shift_weight=0) for seed in (0, 9))
    for simclr in (model, loaded):
        simclr.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    model.train_on_batch(beats())
    model.save_weights(tmp_path / "checkpoint.weights.h5")
    loaded.load_weights(tmp_path / "checkpoint.weights.h5")
    assert len(loaded.optimizer.variables) == 2 + 2 * len(model.discriminator.trainable_variables)
    assert_equal(copies(loaded.optimizer.variables), copies(model.optimizer.variables))
    assert_equal(model.draw(beats()), loaded.draw(beats()))


def test_a_model_that_is_not_compiled_is_saved_without_optimizer(tmp_path):
    model = SimCLR(discriminator(), draws()[0], shift_weight=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.shifts is None and not loaded.compiled
    assert_equal(loaded(beats()), model(beats()))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"nt_xent_weight": -1.0}, "found nt_xent_weight -1.0, expected a finite number from 0 on"),
        ({"shift_weight": float("nan")}, "found shift_weight nan"),
        ({"shift_weight": float("inf")}, "found shift_weight inf"),
        ({"temperature": 0.0}, "found temperature 0.0, expected a finite number above 0"),
        ({"temperature": -0.1}, "found temperature -0.1"),
    ],
)
def test_a_number_out_of_range_is_an_error(options, told):
    with pytest.raises(ValueError, match=told):
        build(**options)


@pytest.mark.parametrize("options", [{}, {"shift_weight": 0, "hard_negatives": True}])
def test_shifts_are_needed_where_they_are_used(options):
    with pytest.raises(ValueError, match="found no shifts; expected them for shift_weight"):
        SimCLR(discriminator(), draws()[0], **options)


def test_nothing_to_learn_is_an_error_before_training():
    with pytest.raises(ValueError, match="found only weights of 0; expected one above"):
        build(nt_xent_weight=0, shift_weight=0).compile()


def test_a_batch_of_1_is_an_error():
    model = build()
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="found a batch of 1; expected 2 or more rows"):
        model.fit(tf.data.Dataset.from_tensors(beats(1)), shuffle=False, verbose=0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda outputs: outputs[:2], r"found a discriminator with outputs \[.*\]; expected logit, features"),
        (lambda outputs: [*outputs[:4], outputs[3]], "logit and shift"),
        (lambda outputs: [outputs[2], *outputs[1:]], "logit and shift"),
        (lambda outputs: [*outputs[:3], outputs[1], outputs[4]], "embedding and projection"),
    ],
)
def test_heads_of_other_widths_are_an_error(change, told):
    network = discriminator()
    changed = keras.Model(network.inputs, change(network.outputs))
    with pytest.raises(ValueError, match=told):
        SimCLR(changed, *draws())
