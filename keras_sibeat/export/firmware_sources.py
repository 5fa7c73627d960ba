"""The C sources that a firmware bundle has for its model: the model, its configuration and golden beats."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_sibeat.export.c_filters import filter_sources
from keras_sibeat.export.c_net import net_sources
from keras_sibeat.export.c_text import elements, floating, header, integer, text
from keras_sibeat.export.golden_path import path_sources
from keras_sibeat.export.net import read_net
from keras_sibeat.export.tflm import scales_each_unit
from sibeat_edge.beats.windows import HIGHEST
from sibeat_edge.model.runtime import Model, input_shapes

WEARER_MACROS = {  # constants of template and rhythm, by their names in the manifest
    **{
        key: key.upper()
        for key in ("warm_up", "memory", "bound", "alike", "similar", "kind", "rival", "few", "later")
    },
    **{
        key: key.upper()
        for key in (
            "prolonged",
            "patience",
            "unlike",
            "gain",
            "steady",
            "core_before",
            "core_after",
            "history",
        )
    },
    **{key: f"{key.upper()}_RR" for key in ("fewest", "shortest", "longest")},
}
TOLERANCE = 1  # units of the last place that a golden beat's score may differ by
LICENCE = "/* SPDX-License-Identifier: MIT */\n"
ALIGN = """
#if defined(__GNUC__) || defined(__clang__)
#define SIBEAT_ALIGNED __attribute__((aligned(16)))
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define SIBEAT_ALIGNED _Alignas(16)
#else
#error "sibeat: say here how this compiler aligns an array to 16 bytes"
#endif
"""


SCALES_INCLUDE = '#include "tensorflow/lite/micro/kernels/fully_connected.h"\n'
SCALES_CHECK = """
// Dense layers of this model have a scale for each unit, which TensorFlow Lite Micro knows since 27 September
// 2024. An older one computes wrong scores; this does not compile with it.
static_assert(sizeof(&tflite::OpDataFullyConnected::is_per_channel) > 0,
              "a newer TensorFlow Lite Micro is needed");
"""


@dataclass(frozen=True)
class Facts:
    """What a bundle states of its model.

    Attributes:
        content: the model's bytes.
        manifest: its manifest.
        operations: name → method of TFLM's resolver.
        arena: bytes, the smallest that TFLM ran the model in.
        margin: bytes to add to it.
        inputs: places of a beat's arrays among the model's inputs.
        output: the score's place among its outputs.
        level: the highest int8 score that is no alarm.
        golden_inputs, golden_scores: int8, ``(beats, bytes)`` and ``(beats,)``. All arrays of a golden beat
            lie in one row.

    >>> beats = np.zeros((16, 320), np.int8)
    >>> Facts(b"", {}, {}, 4000, 1024, (0,), 0, 17, beats, beats[:, 0]).golden_inputs.shape
    (16, 320)
    """

    content: bytes
    manifest: Mapping[str, Any]
    operations: Mapping[str, str]
    arena: int
    margin: int
    inputs: tuple[int, ...]
    output: int
    level: int
    golden_inputs: np.ndarray
    golden_scores: np.ndarray


def sources(facts: Facts) -> dict[str, str]:
    """The C files that are generated for a model, name → text."""
    files = {
        "sibeat_model.h": header(
            "sibeat_model",
            "The model, a .tflite file. It is there where SIBEAT_TFLM is defined, and else takes no flash.",
            [
                f"#define SIBEAT_MODEL_BYTES {len(facts.content)}\n",
                "extern const unsigned char sibeat_model[SIBEAT_MODEL_BYTES];",
            ],
        ),
        "sibeat_model.c": f'#include "sibeat_model.h"\n\n#ifdef SIBEAT_TFLM\n{ALIGN}\n'
        "SIBEAT_ALIGNED const unsigned char sibeat_model[SIBEAT_MODEL_BYTES] = {\n"
        f"{elements(facts.content)}\n}};\n\n#endif\n",
        **net_sources(read_net(facts.content, facts.output), facts.inputs),
        "sibeat_ops.h": _resolver(facts.operations, scales_each_unit(facts.content)),
        "sibeat_config.h": _config_header(facts),
        "sibeat_config.c": _config(facts.manifest),
        **filter_sources(tuple(facts.manifest["signal"]["band"]), facts.manifest["signal"]["order"]),
        **(path_sources(Model(facts.content)) if facts.manifest["wearer"] else {}),
        "sibeat_golden.h": _golden_header(facts),
        "sibeat_golden.c": _golden(facts.golden_inputs, facts.golden_scores),
    }
    return {name: f"{LICENCE}{source}" for name, source in files.items()}


def _resolver(operations, needs_scales):
    added = " ||\n      ".join(f"resolver.{method}() != kTfLiteOk" for method in operations.values())
    return f"""// The model's operations: {", ".join(operations)}.
#ifndef SIBEAT_OPS_H
#define SIBEAT_OPS_H

{SCALES_INCLUDE if needs_scales else ""}#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
{SCALES_CHECK if needs_scales else ""}
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


def _config_header(facts):
    manifest = facts.manifest
    signal, window, threshold = manifest["signal"], manifest["window"], manifest["threshold"]
    entry, score = manifest["input"], manifest["score"]
    (length, channels), *_ = input_shapes(manifest)
    lines = [
        f"#define SIBEAT_RATE_HZ {signal['rate']}",
        f"#define SIBEAT_LEADS {len(signal['leads'])}",
        f"#define SIBEAT_DELAY {signal['order']} /* samples, of the windows' band-pass */\n",
        "/* The window, in samples: those before the R-peak, and those from it on. */",
        f"#define SIBEAT_BEFORE {window['before']}",
        f"#define SIBEAT_AFTER {window['after']}",
        f"#define SIBEAT_LENGTH {length}",
        f"#define SIBEAT_CHANNELS {channels} /* leads, twice as many beside a template */\n",
        "/* value = scale * (int8 - zero point) */",
        f"#define SIBEAT_WINDOW_BYTES {length * channels}",
        f"#define SIBEAT_WINDOW_INPUT {facts.inputs[0]} /* its place among the model's inputs */",
        *_rhythm(manifest["wearer"], facts.inputs),
        f"#define SIBEAT_INPUT_BYTES {sum(int(np.prod(shape)) for shape in input_shapes(manifest))}",
        f"#define SIBEAT_INPUT_SCALE {floating(entry['scale'])}",
        f"#define SIBEAT_INPUT_ZERO_POINT {integer(entry['zero_point'])}",
        f"#define SIBEAT_SCORE_OUTPUT {facts.output} /* its place among the model's outputs */",
        f"#define SIBEAT_SCORE_SCALE {floating(score['scale'])}",
        f"#define SIBEAT_SCORE_ZERO_POINT {integer(score['zero_point'])}\n",
        "/* A beat whose score is above the threshold is an alarm; the int8 one decides the same. */",
        f"#define SIBEAT_THRESHOLD ({floating(threshold['score'])})",
        f"#define SIBEAT_THRESHOLD_INT8 {integer(facts.level)} /* an int: -129 makes every beat an alarm */",
        "/* The median of a wearer's scores that leaves the threshold where it is. */",
        f"#define SIBEAT_USUAL_SCORE ({floating(threshold['usual'])})",
        f"#define SIBEAT_FALSE_ALARMS_PER_HOUR {floating(threshold['false_alarms_per_hour'])}\n",
        "/* The smallest arena that TensorFlow Lite Micro ran the model in, and what to have. */",
        f"#define SIBEAT_ARENA_MEASURED_BYTES {facts.arena}",
        f"#define SIBEAT_ARENA_MARGIN_BYTES {facts.margin}",
        "#define SIBEAT_ARENA_BYTES (SIBEAT_ARENA_MEASURED_BYTES + SIBEAT_ARENA_MARGIN_BYTES)\n",
        "extern const char *const sibeat_lead_names[SIBEAT_LEADS];",
        *(f"extern const char sibeat_{key}[];" for key in ("name", "licence", "notice")),
    ]
    return header("sibeat_config", "What the model needs, and how its scores are read.", lines)


def _rhythm(wearer, inputs):
    """The macros of template and rhythm, and of a wearer's second input."""
    if not wearer:
        return ["#define SIBEAT_RHYTHM_FEATURES 0 /* a beat stands alone */"]
    rhythm = wearer["rhythm"]
    numbers = [
        f"#define SIBEAT_{macro} {(integer if isinstance(wearer[key], int) else floating)(wearer[key])}"
        for key, macro in WEARER_MACROS.items()
    ]
    return [
        *numbers,
        f"#define SIBEAT_WAITS {int(wearer['waits'])} /* whether a beat waits for the next one */",
        f"#define SIBEAT_RHYTHM_FEATURES {len(wearer['features'])} /* {', '.join(wearer['features'])} */",
        f"#define SIBEAT_RHYTHM_INPUT {inputs[1]}",
        f"#define SIBEAT_HIGHEST {floating(HIGHEST)} /* of a beat beside its template, whose own is 1 */",
        f"#define SIBEAT_RHYTHM_SCALE {floating(rhythm['scale'])}",
        f"#define SIBEAT_RHYTHM_ZERO_POINT {integer(rhythm['zero_point'])}",
    ]


def _config(manifest):
    lines = [
        '#include "sibeat_config.h"\n',
        "const char *const sibeat_lead_names[SIBEAT_LEADS] = {",
        *(f"    {text(lead)}," for lead in manifest["signal"]["leads"]),
        "};",
        *(f"const char sibeat_{key}[] = {text(manifest[key])};" for key in ("name", "licence", "notice")),
    ]
    return "\n".join(lines) + "\n"


def _golden_header(facts):
    beats, size = facts.golden_inputs.shape
    lines = [
        f"#define SIBEAT_GOLDEN_BEATS {beats}",
        f"#define SIBEAT_GOLDEN_INPUT_BYTES {size}",
        f"#define SIBEAT_GOLDEN_TOLERANCE {TOLERANCE} /* int8 units; kernels round differently */",
        f"#define SIBEAT_MODEL_CRC32 {_crc(facts.content)}",
        f"#define SIBEAT_GOLDEN_INPUTS_CRC32 {_crc(facts.golden_inputs.tobytes())}",
        f"#define SIBEAT_GOLDEN_SCORES_CRC32 {_crc(facts.golden_scores.tobytes())}\n",
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


def _crc(data):
    return f"0x{zlib.crc32(data):08X}u"
