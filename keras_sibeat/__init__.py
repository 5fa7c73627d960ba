"""keras_sibeat: teaches a wearable to notice an abnormal heartbeat, from normal beats alone."""

from keras_sibeat.layers import scores, shifts, views
from keras_sibeat.layers.shifts import Shifts
from keras_sibeat.layers.views import TimeWarp, Views
from keras_sibeat.losses import NTXent, nt_xent
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.optimizers import LARS, scaled_learning_rate, warmup_cosine
from keras_sibeat.scorer import build_scorer

__version__ = "0.1.0"

__all__ = [
    "BeatGAN",
    "ContrastiveBeatGAN",
    "LARS",
    "NTXent",
    "Shifts",
    "SimCLR",
    "TimeWarp",
    "Views",
    "build_scorer",
    "contrastive_discriminator",
    "conv_discriminator",
    "conv_generator",
    "dense_discriminator",
    "dense_generator",
    "nt_xent",
    "scaled_learning_rate",
    "scores",
    "shifts",
    "views",
    "warmup_cosine",
]
