"""Augmentations that keep a beat's label."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_sibeat")
class TimeWarp(keras.layers.Layer):
    """BeatGAN's time warping: some ticks are removed, as many are inserted, on each side of the R-peak.

    On either side ``ticks`` random ticks are left out, and after ``ticks`` others the mean of a tick and its
    successor is inserted, so that side and window keep their lengths (Zhou et al., IJCAI 2019; the paper adds
    warped copies to the training set, hence the probability of 0.5). At inference nothing changes.

    Input and output: ``(batch, length, channels)``.

    Args:
        ticks: how many ticks are removed, and inserted, on each side; at most half of the shorter side.
        centre: tick of the R-peak, the first of the right side.
        probability: share of the windows that are warped.
        seed: of the layer's own random stream, which is saved with the model.
    """

    def __init__(self, ticks=8, centre=140, probability=0.5, seed=None, **kwargs):
        super().__init__(**kwargs)
        if ticks < 1 or centre < 2 * ticks:
            raise ValueError(f"TimeWarp: found {ticks} ticks on {centre}; expected 1 to half of each side.")
        if not 0 <= probability <= 1:
            raise ValueError(f"TimeWarp: found probability {probability}, expected 0 to 1.")
        self.ticks, self.centre, self.probability, self.seed = ticks, centre, probability, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if input_shape[1] - self.centre < 2 * self.ticks:
            raise ValueError(
                f"TimeWarp: found a right side of {input_shape[1] - self.centre} ticks; "
                f"expected at least {2 * self.ticks}."
            )

    def call(self, windows, training=False):
        if not training:
            return windows
        batch, length = ops.shape(windows)[0], windows.shape[1]
        left = self._places(batch, self.centre)
        right = self._places(batch, length - self.centre) + self.centre
        places = ops.concatenate([left, right], axis=1)
        chosen = keras.random.uniform((batch, 1), seed=self.seed_generator) < self.probability
        places = ops.where(chosen, places, ops.arange(length, dtype="float32"))
        return read_between(windows, places)

    def _places(self, batch, side):
        """Where each tick of a side is read from, ``(batch, side)``: whole ticks, or half-way to the next."""
        rank = ops.argsort(ops.argsort(keras.random.uniform((batch, side), seed=self.seed_generator)))
        copies = ops.where(rank < self.ticks, 0, ops.where(rank < 2 * self.ticks, 2, 1))
        end = ops.cumsum(copies, axis=1)
        ticks = ops.arange(side)
        source = ops.sum(ops.cast(end[:, :, None] <= ticks, "int32"), axis=1)
        is_inserted = ticks == ops.take_along_axis(end, source, axis=1) - 1
        is_inserted &= ops.take_along_axis(copies, source, axis=1) == 2
        return ops.cast(source, "float32") + ops.where(is_inserted, 0.5, 0.0)

    def save_own_variables(self, store):
        # Keras saves no seed generator's state, without which a resumed training would warp otherwise.
        store["random"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["random"][...])

    def get_config(self):
        own = {"ticks": self.ticks, "centre": self.centre, "probability": self.probability, "seed": self.seed}
        return {**super().get_config(), **own}


def read_between(windows, places):
    """Linear interpolation of ``(batch, length, channels)`` at fractional ``places`` (batch, ticks)."""
    last = windows.shape[1] - 1
    places = ops.clip(places, 0.0, float(last))
    below = ops.minimum(ops.cast(ops.floor(places), "int32"), last - 1)
    share = ops.cast(places - ops.cast(below, places.dtype), windows.dtype)[:, :, None]
    low = ops.take_along_axis(windows, below[:, :, None], axis=1)
    high = ops.take_along_axis(windows, below[:, :, None] + 1, axis=1)
    return low * (1 - share) + high * share
