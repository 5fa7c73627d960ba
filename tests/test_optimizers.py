"""LARS against its formula in NumPy, step by step; the learning rates against their closed forms."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_sibeat.optimizers import LARS, scaled_learning_rate, warmup_cosine

SHAPES = {
    "conv/kernel": (4, 2, 3),
    "zero/kernel": (3, 2),
    "conv/bias": (3,),
    "norm/gamma": (3,),
    "norm/beta": (3,),
}
EXCLUDED = ("conv/bias", "norm/gamma", "norm/beta")
STEPS = 6


def variable(path, value, dtype="float32"):
    scope, name = path.split("/")
    with keras.name_scope(scope):
        return keras.Variable(value, dtype=dtype, name=name)


def value_of(tensor):
    return keras.ops.convert_to_numpy(tensor).astype("float64")


def starting_weights(seed=0):
    random = np.random.default_rng(seed)
    return {path: random.normal(size=shape) * (path != "zero/kernel") for path, shape in SHAPES.items()}


def random_gradients(seed=1):
    """A gradient for each variable and step; on the second step all are zero, on the fourth they are huge."""
    random = np.random.default_rng(seed)
    scales = [1, 0, 1, 1e4, 1e-3, 1]
    return [{path: scale * random.normal(size=shape) for path, shape in SHAPES.items()} for scale in scales]


def numpy_lars(weights, gradients, rates, momentum=0.9, decay=1e-6, trust=0.001, nesterov=False):
    """The weights after each step, in float64."""
    weights = {path: weight.astype("float64") for path, weight in weights.items()}
    velocities = {path: np.zeros_like(weight) for path, weight in weights.items()}
    for gradient_of, rate in zip(gradients, rates, strict=True):
        for path, gradient in gradient_of.items():
            ratio = 1.0
            if path not in EXCLUDED:
                gradient = gradient + decay * weights[path]
                norms = [np.sqrt((array**2).sum()) for array in (weights[path], gradient)]
                if all(norms):
                    ratio = trust * norms[0] / norms[1]
            push = rate * ratio * gradient
            velocities[path] = momentum * velocities[path] + push
            weights[path] = weights[path] - (
                momentum * velocities[path] + push if nesterov else velocities[path]
            )
        yield dict(weights)


def library_lars(optimizer, weights, gradients, dtype="float32", compiled=False):
    """The same of ``optimizer``."""
    variables = {path: variable(path, weight, dtype) for path, weight in weights.items()}
    optimizer.build(list(variables.values()))

    @tf.function(jit_compile=True)
    def apply_compiled(tensors):
        optimizer.apply(tensors, list(variables.values()))

    for gradient_of in gradients:
        tensors = [keras.ops.convert_to_tensor(gradient_of[path], dtype) for path in variables]
        apply_compiled(tensors) if compiled else optimizer.apply(tensors, list(variables.values()))
        yield {path: value_of(v) for path, v in variables.items()}


def assert_same_steps(found, expected, tolerance):
    for step, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        for path in SHAPES:
            np.testing.assert_allclose(
                got[path], wanted[path], tolerance, tolerance, err_msg=f"{step} {path}"
            )


def tiny_model(**options):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((8, 2)),
        keras.layers.Conv1D(3, 4),
        keras.layers.BatchNormalization(),
        keras.layers.LayerNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile(loss="mse", **options)
    return model


def tiny_data(count=24):
    random = np.random.default_rng(5)
    return random.normal(size=(count, 8, 2)).astype("float32"), random.normal(size=(count, 1))


def train(model, epochs=1):
    model.fit(*tiny_data(), batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    trained = [value_of(weight) for weight in model.weights]
    assert max(np.abs(weight).max() for weight in trained) < 10
    return trained


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("settings", [{}, {"decay": 0.25}, {"decay": 0.0, "momentum": 0.0}])
@pytest.mark.parametrize("nesterov", [False, True])
def test_each_step_is_the_formula_s(settings, nesterov, dtype, tolerance, compiled):
    # 0.5 is exact in the optimizer's float32 variable; the coefficient makes a layer's step 5 % of its norm.
    names = {"decay": "weight_decay"}
    options = {names.get(name, name): value for name, value in settings.items()}
    optimizer = LARS(0.5, trust_coefficient=0.1, nesterov=nesterov, **options)
    weights, gradients = starting_weights(), random_gradients()
    expected = numpy_lars(weights, gradients, [0.5] * STEPS, trust=0.1, nesterov=nesterov, **settings)
    assert_same_steps(library_lars(optimizer, weights, gradients, dtype, compiled), expected, tolerance)


def test_the_defaults_are_those_of_simclr():
    weights, gradients = starting_weights(), random_gradients()
    expected = numpy_lars(weights, gradients, [0.5] * STEPS, momentum=0.9, decay=1e-6, trust=0.001)
    assert_same_steps(library_lars(LARS(0.5), weights, gradients), expected, 1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("warmup", [0, 2])
def test_a_schedule_gives_each_step_its_rate(warmup, compiled):
    steps = np.arange(STEPS)
    fall = 0.25 * (1 + np.cos(np.pi * (steps - warmup) / (STEPS - warmup)))
    rates = np.where(steps < warmup, 0.5 * steps / max(warmup, 1), fall)
    optimizer = LARS(warmup_cosine(0.5, STEPS, warmup), trust_coefficient=0.1)
    weights, gradients = starting_weights(), random_gradients()
    expected = numpy_lars(weights, gradients, rates, trust=0.1)
    assert_same_steps(library_lars(optimizer, weights, gradients, compiled=compiled), expected, 1e-6)


def test_zero_weights_move_by_the_whole_gradient():
    weight, gradient = variable("zero/kernel", np.zeros((2, 2))), np.array([[1.0, -2], [3, 4]])
    LARS(0.5).apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
    np.testing.assert_allclose(value_of(weight), -0.5 * gradient)


def test_without_a_gradient_only_weight_decay_moves():
    start = np.array([[1.0, -2], [3, 4]])
    still, decayed = variable("still/kernel", start), variable("decayed/kernel", start)
    LARS(0.5, weight_decay=0.0).apply([keras.ops.zeros((2, 2))], [still])
    LARS(0.5, trust_coefficient=0.1).apply([keras.ops.zeros((2, 2))], [decayed])
    np.testing.assert_array_equal(value_of(still), start)
    # The ratio cancels the decay's size: what is left is a step of 0.1 * 0.5 of the weights.
    np.testing.assert_allclose(value_of(decayed), 0.95 * start, rtol=1e-6)


@given(st.floats(-6, 15), st.integers(0, 99))
def test_the_size_of_a_gradient_does_not_change_the_size_of_the_step(exponent, seed):
    random = np.random.default_rng(seed)
    start, gradient = random.normal(size=(2, 5, 3))
    weight = variable("dense/kernel", start)
    optimizer = LARS(0.5, trust_coefficient=0.1, weight_decay=0.0)
    optimizer.apply([keras.ops.convert_to_tensor(10.0**exponent * gradient, "float32")], [weight])
    step = 0.5 * 0.1 * np.linalg.norm(start) * gradient / np.linalg.norm(gradient)
    np.testing.assert_allclose(start - value_of(weight), step, atol=1e-6)


@pytest.mark.parametrize("path", ["dense/bias", "norm/gamma", "norm/beta"])
def test_excluded_variables_follow_sgd_with_momentum(path):
    random = np.random.default_rng(0)
    ours, sgd = (variable(path, [1.0, -2.0]) for _ in range(2))
    lars = LARS(0.5, weight_decay=0.25)
    plain = keras.optimizers.SGD(0.5, momentum=0.9)
    for _ in range(4):
        gradient = keras.ops.convert_to_tensor(random.normal(size=2), "float32")
        lars.apply([gradient], [ours])
        plain.apply([gradient], [sgd])
        np.testing.assert_allclose(value_of(ours), value_of(sgd), rtol=1e-6)


@pytest.mark.parametrize(
    "path, exclude, is_excluded",
    [
        ("dense/bias", ("bias", "gamma", "beta"), True),
        ("bias/kernel", ("bias", "gamma", "beta"), False),
        ("dense/recurrent_bias", ("bias", "gamma", "beta"), False),
        ("dense/bias", (), False),
        ("norm/scale", ("scale",), True),
    ],
)
def test_exclusion_looks_at_the_last_component_of_the_path(path, exclude, is_excluded):
    weight = variable(path, [3.0, 4.0])
    assert weight.path == path
    LARS(0.5, weight_decay=0.0, exclude=exclude).apply([keras.ops.convert_to_tensor([2.0, 0.0])], [weight])
    # Norms of 5 and 2: the ratio is 0.001 * 5 / 2.
    ratio = 1 if is_excluded else 0.0025
    np.testing.assert_allclose(value_of(weight), [3 - 0.5 * ratio * 2, 4], rtol=1e-7)


def test_in_a_keras_model_kernels_are_scaled_and_biases_and_normalisation_are_not():
    ours = tiny_model(optimizer=LARS(0.5, trust_coefficient=0.1))
    plain = tiny_model(optimizer=keras.optimizers.SGD(0.5))
    before = [value_of(v) for v in ours.trainable_variables]
    for model in (ours, plain):
        model.train_on_batch(*tiny_data())
    scaled = 0
    for start, mine, theirs in zip(before, ours.trainable_variables, plain.trainable_variables, strict=True):
        if mine.path.endswith("/kernel"):
            scaled += 1
            moved = np.linalg.norm(value_of(mine) - start)
            assert moved == pytest.approx(0.05 * np.linalg.norm(start), rel=1e-5)
        else:
            np.testing.assert_allclose(value_of(mine), value_of(theirs), atol=1e-6)
    assert scaled == 2 and len(before) == 8


def test_an_embedding_is_scaled_by_the_sum_of_its_rows_gradients():
    start = np.random.default_rng(0).normal(size=(4, 2))
    rows, values = [1, 3, 1], np.array([[1.0, 2], [3, 4], [5, 6]])
    dense = np.zeros((4, 2))
    np.add.at(dense, rows, values)
    looked_up, whole = (variable("embedding/embeddings", start) for _ in range(2))
    slices = tf.IndexedSlices(tf.constant(values, "float32"), tf.constant(rows), tf.constant([4, 2]))
    LARS(0.5, trust_coefficient=0.1).apply([slices], [looked_up])
    LARS(0.5, trust_coefficient=0.1).apply([keras.ops.convert_to_tensor(dense, "float32")], [whole])
    np.testing.assert_allclose(value_of(looked_up), value_of(whole), rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype, precision", [("float16", 2.0**-10), ("bfloat16", 2.0**-7)])
@pytest.mark.parametrize("size", [1e-4, 1.0, 3e4])
def test_low_precision_neither_overflows_nor_underflows(size, dtype, precision, compiled):
    """The squares of 1e-4 vanish in float16 and those of 3e4 are infinite; the norms must be neither."""
    random = np.random.default_rng(0)
    start = value_of(keras.ops.cast(random.normal(size=(40, 50)), dtype))
    gradient = value_of(keras.ops.cast(size * random.uniform(-1, 1, size=(40, 50)), dtype))
    weight = variable("dense/kernel", start, dtype)
    optimizer = LARS(0.5, trust_coefficient=0.1)
    optimizer.build([weight])
    apply = tf.function(lambda g: optimizer.apply([g], [weight]), jit_compile=True, autograph=False)
    (apply if compiled else lambda g: optimizer.apply([g], [weight]))(
        keras.ops.convert_to_tensor(gradient, dtype)
    )
    [expected] = numpy_lars({"w": start}, [{"w": gradient}], [0.5], trust=0.1)
    assert np.isfinite(value_of(weight)).all()
    np.testing.assert_allclose(value_of(weight), expected["w"], rtol=precision, atol=precision / 100)
    assert np.abs(value_of(weight) - start).max() > 4 * precision


def test_a_compiled_model_trains_as_an_uncompiled_one():
    ours = [
        train(tiny_model(optimizer=LARS(0.01, trust_coefficient=1.0), jit_compile=compiled))
        for compiled in (False, True)
    ]
    for plain, compiled in zip(*ours, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-4, atol=1e-5)


def test_a_config_makes_the_same_optimizer():
    schedule = warmup_cosine(0.5, 10, 2)
    settings = {
        "momentum": 0.8,
        "weight_decay": 0.1,
        "trust_coefficient": 0.02,
        "nesterov": True,
        "exclude": ["scale"],
        "clipnorm": 3.0,
        "use_ema": True,
        "ema_momentum": 0.7,
        "name": "lars",
    }
    config = json.loads(json.dumps(keras.optimizers.serialize(LARS(schedule, **settings))))
    copy = keras.optimizers.deserialize(config)
    assert type(copy) is LARS
    found = copy.get_config()
    assert {name: found[name] for name in settings} == settings
    assert found["learning_rate"]["config"] == schedule.get_config()
    assert copy.weight_decay is None  # Keras' own decay, which would come on top


def test_an_optimizer_from_a_config_decays_once():
    optimizer = LARS.from_config(LARS(0.5, weight_decay=0.25, trust_coefficient=0.1).get_config())
    weights, gradients = starting_weights(), random_gradients()
    expected = numpy_lars(weights, gradients, [0.5] * STEPS, decay=0.25, trust=0.1)
    assert_same_steps(library_lars(optimizer, weights, gradients), expected, 1e-6)


@pytest.mark.parametrize("options", [{}, {"use_ema": True, "ema_momentum": 0.5}])
def test_a_saved_model_trains_on_as_if_it_had_not_been_saved(options, tmp_path):
    optimizer = LARS(warmup_cosine(0.01, 12, 2), trust_coefficient=1.0, weight_decay=0.1, **options)
    model = tiny_model(optimizer=optimizer, jit_compile=not options)
    half_way = train(model, epochs=2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 6
    ours, theirs = train(model), train(loaded)
    assert not np.array_equal(ours[0], half_way[0])
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_gradients_are_clipped_before_the_step():
    bias = variable("dense/bias", [0.0, 0.0])
    LARS(0.5, clipnorm=1.0).apply([keras.ops.convert_to_tensor([30.0, -40.0])], [bias])
    np.testing.assert_allclose(value_of(bias), [-0.3, 0.4], rtol=1e-6)


def test_the_moving_average_is_that_of_the_weights():
    bias = variable("dense/bias", [0.0])
    optimizer = LARS(0.5, momentum=0.0, use_ema=True, ema_momentum=0.25)
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor([2.0])], [bias])
    np.testing.assert_allclose(value_of(bias), [-2.0])
    optimizer.finalize_variable_values([bias])
    # Weights of -1 and -2; the average starts at the first.
    np.testing.assert_allclose(value_of(bias), [0.25 * -1 + 0.75 * -2])


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"momentum": 1.0}, "found momentum 1.0, expected 0 to below 1"),
        ({"momentum": -0.1}, "found momentum -0.1, expected 0 to below 1"),
        ({"weight_decay": -1e-6}, "found weight_decay -1e-06, expected 0 or more"),
        ({"weight_decay": float("nan")}, "found weight_decay nan, expected 0 or more"),
        ({"trust_coefficient": 0.0}, "found trust_coefficient 0.0, expected more than 0"),
        ({"exclude": "bias"}, "found exclude 'bias', expected a tuple of names"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LARS(0.5, **settings)


def test_keras_own_exclusion_is_refused():
    with pytest.raises(ValueError, match="expected names in the argument exclude"):
        LARS(0.5).exclude_from_weight_decay(var_names=["kernel"])


@pytest.mark.parametrize(
    "rule, base, batch_size, expected",
    [
        ("linear", 0.3, 4096, 4.8),
        ("linear", 0.3, 256, 0.3),
        ("sqrt", 0.075, 4096, 4.8),
        ("sqrt", 0.075, 256, 1.2),
        ("none", 0.3, 4096, 0.3),
    ],
)
def test_learning_rates_scale_with_the_batch_as_in_simclr(rule, base, batch_size, expected):
    assert scaled_learning_rate(base, batch_size, rule) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0.3, 256, "cubic"), "found rule 'cubic', expected linear, sqrt or none"),
        ((0.0, 256, "linear"), "found base 0.0, expected more than 0"),
        ((-0.3, 256, "none"), "found base -0.3, expected more than 0"),
        ((0.3, 0, "sqrt"), "found batch_size 0, expected more than 0"),
        ((0.3, -256, "sqrt"), "found batch_size -256, expected more than 0"),
    ],
)
def test_a_learning_rate_that_cannot_be_scaled_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaled_learning_rate(*arguments)


@pytest.mark.parametrize("steps, warmup", [(100, 10), (100, 0), (7, 6), (1, 0)])
def test_the_rate_rises_linearly_and_falls_as_half_a_cosine(steps, warmup):
    schedule = warmup_cosine(2.0, steps, warmup)
    assert type(schedule) is keras.optimizers.schedules.CosineDecay
    found = [float(schedule(step)) for step in range(steps + 3)]
    rise = [2.0 * step / warmup for step in range(warmup)]
    fall = [1 + np.cos(np.pi * (step - warmup) / (steps - warmup)) for step in range(warmup, steps)]
    np.testing.assert_allclose(found, [*rise, *fall, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize("steps, warmup", [(10, 10), (10, 11), (10, -1), (0, 0)])
def test_a_warm_up_that_does_not_fit_is_refused(steps, warmup):
    with pytest.raises(ValueError, match=f"found {warmup} warm-up steps of {steps} in all"):
        warmup_cosine(2.0, steps, warmup)
