"""Training that goes on from its newest checkpoint, and ends the same to the last bit."""

import logging
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from keras_sibeat.distribution import is_chief, replicas
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.files import whole_file
from keras_sibeat.layers.backend import tf
from keras_sibeat.models.saving import save_portable
from keras_sibeat.train.run import Row, read_history, write_history

log = logging.getLogger("keras_sibeat")
Arrays = np.ndarray | tuple[np.ndarray, ...]


def batches(windows: Arrays, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
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


def fit_resumably(
    model: keras.Model,
    windows: Arrays,
    folder: Path,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    epoch_end: Callable[[list[Row]], None] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[Row]:
    """``fit`` on the ``windows`` in ``folder``, from its newest checkpoint on; returns the history's rows.

    Args:
        model: compiled, its optimizers built.
        epoch_end: called after each epoch with the history's rows; it may add to the last one. It comes
            before the checkpoint, so that whatever it writes is there when the epoch counts as done.
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
    """Writes the history, then the checkpoint, so that a checkpoint never lacks its history.

    The process may die at any moment: the run then goes on from the newest checkpoint.
    """

    def __init__(self, folder: Path, rows: list[Row], epoch_end: Callable[[list[Row]], None] | None) -> None:
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
def _chiefs_file(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``path`` in the process that writes the files, and nothing in others.

    All workers of a cluster must save together, as Keras makes variables while it does.
    """
    if is_chief():
        with whole_file(path) as partial:
            yield partial
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / path.name


def save(model: keras.Model, file: Path) -> None:
    """Save a model, whole or not at all. All workers of a cluster must call this; one of them writes."""
    with _chiefs_file(file) as partial:
        save_portable(model, partial)


def load(file: Path) -> keras.Model:
    """The model saved in ``file``; raises ``RunError`` where there is none that loads."""
    try:
        return keras.saving.load_model(file)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]  # Keras adds a page of configuration
        raise RunError(
            f"{file}: found no model that loads ({told}); expected one that training saved."
        ) from error
