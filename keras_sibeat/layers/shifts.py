"""Shifts: augmentations after which a normal beat is abnormal. Few of the results still look normal.

A discriminator that tells shifted normal beats from normal ones learns what a normal beat is (CSI, Tack et
al. 2020; DROC, Sohn et al. 2021; CutPaste, Li et al. 2021). Each shift says what it imitates. All of them
take and return ``(batch, length, channels)`` and change a window's channels alike. ``Shifts`` gives each of
them its share of a batch.

Ticks are samples at 360 Hz. Each shift takes ``centre``, the tick of the R-peak, and ``seed``, of its own
random stream, and raises ``ValueError`` for windows with less room around the R-peak than it needs.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sibeat.layers.augmentation import Augmentation, OfLayers, check_sides, read_between, warp, whole
from keras_sibeat.layers.backend import tf
from sibeat_edge.beats.windows import BEFORE

PACKAGE = "keras_sibeat"


class _Shift(Augmentation):
    """A shift knows the R-peak's tick, and how many ticks it ``needs`` before it, after it and in all."""

    needs = (0, 0, 2)

    def __init__(self, centre: int = BEFORE, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.centre = whole(f"{type(self).__name__}: centre", centre, 0)

    def build(self, input_shape: tuple[int, ...]) -> None:
        name, length, (before, after, least) = type(self).__name__, input_shape[1], self.needs
        if length < least:
            raise ValueError(f"{name}: found windows of {length} ticks, expected at least {least}.")
        check_sides(name, length, self.centre, before, after)

    def ticks(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        """``(1, length, 1)``: each tick's place relative to the R-peak."""
        return ops.arange(windows.shape[1], dtype=windows.dtype)[None, :, None] - self.centre

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "centre": self.centre}


def _other(windows):
    """The previous window of the batch: another beat, as batches are shuffled, unless it is alone."""
    return ops.roll(windows, 1, axis=0)


def _rolled(windows, offset):
    """Windows read ``offset`` (batch, 1, 1) ticks later; what runs out repeats the last sample."""
    return read_between(windows, ops.arange(windows.shape[1], dtype=offset.dtype) + offset[:, :, 0])


def _fade(ticks, place, width):
    """0 before ``place``, 1 after it, a ramp of ``width`` ticks around it."""
    return ops.clip((ticks - place) / width + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(PACKAGE)
class StrongTimeWarp(_Shift):
    """Speed changes by up to 75 % over five knots: a beat whose waves have lost their proportions.

    >>> StrongTimeWarp(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (2, 2, 0)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        return warp(windows, 1 + 0.75 * self.curve(windows, 5), self.centre)


@keras.saving.register_keras_serializable(PACKAGE)
class PrematureBeat(_Shift):
    """The beat's own end stands before it, as if it followed itself after 0.28–0.6 s: a premature beat.

    The beat stays from 25–70 ticks before the R-peak on, with or without its P wave; before that, beyond a
    seam of 12 ticks, lies what follows a beat of the same wearer: its T wave, too close.

    >>> PrematureBeat(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (77, 140, 0)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        ticks = self.ticks(windows)
        coupling = self.draw(windows, 100.0, 215.0)
        kept = self.draw(windows, -70.0, -25.0)
        before = _rolled(windows, coupling)
        return windows + (before - windows) * (1 - _fade(ticks, kept, 12.0))


@keras.saving.register_keras_serializable(PACKAGE)
class ShortPause(_Shift):
    """What precedes the QRS is moved 15–90 ticks towards it, another beat's end fills the gap: a premature
    beat whose P wave, too, lies too close. Both seams are 8 ticks wide, as a filtered signal knows no steps.

    >>> ShortPause(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (118, 1, 0)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        ticks, edge = self.ticks(windows), -24.0
        moved = self.draw(windows, 15.0, 90.0)
        earlier = _rolled(windows, -moved)
        filler = _rolled(_other(windows), windows.shape[1] - moved)
        before = filler + (earlier - filler) * _fade(ticks + self.centre, moved, 8.0)
        return windows + (before - windows) * (1 - _fade(ticks, edge, 8.0))


@keras.saving.register_keras_serializable(PACKAGE)
class EarlyNext(_Shift):
    """The next beat comes 0.25–0.45 s after this one, on its T wave: a couplet, R on T, a fast run.

    >>> EarlyNext(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (67, 160, 0)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        ticks = self.ticks(windows)
        coupling = self.draw(windows, 90.0, 160.0)
        begin = coupling - self.draw(windows, 15.0, 60.0)
        after = _rolled(windows, -coupling)
        return windows + (after - windows) * _fade(ticks, begin, 12.0)


@keras.saving.register_keras_serializable(PACKAGE)
class WideQRS(_Shift):
    """The QRS (24 ticks on either side) is stretched 1.4–3.4 times: a ventricular beat or a bundle branch
    block.

    >>> WideQRS(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (82, 82, 0)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        ticks, half = self.ticks(windows), 24.0
        stretch = self.draw(windows, 1.4, 3.4)
        inside = ticks / stretch
        edge = half * stretch
        # Outside the stretched QRS, the rest of each side is squeezed into what is left of it.
        side = ops.cast(ops.where(ticks < 0, self.centre, windows.shape[1] - 1 - self.centre), ticks.dtype)
        squeezed = half + (ops.abs(ticks) - edge) * (side - half) / (side - edge)
        source = ops.where(ops.abs(ticks) <= edge, inside, ops.sign(ticks) * squeezed)
        return read_between(windows, (source + self.centre)[:, :, 0])


@keras.saving.register_keras_serializable(PACKAGE)
class Paste(_Shift):
    """20–120 ticks of another beat, scaled by −0.4 to 1.2, stand at a wrong place: an artefact, a lost
    contact, an ectopic wave.

    >>> Paste(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (0, 0, 120)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        length, ticks = windows.shape[1], self.ticks(windows) + self.centre
        size = self.draw(windows, 20.0, 120.0)
        start = ops.floor(self.draw(windows, 0.0, 1.0) * (length - size))
        source = ops.floor(self.draw(windows, 0.0, 1.0) * (length - size))
        pasted = _rolled(_other(windows), source - start) * self.draw(windows, -0.4, 1.2)
        return ops.where((ticks >= start) & (ticks < start + size), pasted, windows)


@keras.saving.register_keras_serializable(PACKAGE)
class Bump(_Shift):
    """A Gaussian wave (standard deviation 8–33 ticks, height up to ±0.9) is added: ST elevation or
    depression, a tall or inverted T wave, a P wave where none belongs.

    >>> Bump(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        place = self.draw(windows, 0.0, float(windows.shape[1]))
        width = self.draw(windows, 8.0, 33.0)
        height = self.draw(windows, -0.9, 0.9)
        ticks = self.ticks(windows) + self.centre
        return windows + height * ops.exp(-ops.square((ticks - place) / width) / 2)


@keras.saving.register_keras_serializable(PACKAGE)
class Fusion(_Shift):
    """A mean with another beat that is displaced by 30–160 ticks: two waves of excitation meet.

    >>> Fusion(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    needs = (0, 0, 161)

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        share = self.draw(windows, 0.3, 0.7)
        offset = self.draw(windows, 30.0, 160.0) * ops.sign(self.draw(windows, -1.0, 1.0))
        return windows + share * (_rolled(_other(windows), offset) - windows)


@keras.saving.register_keras_serializable(PACKAGE)
class WaveGain(_Shift):
    """Waves grow, vanish or turn over about the window's mean, which is near the level between them (a smooth
    gain of −1 to 2.5, seven knots): a missing P wave, an inverted T wave, another axis.

    >>> WaveGain(seed=0)(ops.zeros((2, 320, 1)), training=True).shape
    TensorShape([2, 320, 1])
    """

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        level = ops.mean(windows, axis=1, keepdims=True)
        return level + (windows - level) * (0.75 + 1.75 * self.curve(windows, 7))


@keras.saving.register_keras_serializable(PACKAGE)
class OtherWearer(_Shift):
    """Another beat of the batch stands beside this wearer's template, most often another wearer's.

    It is one of the two beats before in the batch: the one that is less like this beat. Without a template
    in the windows the result is a normal beat.

    >>> beats = ops.reshape(ops.array([0.0, 1.0, 5.0]), (3, 1, 1)) * ops.ones((3, 320, 1))
    >>> OtherWearer()(beats, training=True)[:, 0, 0].numpy().tolist()
    [5.0, 5.0, 0.0]
    """

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        first, second = (ops.roll(windows, places, axis=0) for places in (1, 2))
        one, other = (ops.mean(ops.square(x - windows), (1, 2), keepdims=True) for x in (first, second))
        return ops.where(one >= other, first, second)


SHIFTS = {
    "strong_time_warp": StrongTimeWarp,
    "premature_beat": PrematureBeat,
    "short_pause": ShortPause,
    "early_next": EarlyNext,
    "wide_qrs": WideQRS,
    "paste": Paste,
    "bump": Bump,
    "fusion": Fusion,
    "wave_gain": WaveGain,
    "other_wearer": OtherWearer,
}


@keras.saving.register_keras_serializable(PACKAGE)
class Shifts(OfLayers, Augmentation):
    """Each window goes through one of the shifts, then is scaled to [-1, 1] again, as the device does.

    Each shift gets the same share of the batch, to within one window; of a batch with fewer windows than
    there are shifts, the same chance.

    Args:
        layers: shifts, e.g. ``[Bump(), WideQRS()]``.
        seed: of the layer's own random stream, which deals the windows to the shifts.
        leads: as those of ``Views``.

    >>> Shifts([Bump(), WideQRS()], seed=0)(ops.zeros((8, 320, 1)), training=True).shape
    TensorShape([8, 320, 1])
    """

    def __init__(
        self, layers: Sequence[keras.Layer], seed: int | None = None, leads: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        if not layers:
            raise ValueError("Shifts: found no layers, expected at least one.")
        self.layers, self.leads = list(layers), leads

    def augment(self, windows: keras.KerasTensor) -> keras.KerasTensor:
        return self.of_beat(self._deal, windows)

    def _deal(self, windows):
        """Each window through one of the shifts."""
        count, batch = len(self.layers), tf.shape(windows)[0]
        # Repeated, and the copies dropped at the end, a small batch divides evenly among the shifts, too.
        copies = ops.tile(windows, (tf.where(batch < count, count, 1), 1, 1))
        copies = ops.reshape(copies, (-1, *windows.shape[1:]))  # Keras 3.11 forgets what tiles keep
        total = tf.shape(copies)[0]
        order = ops.argsort(self.draw(copies, 0.0, 1.0)[:, 0, 0])
        mixed = ops.take(copies, order, axis=0)
        ends = [total * number // count for number in range(count + 1)]
        parts = [
            layer(mixed[first:last], training=True)
            for layer, first, last in zip(self.layers, ends[:-1], ends[1:], strict=True)
        ]
        return ops.take(ops.concatenate(parts), ops.argsort(order)[:batch], axis=0)
