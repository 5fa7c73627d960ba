"""An int8 model as standalone C99: its weights, and the calls of the layers that score a beat."""

import zlib
from collections.abc import Sequence

import numpy as np

from keras_sibeat.export.c_text import elements, header
from keras_sibeat.export.net import Net
from keras_sibeat.export.net_memory import plan

LICENCE = "/* SPDX-License-Identifier: MIT */\n"  # of the code; the weights have the model's
ARGUMENTS = "const int8_t *window, const int8_t *rhythm, int8_t *score, int8_t *scratch"
CALL = """
/*
 * Score a beat: SIBEAT_NET_OUTPUTS int8 numbers, of its window and, for a wearer's model, its rhythm, which is not
 * read elsewhere. Both are as sibeat_preprocess.h makes them. The scratch memory is SIBEAT_NET_SCRATCH_BYTES that
 * hold nothing between calls. Returns 1; or 0, and writes nothing, where an argument is missing.
 */"""


def net_sources(net: Net, inputs: Sequence[int]) -> dict[str, str]:
    """The C files of a net, name → text. They need ``sibeat_layer.c/.h``, which is the same for every model.

    Args:
        inputs: places of the window and, where the model takes one, the rhythm among the model's inputs.
    """
    tables = _tables(net)
    starts, scratch = plan(net)
    last = net.layers[-1]
    outputs = last.ticks.positions * len(last.weights)
    multiply_adds = sum(layer.multiply_adds for layer in net.layers)
    lines = [
        f"#define SIBEAT_NET_BYTES {len(tables)} /* flash, of weights and tables */",
        f"#define SIBEAT_NET_CRC32 0x{zlib.crc32(tables):08X}u /* theirs, on little-endian cores */",
        f"#define SIBEAT_NET_SCRATCH_BYTES {max(scratch, 1)}",
        f"#define SIBEAT_NET_OUTPUTS {outputs}",
        f"#define SIBEAT_NET_MULTIPLY_ADDS {multiply_adds}\n",
        "extern const struct sibeat_net_tables sibeat_net_tables;",
        CALL,
        f"int sibeat_net_run({ARGUMENTS});",
    ]
    about = "The model as plain C, with the arithmetic of TensorFlow Lite Micro's reference kernels."
    return {
        "sibeat_net.h": LICENCE + header("sibeat_net", about, lines),
        "sibeat_net.c": LICENCE + _source(net, inputs, starts),
    }


def _joined(net, name):
    return np.concatenate([getattr(layer, name).ravel() for layer in net.layers])


def _tables(net):
    """The bytes of the tables as they lie in flash: words first, so that nothing lies between them."""
    words = (_joined(net, name).astype("<i4").tobytes() for name in ("biases", "multipliers"))
    whole = b"".join((*words, _joined(net, "shifts").tobytes(), _joined(net, "weights").tobytes()))
    return whole + bytes(-len(whole) % 4)


def _source(net, inputs, starts):
    filters, weights = (len(_joined(net, name)) for name in ("shifts", "weights"))
    padding = -(filters + weights) % 4
    names = {net.inputs[place]: name for place, name in zip(inputs, ("window", "rhythm"), strict=False)}
    names[net.output] = "score"
    return f"""#include "sibeat_net.h"

#include <stddef.h>

#include "sibeat_layer.h"

struct sibeat_net_tables {{
    int32_t biases[{filters}], multipliers[{filters}];
    int8_t shifts[{filters}], weights[{weights + padding}];
}};

const struct sibeat_net_tables sibeat_net_tables = {{
    {{
{elements(_joined(net, "biases"), 8)}
    }},
    {{
{elements(_joined(net, "multipliers"), 8)}
    }},
    {{
{elements(_joined(net, "shifts"), 8)}
    }},
    {{
{elements(np.append(_joined(net, "weights"), np.zeros(padding, np.int8)), 8)}
    }},
}};

static const sibeat_layer layers[] = {{
{_layers(net)}
}};

int sibeat_net_run({ARGUMENTS})
{{
    if (window == NULL || {"rhythm == NULL || " if len(inputs) > 1 else ""}score == NULL || scratch == NULL)
        return 0;
{"" if len(inputs) > 1 else "    (void)rhythm;" + chr(10)}{_calls(net, names, starts)}
    return 1;
}}
"""


def _layers(net):
    lines, filters, weights = [], 0, 0
    for layer in net.layers:
        ticks = layer.ticks
        tables = f"weights + {weights}, biases + {filters}, multipliers + {filters}, shifts + {filters}"
        lines.append(
            "    {"
            + ", ".join(f"sibeat_net_tables.{table}" for table in tables.split(", "))
            + f",\n     {ticks.length}, {ticks.channels}, {ticks.positions}, {len(layer.weights)}, {ticks.taps}, "
            f"{ticks.stride}, {ticks.padding}, {layer.zero_in}, {layer.zero_out}, {layer.lowest}, "
            f"{layer.highest}}},"
        )
        filters, weights = filters + len(layer.weights), weights + layer.weights.size
    return "\n".join(lines)


def _calls(net, names, starts):
    def at(place):
        name, start = names.get(place.buffer, "scratch"), starts.get(place.buffer, 0) + place.start
        return f"{name} + {start}" if start else name

    return "\n".join(
        f"    sibeat_layer_run(&layers[{number}], {at(layer.source)}, {at(layer.target)});"
        for number, layer in enumerate(net.layers)
    )
