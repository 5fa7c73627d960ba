"""One process of a distributed training: ``python distribution_worker.py STRATEGY FILE.npz``.

Writes what this process knows afterwards. The test trains with the same functions, alone, on whole batches.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_sibeat.distribution import gather, is_chief, open_strategy, share
from keras_sibeat.losses import nt_xent
from keras_sibeat.models import beatgan
from keras_sibeat.models.networks import conv_discriminator, conv_generator

LENGTH, BATCH, EPOCHS = 64, 8, 2
COLLAPSED = 1.25  # as high as the losses are here, so that some steps re-initialise the discriminator


def windows(count=24):
    return np.random.default_rng(0).uniform(-1, 1, (count, LENGTH, 1)).astype("float32")


def projections():
    """Two views and negatives, for all replicas together."""
    draw = np.random.default_rng(1).normal
    return [draw(size=(rows, 5)).astype("float32") for rows in (6, 6, 4)]


class Recorder(keras.callbacks.Callback):
    """Keeps the logs, for which plain numbers are expected."""

    def __init__(self):
        super().__init__()
        self.batches, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs)


def train(strategy, folder):
    """BeatGAN after ``fit`` on whole batches in their order, as arrays by name."""
    with strategy.scope():
        shape = {"length": LENGTH, "width": 2, "depth": 2, "synchronized": True}
        model = beatgan.BeatGAN(
            conv_generator(**shape, latent=3, seed=0), conv_discriminator(**shape, seed=1), feature_weight=0.5
        )
        # With this optimizer a gradient that is twice as large shows; with Adam it would not.
        optimizers = [keras.optimizers.SGD(0.1, momentum=0.5) for _ in range(2)]
        # Compilation draws other numbers, so it is asked for only where it has to be left out.
        model.compile(*optimizers, jit_compile=strategy.num_replicas_in_sync > 1)
    recorder = Recorder()
    dataset = tf.data.Dataset.from_tensor_slices(windows()).batch(BATCH, drop_remainder=True)
    model.fit(dataset, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[recorder])
    found = {"jit_compile": model.jit_compile}
    for when, logs in (("batch", recorder.batches), ("epoch", recorder.epochs)):
        for name in logs[0]:
            assert all(type(row[name]) is float for row in logs), (when, name, logs)
            found[f"{when}/{name}"] = np.array([row[name] for row in logs])
    variables = [variable for part in (model, *optimizers) for variable in part.variables]
    for number, variable in enumerate(variables):
        copies = getattr(variable.value, "values", [variable.value])  # one for each replica of this process
        found[f"variable/{number}"] = np.array([copy.numpy() for copy in copies])
    found["rebuilt"] = model.predict(windows()[:7], batch_size=4, verbose=0)
    found["evaluated"] = model.evaluate(windows()[:7], batch_size=4, return_dict=True, verbose=0)[
        "rebuild_loss"
    ]
    if is_chief():
        model.save(folder / "model.keras")
    return found


def contrast(strategy):
    """Of each replica of this process: its number, NT-Xent, its part of the gradients and what it gathers."""
    whole = projections()

    @tf.function
    def step():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        parts = [x.shape[0] // strategy.num_replicas_in_sync for x in whole]
        own = [tf.constant(x)[replica * size :][:size] for x, size in zip(whole, parts, strict=True)]
        with tf.GradientTape() as tape:
            tape.watch(own)
            loss = nt_xent(*own[:2], 0.5, negatives=own[2])
            part = share(loss)
        return replica, loss, tape.gradient(part, own), gather(own[2])

    results = strategy.run(step)
    number, loss, gradients, gathered = (
        tf.nest.map_structure(lambda x: np.stack(strategy.experimental_local_results(x)), part)
        for part in results
    )
    found = {"replica": number, "nt_xent": loss, "gathered": gathered}
    return found | dict(zip(("first", "second", "negatives"), gradients, strict=True))


def main(name, file):
    if name == "mirrored":
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = open_strategy(name)
    beatgan.COLLAPSED = COLLAPSED
    found = train(strategy, Path(file).parent)
    np.savez(file, replicas=strategy.num_replicas_in_sync, chief=is_chief(), **found, **contrast(strategy))


if __name__ == "__main__":
    main(*sys.argv[1:])
