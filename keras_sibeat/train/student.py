"""The stage that distils a compact student from a contrastive BeatGAN, which it trains first where needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.noise import cut_noise, read_noise
from keras_sibeat.data.physionet import labelled_records
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_unlabelled
from keras_sibeat.data.splits import chosen
from keras_sibeat.data.timings import simulate_timings
from keras_sibeat.distribution import await_file, is_chief, replicas
from keras_sibeat.errors import ConfigError
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.noises import RecordedNoise, WornNoise
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.layers.views import Views
from keras_sibeat.models.distiller import Distiller, as_teacher
from keras_sibeat.models.inference import predict, score_parts
from keras_sibeat.models.outputs import OUTPUTS, student_outputs
from keras_sibeat.models.simclr import SimCLR
from keras_sibeat.models.student import student as build_student
from keras_sibeat.optimizers import warmup_cosine
from keras_sibeat.train.contrastive import build_imagined, build_views, train_contrastive
from keras_sibeat.train.fitting import fit_resumably, load, save
from keras_sibeat.train.provenance import check_recorded, record_teacher
from keras_sibeat.train.run import Row
from keras_sibeat.train.separation import rank_correlation, separation
from keras_sibeat.train.starting import begin
from keras_sibeat.train.streams import streams
from keras_sibeat.train.teachers import SCORER, find_teacher, teacher_file

JITTER = 0.1  # of the rhythm that a student learns on, chosen by how far it is from its teacher on DS1


def train_student(
    config: Config,
    fold: Fold,
    seed: int,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
    starts: Mapping[str, Path] = MappingProxyType({}),
) -> list[Row]:
    """Train on ``fold`` in ``folder``, going on where it stopped; returns the student's history.

    Student and teacher begin with the networks of ``starts``, as ``find_starts`` gives them.

    The teacher is trained in ``folder/teacher`` unless one is configured. Afterwards ``student.keras`` holds
    the student that ships, a beat in and a score out, and ``residuals.keras`` the one that also says where,
    if the student learns to.
    """
    settings, beats = config.student, fold.train
    taught_here = settings.distil and not settings.teacher
    if taught_here and not (folder / "teacher" / SCORER).exists():
        begun = {".": starts["teacher"]} if "teacher" in starts else {}
        train_contrastive(config, fold, seed, folder / "teacher", callbacks, strategy, begun)
        await_file(folder / "teacher" / SCORER)
    if teacher := teacher_file(config, folder):
        record_teacher(folder, teacher)
    if settings.unlabelled:
        beats = BeatSet.join([beats, load_unlabelled(config, settings.unlabelled)], beats.sha256)
    learnt = beats.arrays if config.wearer else beats.windows
    keras.utils.set_random_seed(seed)
    batch_size = min(settings.batch_size, len(beats))
    with (strategy or tf.distribute.get_strategy()).scope():
        scorer = load_scorer(config, folder) if settings.distil else None
        shape, steps = beats.windows.shape[1:], len(beats) // batch_size
        model, network = build_distiller(config, fold, scorer, shape, seed, steps, starts.get("."))
    validation, is_abnormal = fold.validation.inputs, fold.is_abnormal(fold.validation)
    wanted = score_parts(scorer, validation)["score"] if scorer else None

    def epoch_end(rows):
        scores = student_scores(network, validation)
        if wanted is not None:
            rows[-1]["validation_correlation"] = rank_correlation(wanted[~is_abnormal], scores[~is_abnormal])
        found = separation(scores, is_abnormal)
        rows[-1] |= {f"validation_{name}": value for name, value in found.items()}

    rows = fit_resumably(
        model,
        learnt,
        folder,
        epochs=settings.epochs,
        batch_size=batch_size,
        seed=seed,
        epoch_end=epoch_end,
        callbacks=callbacks,
    )
    if is_chief() and not (folder / "student.keras").exists():
        for layer in network.layers:
            layer.trainable = True  # a trunk is frozen for this training alone
        if config.has_residuals:
            save(network, folder / "residuals.keras")
        score = student_outputs(network.outputs)["score"]
        save(keras.Model(network.input, score, name="student"), folder / "student.keras")
    return rows


def load_scorer(config: Config, folder: Path) -> keras.Model:
    """The scorer that teaches in a part's ``folder``: the configured run's, or the one trained there.

    Raises ``RunError`` where it is missing, or another than the one that training began with.
    """
    if config.student.teacher:
        file = find_teacher(config.student.teacher, config, folder.name, SCORER)
    else:
        file = folder / "teacher" / SCORER
    if file.exists():
        check_recorded(folder, file)
    return load(file)


def as_scorer(network: keras.Model) -> keras.Model:
    """The student with its output named as a scorer's, ``score``."""
    return keras.Model(network.input, {"score": student_outputs(network.outputs)["score"]})


def student_scores(network: keras.Model, inputs: np.ndarray | dict[str, np.ndarray]) -> np.ndarray:
    """The scores ``(beats,)`` that a student gives beats, which it takes as ``BeatSet.inputs``."""
    return student_outputs(predict(network, inputs))["score"][:, 0]


def build_noise(config: Config, seed: int) -> WornNoise | Views | None:
    """The layer that adds the configured noise, or None where there is none.

    A wearer's beats get ``WornNoise``, others a ``RecordedNoise`` and are scaled again.
    """
    settings = config.student and config.student.noise
    if settings is None:
        return None
    data, wanted = Path(config.data.folder or "."), Preprocessing.of(config)
    noise = read_noise(data / settings.folder, wanted)
    if len(noise) < config.window.length:
        raise ConfigError(
            f"student.noise: found {len(noise)} samples in {settings.folder}; "
            f"expected {config.window.length} or more."
        )
    if settings.cut:
        folder = data / settings.cut.folder
        known = labelled_records(folder, settings.cut.reference)
        cut = cut_noise(folder, chosen(known, settings.cut.records), wanted, len(noise))
        noise = np.concatenate([noise, cut], axis=1)
    if config.wearer:
        return WornNoise(noise, settings.snr, settings.share, seed=seed)
    return Views([RecordedNoise(noise, settings.snr, settings.share, seed=seed)])


def build_distiller(
    config: Config,
    fold: Fold,
    scorer: keras.Model | None,
    shape: tuple[int, int],
    seed: int,
    steps: int,
    start: Path | None = None,
) -> tuple[keras.Model, keras.Model]:
    """The model that trains the configured student, and the student.

    Args:
        scorer: who teaches, by a ``Distiller``; without one, the student learns alone, by a ``SimCLR``.
        shape: ``(length, channels)`` of the windows.
        seed: of the training.
        steps: in an epoch, for the learning rate's schedule.
        start: file of the student that it begins with.
    """
    settings, contrast = config.student, config.contrastive
    seeds = streams(seed)
    size: dict[str, Any] = {"length": shape[0], "channels": shape[1]}
    size |= {"width": settings.width, "depth": settings.depth, "units": settings.units}
    size |= {"rhythm": fold.train.rhythm.shape[1], "synchronized": replicas() > 1}
    network = build_student(**size, rebuilds=config.has_residuals, seed=seeds["student"])
    begin(config, start, student=network)
    views, shifts = build_views(config, seeds["student_views"])
    if scorer:
        normals = score_parts(scorer, fold.validation_normals.inputs)["score"]
        weights, timings = settings.weights, None
        if config.wearer:
            weights = {**weights, "rebuilt": 0.0}
            wearer = config.wearer
            features, is_premature = simulate_timings(
                fold.train, wearer.sequences, wearer.waits, seeds["student_beats"]
            )
            timings = SimulatedRhythm(features, is_premature, jitter=JITTER, seed=seeds["student_rhythm"])
        model = Distiller(
            network,
            as_teacher(scorer, normals),
            views,
            shifts,
            weights=weights,
            temperature=settings.temperature,
            cap=settings.cap,
            tail=settings.tail,
            seed=seeds["projection"],
            timings=timings,
            imagined=build_imagined(config, seeds["student_imagined"]),
            noise=build_noise(config, seeds["student_noise"]),
        )
    else:
        score, embedding = (network.get_layer(name).output for name in ("score", "embedding"))
        glorot = keras.initializers.GlorotUniform(seeds["projection"])
        projection = keras.layers.Dense(contrast.projection, kernel_initializer=glorot)(embedding)
        outputs = {"embedding": embedding, "features": embedding, "projection": projection}
        outputs |= {"logit": score, "shift": score}
        discriminator = keras.Model(network.input, [outputs[name] for name in OUTPUTS], name="discriminator")
        hard = contrast.hard_negatives
        model = SimCLR(discriminator, views, shifts, contrast.temperature, hard_negatives=hard)
    warmup = min(round(settings.warmup_epochs * steps), settings.epochs * steps // 2)
    rate = warmup_cosine(settings.learning_rate, settings.epochs * steps, warmup)
    # So high a rate would, without the clipping, now and then leave an embedding without a living unit.
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    model.compile(optimizer, jit_compile=config.train.jit_compile)
    return model, network
