"""The stage that trains a contrastive BeatGAN: SimCLR alone where asked for, then the joint training."""

import keras
import numpy as np
import tensorflow as tf

from keras_sibeat.data.noise import read_noise
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.timings import simulate_timings
from keras_sibeat.distribution import is_chief, replicas
from keras_sibeat.errors import ConfigError
from keras_sibeat.layers.imagined import ImaginedWearers
from keras_sibeat.layers.partners import Partners
from keras_sibeat.layers.shifts import SHIFTS, Shifts
from keras_sibeat.layers.views import VIEWS, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.inference import predict
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.rhythm import fit_rhythm
from keras_sibeat.models.scorer import build_scorer
from keras_sibeat.models.simclr import OUTPUTS, SimCLR, contrastive_discriminator
from keras_sibeat.optimizers import LARS, scaled_learning_rate, warmup_cosine
from keras_sibeat.train.beatgan import keep, part_seeds, validation_columns
from keras_sibeat.train.fitting import fit_resumably, save
from keras_sibeat.train.separation import separation
from keras_sibeat.train.teachers import build_self_teacher

CHECKED = 256  # windows that every view and shift has to bear before training


def build_views(config, seed):
    """The configured ``Views`` and ``Shifts`` (or None), their random streams drawn from ``seed``."""
    contrast, centre = config.contrastive, config.window.before
    layers = []
    for number, (name, settings) in enumerate(contrast.views.items()):
        settings = {**settings, "seed": seed + number}
        if name in ("time_warp", "smooth_time_warp"):
            settings = {"centre": centre, **settings}
        if name == "recorded_noise":
            settings["noise"] = read_noise(contrast.noise, Preprocessing.of(config))
        try:
            layers.append(VIEWS[name](**settings))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"contrastive.views.{name}: {error}") from error
    return Views(layers, own_leads(config)), build_shifts(config, seed)


def build_shifts(config, seed):
    """The configured ``Shifts``, or None where there are none, their random streams drawn from ``seed``."""
    shifts = [
        SHIFTS[name](centre=config.window.before, seed=seed + 100 + number)
        for number, name in enumerate(config.contrastive.shifts)
    ]
    return Shifts(shifts, seed=seed + 99, leads=own_leads(config)) if shifts else None


def build_imagined(config, seed):
    """The configured ``ImaginedWearers``, or None where there are none, its random stream of the ``seed``."""
    if not (config.wearer and config.wearer.imagined):
        return None
    return ImaginedWearers(config.wearer.imagined, own_leads(config), config.window.before, seed + 97)


def own_leads(config):
    """How many channels of a window are the beat's own, beside a template of as many; None: all of them."""
    return len(config.data.leads) if config.wearer else None


def check_contrastive(config, windows):
    """Raise ``ConfigError`` where these training windows are too few, or a view or shift spoils them."""
    if len(windows) < 2:
        raise ConfigError(f"Contrast: found {len(windows)} beat to learn from; expected 2 or more.")
    windows = windows[:CHECKED]
    views, shifts = build_views(config, seed=0)
    for layer in [*views.layers, *(shifts.layers if shifts else [])]:
        name = type(layer).__name__
        try:
            layer.build(windows.shape)
            # Not by a call, whose errors Keras wraps in a page of arguments.
            changed = np.asarray(layer.augment(tf.constant(windows)))
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
            told = str(error)
            raise ConfigError(told if told.startswith(f"{name}: ") else f"{name}: {told}") from error
        if changed.shape != windows.shape:
            raise ConfigError(f"{name}: found windows of {changed.shape}, expected {windows.shape}.")
        if not np.isfinite(changed).all():
            raise ConfigError(f"{name}: found NaN or infinity in what it returns, expected numbers.")


def build_contrastive(config, length, channels, seed, steps):
    """The configured models for windows ``(length, channels)``: ``SimCLR`` and ``ContrastiveBeatGAN``.

    Both share the discriminator, the views and the shifts, and are compiled, their schedules laid for
    ``steps`` steps an epoch.
    """
    model, train, contrast = config.model, config.train, config.contrastive
    seeds = part_seeds(seed, 4)
    size = {"length": length, "channels": channels, "width": model.width, "depth": model.depth}
    size["synchronized"] = replicas() > 1
    generator = conv_generator(**size, latent=model.latent, seed=seeds[0])
    heads = {"head": contrast.head, "units": contrast.units, "projection": contrast.projection}
    discriminator = contrastive_discriminator(**size, **heads, seed=seeds[1])
    views, shifts = build_views(config, seeds[2] % 2**30)
    self_teacher = build_self_teacher(discriminator, config.frskd, seeds[3])
    partners = Partners(seeds[2] % 2**30 + 98) if config.wearer else None
    imagined = build_imagined(config, seeds[2] % 2**30)

    def simclr(part):
        return SimCLR(
            discriminator,
            views,
            shifts,
            contrast.temperature,
            part.nt_xent_weight,
            part.shift_weight,
            contrast.hard_negatives,
            self_teacher,
            partners,
            imagined,
        )

    def decay(rate, epochs):
        warmup = round(contrast.warmup_epochs * steps)
        return warmup_cosine(rate, epochs * steps, min(warmup, epochs * steps // 2))

    def descent(part, epochs):
        rate = scaled_learning_rate(part.learning_rate, train.batch_size, contrast.scaling)
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


def train_contrastive(config, fold, seed, folder, callbacks=(), strategy=None):
    """Train on ``fold`` in ``folder``, going on from its newest checkpoint; returns the history's rows.

    The last epoch counts, in which the learning rate has decayed to nothing: no validation beat selects
    anything. Afterwards ``model.keras`` holds it, ``generator.keras`` its generator, and ``scorer.keras`` the
    scores fitted to it. What ``check_contrastive`` refuses is not to be trained on.
    """
    windows, train = fold.train.windows, config.train
    learnt = (windows, fold.train.wearers) if config.wearer else windows
    keras.utils.set_random_seed(seed)
    batch_size = min(train.batch_size, len(windows))
    with (strategy or tf.distribute.get_strategy()).scope():
        alone, model = build_contrastive(config, *windows.shape[1:], seed, len(windows) // batch_size)
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
            if is_abnormal.any():
                rows[-1]["validation_shift_auc"] = separation(logits, is_abnormal)["auc"]

    rows = fit_resumably(model, learnt, folder, epochs=train.epochs, epoch_end=epoch_end, **options)
    if is_chief():
        keep(model, folder)
        save(fit_scorer(config, model, fold, seed), folder / "scorer.keras")
    return rows


def fit_scorer(config, model, fold, seed):
    """The configured scorer of a trained ``ContrastiveBeatGAN``."""
    score, rhythm = config.score, None
    if config.wearer:
        wearer = config.wearer
        rhythm = fit_rhythm(*simulate_timings(fold.train, wearer.sequences, wearer.waits, seed), seed=seed)
    normals = fold.validation_normals.inputs
    options = (score.combine, score.prototypes, seed, score.measure, rhythm)
    return build_scorer(model, fold.train.windows, normals, *options)


def shift_logits(discriminator, windows):
    """The shift head's logits ``(windows,)``."""
    shift = predict(discriminator, windows)[OUTPUTS.index("shift")]
    return np.asarray(shift)[:, 0]
