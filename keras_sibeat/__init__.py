"""keras_sibeat: teaches a wearable to notice an abnormal heartbeat, from normal beats alone."""

from keras_sibeat.layers import scores, shifts, views
from keras_sibeat.layers.imagined import ImaginedWearers
from keras_sibeat.layers.shifts import Shifts
from keras_sibeat.layers.views import TimeWarp, Views
from keras_sibeat.losses import AttentionTransfer, NTXent, SoftTargets, nt_xent
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.distiller import Distiller, as_teacher
from keras_sibeat.models.frskd import SelfTeacher, bifpn, trunk_maps
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)
from keras_sibeat.models.sibeatgan import SIBeatGAN
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.models.student import student
from keras_sibeat.optimizers import LARS, scaled_learning_rate, warmup_cosine
from keras_sibeat.preset import list_presets, load_preset
from keras_sibeat.scorer import build_scorer

__version__ = "0.1.0"

__all__ = [
    "AttentionTransfer",
    "BeatGAN",
    "ContrastiveBeatGAN",
    "Distiller",
    "ImaginedWearers",
    "LARS",
    "NTXent",
    "SIBeatGAN",
    "SelfTeacher",
    "Shifts",
    "SimCLR",
    "SoftTargets",
    "TimeWarp",
    "Views",
    "as_teacher",
    "bifpn",
    "build_scorer",
    "contrastive_discriminator",
    "conv_discriminator",
    "conv_generator",
    "dense_discriminator",
    "dense_generator",
    "list_presets",
    "load_preset",
    "nt_xent",
    "scaled_learning_rate",
    "scores",
    "shifts",
    "student",
    "trunk_maps",
    "views",
    "warmup_cosine",
]
