"""The text of a firmware bundle's files: those written for a model, and those that are always the same."""

import zlib
from pathlib import Path
from string import Template

import numpy as np

from keras_sibeat.export.c_text import elements, floating, header, integer, text
from sibeat_edge.beats.windows import HIGHEST
from sibeat_edge.model.runtime import input_shapes
from sibeat_edge.signal.filters import band_pass_taps

STATIC = Path(__file__).parent / "firmware_files"
WEARER_MACROS = {  # numbers of the manifest's wearer, by which template and rhythm are made
    **{
        key: key.upper()
        for key in ("warm_up", "memory", "bound", "alike", "similar", "kind", "rival", "few", "later")
    },
    **{key: key.upper() for key in ("prolonged", "patience", "unlike", "history")},
    **{key: f"{key.upper()}_RR" for key in ("fewest", "shortest", "longest")},
}
OF_A_WEARER = """\
   A `sibeat_template` and a `sibeat_rhythm` hold what is known of the wearer. `seconds` are those since the
   beat before, NAN across a gap and where this beat or the one before it is unfit to be scored. When a beat
   comes:
"""
UNSCORED = """
   The beats of the warm-up, 60 or more, get no score here; `sibeat_edge` scores the last 120 of them at its
   end.
"""
AT_ONCE = f"""{OF_A_WEARER}\
   - `sibeat_rhythm_push(&rhythm, seconds)`; if it is fit, `sibeat_template_push(&own, window, seconds)`;
   - `sibeat_template_nearest(&own, window)`: NULL means no score yet;
   - `sibeat_rhythm_features(&rhythm, NAN, features)`.
{UNSCORED}"""
WAITS = f"""{OF_A_WEARER}\
   - `sibeat_rhythm_features(&rhythm, seconds, features)`: of the beat before, which has waited for this one;
   - if this one is fit, `sibeat_template_push(&own, window, seconds)`;
   - `sibeat_template_nearest`, of the window of the beat before: score it now; NULL means no score yet;
   - `sibeat_rhythm_push(&rhythm, seconds)`, for the next one.

   Where none comes for `SIBEAT_LONGEST_RR` seconds, score the last one with these for `seconds`, and push
   nothing.
{UNSCORED}"""
TOLERANCE = 1  # units of the last place, that a golden beat's score may be off by
ALIGN = """
#if defined(__GNUC__) || defined(__clang__)
#define SIBEAT_ALIGNED __attribute__((aligned(16)))
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define SIBEAT_ALIGNED _Alignas(16)
#else
#error "sibeat: say here how this compiler aligns an array to 16 bytes"
#endif
"""


def sources(content, manifest, operations, memory, places, level, inputs, scores):
    """The bundle's files, name → text.

    Args:
        content: the model's bytes.
        manifest: its manifest.
        operations: name → method of TFLM's resolver.
        memory: bytes of the arena as ``measured``, and of its ``margin``.
        places: those of a beat's parts among the model's inputs, and the score's among its outputs.
        level: the highest int8 score that is no alarm.
        inputs, scores: of the golden beats, int8 ``(beats, bytes)`` and ``(beats,)``.
    """
    files = {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted(STATIC.iterdir())
        if manifest["wearer"] or file.stem != "sibeat_wearer"
    }
    figures = _figures(content, manifest, operations, memory, level, inputs)
    return files | {
        "README.md": Template(files["README.md"]).substitute(figures),
        "sibeat_model.h": header(
            "sibeat_model",
            "The model, a .tflite file.",
            [
                f"#define SIBEAT_MODEL_BYTES {len(content)}\n",
                "extern const unsigned char sibeat_model[SIBEAT_MODEL_BYTES];",
            ],
        ),
        "sibeat_model.c": f'#include "sibeat_model.h"\n{ALIGN}\n'
        "SIBEAT_ALIGNED const unsigned char sibeat_model[SIBEAT_MODEL_BYTES] = {\n"
        f"{elements(content)}\n}};\n",
        "sibeat_ops.h": _resolver(operations),
        "sibeat_config.h": _config_header(manifest, memory, places, level),
        "sibeat_config.c": _config(manifest),
        "sibeat_golden.h": _golden_header(content, inputs, scores),
        "sibeat_golden.c": _golden(inputs, scores),
    }


def _resolver(operations):
    added = " ||\n      ".join(f"resolver.{method}() != kTfLiteOk" for method in operations.values())
    return f"""// The model's operations: {", ".join(operations)}.
#ifndef SIBEAT_OPS_H
#define SIBEAT_OPS_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using SibeatResolver = tflite::MicroMutableOpResolver<{len(operations)}>;

// Adds exactly them.
inline TfLiteStatus SibeatAddOperations(SibeatResolver &resolver) {{
  if ({added}) {{
    return kTfLiteError;
  }}
  return kTfLiteOk;
}}

#endif
"""


def _config_header(manifest, memory, places, level):
    signal, window, threshold = manifest["signal"], manifest["window"], manifest["threshold"]
    entry, score, (inputs, output) = manifest["input"], manifest["score"], places
    (length, channels), *_ = input_shapes(manifest)
    lines = [
        f"#define SIBEAT_RATE_HZ {signal['rate']}",
        f"#define SIBEAT_LEADS {len(signal['leads'])}",
        f"#define SIBEAT_DELAY {signal['order']} /* samples, of the band-pass */",
        f"#define SIBEAT_TAPS {2 * signal['order'] + 1}\n",
        "/* The window, in samples: those before the R-peak, and those from it on. */",
        f"#define SIBEAT_BEFORE {window['before']}",
        f"#define SIBEAT_AFTER {window['after']}",
        f"#define SIBEAT_LENGTH {length}",
        f"#define SIBEAT_CHANNELS {channels} /* leads, twice as many beside a template */\n",
        "/* value = scale * (int8 - zero point) */",
        f"#define SIBEAT_WINDOW_BYTES {length * channels}",
        f"#define SIBEAT_WINDOW_INPUT {inputs[0]} /* its place among the model's inputs */",
        *_rhythm(manifest["wearer"], inputs),
        f"#define SIBEAT_INPUT_BYTES {sum(int(np.prod(shape)) for shape in input_shapes(manifest))}",
        f"#define SIBEAT_INPUT_SCALE {floating(entry['scale'])}",
        f"#define SIBEAT_INPUT_ZERO_POINT {integer(entry['zero_point'])}",
        f"#define SIBEAT_SCORE_OUTPUT {output} /* its place among the model's outputs */",
        f"#define SIBEAT_SCORE_SCALE {floating(score['scale'])}",
        f"#define SIBEAT_SCORE_ZERO_POINT {integer(score['zero_point'])}\n",
        "/* A beat whose score is above the threshold is an alarm; the int8 one decides the same. */",
        f"#define SIBEAT_THRESHOLD ({floating(threshold['score'])})",
        f"#define SIBEAT_THRESHOLD_INT8 {integer(level)} /* an int: -129 makes every beat an alarm */",
        "/* The median of a wearer's scores that leaves the threshold where it is. */",
        f"#define SIBEAT_USUAL_SCORE ({floating(threshold['usual'])})",
        f"#define SIBEAT_FALSE_ALARMS_PER_HOUR {floating(threshold['false_alarms_per_hour'])}\n",
        "/* The smallest arena that TensorFlow Lite Micro ran the model in, and what to have. */",
        f"#define SIBEAT_ARENA_MEASURED_BYTES {memory['measured']}",
        f"#define SIBEAT_ARENA_MARGIN_BYTES {memory['margin']}",
        "#define SIBEAT_ARENA_BYTES (SIBEAT_ARENA_MEASURED_BYTES + SIBEAT_ARENA_MARGIN_BYTES)\n",
        "extern const float sibeat_taps[SIBEAT_TAPS];",
        "extern const char *const sibeat_lead_names[SIBEAT_LEADS];",
        *(f"extern const char sibeat_{key}[];" for key in ("name", "licence", "notice")),
    ]
    return header("sibeat_config", "What the model needs, and how its scores are read.", lines)


def _rhythm(wearer, inputs):
    """Of a wearer's model, its second input."""
    if not wearer:
        return ["#define SIBEAT_RHYTHM_FEATURES 0 /* a beat stands alone */"]
    rhythm = wearer["rhythm"]
    numbers = [
        f"#define SIBEAT_{macro} {(integer if isinstance(wearer[key], int) else floating)(wearer[key])}"
        for key, macro in WEARER_MACROS.items()
    ]
    return [
        *numbers,
        f"#define SIBEAT_RHYTHM_FEATURES {len(wearer['features'])} /* {', '.join(wearer['features'])} */",
        f"#define SIBEAT_RHYTHM_INPUT {inputs[1]}",
        f"#define SIBEAT_HIGHEST {floating(HIGHEST)} /* of a beat beside its template, whose own is 1 */",
        f"#define SIBEAT_RHYTHM_SCALE {floating(rhythm['scale'])}",
        f"#define SIBEAT_RHYTHM_ZERO_POINT {integer(rhythm['zero_point'])}",
    ]


def _config(manifest):
    signal = manifest["signal"]
    taps = band_pass_taps(tuple(signal["band"]), signal["order"]).astype(np.float32)
    lines = [
        '#include "sibeat_config.h"\n',
        f"const float sibeat_taps[SIBEAT_TAPS] = {{\n{elements(taps)}\n}};\n",
        "const char *const sibeat_lead_names[SIBEAT_LEADS] = {",
        *(f"    {text(lead)}," for lead in signal["leads"]),
        "};",
        *(f"const char sibeat_{key}[] = {text(manifest[key])};" for key in ("name", "licence", "notice")),
    ]
    return "\n".join(lines) + "\n"


def _golden_header(content, inputs, scores):
    beats, size = inputs.shape
    lines = [
        f"#define SIBEAT_GOLDEN_BEATS {beats}",
        f"#define SIBEAT_GOLDEN_INPUT_BYTES {size}",
        f"#define SIBEAT_GOLDEN_TOLERANCE {TOLERANCE} /* int8 units; kernels round differently */",
        f"#define SIBEAT_MODEL_CRC32 {_crc(content)}",
        f"#define SIBEAT_GOLDEN_INPUTS_CRC32 {_crc(inputs.tobytes())}",
        f"#define SIBEAT_GOLDEN_SCORES_CRC32 {_crc(scores.tobytes())}\n",
        "extern const int8_t sibeat_golden_inputs[SIBEAT_GOLDEN_BEATS][SIBEAT_GOLDEN_INPUT_BYTES];",
        "extern const int8_t sibeat_golden_scores[SIBEAT_GOLDEN_BEATS];",
    ]
    return header("sibeat_golden", "Simulated beats, and the scores that the model gives them.", lines)


def _golden(inputs, scores):
    beats = "\n".join(f"    {{\n{elements(beat, 8)}\n    }}," for beat in inputs)
    return (
        '#include "sibeat_golden.h"\n\nconst int8_t '
        f"sibeat_golden_inputs[SIBEAT_GOLDEN_BEATS][SIBEAT_GOLDEN_INPUT_BYTES] = {{\n{beats}\n}};\n\n"
        f"const int8_t sibeat_golden_scores[SIBEAT_GOLDEN_BEATS] = {{\n{elements(scores)}\n}};\n"
    )


def _wearer_figures(manifest):
    """What the README tells of the wearer's template and rhythm, or nothing."""
    if not manifest["wearer"]:
        empty = dict.fromkeys(("wearer_files", "wearer_step", "wearer_memory"), "")
        return empty | {"quantise": "`sibeat_quantise_window`"}
    warm_up, kinds = manifest["wearer"]["warm_up"], 2
    size = sum(manifest["window"].values()) * len(manifest["signal"]["leads"])
    kept, rhythm = 4 * (kinds + warm_up) * (size + 1) + 20, 4 * (manifest["wearer"]["history"] + 3) + 4
    return {
        "quantise": "`sibeat_quantise_beside` and `sibeat_quantise_rhythm`",
        "wearer_files": "| `sibeat_wearer.c/.h` | the wearer's own beat and rhythm |\n",
        "wearer_step": WAITS if manifest["wearer"]["waits"] else AT_ONCE,
        "wearer_memory": f"| The wearer's template and rhythm, RAM | {kept + rhythm:,} |\n",
    }


def _crc(data):
    return f"0x{zlib.crc32(data):08X}u"


def _figures(content, manifest, operations, memory, level, inputs):
    """What the bundle's README tells of the model."""
    signal, score, threshold = manifest["signal"], manifest["score"], manifest["threshold"]
    taps, (beats, size) = 2 * signal["order"] + 1, inputs.shape
    numbers = {
        "model_bytes": len(content),
        "arena_measured": memory["measured"],
        "arena_margin": memory["margin"],
        "arena": sum(memory.values()),
        "filter_bytes": 4 * taps + 12,  # sibeat_band_pass
        "window_bytes": 5 * size,
        "constant_bytes": 4 * taps + beats * (size + 1),
    }
    return {name: f"{number:,}" for name, number in numbers.items()} | {
        **{key: manifest[key] for key in ("name", "licence", "notice")},
        "operation_count": len(operations),
        "operations": ", ".join(operations),
        "golden_beats": beats,
        **_wearer_figures(manifest),
        "leads": " and ".join(signal["leads"]),
        "rate": signal["rate"],
        "low": f"{signal['band'][0]:g}",
        "high": f"{signal['band'][1]:g}",
        "delay": signal["order"],
        **manifest["window"],
        "level": level,
        "threshold": f"{threshold['score']:.6g}",
        "usual": f"{threshold['usual']:.6g}",
        "per_hour": f"{threshold['false_alarms_per_hour']:g}",
        "score_scale": f"{score['scale']:.6g}",
        "score_zero": score["zero_point"],
    }
