"""The README of a firmware bundle: a template, and the figures of the model that fill it."""

from pathlib import Path
from string import Template

from keras_sibeat.export.firmware_sources import Facts

TEMPLATE = Path(__file__).parent / "README.template.md"
WHOLE = "Copy these files into your project."
GENERATED_ONLY = """\
This folder holds the files that were generated for this model. The files marked with * are the same for every
model and lie in the folder `firmware` of the package `sibeat_edge`. Copy both into your project. In that
folder, `make MODEL=FOLDER check` checks the generated files in `FOLDER`."""
OF_A_WEARER = """\
   A `sibeat_template` and a `sibeat_rhythm` hold what is known of the wearer. `seconds` is the time since the
   beat before. It is NAN across a gap, and where this beat or the one before it is unfit to be scored.

   The model was trained on windows whose R-peaks had been moved to where a beat is most like the beats before
   it, and on stretches that are fit to be scored. And `sibeat_edge` makes a score above the threshold an
   alarm only if it is to be believed. These files do none of this: `sibeat_edge.beats.alignment`, `.stretch`
   and `.evidence` are the definition. For each beat:
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
        empty = dict.fromkeys(("wearer_files", "wearer_step", "wearer_memory"), "")
        return empty | {"quantise": "`sibeat_quantise_window`"}
    kinds, size = 2, sum(manifest["window"].values()) * len(manifest["signal"]["leads"])
    template = 4 * (kinds + wearer["warm_up"]) * (size + 1) + 8 * kinds + 20  # sibeat_template
    rhythm = 4 * (wearer["history"] + 3) + 4  # sibeat_rhythm
    mark = _mark(generated_only)
    return {
        "quantise": "`sibeat_quantise_beside` and `sibeat_quantise_rhythm`",
        "wearer_files": f"| `sibeat_wearer.c/.h`{mark} | the wearer's own beat and rhythm |\n",
        "wearer_step": WAITS if wearer["waits"] else AT_ONCE,
        "wearer_memory": f"| The wearer's template and rhythm, RAM | {template + rhythm:,} |\n",
    }
