"""NT-Xent against plain loops over its definition, in double precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_sibeat.losses import NTXent, nt_xent


def draw(rows=5, units=4, negatives=3, seed=0):
    """Two views and negatives, in float64."""
    generate = np.random.default_rng(seed).normal
    return [generate(size=(count, units)) for count in (rows, rows, negatives)]


def oracle(first, second, temperature=0.1, negatives=()):
    """Equation 1 of arXiv 2002.05709, anchor by anchor; the negatives stand in every denominator."""
    views = [np.asarray(x, "float64") for x in (*first, *second)]
    views = [x / np.linalg.norm(x) for x in views]
    others = [np.asarray(x, "float64") for x in negatives]
    others = [x / np.linalg.norm(x) for x in others]
    losses = []
    for number, anchor in enumerate(views):
        partner = views[(number + len(first)) % len(views)]
        logits = [anchor @ x / temperature for place, x in enumerate(views) if place != number]
        logits += [anchor @ x / temperature for x in others]
        losses.append(np.logaddexp.reduce(logits) - anchor @ partner / temperature)
    return np.mean(losses)


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("rows", [2, 5, 16])
@pytest.mark.parametrize("with_negatives", [True, False])
def test_it_is_equation_1(temperature, rows, with_negatives):
    first, second, negatives = draw(rows)
    negatives = negatives if with_negatives else None
    wanted = oracle(first, second, temperature, () if negatives is None else negatives)
    found = nt_xent(first, second, temperature, negatives)
    assert found.shape == () and found.dtype == "float64"
    assert float(found) == pytest.approx(wanted, rel=1e-12)
    single = [None if x is None else x.astype("float32") for x in (first, second, negatives)]
    assert float(nt_xent(*single[:2], temperature, single[2])) == pytest.approx(wanted, rel=1e-6, abs=1e-6)
    loss = NTXent(temperature)
    assert float(loss.contrast(*single)) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_the_loss_object_is_the_function():
    first, second, _ = draw()
    assert float(NTXent(0.2)(first, second)) == pytest.approx(oracle(first, second, 0.2), rel=1e-6)
    assert float(NTXent(0.2, dtype="float64")(first, second)) == pytest.approx(
        oracle(first, second, 0.2), rel=1e-12
    )


def test_perfect_views_of_orthogonal_beats_have_the_closed_form():
    eye = np.eye(6)
    wanted = np.log(1 + 10 * np.exp(-1 / 0.1))
    assert float(nt_xent(eye, 7 * eye)) == pytest.approx(wanted, rel=1e-9)


def test_temperature_is_a_tenth_by_default():
    first, second, negatives = draw()
    assert NTXent().temperature == 0.1
    assert float(nt_xent(first, second, negatives=negatives)) == pytest.approx(
        oracle(first, second, 0.1, negatives), rel=1e-12
    )


def gradients(function, *inputs):
    inputs = [ops.convert_to_tensor(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = function(*inputs)
    return loss, tape.gradient(loss, inputs)


def contrast(first, second, negatives):
    return nt_xent(first, second, 0.3, negatives)


def test_gradients_are_the_finite_differences():
    inputs = draw(rows=3, negatives=2)
    _, found = gradients(contrast, *inputs)
    step = 1e-5
    for part, gradient in zip(inputs, found, strict=True):
        wanted = np.zeros(part.shape)
        for place in np.ndindex(part.shape):
            part[place] += step
            above = oracle(*inputs[:2], 0.3, inputs[2])
            part[place] -= 2 * step
            below = oracle(*inputs[:2], 0.3, inputs[2])
            part[place] += step
            wanted[place] = (above - below) / (2 * step)
        assert np.abs(wanted).max() > 1e-3
        np.testing.assert_allclose(gradient, wanted, atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("float16", 1.0),
        ("float16", 1e3),
        ("float16", 1e-4),
        ("bfloat16", 1.0),
        ("bfloat16", 1e30),
        ("bfloat16", 1e-30),
        ("float32", 1e30),
        ("float32", 1e-30),
        ("float64", 1e300),
    ],
)
def test_any_size_of_projections_in_any_precision_is_stable(dtype, size):
    inputs = [ops.convert_to_tensor(size * x, dtype=dtype) for x in draw()]
    assert all(np.isfinite(ops.convert_to_numpy(ops.cast(x, "float64"))).all() for x in inputs)
    rounded = [np.array(ops.cast(x, "float64")) / size for x in inputs]
    loss, found = gradients(contrast, *inputs)
    assert loss.dtype == ("float64" if dtype == "float64" else "float32")
    assert float(loss) == pytest.approx(oracle(*rounded[:2], 0.3, rounded[2]), rel=1e-5)
    # A row's direction moves with 1 / size.
    _, wanted = gradients(contrast, *rounded)
    for gradient, part in zip(found, wanted, strict=True):
        gradient = np.array(ops.cast(gradient, "float64")) * size
        tolerance = {"float16": 3e-3, "bfloat16": 2e-2}.get(dtype, 1e-5)
        np.testing.assert_allclose(gradient, part, atol=tolerance * np.abs(part).max())


@pytest.mark.parametrize("temperature", [1e-3, 1e-6, 1e3])
def test_large_and_small_logits_are_stable(temperature):
    first, second, negatives = draw()
    inputs = [x.astype("float32") for x in (first, second, negatives)]
    loss, found = gradients(lambda a, b, c: nt_xent(a, b, temperature, c), *inputs)
    assert float(loss) == pytest.approx(oracle(first, second, temperature, negatives), rel=1e-5)
    assert all(np.isfinite(x).all() for x in found)


def test_beats_of_one_group_are_no_negatives_of_each_other():
    first, second, negatives = draw(rows=6)
    groups, losses = np.array([0, 1, 0, 2, 0, 1]), []
    views = [x / np.linalg.norm(x) for x in (*first, *second)]
    others = [x / np.linalg.norm(x) for x in negatives]
    for number, anchor in enumerate(views):
        positive = (number + 6) % 12
        kept = [x for place, x in enumerate(views) if groups[place % 6] != groups[number % 6]]
        logits = [anchor @ x / 0.1 for x in [*kept, *others, views[positive]]]
        losses.append(np.logaddexp.reduce(logits) - anchor @ views[positive] / 0.1)
    found = NTXent(0.1).contrast(first, second, negatives, groups)
    np.testing.assert_allclose(found, np.mean(losses), atol=1e-6)
    each = nt_xent(first, second, 0.1, negatives, groups=np.arange(6))
    np.testing.assert_allclose(each, nt_xent(first, second, 0.1, negatives), atol=1e-12)


def test_rows_of_zeros_are_like_no_other():
    zeros = np.zeros((4, 3), "float32")
    loss, found = gradients(contrast, zeros, zeros, zeros[:2])
    assert float(loss) == pytest.approx(np.log(7 + 2), rel=1e-6)
    assert all(np.isfinite(x).all() for x in found)


def test_views_may_be_swapped_and_beats_permuted():
    first, second, negatives = draw(6)
    order, other = np.random.default_rng(1).permutation(6), [2, 0, 1]
    wanted = float(nt_xent(first, second, 0.1, negatives))
    assert float(nt_xent(second, first, 0.1, negatives)) == pytest.approx(wanted, rel=1e-12)
    assert float(nt_xent(first[order], second[order], 0.1, negatives[other])) == pytest.approx(
        wanted, rel=1e-12
    )
    assert float(nt_xent(first[order], second, 0.1, negatives)) != pytest.approx(wanted, rel=1e-3)


def test_lengths_of_projections_do_not_matter():
    first, second, negatives = draw()
    lengths = np.random.default_rng(2).uniform(0.1, 10, (5, 1))
    wanted = float(nt_xent(first, second, 0.1, negatives))
    assert float(nt_xent(lengths * first, second / lengths, 0.1, 3 * negatives)) == pytest.approx(
        wanted, rel=1e-12
    )


def test_no_negatives_are_as_none():
    first, second, _ = draw()
    assert float(nt_xent(first, second, negatives=np.zeros((0, 4)))) == float(nt_xent(first, second))


def test_one_beat_against_one_negative():
    first, second, negatives = draw(1, negatives=1)
    wanted = oracle(first, second, 0.5, negatives)
    assert float(nt_xent(first, second, 0.5, negatives)) == pytest.approx(wanted, rel=1e-12)


def test_compiled_it_is_the_same():
    inputs = [x.astype("float32") for x in draw()]
    loss, wanted = gradients(contrast, *inputs)
    compiled, found = tf.function(lambda *x: gradients(contrast, *x), jit_compile=True)(*inputs)
    assert float(compiled) == pytest.approx(float(loss), rel=1e-6)
    for gradient, part in zip(found, wanted, strict=True):
        np.testing.assert_allclose(gradient, part, atol=1e-6)


def test_the_batch_may_be_unknown_until_the_step():
    signature = [tf.TensorSpec((None, 4), "float64")] * 3
    function = tf.function(contrast, input_signature=signature)
    for rows in (2, 7):
        first, second, negatives = draw(rows)
        wanted = oracle(first, second, 0.3, negatives)
        assert float(function(first, second, negatives)) == pytest.approx(wanted, rel=1e-12)


def test_sample_weights_weigh_beats():
    first, second, _ = draw(4)
    rows = np.array(NTXent(reduction="none", dtype="float64")(first, second))
    assert rows.shape == (4,) and rows.mean() == pytest.approx(oracle(first, second), rel=1e-12)
    weights = np.array([1.0, 0.0, 2.0, 0.0])
    found = NTXent(dtype="float64")(first, second, sample_weight=weights)
    assert float(found) == pytest.approx((rows[0] + 2 * rows[2]) / 4, rel=1e-12)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan")])
def test_a_temperature_out_of_range_is_an_error(temperature):
    first, second, _ = draw()
    message = f"found temperature {temperature}, expected a finite number above 0"
    with pytest.raises(ValueError, match=message):
        nt_xent(first, second, temperature)
    with pytest.raises(ValueError, match=message):
        NTXent(temperature)


@pytest.mark.parametrize(
    "shapes",
    [
        [(4, 3), (5, 3)],
        [(4, 3), (4, 2)],
        [(4, 3), (4, 3), (4, 2)],
        [(4, 3), (4, 3), (3,)],
        [(4,), (4,)],
        [(4, 3, 2), (4, 3, 2)],
    ],
)
def test_shapes_that_differ_are_an_error(shapes):
    first, second, *negatives = (np.ones(shape) for shape in shapes)
    with pytest.raises(ValueError, match=r"found shapes \(4.*; expected \(batch, units\) twice"):
        nt_xent(first, second, 0.1, *negatives)


@pytest.mark.parametrize("negatives", [None, np.ones((0, 3))])
def test_one_beat_without_negatives_is_an_error(negatives):
    with pytest.raises(ValueError, match="found a batch of 1; expected 2 or more rows, or negatives"):
        nt_xent(np.ones((1, 3)), np.ones((1, 3)), 0.1, negatives)


def test_it_is_saved_and_loaded_with_a_model(tmp_path):
    loss = NTXent(0.37, reduction="sum", name="views", dtype="float64")
    loaded = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(loaded) is NTXent and loaded.get_config() == loss.get_config()
    assert loss.get_config() == {"temperature": 0.37, "reduction": "sum", "name": "views", "dtype": "float64"}
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", NTXent(0.37))
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").loss.temperature == 0.37


def test_a_plain_model_learns_by_it():
    """Projections of given views: the targets are another model's."""
    keras.utils.set_random_seed(0)
    first, _, _ = draw(32, units=6)
    targets = first @ np.random.default_rng(3).normal(size=(6, 4))
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.Adam(0.05), NTXent(0.5))
    losses = model.fit(first, targets, batch_size=32, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.3


def test_somebody_elses_step_learns_by_it():
    """Two views through one network, and noise as hard negatives."""

    class Pairs(keras.Model):
        def __init__(self):
            super().__init__()
            self.project, self.contrast = keras.layers.Dense(4), NTXent(0.5).contrast

        def call(self, windows):
            return [self.project(part) for part in ops.unstack(windows, 3, axis=1)]

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return self.contrast(*y_pred)

    keras.utils.set_random_seed(0)
    first, second, _ = draw(32, units=6)
    model = Pairs()
    model.compile(keras.optimizers.Adam(0.05))
    windows = np.stack([first, first + 0.1 * second, first[::-1]], axis=1).astype("float32")
    losses = model.fit(windows, batch_size=32, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.1
