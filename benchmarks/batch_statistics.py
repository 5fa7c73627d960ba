"""By which moving statistics should the contrastive discriminator infer? Measured on validation beats.

python benchmarks/batch_statistics.py [CONFIG.toml] --data PATH/TO/mitdb [--runs runs/batch-statistics]

Batch normalisation infers on moving statistics. A step of ``ContrastiveBeatGAN`` judges three batches in
training mode: all windows that train the discriminator, then the rebuilt ones and the first views, for the
generator's feature matching. Compared, on the first configured fold and each seed:

- ``as trained``: all three batches move the statistics, as those of plain BeatGAN do;
- ``re-estimated``: the same weights, their statistics estimated anew over the windows that train the
  discriminator;
- ``kept``: ``ContrastiveBeatGAN`` as it is: the generator's batches do not move them.

Writes results/bench-batch-statistics.json. The test beats are not looked at.
"""

import argparse
from pathlib import Path
from unittest.mock import patch

import numpy as np
from keras import ops
from reporting import report
from rich.console import Console
from sklearn.metrics import log_loss

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.inference import score_parts
from keras_sibeat.models.statistics import kept_statistics, moving_statistics, normalisations
from keras_sibeat.train.contrastive import fit_scorer, shift_logits, train_contrastive
from keras_sibeat.train.fitting import batches, load
from keras_sibeat.train.progress import EpochProgress
from keras_sibeat.train.separation import separation

BATCHES = 100  # to estimate statistics on


def estimate_statistics(model, inputs):
    """Set each normalisation's statistics to the means of its batches' own, over batches of one size."""
    layers, found = normalisations(model), []
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # after a pass the moving statistics are the batch's
    for batch in inputs:
        model(batch, training=True)
        found.append([variable.numpy().astype(float) for variable in moving_statistics(model)])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    for variable, values in zip(moving_statistics(model), zip(*found, strict=True), strict=True):
        variable.assign(np.mean(values, axis=0))


def judged_windows(model, windows, wearers):
    """All windows that a step's discriminator judges of a batch: views, shifted and rebuilt ones."""
    drawn = model.simclr.draw(windows, wearers)
    with kept_statistics(model.generator):
        return ops.concatenate([*drawn, model.generator(drawn[0], training=True)])


def measured(config, model, fold, seed):
    """What the shift head and the whole scorer tell of the validation beats."""
    beats, is_abnormal = fold.validation, fold.is_abnormal(fold.validation)
    logits = shift_logits(model.discriminator, beats.windows)
    scores = score_parts(fit_scorer(config, model, fold, seed), beats.inputs)["score"]
    whole = separation(scores, is_abnormal)
    return {
        "shift_loss": float(log_loss(is_abnormal, 1 / (1 + np.exp(-logits.astype(float))))),
        "false_shifts": float(np.mean(logits[~is_abnormal] > 0)),
        "missed_shifts": float(np.mean(logits[is_abnormal] <= 0)),
        "shift_auc": separation(logits, is_abnormal)["auc"],
        "validation_auc": whole["auc"],
        "validation_ap": whole["ap"],
    }


def variants(config, fold, seed, folder):
    """The three variants' figures for one seed."""
    found = {}
    progress = [EpochProgress(Console())]
    with patch.object(ContrastiveBeatGAN, "_match", BeatGAN._match):
        train_contrastive(config, fold, seed, folder / f"as-trained-seed{seed}", progress)
    model = load(folder / f"as-trained-seed{seed}" / "model.keras")
    found["as trained"] = measured(config, model, fold, seed)
    beats = fold.train
    learnt = (beats.windows, beats.wearers) if config.wearer else (beats.windows, np.zeros(len(beats), int))
    drawn = batches(learnt, config.train.batch_size, seed, range(1, 2)).take(BATCHES)
    given = (judged_windows(model, x, wearers if config.wearer else None) for x, wearers in drawn)
    estimate_statistics(model.discriminator, given)
    found["re-estimated"] = measured(config, model, fold, seed)
    train_contrastive(config, fold, seed, folder / f"kept-seed{seed}", progress)
    model = load(folder / f"kept-seed{seed}" / "model.keras")
    found["kept"] = measured(config, model, fold, seed)
    return found


def main():
    """Parse the command line, train, measure, print, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", type=Path, default=Path("configs/wearer-inter.toml"))
    parser.add_argument("--data", required=True, help="the recordings' folder")
    parser.add_argument("--runs", type=Path, default=Path("runs/batch-statistics"))
    options = parser.parse_args()
    config = read_config(options.config, data=options.data)
    fold = load_folds(config)[config.protocol.folds[0]]
    found = {}
    for seed in config.seeds:
        for name, row in variants(config, fold, seed, options.runs).items():
            found.setdefault(name, []).append(row)
            print(f"seed {seed}, {name}: " + ", ".join(f"{key} {value:.4f}" for key, value in row.items()))
    result = {
        "config": str(options.config),
        "seeds": list(config.seeds),
        "data_sha256": fold.train.sha256,
        "variants": {name: summarise(rows) for name, rows in found.items()},
    }
    report("bench-batch-statistics", result)


if __name__ == "__main__":
    main()
