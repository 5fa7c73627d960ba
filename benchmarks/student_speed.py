"""How many beats a second do the student, its teacher and the PyTorch peer score, and by how much work?

python benchmarks/student_speed.py RUN --torch-python PATH/TO/python [--rounds 8] [--seconds 2]

``RUN`` is a student's finished run, ``--torch-python`` the interpreter of an environment with
``beatgan_torch.py``'s requirements. All score batches of 512 beats, in turns: a machine's speed drifts, and
only what stands side by side compares. Writes results/bench-student-speed.json.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf
from reporting import report
from train_throughput import LENGTH, Peer, machine, summary

from keras_sibeat.models.inference import BATCH
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.train.fitting import load
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run
from keras_sibeat.train.student import load_scorer


class Scorer:
    """A Keras model under XLA."""

    def __init__(self, model):
        self.judge = tf.function(lambda beats: model(beats, training=False), jit_compile=True)
        values = np.random.default_rng(0).uniform(-1, 1, (BATCH, LENGTH, 1))
        self.beats = tf.constant(values.astype("float32"))
        self.time(1)  # compiles

    def time(self, steps):
        """Seconds that ``steps`` batches take."""
        started = time.perf_counter()
        for _ in range(steps):
            judged = self.judge(self.beats)
        tf.nest.map_structure(lambda output: output.numpy(), judged)
        return time.perf_counter() - started


def measure(scorers, rounds, seconds):
    """Beats a second of each in every round; each turn lasts about ``seconds``."""
    steps = {name: max(1, round(seconds / scorer.time(1))) for name, scorer in scorers.items()}
    found = []
    for number in range(rounds):
        names = list(scorers)[:: -1 if number % 2 else 1]
        found.append({name: steps[name] * BATCH / scorers[name].time(steps[name]) for name in names})
        print(f"round {number + 1}", *(f"{k} {v:.0f} beats/s" for k, v in found[-1].items()), sep="  ")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a student's finished run")
    parser.add_argument("--torch-python", required=True, metavar="PATH", help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    options = parser.parse_args()
    run = Run(options.run)
    part = next(iter(run.parts().values()))
    models = {
        "student": load(part / "student.keras"),
        "teacher": load_scorer(run.config, part),
        "beatgan": conv_generator(),
    }
    sizes = {
        name: {"parameters": count_parameters(model), "multiply_adds": count_multiply_adds(model)}
        for name, model in models.items()
    }
    with Peer.running(options.torch_python, "--score", str(BATCH)) as peer:
        scorers = {**{name: Scorer(model) for name, model in models.items()}, "peer": peer}
        found = measure(scorers, options.rounds, options.seconds)
    result = {
        "models": sizes,
        "beats_per_second": {name: summary([row[name] for row in found]) for name in scorers},
        "student_times_peer": median(row["student"] / row["peer"] for row in found),
        "student_times_teacher": median(row["student"] / row["teacher"] for row in found),
        "rounds": found,
        "peer": peer.about,
        "machine": machine(),
    }
    for name, size in sizes.items():
        rate = result["beats_per_second"][name]["median"]
        print(f"{name}: {size['multiply_adds']:,} multiply-adds, {rate:,.0f} beats/s")
    print(f"peer: {result['beats_per_second']['peer']['median']:,.0f} beats/s")
    report("bench-student-speed", result, depends_on(run))


if __name__ == "__main__":
    main()
