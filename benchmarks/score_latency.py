"""How long does one beat take to score: LiteRT, TFLM and Keras beside the PyTorch peer, in one run?

python benchmarks/score_latency.py MODEL.tflite FLOAT.tflite STUDENT.keras --torch-python PATH/TO/python

``MODEL.tflite`` and ``FLOAT.tflite`` are exports of the student (int8, and ``--format float32``),
``--torch-python`` the interpreter of an environment with ``beatgan_torch.py``'s requirements. All score one
beat at a time, LiteRT on one thread, in turns: a machine's speed drifts, and only what stands side by side
compares. Writes results/bench-score-latency.json.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from reporting import report
from tflite_micro import runtime
from train_throughput import LENGTH, Peer, machine, summary

from keras_sibeat.files import sha256
from keras_sibeat.models.tensors import read_tensors
from sibeat_edge.model.runtime import Model

BEAT = np.random.default_rng(0).uniform(-1, 1, (LENGTH, 1)).astype("float32")


class Scorer:
    """A function that scores one beat."""

    def __init__(self, score):
        self.score = score
        self.time(3)

    def time(self, steps):
        """Seconds that ``steps`` beats take, one after the other."""
        started = time.perf_counter()
        for _ in range(steps):
            self.score()
        return time.perf_counter() - started


def litert(file, kind):
    """LiteRT's interpreter alone: set the input, invoke, read the score."""
    interpreter = Interpreter(str(file), num_threads=1, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    place = read_tensors(file.read_bytes()).score.place
    entry, score = interpreter.get_input_details()[0], interpreter.get_output_details()[place]["index"]
    beat = (BEAT * 127).astype(entry["dtype"])[None] if entry["dtype"] == np.int8 else BEAT[None]

    def run():
        interpreter.set_tensor(entry["index"], beat)
        interpreter.invoke()
        return interpreter.get_tensor(score)

    return run


def tflm(file):
    """TFLM's interpreter alone, on this computer."""
    place = read_tensors(file.read_bytes()).score.place
    interpreter = runtime.Interpreter.from_file(str(file))
    beat = (BEAT * 127).astype(np.int8)[None]

    def run():
        interpreter.set_input(beat, 0)
        interpreter.invoke()
        return interpreter.get_output(place)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="the int8 export")
    parser.add_argument("floats", type=Path, help="the float32 export")
    parser.add_argument("student", type=Path, help="the Keras student")
    parser.add_argument("--torch-python", required=True, metavar="PATH", help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    options = parser.parse_args()
    model, student = Model(options.model), keras.saving.load_model(options.student)
    builtin, fast = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.AUTO
    functions = {
        "litert": litert(options.model, builtin),
        "litert_xnnpack": litert(options.model, fast),
        "scorer": lambda: model.score(BEAT),  # with quantisation and calibration, as the device calls it
        "litert_float32": litert(options.floats, builtin),
        "tflm": tflm(options.model),
        "keras": lambda: student(BEAT[None], training=False).numpy(),
    }
    with Peer.running(options.torch_python, "--score", "1") as peer:
        scorers = {**{name: Scorer(function) for name, function in functions.items()}, "peer": peer}
        steps = {name: max(1, round(20 * options.seconds / scorers[name].time(20))) for name in scorers}
        found = []
        for number in range(options.rounds):
            names = list(scorers)[:: -1 if number % 2 else 1]
            found.append({name: 1e6 * scorers[name].time(steps[name]) / steps[name] for name in names})
            print(f"round {number + 1}", *(f"{k} {v:.1f} µs" for k, v in found[-1].items()), sep="  ")
    names = [name for name in scorers if name != "peer"]
    result = {
        "microseconds": {name: summary([row[name] for row in found]) for name in scorers},
        "peer_times": {name: median(row["peer"] / row[name] for row in found) for name in names},
        "rounds": found,
        "peer": peer.about,
        "machine": machine(),
    }
    for name, times in result["peer_times"].items():
        print(f"{name}: {result['microseconds'][name]['median']:.1f} µs, {times:.0f} times the peer's speed")
    files = (options.model, options.floats, options.student)
    report("bench-score-latency", result, {file.name: sha256(file) for file in files})


if __name__ == "__main__":
    main()
