"""How fast does BeatGAN train, in Keras ``fit`` and in the PyTorch peer, beside what the machine can do?

python benchmarks/train_throughput.py --torch-python PATH/TO/python [--rounds 8] [--steps 40]

``--torch-python`` is the interpreter of an environment with ``beatgan_torch.py``'s requirements. Both train the
full width in batches of 64, in turns: a machine's speed drifts, and only what stands side by side compares.
Every round is printed. ``cores`` is seconds of CPU a second: a round with fewer than the others lost its cores
to another process. Writes results/bench-train-throughput.json.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from keras_sibeat.config import Config
from keras_sibeat.files import write_json
from keras_sibeat.progress import EpochProgress
from keras_sibeat.run import current_commit, installed_versions
from keras_sibeat.scoring import count_multiply_adds
from keras_sibeat.stages import batches, build_beatgan

HERE = Path(__file__).parent
BATCH, LENGTH = 64, 320
# The networks' largest products at batch 64 (rows, inner, columns), forwards, and a square one.
PRODUCTS = [(2560, 128, 128), (1280, 256, 256), (640, 512, 512), (640, 512, 1024), (2048, 2048, 2048)]
SQUARE = "2048 × 2048 × 2048"


class Stopwatch(keras.callbacks.Callback):
    """Clock and CPU time at the end of each batch.

    What lies between the ends of the first and the last batch is all that a step costs within ``fit``:
    taking the next batch, the compiled step, the metrics, the callbacks. Keras has turned a batch's losses
    into Python numbers by then, so its step is done. What an epoch costs once (the dataset, its iterator) is
    left out: a real epoch shares it among a thousand steps.
    """

    def on_train_begin(self, logs=None):
        self.stamps = []

    def on_train_batch_end(self, batch, logs=None):
        self.stamps.append((time.perf_counter(), time.process_time()))

    @property
    def elapsed(self):
        """Seconds on the clock, and of CPU, of all batches but the first."""
        return np.subtract(self.stamps[-1], self.stamps[0])


class KerasTrainer:
    """``fit`` as the train command calls it: the same datasets, compiled step and callbacks."""

    def __init__(self, logs):
        self.model = build_beatgan(Config(), LENGTH, 1, seed=0)
        self.stopwatch = Stopwatch()
        board = keras.callbacks.TensorBoard(logs, write_graph=False)
        self.callbacks = [board, EpochProgress(Console(quiet=True)), self.stopwatch]
        self.time(3)  # traces and compiles

    def time(self, steps):
        """Seconds on the clock, and of CPU, that ``steps`` training steps take."""
        windows = np.random.default_rng(0).uniform(-1, 1, ((steps + 1) * BATCH, LENGTH, 1)).astype("float32")
        dataset = batches(windows, BATCH, 0, range(1))
        self.model.fit(dataset, steps_per_epoch=steps + 1, verbose=0, callbacks=self.callbacks)
        return self.stopwatch.elapsed


class Peer:
    """The PyTorch peer, in a process of its own, which waits between its turns."""

    def __init__(self, process):
        self.process = process
        self.about = json.loads(self._answer())

    @classmethod
    @contextmanager
    def running(cls, python):
        command = [python, str(HERE / "beatgan_torch.py"), "serve"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            yield cls(process)

    def time(self, steps):
        """Seconds on the clock, and of CPU, that ``steps`` training steps take."""
        print(steps, file=self.process.stdin, flush=True)
        return np.array(self._answer().split(), float)

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The peer ended with code {self.process.wait()}; expected an answer.")
        return line


class Products:
    """Float32 matrix products under XLA, as the training step's."""

    def __init__(self):
        self.multiply = tf.function(tf.matmul, jit_compile=True)
        self.factors = {
            " × ".join(map(str, (rows, inner, columns))): (
                tf.random.normal((rows, inner)),
                tf.random.normal((inner, columns)),
            )
            for rows, inner, columns in PRODUCTS
        }
        self.rates()  # compiles

    def rates(self):
        """GFLOP/s of each product."""
        return {name: self._rate(*factors) for name, factors in self.factors.items()}

    def _rate(self, left, right):
        work = 2e-9 * left.shape[0] * left.shape[1] * right.shape[1]
        repeats = max(3, round(10 / work))  # about a tenth of a second at 100 GFLOP/s
        started = time.perf_counter()
        for _ in range(repeats):
            product = self.multiply(left, right)
        product[0, 0].numpy()
        return repeats * work / (time.perf_counter() - started)


def count_work(model):
    """Multiply-adds of a training step for each beat, ours and the peer's.

    A backward pass takes two of the forward pass's size: one for the weights, one for the inputs. Ours runs
    G once, forwards and backwards (3 G); D on real and rebuilt beats, both ways, in its own update (6 D); in
    G's update D forwards on both, and backwards to the rebuilt beats alone (3 D). The peer runs G twice, both
    ways (6 G), and D four times, both ways (12 D): it takes gradients that it throws away, as published.
    Adam, normalisation and activations are not counted, nor is it taken off that a network's first layer
    seldom needs the gradient of its inputs.
    """
    generator, discriminator = count_multiply_adds(model.generator), count_multiply_adds(model.discriminator)
    return {
        "generator": generator,
        "discriminator": discriminator,
        "step": 3 * generator + 9 * discriminator,
        "peer_step": 6 * generator + 12 * discriminator,
    }


def summary(values):
    return {"median": median(values), "least": min(values), "most": max(values), "values": list(values)}


def measure(trainers, products, rounds, steps):
    """Rounds of rates, the trainers in turns: which one begins changes from round to round."""
    found = []
    for number in range(rounds):
        result = {}
        for name in sorted(trainers, reverse=number % 2):
            seconds, cpu = trainers[name].time(steps)
            result[name] = {"beats_per_second": steps * BATCH / seconds, "cores": cpu / seconds}
        result["ratio"] = result["keras"]["beats_per_second"] / result["peer"]["beats_per_second"]
        result["gflops"] = products.rates()
        texts = [
            f"{n} {result[n]['beats_per_second']:4.0f} beats/s on {result[n]['cores']:.2f} cores"
            for n in trainers
        ]
        square = f"products {result['gflops'][SQUARE]:.0f} GFLOP/s"
        print(f"round {number + 1}", *texts, f"ratio {result['ratio']:.2f}", square, sep="  ", flush=True)
        found.append(result)
    return found


def machine():
    """The processor's name, where the system tells it, and the number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor()
    return {"processor": name, "cores": os.cpu_count()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", required=True, metavar="PATH", help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=40, help="training steps a round, of each")
    options = parser.parse_args()
    rounds, steps = options.rounds, options.steps
    with tempfile.TemporaryDirectory() as logs, Peer.running(options.torch_python) as peer:
        ours, products = KerasTrainer(logs), Products()
        found = measure({"keras": ours, "peer": peer}, products, rounds, steps)
    work = count_work(ours.model)
    rates = {
        name: summary([round_[name]["beats_per_second"] for round_ in found]) for name in ("keras", "peer")
    }
    ratio = summary([round_["ratio"] for round_ in found])
    gflops = {name: median(round_["gflops"][name] for round_ in found) for name in products.factors}
    reached = {
        "keras": 2e-9 * work["step"] * rates["keras"]["median"],
        "peer": 2e-9 * work["peer_step"] * rates["peer"]["median"],
    }
    report = {
        "name": "bench-train-throughput",
        "batch": BATCH,
        "rounds": rounds,
        "steps": steps,
        "beats_per_second": rates,
        "cores_used": {
            name: summary([round_[name]["cores"] for round_ in found]) for name in ("keras", "peer")
        },
        "ratio": ratio,
        "multiply_adds_per_beat": work,
        "gflops": {"products": gflops, **reached},
        "share_of_products": {name: value / gflops[SQUARE] for name, value in reached.items()},
        "measurements": found,
        "machine": machine(),
        "command": f"python benchmarks/train_throughput.py --torch-python TORCH_PYTHON --rounds {rounds} --steps {steps}",
        "versions": installed_versions(),
        "peer": peer.about,
        "commit": current_commit(),
    }
    print(f"{machine()['processor']}, {machine()['cores']} cores; batch {BATCH}, {steps} steps a round")
    for name, rate in rates.items():
        spread = f"{rate['least']:.0f} to {rate['most']:.0f}"
        share = (
            f"{reached[name]:.0f} GFLOP/s, {report['share_of_products'][name]:.0%} of the square product's"
        )
        print(f"{name}: median {rate['median']:.0f} beats/s ({spread}), {share}")
    print(f"ratio: median {ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})")
    print(f"multiply-adds a beat: {work['step']:,} a step of ours, {work['peer_step']:,} of the peer's")
    print("products, GFLOP/s:", ", ".join(f"{name} {rate:.0f}" for name, rate in gflops.items()))
    write_json(HERE.parent / "results" / "bench-train-throughput.json", report)


if __name__ == "__main__":
    main()
