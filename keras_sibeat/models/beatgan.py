"""BeatGAN, after Zhou, Liu, Hooi, Cheng and Ye, "BeatGAN: Anomalous Rhythm Detection using Adversarially
Generated Time Series", IJCAI 2019.
"""

from functools import partial
from typing import Any

import keras
from keras import ops

from keras_sibeat.distribution import average, step_logs
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.composed import Composed
from keras_sibeat.models.batch import counted, mean, record
from keras_sibeat.models.descent import OPTIMIZER, OwnStep, objective
from keras_sibeat.models.judge import Judge, adversarial_loss
from keras_sibeat.models.twin import Twin, activity, precision, regularisation

COLLAPSED = 5e-6  # the published code re-initialises the discriminator below this loss


class _Count(keras.metrics.Sum):
    """A sum of what all replicas see alike, counted once."""

    def add_variable(self, *args, **kwargs):
        return super().add_variable(*args, **{**kwargs, "aggregation": "only_first_replica"})


@keras.saving.register_keras_serializable(package="keras_sibeat")
class BeatGAN(Composed, OwnStep):
    """An autoencoder (the generator) trained against a discriminator, on normal windows alone.

    Each step updates the discriminator, then, against the updated one, the generator:

    - discriminator: mean binary cross-entropy of D(x) as real, plus that of D(G(x)) as rebuilt;
    - generator: ``mean((x - G(x))**2) + feature_weight * mean((f(x) - f(G(x)))**2)``, f being the
      discriminator's last hidden activations (pairwise feature matching, after Salimans et al. 2016).

    A discriminator whose loss falls under 5e-6 is re-initialised, as in the published code; the metric
    ``reinitialised`` counts how often that happened in the epoch.

    Args:
        generator: model ``(batch, length, channels)`` → the same shape, e.g. ``conv_generator()``.
        discriminator: model of the same input → a list, ``[logit (batch, 1), features]``; more are ignored.
        feature_weight: weight of the feature matching, 1 in the paper for ECG, 0.01 for motion capture.
        augmentation: layer applied to the windows before each step, e.g. ``TimeWarp()``; none by default.
        self_teacher: ``SelfTeacher`` of the discriminator's trunk (FRSKD), which learns real from rebuilt
            beside it and adds its loss to the discriminator's; none by default.

    Calling the model rebuilds the windows, and so does what ``export`` writes. ``fit`` takes windows scaled
    to [-1, 1] and no targets; what stands in their place is ignored. Weights of beats weigh all losses, as
    Keras' do: a mean over the batch of each beat's loss times its weight. The batch's statistics, by which
    networks normalise, are those of all beats.

    Regularisers count: the generator's in ``loss``, the discriminator's in its own update, without showing in
    ``discriminator_loss``, which says whether it has collapsed.

    ``evaluate`` and ``validation_data`` report ``loss``, the mean squared error of the windows as rebuilt at
    inference plus the generator's regularisers, and ``rebuild_loss``, the error alone. Both draw nothing at
    random. Feature matching is left out: the discriminator that it depends on changes from epoch to epoch.

    Made in the scope of a ``tf.distribute`` strategy, with networks that normalise ``synchronized``, it
    learns from each batch what one replica would, as long as the batch divides evenly among the replicas.

    >>> from keras_sibeat import conv_discriminator, conv_generator
    >>> size = {"length": 16, "width": 2, "depth": 2}
    >>> model = BeatGAN(conv_generator(**size, latent=3), conv_discriminator(**size))
    >>> model.compile(jit_compile=False)
    >>> model(ops.zeros((4, 16, 1))).shape
    TensorShape([4, 16, 1])
    """

    components: tuple[str, ...] = ("generator", "discriminator", "augmentation", "self_teacher")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        feature_weight: float = 1.0,
        augmentation: keras.Layer | None = None,
        self_teacher: keras.Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if feature_weight < 0:
            raise ValueError(f"feature_weight: found {feature_weight}, expected 0 or more.")
        if (
            generator.input_shape != discriminator.input_shape
            or generator.output_shape != generator.input_shape
        ):
            raise ValueError(
                f"Expected one shape of windows; found generator {generator.input_shape} → "
                f"{generator.output_shape} and discriminator {discriminator.input_shape}."
            )
        self.generator = generator
        self.discriminator = discriminator
        self.feature_weight = feature_weight
        self.augmentation, self.self_teacher = augmentation, self_teacher
        self.precision, self.window_shape = precision(generator, discriminator), generator.input_shape
        self._rebuild = Twin(generator, self.precision)
        self._judge = Judge(discriminator, self_teacher is not None, self.precision)
        names = ("loss", "rebuild_loss", "feature_loss", "discriminator_loss")
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self._reinitialised = _Count(name="reinitialised")
        self._fresh_seeds = keras.random.SeedGenerator(seed=0, name="reinitialisation_seeds")
        self.built = True

    def compile(
        self,
        optimizer: Any = None,
        discriminator_optimizer: Any = None,
        jit_compile: bool | str = True,
        **kwargs: Any,
    ) -> None:
        """Configure training.

        Args:
            optimizer, discriminator_optimizer: objects, names or configs; each defaults to the published
                Adam(1e-4, beta_1=0.5).
            jit_compile: whether XLA compiles the step; it does so for one replica alone, as it compiles no
                exchange between several. "auto" compiles where there is a GPU.
            **kwargs: ``run_eagerly``, ``steps_per_execution`` and ``auto_scale_loss`` of Keras' ``compile``.

        Raises ``ValueError`` for a loss or metrics, one optimizer for both, and weights in half precision.
        """
        adam = partial(keras.optimizers.Adam, 1e-4, beta_1=0.5, epsilon=1e-8)
        optimizers = (optimizer, discriminator_optimizer)
        named = {n: o or adam() for n, o in zip(self.trains, optimizers, strict=True)}
        self.compile_with(named, jit_compile, **kwargs)

    @property
    def trains(self) -> dict[str, list[keras.Variable]]:
        taught = self.self_teacher.trainable_variables if self.self_teacher else []
        judging = [*self.discriminator.trainable_variables, *taught]
        return {OPTIMIZER: self.generator.trainable_variables, "discriminator_optimizer": judging}

    @property
    def network(self) -> keras.Model:
        return self.generator

    @property
    def collapsed_below(self) -> float:
        """The loss below which the discriminator is re-initialised."""
        return COLLAPSED

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self._means.values(), self._reinitialised]

    def train_step(self, data: Any) -> dict[str, Any]:
        windows, wearers, beat_weights = self.unpack(data)
        windows, *others = (ops.cast(drawn, self.precision) for drawn in self._draw(windows, wearers))
        weights = self.generator.trainable_variables

        # The generator does not change between the two updates, so the windows are rebuilt once for both.
        with tf.GradientTape() as generator_tape:
            rebuilt = self._rebuild(windows)
            penalties = [*self._rebuild.added, *regularisation(weights)]
        discriminator_loss = self._update_discriminator(rebuilt, wearers, beat_weights, windows, *others)

        made = [rebuilt, *penalties]
        with tf.GradientTape(watch_accessed_variables=False) as tape:  # the discriminator stays as it is
            tape.watch(made)
            features, wanted = self._match(rebuilt, windows)
            rebuild_loss = mean(ops.square(windows - rebuilt), beat_weights)
            feature_loss = mean(ops.square(wanted - features), beat_weights)
            loss = rebuild_loss + self.feature_weight * feature_loss + self._distil(windows, rebuilt)
            loss = sum(penalties, start=loss)
            part = objective(self.optimizer, loss)
        pulls = tape.gradient(part, made)
        self.optimizer.apply(generator_tape.gradient(made, weights, output_gradients=pulls), weights)

        # From here on all replicas hold the same numbers, so they decide and draw alike.
        losses = average([loss, rebuild_loss, feature_loss, discriminator_loss])
        limit = self.collapsed_below
        if beat_weights is not None:  # a loss that weights make small is no collapse
            limit *= average([ops.mean(beat_weights)])[0]
        collapsed = losses[-1] < limit
        ops.cond(collapsed, self._reinitialise, lambda: None)
        self._reinitialised.update_state(ops.cast(collapsed, "float32"))
        record(self._means, dict(zip(self._means, losses, strict=True)), counted(windows))
        return step_logs(self.metrics)

    def _match(self, rebuilt, windows):
        """The features of the rebuilt windows and of the windows themselves, by the updated discriminator."""
        return [self._judge(each)[0]["features"] for each in (rebuilt, windows)]

    def _distil(self, windows, rebuilt):
        """What a teacher adds to the generator's loss."""
        return 0.0

    def _draw(self, windows, wearers):
        """What a step trains on, from a batch of windows: a list, its first windows are to be rebuilt.

        ``wearers`` are their numbers, where they are known.
        """
        return [windows if self.augmentation is None else self.augmentation(windows, training=True)]

    def _update_discriminator(self, rebuilt, wearers, beat_weights, windows):
        weights = self.trains["discriminator_optimizer"]
        with tf.GradientTape() as tape:
            of_real, real_maps = self._judge(windows)
            penalties = self._judge.added
            of_fake, fake_maps = self._judge(ops.stop_gradient(rebuilt))
            penalties = [*penalties, *self._judge.added, *regularisation(weights)]
            real, fake = of_real["logit"], of_fake["logit"]
            loss = total = adversarial_loss(real, fake, beat_weights)
            if self.self_teacher:
                total += self.self_teacher.teach(real_maps, real, 1, beat_weights)
                total += self.self_teacher.teach(fake_maps, fake, 0, beat_weights)
            part = objective(self.discriminator_optimizer, total, penalties)
        self.discriminator_optimizer.apply(tape.gradient(part, weights), weights)
        return loss

    def _reinitialise(self):
        """New kernels and normalisation weights, as the published code's ``weights_init`` draws them."""
        glorot = keras.initializers.VarianceScaling(1.0, "fan_avg", "untruncated_normal", self._fresh_seeds)
        gamma = keras.initializers.RandomNormal(1.0, 0.02, seed=self._fresh_seeds)
        for variable in self.discriminator.trainable_variables:
            draw = {"kernel": glorot, "gamma": gamma}.get(variable.name, keras.initializers.Zeros())
            variable.assign(draw(variable.shape, variable.dtype))

    def test_step(self, data: Any) -> dict[str, Any]:
        windows, _, beat_weights = self.unpack(data)
        rebuilt = ops.cast(self.generator(windows, training=False), self.precision)
        penalties = [*activity(self.generator), *regularisation(self.generator.trainable_variables)]
        errors = ops.mean(ops.square(windows - rebuilt), axis=list(range(1, len(windows.shape))))
        errors = errors if beat_weights is None else errors * beat_weights
        # The last batch is smaller, and the replicas' parts of it may differ in size, so windows are counted.
        total, count = average([ops.sum(errors), ops.cast(ops.shape(errors)[0], errors.dtype)])
        values = {"loss": sum(penalties, start=total / count), "rebuild_loss": total / count}
        record(self._means, values, count)
        return step_logs([self._means[name] for name in values])

    def save_own_variables(self, store: Any) -> None:
        # Keras saves no seed generator's state; without it a resumed training would draw other numbers.
        super().save_own_variables(store)
        store["fresh_seeds"] = ops.convert_to_numpy(self._fresh_seeds.state)

    def load_own_variables(self, store: Any) -> None:
        if "fresh_seeds" in store.keys():
            self._fresh_seeds.state.assign(store["fresh_seeds"][...])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "feature_weight": self.feature_weight}
