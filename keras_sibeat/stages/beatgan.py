"""The stage that trains BeatGAN on one fold with one seed: resumable, and the same to the last bit."""

import logging
import re
import time
import zipfile

import keras
import numpy as np
import tensorflow as tf

from keras_sibeat.errors import RunError
from keras_sibeat.files import whole_file
from keras_sibeat.layers.views import TimeWarp
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)
from keras_sibeat.run import read_history, write_history
from keras_sibeat.scoring import rebuild_scores, separation

log = logging.getLogger("keras_sibeat")


def build_beatgan(config, length, channels, seed):
    """The configured BeatGAN, compiled, for windows ``(length, channels)``."""
    model, train = config.model, config.train
    shape = {"length": length, "channels": channels}
    seeds = [int(value) for value in np.random.SeedSequence(seed).generate_state(3)]
    if model.kind == "conv":
        size = {"width": model.width, "depth": model.depth}
        generator = conv_generator(**shape, **size, latent=model.latent, seed=seeds[0])
        discriminator = conv_discriminator(**shape, **size, seed=seeds[1])
    else:
        generator = dense_generator(**shape, units=model.units, latent=model.latent, seed=seeds[0])
        discriminator = dense_discriminator(**shape, units=model.units, seed=seeds[1])
    warp = TimeWarp(model.time_warp, config.window.before, seed=seeds[2]) if model.time_warp else None
    beatgan = BeatGAN(generator, discriminator, model.feature_weight, warp)
    optimizers = [
        keras.optimizers.Adam(train.learning_rate, beta_1=train.beta_1, epsilon=1e-8) for _ in range(2)
    ]
    beatgan.compile(*optimizers, jit_compile=train.jit_compile)
    return beatgan


def batches(windows, batch_size, seed, epochs):
    """Shuffled batches of ``epochs``; the order of an epoch depends on the seed and its number alone."""
    windows = tf.constant(windows)

    def of_epoch(epoch):
        keys = tf.random.stateless_uniform([len(windows)], seed=tf.stack([tf.cast(seed, tf.int64), epoch]))
        return tf.data.Dataset.from_tensor_slices(tf.argsort(keys)).batch(batch_size, drop_remainder=True)

    order = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(of_epoch)
    return order.map(lambda rows: tf.gather(windows, rows)).prefetch(2)


class _EpochEnd(keras.callbacks.Callback):
    """Scores the validation beats, selects, and writes history, models and the checkpoint, in this order.

    The checkpoint comes last, so whatever moment the process dies at, the run goes on from a state in which
    everything of the epochs before it is written.
    """

    def __init__(self, fold, folder, rows, watch_test):
        super().__init__()
        self.fold, self.folder, self.rows, self.watch_test = fold, folder, rows, watch_test

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        fold = self.fold
        row = {"epoch": epoch + 1, "seconds": time.perf_counter() - self.started, **logs}
        is_abnormal = fold.is_abnormal(fold.validation)
        scores = rebuild_scores(self.model.generator, fold.validation.windows)
        row["validation_rebuild_loss"] = float(scores[~is_abnormal].mean())
        if is_abnormal.any():
            found = separation(scores, is_abnormal)
            row |= {f"validation_{name}": value for name, value in found.items()}
        if self.watch_test:
            scores = rebuild_scores(self.model.generator, fold.test.windows)
            found = separation(scores, fold.is_abnormal(fold.test))
            row |= {f"test_{name}": value for name, value in found.items()}
        self.rows.append(row)
        logs |= {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
        if row["reinitialised"]:
            log.info("Epoch %d: discriminator re-initialised %d times.", epoch + 1, row["reinitialised"])
        for selection in selections(self.rows):
            if select(self.rows, selection) is row:
                with whole_file(self.folder / f"{selection}.keras") as partial:
                    self.model.save(partial)
        write_history(self.folder / "history.csv", self.rows)
        self._write_checkpoint(epoch + 1)

    def _write_checkpoint(self, epoch):
        with whole_file(self.folder / f"epoch-{epoch:04d}.weights.h5") as partial:
            self.model.save_weights(partial)
        for file in self.folder.glob("epoch-*.weights.h5"):
            if _epoch_of(file) < epoch:
                file.unlink()


def _epoch_of(file):
    return int(re.fullmatch(r"epoch-(\d+)\.weights\.h5", file.name).group(1))


def selections(rows):
    """The ways of selecting an epoch that this history allows."""
    return ["label_free"] + (["labelled"] if "validation_auc" in rows[-1] else [])


def select(rows, selection):
    """The selected epoch's row: least rebuild error on validation normals, or best labelled AUC."""
    if selection == "labelled":
        return max(rows, key=lambda row: row["validation_auc"])
    return min(rows, key=lambda row: row["validation_rebuild_loss"])


def load_beatgan(file):
    """The ``BeatGAN`` saved in ``file``; raises ``RunError`` where there is none that loads."""
    try:
        return keras.saving.load_model(file)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{file}: found no model that loads ({error}); expected one that training saved."
        ) from error


def train_beatgan(config, fold, seed, folder, callbacks=()):
    """Train on ``fold`` in ``folder``, going on from its newest checkpoint; returns the history's rows.

    Afterwards ``label_free.keras`` (and ``labelled.keras``, where validation has abnormal beats) hold the
    selected epochs' models, ``model.keras`` the configured selection's and ``generator.keras`` its generator,
    which plain Keras loads.
    """
    windows, train = fold.train.windows, config.train
    folder.mkdir(parents=True, exist_ok=True)
    batch_size = min(train.batch_size, len(windows))
    keras.utils.set_random_seed(seed)
    model = build_beatgan(config, *windows.shape[1:], seed)
    checkpoints = sorted(folder.glob("epoch-*.weights.h5"), key=_epoch_of)
    done = 0
    if checkpoints:
        model.load_weights(checkpoints[-1])
        done = _epoch_of(checkpoints[-1])
        log.info("%s: going on after epoch %d.", folder, done)
    rows = read_history(folder / "history.csv")[:done]
    if len(rows) < done:
        raise RunError(
            f"{folder / 'history.csv'}: found {len(rows)} epochs; expected {done} as checkpointed."
        )
    if done < train.epochs:
        model.fit(
            batches(windows, batch_size, seed, range(done, train.epochs)),
            steps_per_epoch=len(windows) // batch_size,
            initial_epoch=done,
            epochs=train.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[
                _EpochEnd(fold, folder, rows, config.protocol.watch_test),
                keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
                *callbacks,
            ],
        )
    selected = load_beatgan(folder / f"{config.protocol.selection}.keras")
    for name, part in (("model", selected), ("generator", selected.generator)):
        with whole_file(folder / f"{name}.keras") as partial:
            part.save(partial)
    return rows
