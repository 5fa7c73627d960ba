"""The stage that trains BeatGAN on one fold with one seed."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras

from keras_sibeat.config import Config
from keras_sibeat.data.protocols import Fold
from keras_sibeat.distribution import is_chief, replicas
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.views import TimeWarp
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.inference import rebuild_scores
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)
from keras_sibeat.models.sibeatgan import SIBeatGAN
from keras_sibeat.train.fitting import fit_resumably, load, save
from keras_sibeat.train.provenance import record_teacher
from keras_sibeat.train.run import Row, read_history
from keras_sibeat.train.separation import separation
from keras_sibeat.train.starting import begin
from keras_sibeat.train.streams import streams
from keras_sibeat.train.teachers import GENERATOR, build_self_teacher, find_teacher

log = logging.getLogger("keras_sibeat")


def build_beatgan(
    config: Config,
    length: int,
    channels: int,
    seed: int,
    teacher: keras.Model | None = None,
    start: Path | None = None,
) -> BeatGAN:
    """The configured BeatGAN for windows ``(length, channels)``, compiled; with a ``teacher``, SI-BeatGAN.

    ``start`` is the file of the model that it begins with.
    """
    model, train = config.model, config.train
    shape: dict[str, Any] = {"length": length, "channels": channels}
    seeds = streams(seed)
    if model.kind == "conv":
        size = {"width": model.width, "depth": model.depth, "synchronized": replicas() > 1}
        generator = conv_generator(**shape, **size, latent=model.latent, seed=seeds["generator"])
        discriminator = conv_discriminator(**shape, **size, seed=seeds["discriminator"])
    else:
        generator = dense_generator(**shape, units=model.units, latent=model.latent, seed=seeds["generator"])
        discriminator = dense_discriminator(**shape, units=model.units, seed=seeds["discriminator"])
    begin(config, start, generator=generator, discriminator=discriminator)
    warp = (
        TimeWarp(model.time_warp, config.window.before, seed=seeds["time_warp"]) if model.time_warp else None
    )
    self_teacher = build_self_teacher(discriminator, config.frskd, seeds["self_teacher"])
    components = (generator, discriminator, model.feature_weight, warp, self_teacher)
    if teacher is None:
        beatgan = BeatGAN(*components)
    else:
        beatgan = SIBeatGAN(
            *components,
            teacher=teacher,
            temperature=config.distillation.temperature,
            distillation_weight=config.distillation.weight,
        )
    optimizer, discriminators = (
        keras.optimizers.Adam(train.learning_rate, beta_1=train.beta_1, epsilon=1e-8) for _ in range(2)
    )
    beatgan.compile(optimizer, discriminators, jit_compile=train.jit_compile)
    return beatgan


def validation_columns(generator: keras.Model, fold: Fold, watch_test: bool) -> Row:
    """What the history says of an epoch beside its losses: rebuild error and, with labels, AUC and AP."""
    is_abnormal = fold.is_abnormal(fold.validation)
    scores = rebuild_scores(generator, fold.validation.windows)
    row = {"validation_rebuild_loss": float(scores[~is_abnormal].mean())}
    found = separation(scores, is_abnormal)
    row |= {f"validation_{name}": value for name, value in found.items()}
    if watch_test:
        scores = rebuild_scores(generator, fold.test.windows)
        found = separation(scores, fold.is_abnormal(fold.test))
        row |= {f"test_{name}": value for name, value in found.items()}
    return row


def selections(rows: Sequence[Row]) -> list[str]:
    """The ways of selecting an epoch that this history allows."""
    return ["label_free"] + (["labelled"] if "validation_auc" in rows[-1] else [])


def select(rows: Sequence[Row], selection: str) -> Row:
    """The selected epoch's row: least rebuild error on validation normals, or best labelled AUC."""
    if selection == "labelled":
        return max(rows, key=lambda row: row["validation_auc"])
    return min(rows, key=lambda row: row["validation_rebuild_loss"])


def train_beatgan(
    config: Config,
    fold: Fold,
    seed: int,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
    starts: Mapping[str, Path] = MappingProxyType({}),
) -> list[Row]:
    """Train on ``fold`` in ``folder``, going on from its newest checkpoint; returns the history's rows.

    It begins with the networks of ``starts``, as ``find_starts`` gives them.

    Afterwards ``label_free.keras`` (and ``labelled.keras``, where validation has abnormal beats) hold the
    selected epochs' models, ``model.keras`` the configured selection's and ``generator.keras`` its generator,
    which plain Keras loads.
    """
    windows, train = fold.train.windows, config.train
    keras.utils.set_random_seed(seed)
    with (strategy or tf.distribute.get_strategy()).scope():
        teacher = None
        if config.distillation:
            file = find_teacher(config.distillation.teacher, config, folder.name, GENERATOR)
            record_teacher(folder, file)
            teacher = load(file)
        length, channels = windows.shape[1:]
        model = build_beatgan(config, length, channels, seed, teacher, starts.get("."))

    if is_chief() and len(read_history(folder / "history.csv")) < train.epochs:
        (folder / GENERATOR).unlink(missing_ok=True)  # of a run that had ended, and now is trained on

    def epoch_end(rows):
        row = rows[-1]
        row |= validation_columns(model.generator, fold, config.protocol.watch_test)
        if row["reinitialised"]:
            log.info("Epoch %d: discriminator re-initialised %d times.", row["epoch"], row["reinitialised"])
        for selection in selections(rows):
            if select(rows, selection) is row:
                save(model, folder / f"{selection}.keras")

    rows = fit_resumably(
        model,
        windows,
        folder,
        epochs=train.epochs,
        batch_size=train.batch_size,
        seed=seed,
        epoch_end=epoch_end,
        callbacks=callbacks,
    )
    if is_chief() and not (folder / GENERATOR).exists():
        keep(load(folder / f"{config.protocol.selection}.keras"), folder)
    return rows


def keep(model: BeatGAN, folder: Path) -> None:
    """Save a trained model and, last, its generator alone."""
    save(model, folder / "model.keras")
    save(model.generator, folder / GENERATOR)
