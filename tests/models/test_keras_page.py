"""docs/keras.md: its code runs as it stands, one block after the other."""

import keras
import pytest
from pages import blocks, run_blocks

from keras_sibeat.models.beatgan import BeatGAN

PAGE = "keras.md"


@pytest.fixture
def float32():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def test_the_pages_code_runs(tmp_path, monkeypatch, float32):
    monkeypatch.chdir(tmp_path)
    names = run_blocks(PAGE)
    assert len(blocks(PAGE)) == 4 and names["scores"].shape == (64,)
    assert (tmp_path / "beatgan" / "saved_model.pb").exists()
    assert type(names["gan"]) is BeatGAN and names["gan"].generator.output.dtype == "bfloat16"
    assert names["simclr"].optimizer.built and 0 < len(names["stop"].model.history.history["val_loss"]) <= 3
