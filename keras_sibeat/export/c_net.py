"""An int8 model as standalone C99: its weights, and the calls of the layers that score a beat."""

import zlib
from collections.abc import Sequence

import numpy as np

from keras_sibeat.export.c_text import elements, header
from keras_sibeat.export.net import Layer, Net
from keras_sibeat.export.net_memory import plan

TABLES = ("biases", "multipliers", "shifts", "weights")  # as they lie in flash: words first, so without gaps
ABOUT = "The model as plain C, with the arithmetic of TensorFlow Lite Micro's reference kernels, bit for bit."
ARGUMENTS = "const int8_t *window, const int8_t *rhythm, int8_t *score, int8_t *scratch"
CALL = """
/*
 * Score a beat: SIBEAT_NET_OUTPUTS int8 numbers, of its window and of its rhythm, both as
 * sibeat_preprocess.h makes them. A model of beats that stand alone does not read `rhythm`. `scratch` is
 * SIBEAT_NET_SCRATCH_BYTES, of any alignment, which hold nothing between calls. Returns 1; or 0, and writes
 * nothing, where an argument is missing.
 */"""


def net_sources(net: Net, inputs: Sequence[int]) -> dict[str, str]:
    """The C files of a net, name → text. They need ``sibeat_layer.c/.h``, which are the same for every model.

    Args:
        inputs: places of the window and, where the model takes one, the rhythm among the model's inputs.
    """
    tables = _joined(net)
    data = b"".join(tables[name].astype(tables[name].dtype.newbyteorder("<")).tobytes() for name in TABLES)
    lines = [
        f"#define SIBEAT_NET_BYTES {len(data)} /* of weights and tables, in flash */",
        f"#define SIBEAT_NET_CRC32 0x{zlib.crc32(data):08X}u /* of them, on a little-endian core */",
        f"#define SIBEAT_NET_SCRATCH_BYTES {max(plan(net)[1], 1)}",
        f"#define SIBEAT_NET_OUTPUTS {net.layers[-1].ticks.positions * len(net.layers[-1].weights)}",
        f"#define SIBEAT_NET_MULTIPLY_ADDS {sum(layer.multiply_adds for layer in net.layers)}\n",
        "extern const struct sibeat_net_tables sibeat_net_tables;",
        CALL,
        f"int sibeat_net_run({ARGUMENTS});",
    ]
    return {"sibeat_net.h": header("sibeat_net", ABOUT, lines), "sibeat_net.c": _source(net, inputs, tables)}


def flash_bytes(net: Net) -> int:
    """Bytes of a net's weights and tables."""
    return sum(table.nbytes for table in _joined(net).values())


def _joined(net):
    """Each table of all layers, the last one filled up with zeros, so that all take whole words."""
    tables = {name: np.concatenate([getattr(layer, name).ravel() for layer in net.layers]) for name in TABLES}
    missing = -sum(table.nbytes for table in tables.values()) % 4
    return {**tables, "weights": np.append(tables["weights"], np.zeros(missing, np.int8))}


def _source(net, inputs, tables):
    filters, weights = len(tables["shifts"]), len(tables["weights"])
    values = "\n".join(f"    {{\n{elements(tables[name], 8)}\n    }}," for name in TABLES)
    needed = ["window", "rhythm", "score", "scratch"] if len(inputs) > 1 else ["window", "score", "scratch"]
    missing = " || ".join(f"{name} == NULL" for name in needed)
    return f"""#include "sibeat_net.h"

#include <stddef.h>

#include "sibeat_layer.h"

struct sibeat_net_tables {{
    int32_t biases[{filters}], multipliers[{filters}];
    int8_t shifts[{filters}], weights[{weights}];
}};

const struct sibeat_net_tables sibeat_net_tables = {{
{values}
}};

static const sibeat_layer layers[] = {{
{_entries(net)}
}};

int sibeat_net_run({ARGUMENTS})
{{
    if ({missing})
        return 0;
{"" if len(inputs) > 1 else "    (void)rhythm;" + chr(10)}{_calls(net, inputs)}
    return 1;
}}
"""


def _entries(net):
    lines, first, weight = [], 0, 0
    for layer in net.layers:
        lines.append(_entry(layer, first, weight))
        first, weight = first + len(layer.weights), weight + layer.weights.size
    return "\n".join(lines)


def _entry(layer: Layer, first: int, weight: int) -> str:
    """A layer's entry in the table, whose first filter and first weight have these places among all."""
    places = (("weights", weight), *((name, first) for name in TABLES[:-1]))
    weights, *tables = (f"sibeat_net_tables.{name} + {place}" for name, place in places)
    ticks = layer.ticks
    numbers = (
        *(ticks.length, ticks.channels, ticks.positions, len(layer.weights)),
        *(ticks.taps, ticks.stride, ticks.padding),
        *(layer.zero_in, layer.zero_out, layer.lowest, layer.highest),
    )
    lines = (f"{weights}, {tables[0]}", ", ".join(tables[1:]), ", ".join(map(str, numbers)))
    return "    {" + ",\n     ".join(lines) + "},"


def _calls(net, inputs):
    starts, _ = plan(net)
    names = {net.inputs[place]: name for place, name in zip(inputs, ("window", "rhythm"), strict=False)}
    names[net.output] = "score"

    def at(place):
        name, start = names.get(place.buffer, "scratch"), starts.get(place.buffer, 0) + place.start
        return f"{name} + {start}" if start else name

    return "\n".join(
        f"    sibeat_layer_run(&layers[{number}], {at(layer.source)}, {at(layer.target)});"
        for number, layer in enumerate(net.layers)
    )
