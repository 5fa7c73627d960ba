"""Views: augmentations that keep a beat's label.

SimCLR pulls two views of one beat together, so what a view changes is what the embedding learns to overlook.
All of them take and return ``(batch, length, channels)``, scaled to [-1, 1] by the caller. Settings out of
range raise ``ValueError`` when the layer is made, windows that do not fit them on the first call.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_sibeat.layers.augmentation import (
    Augmentation,
    OfLayers,
    check_sides,
    read_between,
    warp,
    whole,
    within,
)
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
    """

    def __init__(self, strength=0.12, knots=8, centre=BEFORE, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.strength = within("SmoothTimeWarp: strength", strength, 0, 0.95)
        self.knots = whole("SmoothTimeWarp: knots", knots, 2)
        self.centre = whole("SmoothTimeWarp: centre", centre, 0)

    def build(self, input_shape):
        check_sides("SmoothTimeWarp", input_shape[1], self.centre)

    def augment(self, windows):
        return warp(windows, 1 + self.strength * self.curve(windows, self.knots), self.centre)

    def get_config(self):
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
    """

    def __init__(self, strength=0.05, knots=8, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.strength, self.knots = within("Gain: strength", strength, 0, 1), whole("Gain: knots", knots, 2)

    def augment(self, windows):
        return windows * (1 + self.strength * self.curve(windows, self.knots, windows.shape[2]))

    def get_config(self):
        return {**super().get_config(), "strength": self.strength, "knots": self.knots}


@keras.saving.register_keras_serializable(PACKAGE)
class BaselineWander(Augmentation):
    """A slow curve is added to each channel: what the band-pass leaves of breathing and movement.

    Args:
        strength: largest excursion, where the window spans 2.
        knots: of the random curve, at least 2.
        seed: of the layer's own random stream.
    """

    def __init__(self, strength=0.04, knots=4, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.strength = within("BaselineWander: strength", strength, 0, 2)
        self.knots = whole("BaselineWander: knots", knots, 2)

    def augment(self, windows):
        return windows + self.strength * self.curve(windows, self.knots, windows.shape[2])

    def get_config(self):
        return {**super().get_config(), "strength": self.strength, "knots": self.knots}


@keras.saving.register_keras_serializable(PACKAGE)
class Noise(Augmentation):
    """White noise, its standard deviation drawn for each window.

    Args:
        strength: largest standard deviation, where the window spans 2.
        seed: of the layer's own random stream.
    """

    def __init__(self, strength=0.01, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.strength = within("Noise: strength", strength, 0, 2)

    def augment(self, windows):
        return windows + self.draw(windows, 0.0, self.strength) * self.normal(windows)

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}


@keras.saving.register_keras_serializable(PACKAGE)
class RecordedNoise(Augmentation):
    """Noise that was recorded from electrodes, mixed in at a given signal-to-noise ratio.

    For each window and channel a random stretch of a random channel of ``noise`` is taken, and scaled so that
    its power about its mean is that of the window, over the ratio.

    Args:
        noise: ``(samples, channels)`` at the windows' rate, filtered as they are; no shorter than a window.
            It is not saved with the model: a loaded layer that shall augment again is given it by
            ``layer.noise = …``.
        snr: lowest and highest ratio, dB; the channels of a window share theirs.
        probability: share of the windows that are mixed with noise.
        seed: of the layer's own random stream.
    """

    def __init__(self, noise=None, snr=(6.0, 24.0), probability=0.5, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if len(snr) != 2 or not -np.inf < snr[0] <= snr[1] < np.inf:
            raise ValueError(f"RecordedNoise: found snr {snr}, expected lowest and highest, in dB.")
        self.snr, self.probability = tuple(snr), within("RecordedNoise: probability", probability, 0, 1)
        self.noise = noise

    @property
    def noise(self):
        """The noise ``(samples, channels)``, or None."""
        return self._noise

    @noise.setter
    def noise(self, noise):
        if noise is not None:
            noise = np.asarray(noise, np.float32)
            if noise.ndim != 2 or not np.isfinite(noise).all():
                raise ValueError(
                    f"RecordedNoise: found noise of shape {noise.shape}; "
                    "expected finite numbers (samples, channels)."
                )
            # Where the electrodes lay still there is no noise to be scaled up to the ratio.
            self._stillness = max(1e-9 * float(noise.var()), 1e-30)
            with tf.init_scope():  # made once, and no constant in the graph of every step
                noise = tf.constant(noise)
        self._noise = noise

    def augment(self, windows):
        length, channels = windows.shape[1:]
        if self.noise is None or len(self.noise) < length:
            found = "no noise" if self.noise is None else f"noise of {len(self.noise)} samples"
            raise ValueError(f"RecordedNoise: found {found}, expected at least {length} samples.")
        samples, recorded = self.noise.shape
        starts = self.draw(windows, 0.0, float(samples - length + 1), channels)[:, :, 0]
        columns = self.draw(windows, 0.0, float(recorded), channels)[:, :, 0]
        starts, columns = (ops.cast(numbers, "int32")[:, None] for numbers in (starts, columns))
        places = (starts + ops.arange(length)[:, None]) * recorded + columns
        noise = ops.cast(ops.take(ops.reshape(self.noise, (-1,)), places), windows.dtype)
        noise -= ops.mean(noise, axis=1, keepdims=True)
        power = ops.maximum(ops.var(noise, axis=1, keepdims=True), self._stillness)
        gain = ops.sqrt(ops.var(windows, axis=1, keepdims=True) / power)
        gain *= 10 ** (-self.draw(windows, *self.snr) / 20)
        chosen = self.draw(windows, 0.0, 1.0) < self.probability
        return windows + ops.where(chosen, gain, 0.0) * noise

    def get_config(self):
        return {**super().get_config(), "snr": self.snr, "probability": self.probability}


@keras.saving.register_keras_serializable(PACKAGE)
class LeadDropout(Augmentation):
    """Some windows lose one of their leads, as when an electrode comes off; the others keep all.

    A lost lead is zero. Among ``Views`` this one stands last: what is added to a lost lead would be scaled
    up to [-1, 1].

    Args:
        probability: share of the windows that lose a lead.
        seed: of the layer's own random stream.

    Raises ``ValueError`` for windows of a single lead: they would be lost.
    """

    def __init__(self, probability=0.2, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.probability = within("LeadDropout: probability", probability, 0, 1)

    def build(self, input_shape):
        if input_shape[2] < 2:
            raise ValueError("LeadDropout: found windows of 1 lead; expected at least 2.")

    def augment(self, windows):
        leads = windows.shape[2]
        lost = ops.floor(self.draw(windows, 0.0, float(leads)))
        chosen = self.draw(windows, 0.0, 1.0) < self.probability
        return ops.where(chosen & (lost == ops.arange(leads, dtype=lost.dtype)), 0.0, windows)

    def get_config(self):
        return {**super().get_config(), "probability": self.probability}


@keras.saving.register_keras_serializable(PACKAGE)
class RPeakJitter(Augmentation):
    """The window starts some samples early or late: the detector's R-peak is not the annotator's.

    Args:
        ticks: largest displacement in samples; the end that runs out repeats its last sample.
        seed: of the layer's own random stream.
    """

    def __init__(self, ticks=3, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.ticks = whole("RPeakJitter: ticks", ticks, 0)

    def augment(self, windows):
        offset = ops.floor(self.draw(windows, -self.ticks, self.ticks + 1.0)[:, :, 0])
        return read_between(windows, ops.arange(windows.shape[1], dtype=offset.dtype) + offset)

    def get_config(self):
        return {**super().get_config(), "ticks": self.ticks}


@keras.saving.register_keras_serializable(PACKAGE)
class Amplitude(Augmentation):
    """All of the beat grows or shrinks around its mean: an electrode's contact, the chest's filling. It shows
    only where a template sets the scale.

    Args:
        strength: largest relative change.
        seed: of the layer's own random stream.
    """

    def __init__(self, strength=0.15, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.strength = within("Amplitude: strength", strength, 0, 1)

    def augment(self, windows):
        level = ops.mean(windows, axis=1, keepdims=True)
        return level + (windows - level) * (1 + self.strength * self.draw(windows, -1.0, 1.0))

    def get_config(self):
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
    """

    def __init__(self, layers, leads=None, **kwargs):
        super().__init__(**kwargs)
        self.layers, self.leads = list(layers), leads

    def call(self, windows, training=False):
        return self.of_beat(self._apply, windows) if training else windows

    def _apply(self, windows):
        for layer in self.layers:
            windows = layer(windows, training=True)
        return windows
