"""What a training shows: a line an epoch, and a bar where someone watches."""

import io

import keras
import numpy as np
import pytest
from rich.console import Console

from keras_sibeat.train.progress import EpochProgress


def shown(epochs, **options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    console = Console(file=io.StringIO(), width=100, **options)
    model.fit(np.ones((6, 2)), np.ones(6), 3, epochs, verbose=0, callbacks=[EpochProgress(console)])
    return console.file.getvalue()


def test_a_log_has_a_line_an_epoch_and_nothing_else():
    lines = shown(2).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1", "epoch 2"]
    assert all("loss" in line for line in lines)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_terminal_has_a_bar_over_the_steps(epochs):
    assert f"epoch {epochs}/{epochs}" in shown(epochs, force_terminal=True)
