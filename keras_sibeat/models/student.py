"""The compact student: a beat in, one score out, in operations that a microcontroller runs in int8."""

import keras
from keras import layers

from keras_sibeat.models.networks import LAST, Draws

HIGHEST = 6.0  # of an activation: ReLU6, whose 256 levels in int8 are the same whatever beat comes
SPREAD = 2.0  # standard deviation of an activation at the start, so that most lie well below the highest


def student(
    length: int = 320,
    channels: int = 1,
    width: int = 12,
    depth: int = 6,
    units: int = 24,
    rebuilds: bool = False,
    rhythm: int = 0,
    seed: int | None = None,
    synchronized: bool = False,
) -> keras.Model:
    """The student's graph, of built-in layers: convolutions over ticks, batch normalisation, ReLU, dense.

    A convolution with kernel 8 and stride 4, then ``depth - 1`` with kernel 5 and stride 2, each followed by
    batch normalisation, which an export folds into it, and ReLU up to 6, so that no outlier coarsens the
    levels of int8. What is left of the ticks is flattened, as where in the beat a wave stands matters, and
    condensed into an embedding. Separable convolutions would save multiply-adds, but cost more flash: twice
    the operations, each with scales for all of its filters.

    Args:
        length, channels: of the windows.
        width: filters of the first convolution; each later one has a third of it more. A family.
        depth: convolutions, at least 1.
        units: of the embedding.
        rebuilds: whether a second output holds the squared error per tick.
        rhythm: features of a beat's rhythm, which the model then takes beside its window; 0 for none.
        seed: of the initial weights.
        synchronized: whether batch normalisation takes its statistics over all replicas.

    Returns a model ``(batch, length, channels)``, or a mapping of ``window`` and ``rhythm``, → the score
    ``(batch, 1)`` and, where it ``rebuilds``, the residuals ``(batch, length)``. Its layers ``embedding`` and
    ``rebuilt`` are what a teacher teaches, too.

    Raises ``ValueError`` for a window too short for so many halvings.
    """
    ticks = -(-length // 4)
    if depth < 1 or ticks < 2 ** (depth - 1):
        raise ValueError(
            f"student: found depth {depth} for windows of {length} ticks, expected fewer halvings."
        )
    draws = Draws(seed)
    # Every layer has a name: those that Keras numbers depend on what a process built before, and an export's
    # bytes with them.
    window = inputs = keras.Input((length, channels), name="window")
    x = window
    for step in range(1, depth + 1):
        kernel, stride = (8, 4) if step == 1 else (5, 2)
        filters = width * (step + 2) // 3
        x = draws.convolution(layers.Conv1D, filters, kernel, stride, "same", f"conv_{step}")(x)
        x = draws.normalisation(0.9, synchronized, f"norm_{step}", SPREAD)(x)
        x = layers.ReLU(HIGHEST, name=f"relu_{step}")(x)
    embedding = draws.dense(units, activation="relu6", name="embedding")(layers.Flatten(LAST, name="flat")(x))
    judged = embedding
    if rhythm:
        inputs = {"window": window, "rhythm": keras.Input((rhythm,), name="rhythm")}
        timing = draws.dense(units, activation="relu6", name="timing")(inputs["rhythm"])
        judged = layers.Concatenate(name="judged")([embedding, timing])
    score = draws.dense(1, name="score")(draws.dense(units, activation="relu6", name="hidden")(judged))
    if not rebuilds:
        return keras.Model(inputs, score, name="student")
    values = -(-length // x.shape[1]) * channels  # in each coarse tick
    rebuilt = layers.Reshape((-1, channels), name="ticks")(draws.dense(values, name="fine")(x))
    rebuilt = layers.Cropping1D((0, rebuilt.shape[1] - length), name="rebuilt")(rebuilt)
    error = layers.Subtract(name="error")([window, rebuilt])
    squares = layers.Multiply(name="squares")([error, error])
    residuals = layers.GlobalAveragePooling1D("channels_first", name="residuals")(squares)
    return keras.Model(inputs, [score, residuals], name="student")
