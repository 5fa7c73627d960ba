"""The benchmarks' own code, as far as it needs no torch."""

import importlib.util
from pathlib import Path

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.sources import load_folds

FOLD_FILE = Path(__file__).parents[1] / "benchmarks" / "fold_file.py"


def test_fold_file_holds_the_protocols_beats(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SIBEAT_CACHE", str(tmp_path))
    spec = importlib.util.spec_from_file_location("fold_file", FOLD_FILE)
    fold_file = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fold_file)
    config = Config(data={"wearers": 2, "seconds": 90}, protocol={"folds": (3,)})
    fold = load_folds(config)[3]
    arrays = fold_file.fold_arrays(fold)
    assert arrays["train"].shape == (len(fold.train), 320)
    np.testing.assert_array_equal(arrays["train"], fold.train.windows[..., 0])
    np.testing.assert_array_equal(arrays["test"], fold.test.windows[..., 0])
    assert arrays["train"].dtype == arrays["test"].dtype == np.float32
    np.testing.assert_array_equal(arrays["labels"] == 1, fold.test.classes != "N")
    assert set(arrays["labels"]) == {0, 1}
