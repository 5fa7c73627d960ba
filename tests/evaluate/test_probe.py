"""A linear probe finds classes where an embedding holds them, and nothing where it does not."""

import json

import numpy as np
import pytest
from checkpoints import CONTRASTIVE, trained

from keras_sibeat.config import read_config
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate import probe as command
from keras_sibeat.evaluate.linear_probe import linear_probe, probe
from keras_sibeat.train.training import train

SMALL = [*CONTRASTIVE, "data.wearers=8", "data.seconds=120", "train.epochs=1"]


def embeddings(spread, seed=0, beats=600):
    """Classes with very different numbers of beats, their centres ``spread`` apart."""
    random = np.random.default_rng(seed)
    classes = random.choice(list("NSVF"), beats, p=[0.7, 0.1, 0.15, 0.05])
    centres = spread * np.eye(4)[["NSVF".index(name) for name in classes]]
    return centres + random.normal(size=(beats, 4)), classes


def test_classes_that_are_far_apart_are_found():
    metrics = linear_probe(*embeddings(20), *embeddings(20, seed=1))
    assert metrics["balanced_accuracy"] == metrics["f1_macro"] == 1
    assert all(metrics[f"auc_{name}"] == pytest.approx(1) for name in "NSVF")


def test_classes_that_are_not_there_are_not_found():
    metrics = linear_probe(*embeddings(0), *embeddings(0, seed=1, beats=4000))
    assert metrics["balanced_accuracy"] == pytest.approx(0.25, abs=0.05)
    assert all(metrics[f"auc_{name}"] == pytest.approx(0.5, abs=0.06) for name in "NSVF")


def test_a_probe_stands_beside_random_weights(tmp_path):
    config = read_config(overrides=[*SMALL, "protocol.name=inter_patient", "contrastive.units=3"])
    trained(config, tmp_path / "run")
    command.main([str(tmp_path / "run"), "--report", str(tmp_path / "results")])
    results = {
        name: json.loads((tmp_path / "results" / f"probe-unnamed-{name}.json").read_text())
        for name in ("trained", "random")
    }
    metrics = [result["metrics"] for result in results.values()]
    assert metrics[0] != metrics[1] and metrics[0].keys() == metrics[1].keys()
    assert all(0 <= metric["mean"] <= 1 for part in metrics for metric in part.values())


def test_another_run_than_a_contrastive_one_on_new_wearers_is_refused(tmp_path):
    run = train(read_config(overrides=SMALL), tmp_path / "run")
    with pytest.raises(RunError, match="expected a contrastive run under protocol inter_patient"):
        probe(run)
