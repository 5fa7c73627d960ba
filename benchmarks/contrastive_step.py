"""How fast does the contrastive discriminator train, and what share of that do views and shifts take?

python benchmarks/contrastive_step.py [CONFIG.toml] [--rounds 8] [--steps 20]

Times, in turns, the compiled parts of a step of the configured ``ContrastiveBeatGAN`` on synthetic windows:
the augmentation alone (two views and the shifts), the discriminator's whole update with augmentation and all
losses, and the full step with the generator's update. Writes results/bench-contrastive-step.json.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf
from reporting import report

from keras_sibeat.config import read_config
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.train.contrastive import build_contrastive


def compiled_parts(model):
    """The parts of a step, each a compiled function of a batch of windows."""

    def discriminate(windows):
        drawn = model.simclr.draw(windows)
        return model._update_discriminator(drawn[0], *drawn)  # the rebuilt windows' values do not matter

    parts = {
        "augmentation": model.simclr.draw,
        "discriminator": discriminate,
        "full step": lambda windows: model.train_step(windows)["loss"],
    }
    return {name: tf.function(part, jit_compile=True) for name, part in parts.items()}


def seconds(function, windows, steps):
    """Seconds that ``steps`` calls take."""
    started = time.perf_counter()
    for _ in range(steps):
        results = function(windows)
    tf.nest.map_structure(lambda result: result.numpy(), results)
    return time.perf_counter() - started


def main():
    """Parse the command line, measure, print, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", type=Path, default=Path("configs/contrastive.toml"))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    config = read_config(options.config, data=".")
    batch = config.train.batch_size
    _, model = build_contrastive(config, config.window.length, 1, seed=0, steps=1000)
    windows = tf.constant(np.random.default_rng(0).uniform(-1, 1, (batch, 320, 1)), tf.float32)
    parts = compiled_parts(model)
    for part in parts.values():
        seconds(part, windows, 2)  # traces and compiles
    rounds = [
        {name: batch * options.steps / seconds(part, windows, options.steps) for name, part in parts.items()}
        for _ in range(options.rounds)
    ]
    middle = {name: median(row[name] for row in rounds) for name in parts}
    share = median(row["discriminator"] / row["augmentation"] for row in rounds)
    for name, rate in middle.items():
        print(f"{name}: {rate:.0f} beats a second")
    print(f"augmentation's share of the discriminator's update: {share:.1%}")
    result = {
        "batch": batch,
        "beats_per_second": middle,
        "augmentation_share": share,
        "discriminator": {
            "parameters": count_parameters(model.discriminator),
            "multiply_adds": count_multiply_adds(model.discriminator),
        },
        "rounds": rounds,
    }
    report("bench-contrastive-step", result)


if __name__ == "__main__":
    main()
