"""The published BeatGAN training step in PyTorch: what ours is compared with, in speed and in AUC.

Written from the paper (Zhou et al., IJCAI 2019) and the published hyper-parameters: kernel 4, stride 2,
width 32, latent 50, Adam(1e-4, betas=(0.5, 0.999)), batch 64, feature-matching weight 1. As in the published
code, a step runs the generator twice and the discriminator four times, no pass is cut short, and the
discriminator is initialised anew when its loss falls below 5e-6.

It needs none of this library, but a virtual environment of its own:

    pip install torch==2.13.0 numpy scikit-learn
    python beatgan_torch.py train --fold fold.npz --epochs 30 --json peer.json
    python beatgan_torch.py serve                    # a number of steps a line; for alternating timing
    python beatgan_torch.py export-weights peer.npz  # weights, and what the networks make of some beats

``fold_file.py`` writes ``fold.npz``: float32 ``train`` (N, 320) and ``test`` (M, 320), each beat scaled to
[-1, 1], and ``labels`` (M,), 1 for an abnormal beat.
"""

import argparse
import json
import os
import platform
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss

LENGTH, LATENT, BATCH = 320, 50, 64
WIDTHS = (32, 64, 128, 256, 512)
SPAN = LENGTH // 2 ** len(WIDTHS)  # ticks that the last halving leaves
COLLAPSED = 5e-6


def encoder() -> nn.Sequential:
    """``(batch, 1, 320)`` → ``(batch, 512, 10)``."""
    layers = [nn.Conv1d(1, WIDTHS[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for narrow, wide in pairwise(WIDTHS):
        layers += [nn.Conv1d(narrow, wide, 4, 2, 1, bias=False), nn.BatchNorm1d(wide), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def decoder() -> nn.Sequential:
    """``(batch, 50, 1)`` → ``(batch, 1, 320)``."""
    layers = [nn.ConvTranspose1d(LATENT, WIDTHS[-1], SPAN, bias=False), nn.BatchNorm1d(WIDTHS[-1]), nn.ReLU()]
    for wide, narrow in pairwise(reversed(WIDTHS)):
        layers += [nn.ConvTranspose1d(wide, narrow, 4, 2, 1, bias=False), nn.BatchNorm1d(narrow), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose1d(WIDTHS[0], 1, 4, 2, 1, bias=False), nn.Tanh())


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = encoder()
        self.head = nn.Conv1d(WIDTHS[-1], 1, SPAN, bias=False)

    def forward(self, beats: Tensor) -> tuple[Tensor, Tensor]:
        """Probability ``(batch,)`` that each beat is real, and the features."""
        features = self.trunk(beats)
        return torch.sigmoid(self.head(features)).flatten(), features


def initialise(layer: nn.Module):
    if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
        nn.init.xavier_normal_(layer.weight)
    elif isinstance(layer, nn.BatchNorm1d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


def adam(network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.5, 0.999))


class BeatGAN:
    def __init__(self):
        code = nn.Conv1d(WIDTHS[-1], LATENT, SPAN, bias=False)
        self.generator = nn.Sequential(encoder(), code, decoder()).apply(initialise)
        self.discriminator = Discriminator().apply(initialise)
        self.generator_optimizer = adam(self.generator)
        self.discriminator_optimizer = adam(self.discriminator)
        self.reinitialised = 0

    def step(self, beats: Tensor) -> float:
        """Train on ``(batch, 1, 320)``; returns the mean squared error of the rebuilt beats."""
        self.discriminator.zero_grad()
        real, _ = self.discriminator(beats)
        # Not detached, as published: the backward pass goes on into the generator, for nothing.
        fake, _ = self.discriminator(self.generator(beats))
        loss = binary_cross_entropy(real, torch.ones_like(real))
        loss = loss + binary_cross_entropy(fake, torch.zeros_like(fake))
        loss.backward()
        self.discriminator_optimizer.step()

        self.generator.zero_grad()
        rebuilt = self.generator(beats)
        _, features = self.discriminator(rebuilt)
        _, wanted = self.discriminator(beats)
        error = mse_loss(rebuilt, beats)
        (error + mse_loss(features, wanted)).backward()
        self.generator_optimizer.step()

        if loss.item() < COLLAPSED:
            self.discriminator.apply(initialise)
            self.reinitialised += 1
        return error.item()

    @torch.no_grad()
    def scores(self, beats: Tensor) -> np.ndarray:
        """Mean squared error of each rebuilt beat, at inference."""
        self.generator.eval()
        scores = [(part - self.generator(part)).square().mean((1, 2)) for part in beats.split(512)]
        self.generator.train()
        return torch.cat(scores).numpy()


def versions() -> dict[str, str]:
    modules = {"torch": torch, "numpy": np, "scikit-learn": sklearn}
    return {"python": platform.python_version(), **{name: str(m.__version__) for name, m in modules.items()}}


def random_beats(count: int, seed: int = 0) -> Tensor:
    values = np.random.default_rng(seed).uniform(-1, 1, (count, 1, LENGTH))
    return torch.from_numpy(values.astype("float32"))


def train(fold: Path, epochs: int, seed: int, report: Path | None):
    """Train on a fold; after each epoch print what it came to, and write all epochs so far."""
    arrays = np.load(fold)
    beats, test = (torch.from_numpy(arrays[part])[:, None] for part in ("train", "test"))
    torch.manual_seed(seed)
    model, rows = BeatGAN(), []
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        order = torch.randperm(len(beats)).split(BATCH)
        errors = [model.step(beats[batch]) for batch in order if len(batch) == BATCH]
        seconds, scores = time.perf_counter() - started, model.scores(test)
        row = {
            "epoch": epoch,
            "seconds": seconds,
            "beats_per_second": len(errors) * BATCH / seconds,
            "rebuild_loss": float(np.mean(errors)),
            "reinitialised": model.reinitialised,  # up to now
            "test_auc": float(roc_auc_score(arrays["labels"], scores)),
            "test_ap": float(average_precision_score(arrays["labels"], scores)),
        }
        rows.append(row)
        print(
            f"epoch {epoch}  AUC {row['test_auc']:.4f}  AP {row['test_ap']:.4f}  "
            f"rebuild loss {row['rebuild_loss']:.4f}  {row['beats_per_second']:.0f} beats/s",
            flush=True,
        )
        if report:
            found = {"seed": seed, "batch": BATCH, "threads": torch.get_num_threads(), "versions": versions()}
            partial = report.with_name(f".partial-{report.name}")
            partial.write_text(json.dumps({**found, "epochs": rows}, indent=2) + "\n")
            os.replace(partial, report)


def serve(scored: int):
    """Print a line of JSON when ready; then, for each line with a number of steps, the seconds they took.

    A step trains on a batch or scores as many beats as ``scored`` says.
    """
    torch.manual_seed(0)
    model = BeatGAN()
    step, beats = (model.scores, random_beats(scored)) if scored else (model.step, random_beats(BATCH))
    for _ in range(3):
        step(beats)
    print(json.dumps({"versions": versions(), "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        step(beats)  # wakes the threads and fills the caches
        started = time.perf_counter()
        for _ in range(int(line)):
            step(beats)
        print(time.perf_counter() - started, flush=True)


@torch.no_grad()
def export_weights(file: Path):
    """Write the state of both networks after three steps, some beats, and what comes out of them.

    Three steps, so that the moving statistics of the batch normalisation say something.
    """
    torch.manual_seed(0)
    model, beats = BeatGAN(), random_beats(16, seed=1)
    with torch.enable_grad():
        for seed in range(2, 5):
            model.step(random_beats(BATCH, seed))
    networks = {"generator": model.generator.eval(), "discriminator": model.discriminator.eval()}
    arrays = {
        f"{name}/{key}": value.numpy()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    probability, features = model.discriminator(beats)
    outputs = {
        "beats": beats,
        "rebuilt": model.generator(beats),
        "features": features,
        "logit": model.discriminator.head(features).flatten(),
        "probability": probability,
    }
    np.savez(file, **arrays, **{name: value.numpy() for name, value in outputs.items()})


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True)
    trains = commands.add_parser("train", help="train on a fold, scoring its test beats after each epoch")
    trains.add_argument("--fold", type=Path, required=True)
    trains.add_argument("--epochs", type=int, required=True)
    trains.add_argument("--seed", type=int, default=0)
    trains.add_argument("--json", type=Path)
    serves = commands.add_parser("serve", help="time as many steps as each line of the standard input says")
    serves.add_argument("--score", type=int, default=0, metavar="N", help="score N beats a step, not train")
    exports = commands.add_parser("export-weights", help="write weights and outputs to compare with")
    exports.add_argument("file", type=Path)
    options = parser.parse_args()
    if options.command == "train":
        train(options.fold, options.epochs, options.seed, options.json)
    elif options.command == "serve":
        serve(options.score)
    else:
        export_weights(options.file)


if __name__ == "__main__":
    main()
