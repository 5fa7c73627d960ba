"""The stage that trains a contrastive BeatGAN: SimCLR alone where asked for, then the joint training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.noise import read_noise
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.timings import learnable_intervals, simulate_timings
from keras_sibeat.distribution import is_chief, replicas
from keras_sibeat.errors import ConfigError
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.imagined import ImaginedWearers
from keras_sibeat.layers.partners import Partners
from keras_sibeat.layers.shifts import SHIFTS, Shifts
from keras_sibeat.layers.views import VIEWS, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.inference import predict
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.outputs import discriminator_outputs
from keras_sibeat.models.rhythm import fit_rhythm
from keras_sibeat.models.scorer import build_scorer
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.optimizers import LARS, scaled_learning_rate, warmup_cosine
from keras_sibeat.train.beatgan import keep, validation_columns
from keras_sibeat.train.fitting import fit_resumably, save
from keras_sibeat.train.run import Row
from keras_sibeat.train.separation import separation
from keras_sibeat.train.starting import begin
from keras_sibeat.train.streams import streams
from keras_sibeat.train.teachers import SCORER, build_self_teacher
from sibeat_edge.beats.alignment import core_ticks

CHECKED = 256  # windows that every view and shift has to bear before training


def build_views(config: Config, seed: int) -> tuple[Views, Shifts | None]:
    """The configured ``Views`` and ``Shifts`` (or None), their random streams spawned from ``seed``."""
    contrast, centre = config.contrastive, config.window.before
    seeds = streams(seed, (*contrast.views, "shifts"))
    layers = []
    for name, settings in contrast.views.items():
        settings = {**settings, "seed": seeds[name]}
        if name in ("time_warp", "smooth_time_warp"):
            settings = {"centre": centre, **settings}
        if name == "recorded_noise":
            settings["noise"] = read_noise(contrast.noise, Preprocessing.of(config))
        try:
            layers.append(VIEWS[name](**settings))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"contrastive.views.{name}: {error}") from error
    return Views(layers, own_leads(config)), build_shifts(config, seeds["shifts"])


def build_shifts(config: Config, seed: int) -> Shifts | None:
    """The configured ``Shifts``, or None where there are none, their random streams spawned from ``seed``."""
    names = config.contrastive.shifts
    seeds = streams(seed, (*names, "choice"))
    shifts = [SHIFTS[name](centre=config.window.before, seed=seeds[name]) for name in names]
    return Shifts(shifts, seed=seeds["choice"], leads=own_leads(config)) if shifts else None


def build_imagined(config: Config, seed: int) -> ImaginedWearers | None:
    """The configured ``ImaginedWearers``, or None where there are none."""
    if not (config.wearer and config.wearer.imagined):
        return None
    leads = own_leads(config)
    assert leads is not None  # as a wearer's leads are not "all"
    return ImaginedWearers(config.wearer.imagined, leads, config.window.before, seed)


def own_leads(config: Config) -> int | None:
    """How many channels of a window are the beat's own, beside a template of as many; None: all of them."""
    return config.data.lead_count if config.wearer else None


def check_contrastive(config: Config, beats: BeatSet) -> None:
    """Raise ``ConfigError`` where these training beats are too few, or a view or shift spoils them."""
    if len(beats) < 2:
        raise ConfigError(f"Contrast: found {len(beats)} beat to learn from; expected 2 or more.")
    if config.wearer:
        try:
            learnable_intervals(beats)
        except ValueError as error:
            raise ConfigError(str(error)) from error
    windows = beats.windows[:CHECKED]
    views, shifts = build_views(config, seed=0)
    for layer in [*views.layers, *(shifts.layers if shifts else [])]:
        name = type(layer).__name__
        try:
            layer.build(windows.shape)
            # Not by a call: Keras wraps its errors in a page of arguments.
            changed = np.asarray(layer.augment(tf.constant(windows)))
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
            told = str(error)
            raise ConfigError(told if told.startswith(f"{name}: ") else f"{name}: {told}") from error
        if changed.shape != windows.shape:
            raise ConfigError(f"{name}: found windows of {changed.shape}, expected {windows.shape}.")
        if not np.isfinite(changed).all():
            raise ConfigError(f"{name}: found NaN or infinity in what it returns, expected numbers.")


def build_contrastive(
    config: Config, length: int, channels: int, seed: int, steps: int, start: Path | None = None
) -> tuple[SimCLR, ContrastiveBeatGAN]:
    """The configured models for windows ``(length, channels)``: ``SimCLR`` and ``ContrastiveBeatGAN``.

    Both share the discriminator, the views and the shifts, and are compiled, their schedules laid for
    ``steps`` steps an epoch. ``start`` is the file of the model that they begin with.
    """
    model, train, contrast = config.model, config.train, config.contrastive
    seeds = streams(seed)
    size = {"length": length, "channels": channels, "width": model.width, "depth": model.depth}
    size["synchronized"] = replicas() > 1
    generator = conv_generator(**size, latent=model.latent, seed=seeds["generator"])
    heads = {"head": contrast.head, "units": contrast.units, "projection": contrast.projection}
    discriminator = contrastive_discriminator(**size, **heads, seed=seeds["discriminator"])
    begin(config, start, generator=generator, discriminator=discriminator)
    views, shifts = build_views(config, seeds["views"])
    self_teacher = build_self_teacher(discriminator, config.frskd, seeds["self_teacher"])
    partners = Partners(seeds["partners"]) if config.wearer else None
    imagined = build_imagined(config, seeds["imagined"])

    def simclr(phase):
        return SimCLR(
            discriminator,
            views,
            shifts,
            temperature=contrast.temperature,
            nt_xent_weight=phase.nt_xent_weight,
            shift_weight=phase.shift_weight,
            hard_negatives=contrast.hard_negatives,
            self_teacher=self_teacher,
            partners=partners,
            imagined=imagined,
        )

    def decay(rate, epochs):
        warmup = round(contrast.warmup_epochs * steps)
        return warmup_cosine(rate, epochs * steps, min(warmup, epochs * steps // 2))

    def descent(phase, epochs):
        rate = scaled_learning_rate(phase.learning_rate, train.batch_size, contrast.scaling)
        schedule = decay(rate, epochs)
        return LARS(schedule) if contrast.optimizer == "lars" else keras.optimizers.Adam(schedule)

    alone = simclr(contrast.pretrain)
    if contrast.pretrain.epochs:
        alone.compile(descent(contrast.pretrain, contrast.pretrain.epochs), jit_compile=train.jit_compile)
    joint = ContrastiveBeatGAN(generator, simclr(contrast), contrast.adversarial_weight, model.feature_weight)
    rate = decay(train.learning_rate, train.epochs)
    adam = keras.optimizers.Adam(rate, beta_1=train.beta_1, epsilon=1e-8)
    joint.compile(adam, descent(contrast, train.epochs), jit_compile=train.jit_compile)
    return alone, joint


def train_contrastive(
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

    The last epoch counts, in which the learning rate has decayed to nothing: no validation beat selects
    anything. Afterwards ``model.keras`` holds it, ``generator.keras`` its generator, and ``scorer.keras`` the
    scores fitted to it. What ``check_contrastive`` refuses is not to be trained on.
    """
    windows, train = fold.train.windows, config.train
    learnt = (windows, fold.train.wearers) if config.wearer else windows
    keras.utils.set_random_seed(seed)
    batch_size = min(train.batch_size, len(windows))
    with (strategy or tf.distribute.get_strategy()).scope():
        length, channels = windows.shape[1:]
        steps = len(windows) // batch_size
        alone, model = build_contrastive(config, length, channels, seed, steps, starts.get("."))
    options = {"batch_size": batch_size, "seed": seed, "callbacks": callbacks}
    pretrain = config.contrastive.pretrain
    if pretrain.epochs:
        fit_resumably(alone, learnt, folder / "pretrain", epochs=pretrain.epochs, **options)

    def epoch_end(rows):
        rows[-1] |= validation_columns(model.generator, fold, config.protocol.watch_test)
        if config.contrastive.shift_weight:
            is_abnormal = fold.is_abnormal(fold.validation)
            logits = shift_logits(model.discriminator, fold.validation.windows)
            rows[-1]["validation_false_shifts"] = float(np.mean(logits[~is_abnormal] > 0))
            if found := separation(logits, is_abnormal):
                rows[-1]["validation_shift_auc"] = found["auc"]

    rows = fit_resumably(model, learnt, folder, epochs=train.epochs, epoch_end=epoch_end, **options)
    if is_chief() and not (folder / SCORER).exists():
        keep(model, folder)
        save(fit_scorer(config, model, fold, seed), folder / SCORER)
    return rows


def fit_scorer(config: Config, model: ContrastiveBeatGAN, fold: Fold, seed: int) -> keras.Model:
    """The configured scorer of a trained ``ContrastiveBeatGAN``."""
    score, wearer, rhythm, seeds = config.score, config.wearer, None, streams(seed)
    if wearer:
        features, is_premature = simulate_timings(
            fold.train, wearer.sequences, wearer.waits, seeds["rhythm_beats"]
        )
        rhythm = fit_rhythm(features, is_premature, seed=seeds["rhythm"])
    return build_scorer(
        model,
        fold.train.windows,
        fold.validation_normals.inputs,
        combine=score.combine,
        prototypes=score.prototypes,
        seed=seeds["prototypes"],
        measure=score.measure,
        rhythm=rhythm,
        core=core_ticks(config.window.before),
    )


def shift_logits(discriminator: keras.Model, windows: np.ndarray) -> np.ndarray:
    """The shift head's logits ``(windows,)``."""
    return discriminator_outputs(predict(discriminator, windows))["shift"][:, 0]
