"""The README of a firmware bundle: a template, and the figures of the model that fill it."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from keras_sibeat.export.c_filters import RATES, rate_taps
from keras_sibeat.export.c_net import flash_bytes
from keras_sibeat.export.firmware_sources import Facts
from keras_sibeat.export.multirate import Multirate, multirate
from keras_sibeat.export.net import read_net
from keras_sibeat.export.net_memory import plan
from keras_sibeat.export.tflm import scales_each_unit
from sibeat_edge.beats.judge import LATER
from sibeat_edge.beats.stream import HELD
from sibeat_edge.signal.resampling import RATE

TEMPLATE = Path(__file__).parent / "README.template.md"
BUDGET = Path(__file__).parent / "budget.md"  # a table that benchmarks/firmware_budget.py writes
# Bytes of the structs, with pointers of 64 bits.
JUDGE_BYTES = 5_212
CONTACT_BYTES, RESAMPLER_BYTES, RPEAKS_BYTES, WAITING_BYTES = 420, 144, 2_192, 256
BRIDGED = 21  # samples of each lead that wait for a gap's end
BLOCK, FINE = 16, 5  # slow samples of a common unit, and seconds of them that are kept in 16 bits each
PARTS_BYTES = 2_212 + 40 + 1_048  # aligner, stretch, threshold
EPISODES_BYTES = 616 + 200  # with the alarms
PACKED_BYTES = 112  # of a lead of a window
# Of sibeat_net_run on a Cortex-M4, by GCC 12 with -O2: bytes of flash and of stack, and instructions for a
# multiply-add, with those of the core's DSP extension and without.
CODE_BYTES, STACK_BYTES, DSP, PLAIN = 1_600, 240, 3.4, 4.0
SINCE = """
The dense layers have a scale for each unit, which TFLM knows since 27 September 2024 (its commit `47b5450`).
An older one computes wrong scores, and `sibeat_ops.h` does not compile with it. Kernels of a chip's maker may
not know them; the self-test tells.
"""
OF_A_WEARER = (
    "budget",
    "path_files",
    "path_test",
    "whole_files",
    "demo_file",
    "wearer_files",
    "wearer_step",
    "wearer_judge",
)
WHOLE = "Copy these files into your project."
GENERATED_ONLY = """\
This folder holds the files that were generated for this model. The files marked with * are the same for every
model and lie in the folder `firmware` of the package `sibeat_edge`. Copy both into your project. In that
folder, `make MODEL=FOLDER check` checks the generated files in `FOLDER`."""
WHOLE_PATH = """\
Push the samples as they come, as int16, int32 or float. All of `sibeat_edge` is behind the call:

   ```c
   #include "sibeat.h"

   static void on_beat(void *context, const sibeat_scored *beat) { /* time, kind, score, ... */ }
   static void on_alarm(void *context, const sibeat_episode *episode) { /* what is to be told */ }

   static sibeat_context context;
   /* version, Hz, mV of a unit of the samples, time of the first, calls, model */
   sibeat_config config = {SIBEAT_API_VERSION, 250, 0.005f, 0, {on_beat, 0, 0, on_alarm, 0}, 0};

   sibeat_init(&context, &config);
   sibeat_push_i16(&context, samples, count); /* whenever there are some */
   ```

   Tell `sibeat_clock` where samples have been lost. `sibeat_finish` ends a recording. A call with an argument
   that is not allowed returns an error and leaves the context alone. Samples that are missing are NaN, or the
   lowest integer."""
PATH_OF_BEATS = """\
Push the samples into `sibeat_stream_push`, as float. It calls back with each beat and its window, or why it
   has none. Make the model's input of a window with `sibeat_quantise_window`."""
WEARER = """\
   Each beat is put beside the wearer's own beats and rhythm. $waits
   The beats of a warm-up, 60 or more, wait for its end. Then they are searched for a template, and the newest
   60 that are fit are scored, **and the threshold learns from all of their scores before the first of them is
   judged**, as `sibeat_edge` does. This is done in some 250 steps, 100 a second, each a call of
   `sibeat_monitor_work`.
   `sibeat_save` and `sibeat_restore` keep what is known of a wearer across a deep sleep.
"""
PACKAGING = """\
In a project the folder is, as it lies,

- for CMake a library: `add_subdirectory(sibeat)` and `target_link_libraries(... sibeat::sibeat)`, or
  `cmake --install` and `find_package(sibeat)`; `ctest` runs the host check;
- for Zephyr a module (`ZEPHYR_EXTRA_MODULES`, `CONFIG_SIBEAT=y`, `CONFIG_SIBEAT_FRONT_END_HZ`);
- for ESP-IDF a component (`EXTRA_COMPONENT_DIRS`, or a `path` in `idf_component.yml`);
- for Arduino a library, in `libraries/sibeat`.
"""
EXAMPLES = """
`examples/` has a program for each that replays a recording over a serial line, and `send.py`, which sends it.
"""
BUDGET_TEXT = """\
## What the whole path takes

Of the default preset's model, whichever model is in this folder:

$table
Instructions were counted on an emulated core; they are not cycles. RAM is without the stack.

"""
PATH_TEST = """
   `sibeat_pathtest` plays a minute and a half of a signal that it makes itself through a context, and says
   which stage first tells other than `sibeat_edge`: filter, R-peaks, scores, template, kinds.
"""
WAITS = "A beat is scored once the next one is there."
AT_ONCE = "A beat is scored at once."

JUDGED = f"""\
## Which beats are alarms

`sibeat_judge` tells what each beat is, as `sibeat_edge.beats.judge` does: N, S (premature, of the wearer's
own shape) or V (of another shape). It believes a score above the threshold only where the beats around are
clean or others of its kind were believed. And it finds premature beats below the threshold, by the wearer's
own rhythm. **S and V are the alarms, and not every score above the threshold.** `sibeat_episodes` finds what
goes on for a while: runs, bigeminy, frequent ectopic beats (6 of 60), irregular rhythm, a slow or fast heart,
pauses. `sibeat_alarms` says which of them a device tells, and is quiet for a minute behind each.

`sibeat.h` calls them all in their turn, and runs the model up to three times a beat. It calls back with

- `beat`: each beat with its first verdict, once the next one is there;
- `revised`: where the last one, {LATER} beats later and with what has been learnt since, is another;
- `episode` and `alarm`: what begins or ends, and what is to be told.

Who puts the parts together otherwise: divide scores and limits by `SIBEAT_THRESHOLD` for the judge, and ask
for a third score only where `sibeat_judge_needs_shape`. A beat takes some 66,000 multiplications to be
aligned, and some 40,000 to be judged.

Of the same beats these files and `sibeat_edge` tell the same, but for what single precision rounds otherwise.

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
            "rates": ", ".join(map(str, RATES)),
            "low": f"{signal['band'][0]:g}",
            "high": f"{signal['band'][1]:g}",
            "delay": signal["order"],
            "level": facts.level,
            "above": "above the threshold" if manifest["wearer"] else "an alarm",
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
    signal, (beats, size) = facts.manifest["signal"], facts.golden_inputs.shape
    filters = multirate(tuple(signal["band"]), signal["order"])
    halves = len(filters.bank) + len(filters.window) + len(filters.detector)
    numbers = {
        "model_bytes": len(facts.content),
        "arena_measured": facts.arena,
        "arena_margin": facts.margin,
        "arena": facts.arena + facts.margin,
        "stream_bytes": stream_bytes(filters, len(signal["leads"])),
        "window_bytes": _window_bytes(facts, size),
        "taps": 2 * signal["order"] + 1,
        "constant_bytes": 4 * halves + beats * (size + 1),
        "most_rate": 4 * max(len(rate_taps(rate)) for rate in RATES if rate != signal["rate"]),
    }
    return {name: f"{number:,}" for name, number in numbers.items()}


def _window_bytes(facts, size):
    """Of a window and the model's input; a wearer's model has one memory for what is needed by turns."""
    wearer = facts.manifest["wearer"]
    if not wearer:
        return 5 * size
    window = sum(facts.manifest["window"].values()) * len(facts.manifest["signal"]["leads"])
    return max(4 * window + 12 * wearer["warm_up"], size + plan(read_net(facts.content, facts.output))[1])


def _of_wearer(manifest, generated_only):
    """What is said of the wearer's template and rhythm; nothing where the model has none."""
    wearer = manifest["wearer"]
    if not wearer:
        empty = dict.fromkeys(OF_A_WEARER, "")
        memory = f"| Aligner, stretch and threshold, RAM | {PARTS_BYTES:,} |\n"
        return empty | {"use": PATH_OF_BEATS, "wearer_memory": memory, "packaging": PACKAGING + "\n"}
    size = sum(manifest["window"].values()), len(manifest["signal"]["leads"])
    mark = _mark(generated_only)
    files = {
        "the beat beside the wearer's own beats and rhythm": ("wearer", "template", "packed", "rhythm"),
        "what kind each beat is": ("judge", "shape", "timing"),
        "what goes on for a while, and what of it is told": ("episodes", "alarms"),
        "all of this in its turn, from beats to alarms": ("monitor", "image"),
    }
    rows = (
        "| " + ", ".join(f"`sibeat_{name}.c/.h`{mark}" for name in names) + f" | {what} |\n"
        for what, names in files.items()
    )
    return {
        "use": WHOLE_PATH,
        "packaging": f"{PACKAGING}{EXAMPLES}\n",
        "budget": Template(BUDGET_TEXT).substitute(table=BUDGET.read_text(encoding="utf-8")),
        "path_files": "| `sibeat_golden_path.c/.h`, "
        f"`sibeat_pathtest.c/.h`{mark} | the check of all stages |\n",
        "path_test": PATH_TEST,
        "demo_file": f"| `host_demo.c`{mark} | "
        "`make demo`: scores a file of raw 16-bit samples on a computer |\n"
        f"| `sibeat_replay.c/.h`{mark}, `examples/`{mark} | a recording replayed over a serial line |\n",
        "whole_files": f"| **`sibeat.c/.h`**{mark} | **the whole path: samples in, judged beats out** |\n",
        "wearer_files": "".join(rows),
        "wearer_step": Template(WEARER).substitute(waits=WAITS if wearer["waits"] else AT_ONCE),
        "wearer_judge": JUDGED,
        "wearer_memory": "| The monitor with all of its parts, RAM for each wearer | "
        f"{monitor_bytes(wearer, *size):,} |\n"
        f"| Of it aligner, stretch and threshold | {PARTS_BYTES:,} |\n"
        f"| Of it the judge | {JUDGE_BYTES:,} |\n"
        f"| Of it the episodes, and what of them is told | {EPISODES_BYTES:,} |\n"
        "| Of it the wearer's template and rhythm, and the beats that wait | "
        f"{wearer_bytes(wearer, *size):,} |\n",
    }


def monitor_bytes(wearer: Mapping[str, Any], length: int, leads: int) -> int:
    """Bytes of ``sibeat_monitor``, with pointers of 64 bits."""
    parts = wearer_bytes(wearer, length, leads) + PARTS_BYTES + JUDGE_BYTES + EPISODES_BYTES
    return _aligned(parts) + 40 + _aligned(6 + 2 * wearer["warm_up"] + 1) + 64


def wearer_bytes(wearer: Mapping[str, Any], length: int, leads: int) -> int:
    """Bytes of ``sibeat_wearer``, of windows of so many samples.

    >>> wearer_bytes({"warm_up": 60, "history": 40}, 320, 1)
    11016
    """
    warm_up, size = wearer["warm_up"], length * leads
    template = 6 * size + 32 + (warm_up + 4) * (leads * PACKED_BYTES + 1) + 3 * warm_up + 6
    held = 2 * warm_up + 1
    beats = -(-2 * (wearer["history"] + 3) // 4) * 4 + 12 * (held + 4)
    return _aligned(_aligned(_aligned(template) + 20) + beats) + 24


def stream_bytes(filters: Multirate, leads: int) -> int:
    """Bytes of ``sibeat_stream``, with pointers of 64 bits.

    >>> stream_bytes(multirate((0.67, 45.0), 540), 1)
    8392
    """
    fine, held = (seconds * RATE // filters.factor // BLOCK + 1 for seconds in (FINE, HELD))
    bank, slow = 2 * len(filters.bank) - 1, 2 * len(filters.window) - 1
    ring = fine * (2 * BLOCK + 4) + -(-(held - fine + 1) * (BLOCK + 1) // 4) * 4 + 4 * BLOCK + 4
    fill = 4 * -(-(4 * BRIDGED * leads + 6 * leads + 3) // 4)
    first = _aligned(60 + (8 + CONTACT_BYTES) * leads + fill)
    leads_bytes = (RESAMPLER_BYTES + 4 * (bank + slow) + 12 + ring) * leads
    around = 4 * -(-bank // filters.factor)
    return _aligned(_aligned(first + leads_bytes + around) + RPEAKS_BYTES + WAITING_BYTES + 41)


def _aligned(size):
    return -(-size // 8) * 8
