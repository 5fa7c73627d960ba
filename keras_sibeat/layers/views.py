"""Views: augmentations that keep a beat's label.

SimCLR pulls two views of one beat together, so the embedding learns to ignore what a view changes. All of
them take and return ``(batch, length, channels)``, scaled to [-1, 1] by the caller. Settings out of range
raise ``ValueError`` when the layer is made, windows that do not fit them on the first call.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sibeat.layers.augmentation import (
    Augmentation,
    OfLayers,
    check_sides,
    in_full,
    read_between,
    warp,
    whole,
    within,
)
from keras_sibeat.layers.noises import Noise, RecordedNoise
from keras_sibeat.layers.timewarp import TimeWarp
from sibeat_edge.beats.windows import BEFORE

PACKAGE = "keras_sibeat"


@keras.saving.register_keras_serializable(PACKAGE)
class SmoothTimeWarp(Augmentation):
    """Time runs smoothly faster and slower; the window's ends and the R-peak stay in place.

    Imitates another heart rate, and the intervals that vary from beat to beat (PR, QT).

    Args:
        strength: largest relative change of speed, below 1.
        knots: of the random speed over the window, at least 2.
        centre: tick of the R-peak; neither the first nor the last.
        seed: of the layer's own random stream.

    >>> SmoothTimeWarp(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def __init__(
        self,
        strength: float = 0.12,
        knots: int = 8,
        centre: int = BEFORE,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.strength = within("SmoothTimeWarp: strength", strength, 0, 0.95)
        self.knots = whole("SmoothTimeWarp: knots", knots, 2)
        self.centre = whole("SmoothTimeWarp: centre", centre, 0)

    def build(self, input_shape: tuple[int, ...]) -> None:
        check_sides("SmoothTimeWarp", input_shape[1], self.centre)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        return warp(windows, 1 + self.strength * self.curve(windows, self.knots), self.centre)

    def get_config(self) -> dict[str, Any]:
        own = {"strength": self.strength, "knots": self.knots, "centre": self.centre}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(PACKAGE)
class Gain(Augmentation):
    """A gain that varies smoothly over the window: breathing turns the heart against the electrodes.

    Each channel has its own.

    Args:
        strength: largest relative change.
        knots: of the random gain, at least 2.
        seed: of the layer's own random stream.

    >>> changed = Gain(0.5, seed=0)(ops.ones((1, 320, 1)), training=True)
    >>> 0.5 <= float(ops.min(changed)) < float(ops.max(changed)) <= 1.5
    True
    """

    def __init__(
        self, strength: float = 0.05, knots: int = 8, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.strength, self.knots = within("Gain: strength", strength, 0, 1), whole("Gain: knots", knots, 2)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        return windows * (1 + self.strength * self.curve(windows, self.knots, windows.shape[2]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength, "knots": self.knots}


@keras.saving.register_keras_serializable(PACKAGE)
class BaselineWander(Augmentation):
    """A slow curve is added to each channel: what the band-pass leaves of breathing and movement.

    Args:
        strength: largest excursion, where the window spans 2.
        knots: of the random curve, at least 2.
        seed: of the layer's own random stream.

    >>> added = BaselineWander(0.1, seed=0)(ops.zeros((1, 320, 1)), training=True)
    >>> float(ops.max(ops.abs(added))) <= 0.1
    True
    """

    def __init__(
        self, strength: float = 0.04, knots: int = 4, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.strength = within("BaselineWander: strength", strength, 0, 2)
        self.knots = whole("BaselineWander: knots", knots, 2)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        return windows + self.strength * self.curve(windows, self.knots, windows.shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength, "knots": self.knots}


@keras.saving.register_keras_serializable(PACKAGE)
class LeadDropout(Augmentation):
    """Some windows lose one of their leads, as when an electrode comes off; the others keep all.

    A lost lead is zero. Among ``Views`` this one stands last: what is added to a lost lead would be scaled
    up to [-1, 1].

    Args:
        probability: share of the windows that lose a lead.
        seed: of the layer's own random stream.

    Raises ``ValueError`` for windows of a single lead: they would be lost.

    >>> kept = LeadDropout(1.0, seed=0)(ops.ones((1, 320, 2)), training=True)
    >>> float(ops.sum(kept))  # of 640 samples
    320.0
    """

    def __init__(self, probability: float = 0.2, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.probability = within("LeadDropout: probability", probability, 0, 1)

    def build(self, input_shape: tuple[int, ...]) -> None:
        if input_shape[2] < 2:
            raise ValueError("LeadDropout: found windows of 1 lead; expected at least 2.")

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        leads = windows.shape[2]
        lost = ops.floor(self.draw(windows, 0.0, float(leads)))
        chosen = self.draw(windows, 0.0, 1.0) < self.probability
        return ops.where(chosen & (lost == ops.arange(leads, dtype=lost.dtype)), 0.0, windows)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "probability": self.probability}


@keras.saving.register_keras_serializable(PACKAGE)
class RPeakJitter(Augmentation):
    """The window starts some samples early or late: the detector's R-peak is not the annotator's.

    Args:
        ticks: largest displacement in samples; the end that runs out repeats its last sample.
        seed: of the layer's own random stream.

    >>> RPeakJitter(3, seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def __init__(self, ticks: int = 3, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.ticks = whole("RPeakJitter: ticks", ticks, 0)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        offset = ops.floor(self.draw(windows, -self.ticks, self.ticks + 1.0)[:, :, 0])
        return read_between(windows, ops.arange(windows.shape[1], dtype=offset.dtype) + offset)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ticks": self.ticks}


@keras.saving.register_keras_serializable(PACKAGE)
class Amplitude(Augmentation):
    """The whole beat grows or shrinks about its mean: an electrode's contact, the chest's filling.

    Only where a template sets the scale does the change last.

    Args:
        strength: largest relative change.
        seed: of the layer's own random stream.

    >>> flat = ops.ones((1, 320, 1))
    >>> bool(ops.all(Amplitude(0.2, seed=0)(flat, training=True) == flat))
    True
    """

    def __init__(self, strength: float = 0.15, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.strength = within("Amplitude: strength", strength, 0, 1)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        level = ops.mean(windows, axis=1, keepdims=True)
        return level + (windows - level) * (1 + self.strength * self.draw(windows, -1.0, 1.0))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength}


VIEWS = {
    "time_warp": TimeWarp,
    "smooth_time_warp": SmoothTimeWarp,
    "gain": Gain,
    "amplitude": Amplitude,
    "baseline_wander": BaselineWander,
    "noise": Noise,
    "recorded_noise": RecordedNoise,
    "lead_dropout": LeadDropout,
    "rpeak_jitter": RPeakJitter,
}


@keras.saving.register_keras_serializable(PACKAGE)
class Views(OfLayers, keras.layers.Layer):
    """One view: the layers in order, then each channel scaled to [-1, 1] again, as the device does.

    Args:
        layers: augmentations, e.g. ``[SmoothTimeWarp(), Noise()]``.
        leads: of windows that hold a template, too: the channels, from the first, that are the beat's own.
            They alone are changed, and nothing is scaled again. None for windows that hold a beat alone.

    >>> view = Views([SmoothTimeWarp(seed=0), Gain(seed=1)])
    >>> beats = ops.reshape(ops.sin(ops.arange(320.0) / 9), (1, 320, 1))
    >>> found = view(beats, training=True)
    >>> float(ops.min(found)), float(ops.max(found))
    (-1.0, 1.0)
    """

    def __init__(self, layers: Sequence[keras.Layer], leads: int | None = None, **kwargs: Any) -> None:
        super().__init__(**in_full(kwargs))
        self.layers, self.leads = list(layers), leads

    def call(self, windows: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        return self.of_beat(self._apply, windows) if training else windows

    def _apply(self, windows):
        for layer in self.layers:
            windows = layer(windows, training=True)
        return windows
