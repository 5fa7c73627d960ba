"""Small runs of the train command, and what their folders hold."""

from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import h5py
import pytest

from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.train.run import read_history
from keras_sibeat.train.training import train

SMALL = [
    "data.wearers=4",
    "data.seconds=60",
    "model.width=2",
    "model.depth=2",
    "model.latent=4",
    "train.batch_size=16",
]

CONTRASTIVE = [  # of a contrastive BeatGAN
    *SMALL,
    "train.epochs=2",
    "train.jit_compile=false",
    "score.prototypes=16",
    "contrastive.units=8",
    "contrastive.projection=4",
    "contrastive.views={gain={}}",
    "contrastive.shifts=['early_next', 'bump']",
]
STUDENT = [  # of a student that is trained, with its teacher, in seconds
    *CONTRASTIVE,
    "train.epochs=1",
    "student.width=4",
    "student.depth=3",
]


def command(settings, folder):
    """Arguments of the train command for the defaults with these settings."""
    plain = str(Path(__file__).with_name("plain.toml"))
    return [plain, *(word for setting in settings for word in ("--set", setting)), "--run", str(folder)]


def trained(config, folder, command_line=(), plots=False):
    """Train in ``folder`` as the command does, and return what the run's evaluation found.

    The evaluation's ``plots`` are drawn where a test looks at them.
    """
    run = train(config, folder, command_line)
    with nullcontext() if plots else patch("keras_sibeat.evaluate.runs.plot_part"):
        return evaluate(run)


def weights(part):
    """Everything in the newest checkpoint of a part's folder: weights, optimizers, random streams."""
    values = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            values[name] = item[()]

    (file,) = part.glob("epoch-*.weights.h5")
    with h5py.File(file) as opened:
        opened.visititems(collect)
    return values


def rows(part):
    """The history's rows but for the time they took."""
    history = read_history(part / "history.csv")
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def losses(part):
    """The same, to be compared to rounding.

    Without XLA, TensorFlow may add up a metric's mean in another order each time it builds the graph.
    """
    return [pytest.approx(row, rel=1e-6, nan_ok=True) for row in rows(part)]
