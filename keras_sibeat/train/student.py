"""The stage that distils a compact student from a contrastive BeatGAN, which it trains first where needed."""

import keras
import numpy as np
import tensorflow as tf

from keras_sibeat.data.beats import BeatSet
from keras_sibeat.data.sources import load_unlabelled
from keras_sibeat.data.timings import simulate_timings
from keras_sibeat.distribution import await_file, is_chief, replicas
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.models.distiller import Distiller, as_teacher
from keras_sibeat.models.inference import predict, score_parts
from keras_sibeat.models.simclr import SimCLR
from keras_sibeat.models.student import student as build_student
from keras_sibeat.optimizers import warmup_cosine
from keras_sibeat.train.beatgan import part_seeds
from keras_sibeat.train.contrastive import build_imagined, build_views, train_contrastive
from keras_sibeat.train.fitting import fit_resumably, load, save
from keras_sibeat.train.separation import rank_correlation, separation
from keras_sibeat.train.teachers import SCORER, find_teacher

JITTER = 0.1  # of the rhythm that a student learns on, chosen by how far it is from its teacher on DS1


def train_student(config, fold, seed, folder, callbacks=(), strategy=None):
    """Train on ``fold`` in ``folder``, going on where it stopped; returns the student's history.

    The teacher is trained in ``folder/teacher`` unless one is configured. Afterwards ``student.keras`` holds
    the student that ships, a beat in and a score out, and ``residuals.keras`` the one that also says where,
    if the student learns to.
    """
    settings, beats = config.student, fold.train
    taught_here = settings.distil and not settings.teacher
    if taught_here and not (folder / "teacher" / SCORER).exists():
        train_contrastive(config, fold, seed, folder / "teacher", callbacks, strategy)
        await_file(folder / "teacher" / SCORER)
    if settings.unlabelled:
        beats = BeatSet.join([beats, load_unlabelled(config, settings.unlabelled)], beats.sha256)
    windows = (beats.windows, beats.rhythm) if config.wearer else beats.windows
    keras.utils.set_random_seed(seed)
    batch_size = min(settings.batch_size, len(beats))
    with (strategy or tf.distribute.get_strategy()).scope():
        scorer = load_scorer(config, folder) if settings.distil else None
        model, network = build_distiller(
            config, fold, scorer, beats.windows.shape[1:], seed, len(beats) // batch_size
        )
    validation, is_abnormal = fold.validation.inputs, fold.is_abnormal(fold.validation)
    wanted = score_parts(scorer, validation)["score"] if scorer else None

    def epoch_end(rows):
        scores = first_output(predict(network, validation))
        if wanted is not None:
            rows[-1]["validation_correlation"] = rank_correlation(wanted[~is_abnormal], scores[~is_abnormal])
        if is_abnormal.any():
            found = separation(scores, is_abnormal)
            rows[-1] |= {f"validation_{name}": value for name, value in found.items()}

    rows = fit_resumably(
        model,
        windows,
        folder,
        epochs=settings.epochs,
        batch_size=batch_size,
        seed=seed,
        epoch_end=epoch_end,
        callbacks=callbacks,
    )
    if is_chief():
        if config.has_residuals:
            save(network, folder / "residuals.keras")
        save(keras.Model(network.input, network.outputs[0], name="student"), folder / "student.keras")
    return rows


def load_scorer(config, folder):
    """The scorer that teaches in a part's ``folder``: the configured run's, or the one trained there."""
    if config.student.teacher:
        return load(find_teacher(config.student.teacher, config, folder.name, SCORER))
    return load(folder / "teacher" / SCORER)


def as_scorer(network):
    """The student with its output named as a scorer's, ``score``."""
    return keras.Model(network.input, {"score": network.outputs[0]})


def build_distiller(config, fold, scorer, shape, seed, steps):
    """The configured student of windows ``shape``, and the model that trains it, its schedule laid for
    ``steps`` steps an epoch: a ``Distiller`` or, without a ``scorer`` to teach it, a ``SimCLR``.

    Returns the training model and the student with both outputs.
    """
    settings, contrast = config.student, config.contrastive
    seeds = part_seeds(seed, 3)
    size = {"length": shape[0], "channels": shape[1]}
    size |= {"width": settings.width, "depth": settings.depth, "units": settings.units}
    size |= {"rhythm": fold.train.rhythm.shape[1], "synchronized": replicas() > 1}
    network = build_student(**size, rebuilds=config.has_residuals, seed=seeds[0])
    views, shifts = build_views(config, seeds[1] % 2**30)
    if scorer:
        normals = score_parts(scorer, fold.validation_normals.inputs)["score"]
        weights, timings = settings.weights, None
        if config.wearer:
            weights = {**weights, "rebuilt": 0.0}
            wearer = config.wearer
            simulated = simulate_timings(fold.train, wearer.sequences, wearer.waits, seed)
            timings = SimulatedRhythm(*simulated, jitter=JITTER, seed=seeds[1] % 2**30 + 96)
        model = Distiller(
            network,
            as_teacher(scorer, normals),
            views,
            shifts,
            weights,
            settings.temperature,
            settings.cap,
            seeds[2],
            timings,
            settings.tail,
            build_imagined(config, seeds[1] % 2**30),
        )
    else:
        score, embedding = network.outputs[0], network.get_layer("embedding").output
        glorot = keras.initializers.GlorotUniform(seeds[2])
        projection = keras.layers.Dense(contrast.projection, kernel_initializer=glorot)(embedding)
        outputs = [score, embedding, embedding, projection, score]
        discriminator = keras.Model(network.input, outputs, name="discriminator")
        hard = contrast.hard_negatives
        model = SimCLR(discriminator, views, shifts, contrast.temperature, hard_negatives=hard)
    warmup = min(round(settings.warmup_epochs * steps), settings.epochs * steps // 2)
    rate = warmup_cosine(settings.learning_rate, settings.epochs * steps, warmup)
    # So high a rate would, without the clipping, now and then leave an embedding without a living unit.
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    model.compile(optimizer, jit_compile=config.train.jit_compile)
    return model, network


def first_output(outputs):
    """The score ``(beats,)`` of what a student predicts, with residuals beside it or without."""
    return np.asarray(outputs[0] if isinstance(outputs, list) else outputs)[:, 0]
