"""Does BeatGAN train faster in mixed precision on this processor?

python benchmarks/mixed_precision.py [--policies mixed_bfloat16 mixed_float16] [--rounds 6] [--steps 10]

``fit`` trains the full width in batches of 64, in float32 and in each of the policies, in turns: a machine's
speed drifts, and only what stands side by side compares. Each round starts with another policy. Every round
is printed, with the cores that other processes kept busy during each turn. The processor's instructions for
half precision are listed: without them it computes in float32 and converts. Linux only. With ``--report``
writes results/bench-mixed-precision.json.
"""

import argparse
import os
import tempfile
from pathlib import Path

import keras
from reporting import report
from train_throughput import BATCH, KerasTrainer, machine, summary, time_turn

FLAGS = ("avx512_bf16", "avx_ne_convert", "amx_bf16", "avx512_fp16", "amx_fp16", "asimdhp", "bf16")
SINGLE = "float32"


def half_precision_flags(text: str) -> list[str]:
    """The processor's instructions for half precision, of /proc/cpuinfo's text."""
    lines = [
        line.split(":", 1)[1].split()
        for line in text.splitlines()
        if line.lower().startswith(("flags", "feat"))
    ]
    return [flag for flag in FLAGS if lines and flag in lines[0]]


def build_trainers(policies, logs):
    """A trainer for each policy, its step traced and compiled."""
    before, trainers = keras.config.dtype_policy(), {}
    try:
        for policy in policies:
            keras.config.set_dtype_policy(policy)
            trainers[policy] = KerasTrainer(Path(logs) / policy)
    finally:
        keras.config.set_dtype_policy(before)
    return trainers


def measure(trainers, rounds, steps):
    """Rounds, in each of which every policy takes a turn; which one begins changes from round to round."""
    found, names = [], list(trainers)
    for number in range(rounds):
        first = number % len(names)
        order = names[first:] + names[:first]
        turns = {name: time_turn(trainers[name], steps, (os.getpid(),)) for name in order}
        single = turns[SINGLE]["beats_per_second"]
        ratios = {name: turns[name]["beats_per_second"] / single for name in names if name != SINGLE}
        found.append({"turns": {name: turns[name] for name in names}, "ratios": ratios})
        texts = [
            f"{name} {turns[name]['beats_per_second']:.0f} beats/s "
            f"(others on {turns[name]['foreign_cores']:.2f} cores)"
            for name in names
        ]
        print(f"round {number + 1}", *texts, sep="  ", flush=True)
    return found


def summarise(found, steps, text):
    """What the rounds come to: each policy's speed and its ratio to float32's, medians and spread."""
    rates = {
        name: summary([row["turns"][name]["beats_per_second"] for row in found]) for name in found[0]["turns"]
    }
    ratios = {name: summary([row["ratios"][name] for row in found]) for name in found[0]["ratios"]}
    return {
        "batch": BATCH,
        "steps": steps,
        "rounds": found,
        "beats_per_second": rates,
        "ratio_to_float32": ratios,
        "machine": {**machine(), "half_precision": half_precision_flags(text)},
    }


def show(result):
    place = result["machine"]
    told = ", ".join(place["half_precision"]) or "none"
    print(f"{place['processor']}, {place['cores']} cores; instructions for half precision: {told}")
    for name, ratio in result["ratio_to_float32"].items():
        verdict = "faster" if ratio["least"] > 1 else "slower" if ratio["most"] < 1 else "no clear difference"
        spread = f"{ratio['least']:.2f} to {ratio['most']:.2f}"
        print(f"{name}: {ratio['median']:.2f} times float32's speed ({spread}): {verdict}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policies", nargs="+", default=["mixed_bfloat16"], metavar="POLICY")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=10, help="training steps a round, of each policy")
    parser.add_argument("--report", action="store_true", help="write results/bench-mixed-precision.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as logs:
        trainers = build_trainers([SINGLE, *options.policies], logs)
        found = measure(trainers, options.rounds, options.steps)
    result = summarise(found, options.steps, Path("/proc/cpuinfo").read_text())
    show(result)
    if options.report:
        report("bench-mixed-precision", result)


if __name__ == "__main__":
    main()
