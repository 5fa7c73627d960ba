"""Imagined wearers: beats and templates changed alike, so that few wearers become many."""

from typing import Any

import keras
from keras import ops

from keras_sibeat.layers.augmentation import Augmentation, beside_again, check_sides, warp, whole, within
from sibeat_edge.beats.windows import BEFORE

PACKAGE = "keras_sibeat"
SPEED, SPEED_KNOTS = 0.4, 5  # largest relative change of speed, and its knots over the window
WAVES, WAVE_KNOTS = 0.6, 7  # largest relative change of the waves' heights, and its knots
MIXED = 0.5  # chance that another wearer is mixed in
MOST_MIXED = 0.5  # largest share of that wearer
TURNED = 0.3  # chance that the lead is turned over


@keras.saving.register_keras_serializable(PACKAGE)
class ImaginedWearers(Augmentation):
    """Some windows become those of a wearer who does not exist, the beat and its template alike.

    Another wearer's window is mixed in, the waves' times and heights change, the lead may be turned over. A
    beat and its template change alike, so that what sets them apart stays. A network that always meets new
    wearers can only learn to compare.

    Takes windows ``(batch, length, channels)`` that hold a beat's ``leads`` and then as many of its
    template, as ``sibeat_edge.beats.windows.beside`` makes them. Several such pairs beside each other become
    beats of the same imagined wearer. As there, each is scaled by its template.

    Args:
        share: of the windows that are changed.
        leads: of a beat.
        centre: tick of the R-peak.
        seed: of the layer's own random stream.

    >>> ImaginedWearers(seed=0)(ops.zeros((2, 320, 2)), training=True).shape
    TensorShape([2, 320, 2])
    """

    def __init__(
        self, share: float = 0.7, leads: int = 1, centre: int = BEFORE, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.share = within("ImaginedWearers: share", share, 0, 1)
        self.leads = whole("ImaginedWearers: leads", leads, 1)
        self.centre = whole("ImaginedWearers: centre", centre, 0)

    def build(self, input_shape: tuple[int, ...]) -> None:
        check_sides("ImaginedWearers", input_shape[1], self.centre)
        if input_shape[2] % (2 * self.leads):
            raise ValueError(
                f"ImaginedWearers: found windows of {input_shape[2]} channels, expected a multiple of "
                f"{2 * self.leads}: each beat's {self.leads} and its template's."
            )

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        imagined = self._mixed(windows)
        imagined = warp(imagined, 1 + SPEED * self.curve(windows, SPEED_KNOTS), self.centre)
        level = ops.mean(imagined, axis=1, keepdims=True)
        imagined = level + (imagined - level) * (1 + WAVES * self.curve(windows, WAVE_KNOTS))
        imagined = ops.where(self._chosen(windows, TURNED), -imagined, imagined)
        pairs = ops.split(imagined, windows.shape[2] // (2 * self.leads), axis=2)
        imagined = ops.concatenate([beside_again(pair, self.leads) for pair in pairs], axis=2)
        return ops.where(self._chosen(windows, self.share), imagined, windows)

    def _chosen(self, windows, share):
        return self.draw(windows, 0.0, 1.0) < share

    def _mixed(self, windows):
        share = self.draw(windows, 0.0, MOST_MIXED)
        share = ops.where(self._chosen(windows, MIXED), share, 0.0)
        other = ops.roll(windows, 3, axis=0)  # further than the beats that the shift OtherWearer takes
        return windows + share * (other - windows)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "share": self.share, "leads": self.leads, "centre": self.centre}
