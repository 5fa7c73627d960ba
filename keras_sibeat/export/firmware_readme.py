"""The README of a firmware bundle: a template, and the figures of the model that fill it."""

from pathlib import Path
from string import Template

from keras_sibeat.export.c_net import flash_bytes
from keras_sibeat.export.firmware_sources import Facts
from keras_sibeat.export.net import read_net
from keras_sibeat.export.net_memory import plan
from keras_sibeat.export.tflm import scales_each_unit
from sibeat_edge.beats.judge import LATER

TEMPLATE = Path(__file__).parent / "README.template.md"
JUDGE_BYTES = 18_012  # sibeat_judge
# Of sibeat_net_run on a Cortex-M4, by GCC 12 with -O2: bytes of flash and of stack, and instructions for a
# multiply-add, with those of the core's DSP extension and without.
CODE_BYTES, STACK_BYTES, DSP, PLAIN = 1_600, 240, 3.4, 4.0
SINCE = """
The dense layers have a scale for each unit, which TFLM knows since 27 September 2024 (its commit `47b5450`).
An older one computes wrong scores, and `sibeat_ops.h` does not compile with it. Kernels of a chip's maker may
not know them; the self-test tells.
"""
WHOLE = "Copy these files into your project."
GENERATED_ONLY = """\
This folder holds the files that were generated for this model. The files marked with * are the same for every
model and lie in the folder `firmware` of the package `sibeat_edge`. Copy both into your project. In that
folder, `make MODEL=FOLDER check` checks the generated files in `FOLDER`."""
OF_A_WEARER = """\
   A `sibeat_template` and a `sibeat_rhythm` hold what is known of the wearer. `seconds` is the time since the
   beat before. It is NAN across a gap, and where this beat or the one before it is unfit to be scored.

   The model was trained on windows whose R-peaks had been moved to where a beat is most like the beats before
   it, and on stretches that are fit to be scored. These files do neither: `sibeat_edge.beats.alignment` and
   `.stretch` are the definition. For each beat:
"""
UNSCORED = """
   The beats of the warm-up, 60 or more, get no score here. `sibeat_edge` scores the last 120 of them when the
   warm-up ends.
"""
AT_ONCE = f"""{OF_A_WEARER}\
   - `sibeat_rhythm_push(&rhythm, seconds)`;
   - if the beat is fit, `sibeat_template_push(&own, window, seconds)`;
   - `sibeat_template_nearest(&own, window)`, the template to put it beside; NULL means no score yet;
   - `sibeat_rhythm_features(&rhythm, NAN, features)`.
{UNSCORED}"""
WAITS = f"""{OF_A_WEARER}\
   - `sibeat_rhythm_features(&rhythm, seconds, features)`, the features of the beat before, which has waited
     for this one;
   - if this beat is fit, `sibeat_template_push(&own, window, seconds)`;
   - `sibeat_template_nearest`, of the window of the beat before. Score that beat now; NULL means no score;
   - `sibeat_rhythm_push(&rhythm, seconds)`, for the next beat.

   Where no beat comes for `SIBEAT_LONGEST_RR` seconds, score the last one with that time as `seconds`, and
   push nothing.
{UNSCORED}"""

JUDGED = f"""\
## Which beats are alarms

`sibeat_judge` tells what each beat is, as `sibeat_edge.beats.judge` does: N, S (premature, of the wearer's
own shape) or V (of another shape). It believes a score above the threshold only where the beats around are
clean or others of its kind were believed. And it finds premature beats below the threshold, by the wearer's
own rhythm. **Where you use it, S and V are the alarms, and not every score above the threshold.**

Call `sibeat_judge_init(&judge, SIBEAT_BEFORE, SIBEAT_LENGTH, SIBEAT_LEADS)` once for a wearer, and push every
beat, with a score or without, into `sibeat_judge_push`. It returns the verdict on the beat before.
`sibeat_judge_settle` returns the last one, {LATER} beats later. A beat that is pushed needs

- its window and its template, as for `sibeat_quantise_beside`;
- its score, and that of the template in its place: `sibeat_quantise_beside(own, own, input)`, with the beat's
  rhythm;
- where `sibeat_judge_needs_shape` says so, the score of the beat had it been on time: with its own spread and
  range, the last two features, and zeros for the others;
- its likeness to the beats before it in dB. **These files do not compute it**, as they do not move R-peaks or
  judge stretches: `sibeat_edge.beats.alignment` is the definition. With the highest correlation r of the
  first lead, from 70 samples before the R-peak to 110 behind it, with the kinds of beats before, displaced by
  at most 30 samples, the likeness is 10 log10(r² / (1 − r²)), at least -20 and at most 40.

Divide scores and limits by `SIBEAT_THRESHOLD`. A beat takes some 40,000 multiplications.

"""


def readme(facts: Facts, generated_only: bool) -> str:
    """The README of a bundle, Markdown.

    Args:
        generated_only: whether the bundle leaves out the files that are the same for every model.
    """
    manifest = facts.manifest
    signal, score, threshold = manifest["signal"], manifest["score"], manifest["threshold"]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        {
            **_bytes(facts),
            **_of_wearer(manifest, generated_only),
            **{key: manifest[key] for key in ("name", "licence", "notice")},
            **manifest["window"],
            **_of_net(facts),
            "layout": GENERATED_ONLY if generated_only else WHOLE,
            "static": _mark(generated_only),
            "operation_count": len(facts.operations),
            "operations": ", ".join(facts.operations),
            "golden_beats": len(facts.golden_inputs),
            "leads": " and ".join(signal["leads"]),
            "rate": signal["rate"],
            "low": f"{signal['band'][0]:g}",
            "high": f"{signal['band'][1]:g}",
            "delay": signal["order"],
            "level": facts.level,
            "threshold": f"{threshold['score']:.6g}",
            "usual": f"{threshold['usual']:.6g}",
            "per_hour": f"{threshold['false_alarms_per_hour']:.3g}",
            "score_scale": f"{score['scale']:.6g}",
            "score_zero": score["zero_point"],
        }
    )


def _mark(generated_only):
    return "*" if generated_only else ""


def _of_net(facts):
    """What is said of the model as plain C, and of the oldest TFLM that can run it."""
    net = read_net(facts.content, facts.output)
    multiply_adds = sum(layer.multiply_adds for layer in net.layers)
    numbers = {
        "multiply_adds": multiply_adds,
        "net_bytes": flash_bytes(net),
        "code_bytes": CODE_BYTES,
        "stack": STACK_BYTES,
        "scratch": plan(net)[1],
        "dsp_beat": round(DSP * multiply_adds, -3),
        "plain_beat": round(PLAIN * multiply_adds, -3),
    }
    told = {name: f"{number:,.0f}" for name, number in numbers.items()}
    return {**told, "oldest": SINCE if scales_each_unit(facts.content) else ""}


def _bytes(facts):
    taps, (beats, size) = 2 * facts.manifest["signal"]["order"] + 1, facts.golden_inputs.shape
    numbers = {
        "model_bytes": len(facts.content),
        "arena_measured": facts.arena,
        "arena_margin": facts.margin,
        "arena": facts.arena + facts.margin,
        "filter_bytes": 4 * taps + 12,  # sibeat_band_pass
        "window_bytes": 5 * size,
        "constant_bytes": 4 * taps + beats * (size + 1),
    }
    return {name: f"{number:,}" for name, number in numbers.items()}


def _of_wearer(manifest, generated_only):
    """What is said of the wearer's template and rhythm; nothing where the model has none."""
    wearer = manifest["wearer"]
    if not wearer:
        empty = dict.fromkeys(("wearer_files", "wearer_step", "wearer_judge", "wearer_memory"), "")
        return empty | {"quantise": "`sibeat_quantise_window`"}
    kinds, size = 2, sum(manifest["window"].values()) * len(manifest["signal"]["leads"])
    template = 4 * (kinds + wearer["warm_up"]) * (size + 1) + 8 * kinds + 20  # sibeat_template
    rhythm = 4 * (wearer["history"] + 3) + 4  # sibeat_rhythm
    mark = _mark(generated_only)
    judge = ", ".join(f"`sibeat_{name}.c/.h`{mark}" for name in ("judge", "shape", "timing"))
    return {
        "quantise": "`sibeat_quantise_beside` and `sibeat_quantise_rhythm`",
        "wearer_files": f"| `sibeat_wearer.c/.h`{mark} | the wearer's own beat and rhythm |\n"
        f"| {judge} | what kind each beat is |\n",
        "wearer_step": WAITS if wearer["waits"] else AT_ONCE,
        "wearer_judge": JUDGED,
        "wearer_memory": f"| The wearer's template and rhythm, RAM | {template + rhythm:,} |\n"
        f"| What the judge keeps of the wearer, RAM | {JUDGE_BYTES:,} |\n",
    }
