"""What does each of some rules of the judgement bring?

python benchmarks/judgement_rules.py DATA [--model MODEL.tflite]

DATA holds the folders mitdb and svdb. The records that configs/worn-inter.toml trains or validates with are
played through the device's way: with all rules, without each of them, and with limits that were tried and not
kept. What was decided is counted as EC57 does. Records that test are not looked at. Writes
results/bench-judgement-rules.json.
"""

from unittest import mock

from developing import compare

from keras_sibeat.data.recording import read_recording
from keras_sibeat.evaluate.decisions import decide
from sibeat_edge.beats import judge, lengths, sizes, stream, stretch, timing
from sibeat_edge.model.runtime import Model
from sibeat_edge.signal import quality

SHOWN = ("veb_se", "veb_pp", "sveb_se", "sveb_pp", "f1", "false_alarms_mean", "false_alarms_median")
# Limits that differ from those that ship, each as module, name and value.
NO_SIZES = (sizes, "LEAST", 1e9)
NO_ON_TIME = (judge, "ON_TIME", 0.0)
NO_EARLY_SHAPE = (judge, "SHAPE_EARLY", judge.SHAPE)
NO_MOST = (timing, "MOST", 1.0)
NO_MOST_ROWS = (timing, "MOST_ROWS", 1.0)
NO_LATE = (timing, "LATE_SHARE", 1.0)
NO_FLUTTER = (lengths, "FAST_HALF", 0.0)
NO_NOISE = (
    (stretch, "LOW", stretch.UNCLEAN),
    (stretch, "HIGH", stretch.CLEAN),
    (quality, "NOISY", quality.CLEAN),
)
LEARNS_NOISE = (
    (stretch, "UNCLEAN", stretch.LOW),
    (stretch, "CLEAN", stretch.HIGH),
    (stream, "CLEAN", quality.NOISY),
)
RULES = {
    "as shipped": (),
    "none of these": (NO_SIZES, NO_ON_TIME, NO_EARLY_SHAPE, NO_MOST, NO_MOST_ROWS, NO_LATE, NO_FLUTTER),
    "without sizes": (NO_SIZES,),
    "lone beats on time are believed": (NO_ON_TIME,),
    "early kinds need as much": (NO_EARLY_SHAPE,),
    "early among regular, however many": (NO_MOST,),
    "fast rows, however many": (NO_MOST_ROWS,),
    "fast rows, however many beats are late": (NO_LATE,),
    "lengths, whatever the longer one": (NO_FLUTTER,),
    "no score where the template learns nothing": NO_NOISE,
    "the template learns from all that is scored": LEARNS_NOISE,
    "tried: early beats and rows up to 40 %": ((timing, "MOST", 0.4), (timing, "MOST_ROWS", 0.4)),
    "tried: premature from 17 % and a score of 0.38": ((timing, "EARLIER", 0.17), (timing, "SCORE", 0.38)),
}


def decided(rule, path, model):
    """What is decided about the recording at ``path`` with the limits of a ``rule``."""
    patches = [mock.patch.object(*limit) for limit in RULES[rule]]
    for patch in patches:
        patch.start()
    try:
        return decide(Model(model), read_recording(path))
    finally:
        mock.patch.stopall()


def main():
    compare("bench-judgement-rules", __doc__.splitlines()[0], RULES, decided, SHOWN)


if __name__ == "__main__":
    main()
