"""How fast does BeatGAN train, in Keras ``fit`` and in the PyTorch peer, beside what the machine can do?

python benchmarks/train_throughput.py --torch-python PATH/TO/python [--rounds 8] [--steps 40]

``--torch-python`` is the interpreter of an environment with ``beatgan_torch.py``'s requirements. Both train
the full width in batches of 64, in turns: a machine's speed drifts, and only what stands side by side
compares. Every round is printed, with the cores that other processes kept busy during each turn: where that
is more than a few hundredths, the turn says little, least about the peer, whose threads then wait for one
another. Linux only. Writes results/bench-train-throughput.json.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from reporting import HERE, report
from rich.console import Console

from keras_sibeat.config import Config
from keras_sibeat.models.size import count_multiply_adds
from keras_sibeat.train.beatgan import build_beatgan
from keras_sibeat.train.fitting import batches
from keras_sibeat.train.progress import EpochProgress

BATCH, LENGTH = 64, 320
# The networks' largest products at batch 64 (rows, inner, columns), forwards, and a square one.
PRODUCTS = [(2560, 128, 128), (1280, 256, 256), (640, 512, 512), (640, 512, 1024), (2048, 2048, 2048)]
SQUARE = "2048 × 2048 × 2048"


class Stopwatch(keras.callbacks.Callback):
    """The time at the end of each batch.

    What lies between the ends of the first and the last batch is all that a step costs within ``fit``:
    taking the next batch, the compiled step, the metrics, the callbacks. Keras has turned a batch's losses
    into Python numbers by then, so its step is done. What an epoch costs once (the dataset, its iterator) is
    left out: a real epoch shares it among a thousand steps.
    """

    def on_train_begin(self, logs=None):
        self.stamps = []

    def on_train_batch_end(self, batch, logs=None):
        self.stamps.append(time.perf_counter())


class KerasTrainer:
    """``fit`` as the train command calls it: the same datasets, compiled step and callbacks."""

    def __init__(self, logs):
        self.model = build_beatgan(Config(), LENGTH, 1, seed=0)
        self.stopwatch = Stopwatch()
        board = keras.callbacks.TensorBoard(logs, write_graph=False)
        self.callbacks = [board, EpochProgress(Console(quiet=True)), self.stopwatch]
        self.time(3)  # traces and compiles

    def time(self, steps):
        """Seconds that ``steps`` training steps take."""
        windows = np.random.default_rng(0).uniform(-1, 1, ((steps + 1) * BATCH, LENGTH, 1)).astype("float32")
        dataset = batches(windows, BATCH, 0, range(1))
        settings = {"shuffle": False, "verbose": 0, "callbacks": self.callbacks}
        self.model.fit(dataset, steps_per_epoch=steps + 1, **settings)
        return self.stopwatch.stamps[-1] - self.stopwatch.stamps[0]


class Peer:
    """The PyTorch peer, in a process of its own, which waits between its turns."""

    def __init__(self, process):
        self.process = process
        self.about = json.loads(self._answer())

    @classmethod
    @contextmanager
    def running(cls, python, *options):
        command = [python, str(HERE / "beatgan_torch.py"), "serve", *options]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            yield cls(process)

    def time(self, steps):
        """Seconds that ``steps`` training steps take."""
        print(steps, file=self.process.stdin, flush=True)
        return float(self._answer())

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
    return {"median": median(values), "least": min(values), "most": max(values)}


def foreign_seconds(processes):
    """Seconds of CPU that all but these processes have taken, those of other virtual machines included."""
    user, nice, system, _, _, *interrupts_and_steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    ticks = user + nice + system + sum(interrupts_and_steal)
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks -= int(fields[11]) + int(fields[12])  # the process's user and system time
    return ticks / os.sysconf("SC_CLK_TCK")


def time_turn(trainer, steps, processes):
    """Beats a second, and the cores that other processes kept busy meanwhile."""
    started, foreign = time.perf_counter(), foreign_seconds(processes)
    seconds = trainer.time(steps)
    cores = (foreign_seconds(processes) - foreign) / (time.perf_counter() - started)
    return {"beats_per_second": steps * BATCH / seconds, "foreign_cores": round(max(cores, 0.0), 2)}


def measure(ours, peer, products, rounds, steps):
    """Rounds, in each of which both take a turn; which one begins changes from round to round."""
    processes, found = (os.getpid(), peer.process.pid), []
    for number in range(rounds):
        trainers = [("keras", ours), ("peer", peer)][:: -1 if number % 2 else 1]
        turns = {name: time_turn(trainer, steps, processes) for name, trainer in trainers}
        ratio = turns["keras"]["beats_per_second"] / turns["peer"]["beats_per_second"]
        row = {"keras": turns["keras"], "peer": turns["peer"], "ratio": ratio, "gflops": products.rates()}
        found.append(row)
        texts = [
            f"{name} {turn['beats_per_second']:.0f} beats/s (others on {turn['foreign_cores']:.2f} cores)"
            for name, turn in sorted(turns.items())
        ]
        print(f"round {number + 1}", *texts, f"ratio {ratio:.2f}", sep="  ", flush=True)
    return found


def machine():
    """The processor's name and the number of cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"processor": names[0] if names else "unknown", "cores": os.cpu_count()}


def summarise_rounds(found, work, steps):
    """What the rounds come to: medians, spread, and shares of the machine's rate of matrix products."""
    rates = {name: summary([row[name]["beats_per_second"] for row in found]) for name in ("keras", "peer")}
    gflops = {name: median(row["gflops"][name] for row in found) for name in found[0]["gflops"]}
    reached = {
        "keras": 2e-9 * work["step"] * rates["keras"]["median"],
        "peer": 2e-9 * work["peer_step"] * rates["peer"]["median"],
    }
    return {
        "batch": BATCH,
        "steps": steps,
        "rounds": found,
        "beats_per_second": rates,
        "ratio": summary([row["ratio"] for row in found]),
        "multiply_adds_per_beat": work,
        "gflops": {**reached, "products": gflops},
        "share_of_square_product": {name: value / gflops[SQUARE] for name, value in reached.items()},
        "machine": machine(),
    }


def show(result):
    place = result["machine"]
    print(f"{place['processor']}, {place['cores']} cores; batch {BATCH}, {result['steps']} steps a round")
    for name, rate in result["beats_per_second"].items():
        reached, share = result["gflops"][name], result["share_of_square_product"][name]
        print(
            f"{name}: median {rate['median']:.0f} beats/s ({rate['least']:.0f} to {rate['most']:.0f}), "
            f"{reached:.0f} GFLOP/s, {share:.0%} of the square product's"
        )
    ratio, work = result["ratio"], result["multiply_adds_per_beat"]
    print(f"ratio: median {ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})")
    print(f"multiply-adds a beat: {work['step']:,} in our step, {work['peer_step']:,} in the peer's")
    products = result["gflops"]["products"]
    print("products, GFLOP/s:", ", ".join(f"{name}: {rate:.0f}" for name, rate in products.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", required=True, metavar="PATH", help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=40, help="training steps a round, of each")
    options = parser.parse_args()
    rounds, steps = options.rounds, options.steps
    with tempfile.TemporaryDirectory() as logs, Peer.running(options.torch_python) as peer:
        ours, products = KerasTrainer(logs), Products()
        found = measure(ours, peer, products, rounds, steps)
    result = {**summarise_rounds(found, count_work(ours.model), steps), "peer": peer.about}
    show(result)
    report("bench-train-throughput", result)


if __name__ == "__main__":
    main()
