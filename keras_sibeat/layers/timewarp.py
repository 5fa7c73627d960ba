"""The time warping of Zhou, Liu, Hooi, Cheng and Ye, "BeatGAN", IJCAI 2019."""

from typing import Any

import keras
from keras import ops

from keras_sibeat.layers.augmentation import Augmentation, read_between, whole
from keras_sibeat.layers.backend import tf
from sibeat_edge.beats.windows import BEFORE


@keras.saving.register_keras_serializable(package="keras_sibeat")
class TimeWarp(Augmentation):
    """BeatGAN's time warping: some ticks are removed, as many are inserted, on each side of the R-peak.

    On either side ``ticks`` random ticks are left out, and after ``ticks`` others the mean of a tick and its
    successor is inserted, so that side and window keep their lengths (Zhou et al., IJCAI 2019; the paper adds
    warped copies to the training set, hence the probability of 0.5).

    Args:
        ticks: how many ticks are removed, and inserted, on each side; at most half of the shorter side.
        centre: tick of the R-peak, the first of the right side.
        probability: share of the windows that are warped.
        seed: of the layer's own random stream.

    >>> TimeWarp(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def __init__(
        self,
        ticks: int = 8,
        centre: int = BEFORE,
        probability: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.ticks, self.centre = whole("TimeWarp: ticks", ticks, 0), whole("TimeWarp: centre", centre, 0)
        if ticks < 1 or centre < 2 * ticks:
            raise ValueError(f"TimeWarp: found {ticks} ticks on {centre}; expected 1 to half of each side.")
        if not 0 <= probability <= 1:
            raise ValueError(f"TimeWarp: found probability {probability}, expected 0 to 1.")
        self.probability = probability

    def build(self, input_shape: tuple[int, ...]) -> None:
        if input_shape[1] - self.centre < 2 * self.ticks:
            raise ValueError(
                f"TimeWarp: found a right side of {input_shape[1] - self.centre} ticks; "
                f"expected at least {2 * self.ticks}."
            )

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        length = windows.shape[1]
        left = self._places(windows, self.centre)
        right = self._places(windows, length - self.centre) + self.centre
        places = ops.concatenate([left, right], axis=1)
        chosen = self.draw(windows, 0.0, 1.0)[:, 0] < self.probability
        return read_between(windows, ops.where(chosen, places, ops.arange(length, dtype=places.dtype)))

    def _places(self, windows, side):
        """Where each tick of a side is read from, ``(batch, side)``: whole ticks, or half-way to the next."""
        numbers = self.draw(windows, 0.0, 1.0, side)[:, :, 0]
        # The largest of as many random numbers as ticks: a choice without replacement, in random order.
        chosen = tf.math.top_k(numbers, 2 * self.ticks).indices
        chosen = ops.sort(2 * chosen + ops.arange(2 * self.ticks) % 2, axis=1)
        chosen, is_doubled = chosen // 2, chosen % 2
        change = 2 * is_doubled - 1
        # Where the removed tick would stand, or the doubled tick's copy stands, after all changes before it.
        place = chosen + ops.cumsum(change, axis=1) + 1 - is_doubled
        place, change, is_doubled = (ops.cast(x, numbers.dtype)[:, None] for x in (place, change, is_doubled))
        ticks = ops.arange(side, dtype=numbers.dtype)
        since = ticks[:, None] - place
        moved = ops.where(since < 0, 0, ops.where(since > 0, change, change - is_doubled / 2))
        return ticks - ops.sum(moved, axis=2)

    def get_config(self) -> dict[str, Any]:
        own = {"ticks": self.ticks, "centre": self.centre, "probability": self.probability}
        return {**super().get_config(), **own}
