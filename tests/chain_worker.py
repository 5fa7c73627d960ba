"""One process of a training: ``python chain_worker.py DEVICES FILE.npz RUN [SETTING …]``.

Trains in the folder RUN as the train command does, on so many logical CPUs, and evaluates. Several
runs are set apart by ``--``. FILE then holds each model that was fitted, in their order: its name, losses,
and all of its weights and optimizers' variables before and after, as ``0/name``, ``0/losses``,
``0/before/3``, ….
"""

import sys
from itertools import groupby
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_sibeat.config import read_config
from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.train.training import train


def variables(model):
    optimizers = [model.optimizer, getattr(model, "discriminator_optimizer", None)]
    own = [variable for each in optimizers if each is not None for variable in each.variables]
    return [*model.weights, *own]


def copies(model):
    """Of each variable one copy for every replica of this process."""
    values = [getattr(variable.value, "values", [variable.value]) for variable in variables(model)]
    return [np.stack([copy.numpy() for copy in replicas]) for replicas in values]


def record(found):
    """Have every ``fit`` add to ``found`` what it changes."""
    fit, numbers = keras.Model.fit, iter(range(100))

    def recorded(model, *args, **kwargs):
        if model.name == "rhythm_network":  # of simulated rhythms, by the process alone that fits the scorer
            return fit(model, *args, **kwargs)
        before, number = copies(model), next(numbers)
        history = fit(model, *args, **kwargs)
        found[f"{number}/name"] = model.name
        found[f"{number}/losses"] = np.array(history.history["loss"])
        for when, values in (("before", before), ("after", copies(model))):
            found.update({f"{number}/{when}/{place}": value for place, value in enumerate(values)})
        return history

    keras.Model.fit = recorded


def main(devices, file, *runs):
    if int(devices) > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * int(devices)
        )
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as in conftest.py
    found = {}
    record(found)
    for is_run, words in groupby(runs, lambda word: word != "--"):
        if is_run:
            folder, *settings = words
            run = train(read_config(overrides=settings), Path(folder))
            if run is not None:  # in the process that writes the files
                evaluate(run)
    np.savez(file, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
