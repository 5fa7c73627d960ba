"""What views and shifts share: a random stream that is saved with the model, and smooth random curves."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.composed import Composed
from sibeat_edge.beats.windows import HIGHEST

ALGORITHM = "philox"  # what XLA chooses for itself on a CPU is thirty times slower
REPLICA = 1_000_003  # between the replicas' seeds: further apart than those of one model's layers
LOWEST = float(np.nextafter(np.float32(-1), np.float32(0)))  # at -1 the normal distribution has no quantile


def within(what: str, value: float, low: float, high: float) -> float:
    """``value``, or ``ValueError`` where it is not in [low, high]."""
    if not low <= value <= high:
        raise ValueError(f"{what}: found {value}, expected {low} to {high}.")
    return value


def whole(what: str, value: float, low: float) -> int:
    """``value`` as an integer, or ``ValueError`` where it is none or lies below ``low``."""
    if not (float(value).is_integer() and value >= low):
        raise ValueError(f"{what}: found {value}, expected a whole number from {low} on.")
    return int(value)


def check_sides(what: str, length: int, centre: int, before: int = 1, after: int = 1) -> None:
    """Raise ``ValueError`` for a window with too few ticks ``before`` the R-peak's or ``after`` it."""
    found = (centre, length - 1 - centre)
    if found[0] < before or found[1] < after:
        raise ValueError(
            f"{what}: found {found[0]} ticks before the R-peak's and {found[1]} after it "
            f"in windows of {length}; expected at least {before} and {after}."
        )


def in_full(options: dict[str, Any]) -> dict[str, Any]:
    """A layer's options, its dtype by default the global policy's, but for half precision: then float32.

    A window would lose its waves' detail, and what is drawn its fineness.

    >>> in_full({"name": "views"})
    {'name': 'views', 'dtype': 'float32'}
    """
    if options.get("dtype") is None:
        computing = keras.config.dtype_policy().compute_dtype
        return {**options, "dtype": keras.backend.result_type(computing, "float32")}
    return options


class Augmentation(keras.layers.Layer):
    """Base of the layers that change windows ``(batch, length, channels)`` at random while training.

    A subclass writes ``augment(windows)``. At inference nothing changes. Works inside a compiled training
    step and inside ``tf.data``'s ``map``, as ``layer(windows, training=True)``.

    Args:
        seed: of the layer's own random stream. Every replica of a distributed step draws other numbers.

    >>> class Upset(Augmentation):
    ...     def augment(self, windows):
    ...         return -windows
    >>> float(Upset()(ops.ones((1, 4, 1)), training=True)[0, 0, 0])
    -1.0
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**in_full(kwargs))
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def call(self, windows: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if not training:
            return windows
        # In half precision a place in a window of 320 would be off by up to an eighth of a tick.
        precise = keras.backend.result_type(windows.dtype, "float32")
        return ops.cast(self.augment(ops.cast(windows, precise)), windows.dtype)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        """The changed windows, of the same shape; ``windows`` are in single precision or better."""
        raise NotImplementedError

    def _next_seed(self):
        seed = tf.cast(self.seed_generator.next(), "int32")
        replica = tf.distribute.get_replica_context()  # none where a strategy's scope is open outside a step
        number = replica.replica_id_in_sync_group if replica else 0
        # The second number counts the draws: added to that, a replica would draw what another draws next.
        return seed + tf.stack([REPLICA * tf.cast(number, "int32"), 0])

    def draw(
        self, windows: keras.KerasTensor, low: float, high: float, size: int = 1, channels: int = 1
    ) -> keras.KerasTensor:
        """Uniform numbers ``(batch, size, channels)`` in [low, high)."""
        return self._uniform((tf.shape(windows)[0], size, channels), low, high, windows.dtype)

    def normal(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        """Standard normal numbers of the windows' shape."""
        # XLA's own normal numbers take several times as long on a CPU.
        return np.sqrt(2) * ops.erfinv(self._uniform(tf.shape(windows), LOWEST, 1.0, windows.dtype))

    def _uniform(self, shape, low, high, dtype):
        return tf.random.stateless_uniform(shape, self._next_seed(), low, high, dtype, alg=ALGORITHM)

    def curve(self, windows: keras.KerasTensor, knots: int, channels: int = 1) -> keras.KerasTensor:
        """A smooth curve ``(batch, length, channels)`` in [-1, 1] through uniform random knots."""
        return smooth(self.draw(windows, -1.0, 1.0, knots, channels), windows.shape[1])

    def save_own_variables(self, store: Any) -> None:
        # Keras saves no seed generator's state, without which a resumed training would draw other numbers.
        store["random"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: Any) -> None:
        self.seed_generator.state.assign(store["random"][...])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def beside_again(pair: keras.KerasTensor, leads: int) -> keras.KerasTensor:
    """A beat's ``leads`` and as many of its template, ``(batch, length, 2 · leads)``, scaled by the template.

    ``sibeat_edge.beats.windows.beside`` does the same on the device.
    """
    template = pair[:, :, leads:]
    low, high = (extreme(template, axis=1, keepdims=True) for extreme in (ops.amin, ops.amax))
    low, span = (ops.tile(part, (1, 1, 2)) for part in (low, ops.where(high > low, high - low, 1.0)))
    return ops.clip(2 * (pair - low) / span - 1, -HIGHEST, HIGHEST)


class OfLayers(Composed):
    """Base of the layers that change a beat by other ``layers``.

    ``leads`` says how many of a window's channels, from the first, are the beat's own. The others hold its
    wearer's template: they stay as they are, and nothing is scaled, as the template sets the scale. None: all
    channels are the beat's, and each is scaled to [-1, 1] again, as the device does.

    >>> class Once(OfLayers, keras.Layer):
    ...     layers = [keras.layers.Identity()]
    >>> float(Once().of_beat(lambda windows: 3 * windows, ops.array([[[1.0], [2.0]]]))[0, 1, 0])
    1.0
    """

    components = ("layers",)
    layers: list[keras.Layer]
    leads: int | None = None

    def of_beat(
        self, change: Callable[[keras.KerasTensor], keras.KerasTensor], windows: keras.KerasTensor
    ) -> keras.KerasTensor:
        """The windows whose beat ``change`` has changed."""
        if self.leads is None:
            return rescale(change(windows))
        return ops.concatenate([change(windows[:, :, : self.leads]), windows[:, :, self.leads :]], axis=2)

    def build(self, input_shape: tuple[int, ...]) -> None:
        for layer in self.layers:
            layer.build((*input_shape[:2], self.leads or input_shape[2]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "leads": self.leads}


@functools.cache
def _blend(knots, length):
    """``(length, knots)``: the share of each knot in each tick, raised cosines that add up to one."""
    places = np.linspace(0, knots - 1, length)[:, None]
    distance = np.clip(np.abs(places - np.arange(knots)), 0, 1)
    return ((1 + np.cos(np.pi * distance)) / 2).astype(np.float32)


def smooth(knots: keras.KerasTensor, length: int) -> keras.KerasTensor:
    """The curve ``(batch, length, channels)`` through evenly spaced ``knots`` (batch, knots, channels).

    Between two knots it follows half a cosine, so it never leaves their range.
    """
    return ops.einsum("tk,bkc->btc", ops.cast(_blend(knots.shape[1], length), knots.dtype), knots)


def rescale(windows: keras.KerasTensor) -> keras.KerasTensor:
    """Each channel of each window scaled to [-1, 1], as ``sibeat_edge.beats.windows.normalise`` does."""
    # Not Keras' own: those refuse a batch of none, which a replica may get at the end of an epoch.
    low, high = (extreme(windows, axis=1, keepdims=True) for extreme in (tf.reduce_min, tf.reduce_max))
    span = high - low
    scaled = 2 * (windows - low) / ops.where(span > 0, span, 1) - 1
    return ops.where(span > 0, scaled, 0)


def warp(windows: keras.KerasTensor, speed: keras.KerasTensor, centre: int) -> keras.KerasTensor:
    """Windows read at the relative ``speed`` (batch, length, 1) > 0; ends and ``centre`` stay in place."""
    length = windows.shape[1]
    path = ops.cumsum(speed[:, :, 0], axis=1)
    start, middle, end = path[:, :1], path[:, centre : centre + 1], path[:, -1:]
    left = (path - start) / (middle - start) * centre
    right = centre + (path - middle) / (end - middle) * (length - 1 - centre)
    return read_between(windows, ops.where(ops.arange(length) < centre, left, right))


def read_between(windows: keras.KerasTensor, places: keras.KerasTensor) -> keras.KerasTensor:
    """Linear interpolation of ``(batch, length, channels)`` at fractional ``places`` (batch, ticks)."""
    last = windows.shape[1] - 1
    places = ops.clip(places, 0.0, float(last))
    below = ops.minimum(ops.cast(ops.floor(places), "int32"), last - 1)
    share = ops.cast(places - ops.cast(below, places.dtype), windows.dtype)[:, :, None]
    low = ops.take_along_axis(windows, below[:, :, None], axis=1)
    high = ops.take_along_axis(windows, below[:, :, None] + 1, axis=1)
    return low * (1 - share) + high * share
