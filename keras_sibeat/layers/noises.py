"""Views that add noise: white, or recorded from electrodes."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sibeat.layers.augmentation import Augmentation, beside_again, read_between, whole, within
from keras_sibeat.layers.backend import tf

PACKAGE = "keras_sibeat"
FADES = 86  # ticks at 360 Hz: the time constant of a high-pass filter at 0.67 Hz, 1 / (2 π 0.67 Hz)


@keras.saving.register_keras_serializable(PACKAGE)
class Noise(Augmentation):
    """White noise, its standard deviation drawn for each window.

    Args:
        strength: largest standard deviation, where the window spans 2.
        seed: of the layer's own random stream.

    >>> Noise(0.1, seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def __init__(self, strength: float = 0.01, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.strength = within("Noise: strength", strength, 0, 2)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        return windows + self.draw(windows, 0.0, self.strength) * self.normal(windows)

    def get_config(self) -> dict[str, Any]:
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

    >>> noise = np.random.default_rng(0).normal(size=(5000, 2))
    >>> RecordedNoise(noise, seed=0)(ops.ones((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def __init__(
        self,
        noise: np.ndarray | None = None,
        snr: tuple[float, float] = (6.0, 24.0),
        probability: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        if len(snr) != 2 or not -np.inf < snr[0] <= snr[1] < np.inf:
            raise ValueError(f"RecordedNoise: found snr {snr}, expected lowest and highest, in dB.")
        self.snr, self.probability = (snr[0], snr[1]), within("RecordedNoise: probability", probability, 0, 1)
        self.noise = noise

    @property
    def noise(self) -> keras.KerasTensor | None:
        """The noise ``(samples, channels)``, or None."""
        return self._noise

    @noise.setter
    def noise(self, noise: np.ndarray | None) -> None:
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

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        noise = self.stretches(windows)
        gain = ops.std(windows, axis=1, keepdims=True) * 10 ** (-self.draw(windows, *self.snr) / 20)
        chosen = self.draw(windows, 0.0, 1.0) < self.probability
        return windows + ops.where(chosen, gain, 0.0) * noise

    def stretches(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        """Random stretches of the noise, of the windows' shape, each of mean 0 and power 1.

        Where the electrodes lay still, there is no noise to be scaled up, and the stretch is weaker.
        """
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
        return noise / ops.sqrt(ops.maximum(ops.var(noise, axis=1, keepdims=True), self._stillness))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "snr": self.snr, "probability": self.probability}


@keras.saving.register_keras_serializable(PACKAGE)
class WornNoise(RecordedNoise):
    """What a worn electrode does to beats beside their wearer's template: noise, and misplaced R-peaks.

    The noise is mixed into the beat at a ratio to the template's power, and more weakly into the template,
    which is a mean of noisy beats. R-peaks are found beside their place: a beat and its template alike, as
    the template's beats were, and the beat by a little more where there is noise. Where an electrode's
    contact changes, the lead jumps: a beat gets the jump as a zero-phase high-pass filter passes it on, half
    of it before the jump and half behind, each dying away from it.

    Takes windows ``(batch, length, 2 · leads)``, as ``sibeat_edge.beats.windows.beside`` makes them.

    Args:
        noise, snr, probability, seed: as those of ``RecordedNoise``.
        averaged: least and largest number of decibels by which the template's ratio is higher.
        common: largest misplacement of a beat and its template alike, in samples.
        own: largest misplacement of a beat to its template, in samples, where noise is mixed in.
        contact: share of the beats across which, or shortly before or behind which, the contact changes.
        jump: smallest and largest jump, in heights of the template; it is drawn evenly over its logarithm.

    >>> noise = np.random.default_rng(0).normal(size=(5000, 2))
    >>> WornNoise(noise, seed=0)(ops.ones((2, 320, 2)), training=True).shape
    TensorShape([2, 320, 2])
    """

    def __init__(
        self,
        noise: np.ndarray | None = None,
        snr: tuple[float, float] = (0.0, 24.0),
        probability: float = 0.5,
        averaged: tuple[float, float] = (8.0, 16.0),
        common: int = 10,
        own: int = 3,
        contact: float = 0.1,
        jump: tuple[float, float] = (0.2, 3.0),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(noise, snr, probability, seed, **kwargs)
        if len(averaged) != 2 or not 0 <= averaged[0] <= averaged[1] < np.inf:
            raise ValueError(f"WornNoise: found averaged {averaged}, expected least and largest, in dB.")
        self.averaged = (averaged[0], averaged[1])
        if len(jump) != 2 or not 0 < jump[0] <= jump[1] < np.inf:
            raise ValueError(f"WornNoise: found jump {jump}, expected smallest and largest, above 0.")
        self.common, self.own = whole("WornNoise: common", common, 0), whole("WornNoise: own", own, 0)
        self.contact, self.jump = within("WornNoise: contact", contact, 0, 1), (jump[0], jump[1])

    def build(self, input_shape: tuple[int, ...]) -> None:
        if input_shape[2] % 2:
            raise ValueError(
                f"WornNoise: found windows of {input_shape[2]} channels, expected a beat's and a template's."
            )

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        leads = windows.shape[2] // 2
        chosen = self.draw(windows, 0.0, 1.0) < self.probability
        common = ops.floor(self.draw(windows, -self.common, self.common + 1.0))
        own = ops.floor(self.draw(windows, -self.own, self.own + 1.0))
        own = ops.where(chosen, own, 0.0)
        beat, template = ops.split(windows, 2, axis=2)
        beat, template = self._moved(beat, common + own), self._moved(template, common)
        decibels = self.draw(windows, *self.snr)
        averaged = decibels + self.draw(windows, *self.averaged)
        decibels = ops.concatenate([decibels] * leads + [averaged] * leads, axis=2)
        beat += self._jumps(template)
        size = ops.std(template, axis=1, keepdims=True)
        gain = ops.concatenate([size, size], axis=2) * 10 ** (-decibels / 20)
        noisy = ops.concatenate([beat, template], axis=2)
        noisy += ops.where(chosen, gain, 0.0) * self.stretches(windows)
        return beside_again(noisy, leads)

    def _jumps(self, template):
        """What the jumps of the lead add to the beats; 0 to most of them."""
        length = template.shape[1]
        place = self.draw(template, -0.2 * length, 1.2 * length)
        away = ops.arange(length, dtype=template.dtype)[None, :, None] - place
        low, high = np.log(self.jump)
        size = ops.exp(self.draw(template, low, high)) * ops.sign(self.draw(template, -1.0, 1.0))
        chosen = self.draw(template, 0.0, 1.0) < self.contact
        height = ops.max(template, axis=1, keepdims=True) - ops.min(template, axis=1, keepdims=True)
        jump = size * height * ops.sign(away) / 2 * ops.exp(-ops.abs(away) / FADES)
        return ops.where(chosen, jump, 0.0)

    def _moved(self, windows, ticks):
        ticks = ticks[:, :, 0]
        return read_between(windows, ops.arange(windows.shape[1], dtype=ticks.dtype) + ticks)

    def get_config(self) -> dict[str, Any]:
        moved = {"averaged": self.averaged, "common": self.common, "own": self.own}
        return {**super().get_config(), **moved, "contact": self.contact, "jump": self.jump}
