"""keras_sibeat: teaches a wearable to notice an abnormal heartbeat, from normal beats alone."""

from keras_sibeat.layers.views import TimeWarp
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)

__version__ = "0.1.0"

__all__ = [
    "BeatGAN",
    "TimeWarp",
    "conv_discriminator",
    "conv_generator",
    "dense_discriminator",
    "dense_generator",
]
