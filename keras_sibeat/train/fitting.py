"""Training that goes on from its newest checkpoint, and ends the same to the last bit."""

import logging
import re
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from keras_sibeat.distribution import is_chief, replicas
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.files import whole_file
from keras_sibeat.train.run import read_history, write_history

log = logging.getLogger("keras_sibeat")


def batches(windows, batch_size, seed, epochs):
    """Shuffled batches of ``epochs``; the order of an epoch depends on the seed and its number alone.

    ``windows`` may be a tuple, of windows and what goes with each of them.
    """
    windows = tf.nest.map_structure(tf.constant, windows)
    count = len(tf.nest.flatten(windows)[0])

    def of_epoch(epoch):
        keys = tf.random.stateless_uniform([count], seed=tf.stack([tf.cast(seed, tf.int64), epoch]))
        return tf.data.Dataset.from_tensor_slices(tf.argsort(keys)).batch(batch_size, drop_remainder=True)

    order = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(of_epoch)
    return order.map(lambda rows: tf.nest.map_structure(lambda x: tf.gather(x, rows), windows)).prefetch(2)


def fit_resumably(model, windows, folder, *, epochs, batch_size, seed, epoch_end=None, callbacks=()):
    """``fit`` on the ``windows`` in ``folder``, from its newest checkpoint on; returns the history's rows.

    Args:
        model: compiled, its optimizers built.
        epoch_end: called with the history's rows, to add to the last one, an epoch's. It comes before the
            checkpoint, so that whatever it writes is there when the epoch counts as done.
        callbacks: more of Keras' callbacks.

    Raises ``RunError`` where the history lacks epochs that the checkpoint has, and ``ConfigError`` for a
    batch that does not divide among the replicas.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = len(tf.nest.flatten(windows)[0])
    batch_size = min(batch_size, count)
    if batch_size % replicas():
        raise ConfigError(
            f"train.batch_size: found {batch_size} for {replicas()} replicas; expected a multiple of that."
        )
    checkpoints = sorted(folder.glob("epoch-*.weights.h5"), key=_epoch_of)
    done = 0
    if checkpoints:
        with model.distribute_strategy.scope():
            model.load_weights(checkpoints[-1])
        done = _epoch_of(checkpoints[-1])
        log.info("%s: going on after epoch %d.", folder, done)
    rows = read_history(folder / "history.csv")[:done]
    if len(rows) < done:
        raise RunError(
            f"{folder / 'history.csv'}: found {len(rows)} epochs; expected {done} as checkpointed."
        )
    if done < epochs:
        board = keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False)
        model.fit(
            batches(windows, batch_size, seed, range(done, epochs)),
            steps_per_epoch=count // batch_size,
            initial_epoch=done,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[_EpochEnd(folder, rows, epoch_end), *([board] if is_chief() else []), *callbacks],
        )
    return rows


class _EpochEnd(keras.callbacks.Callback):
    """Writes history and checkpoint, in this order: the run goes on from a state in which all of the epochs
    before it is written, whatever moment the process dies at.
    """

    def __init__(self, folder, rows, epoch_end):
        super().__init__()
        self.folder, self.rows, self.epoch_end = folder, rows, epoch_end

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1, "seconds": time.perf_counter() - self.started, **logs}
        self.rows.append(row)
        if self.epoch_end:
            self.epoch_end(self.rows)
        logs |= {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
        if is_chief():
            write_history(self.folder / "history.csv", self.rows)
        with _chiefs_file(self.folder / f"epoch-{epoch + 1:04d}.weights.h5") as partial:
            self.model.save_weights(partial)
        if is_chief():
            for file in self.folder.glob("epoch-*.weights.h5"):
                if _epoch_of(file) < epoch + 1:
                    file.unlink()


def _epoch_of(file):
    return int(re.fullmatch(r"epoch-(\d+)\.weights\.h5", file.name).group(1))


@contextmanager
def _chiefs_file(path):
    """A path to write to, which becomes ``path`` in the process that writes the files, and nothing in others.

    Keras makes variables while it saves, which all workers of a cluster must do together.
    """
    if is_chief():
        with whole_file(path) as partial:
            yield partial
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / path.name


def save(model, file):
    """Save a model, whole or not at all; of a cluster's workers all must call this, and one file appears."""
    with _chiefs_file(file) as partial:
        model.save(partial)


def load(file):
    """The model saved in ``file``; raises ``RunError`` where there is none that loads."""
    try:
        return keras.saving.load_model(file)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]  # Keras adds a page of configuration
        raise RunError(
            f"{file}: found no model that loads ({told}); expected one that training saved."
        ) from error
