"""Partners: for each beat of a batch another one of the same wearer, as a positive pair for NT-Xent."""

import keras
from keras import ops

from keras_sibeat.layers.augmentation import Augmentation
from keras_sibeat.layers.backend import tf

PACKAGE = "keras_sibeat"


@keras.saving.register_keras_serializable(PACKAGE)
class Partners(Augmentation):
    """Draws, for each window, another window of the batch with the same wearer, or itself where it has none.

    ``partners(windows, wearers)``: ``(batch, length, channels)`` and the wearers' numbers ``(batch,)`` →
    windows of the same shape. The embedding then keeps what two beats of one wearer have in common.

    Args:
        seed: of the layer's own random stream.

    >>> beats = ops.reshape(ops.arange(3.0), (3, 1, 1))
    >>> Partners(seed=0)(beats, ops.array([7, 7, 8]))[:, 0, 0].numpy().tolist()
    [1.0, 0.0, 2.0]
    """

    def call(  # type: ignore[override]
        self, windows: keras.KerasTensor, wearers: keras.KerasTensor
    ) -> keras.KerasTensor:
        batch = ops.shape(windows)[0]
        wearers = ops.reshape(wearers, (-1,))
        is_itself = ops.eye(batch, dtype="float32")
        is_same = ops.cast(ops.equal(wearers[:, None], wearers[None]), "float32")
        # Any other of the wearer's beats draws more than the beat itself, and that more than other wearers'.
        drawn = self._uniform((batch, batch), 0.0, 1.0, tf.float32)
        chosen = ops.argmax(is_same * (1 - is_itself) * (1 + drawn) + is_itself, axis=1)
        return ops.take(windows, chosen, axis=0)
