"""Golden vectors of the whole path: a signal that a chip can make itself, and what is told of it."""

import numpy as np

from keras_sibeat.export.c_text import elements, floating, header
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import score_recording
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import RATE

UNIT = 0.005  # mV of an integer
BEFORE, AFTER = 80, 140  # samples of a shape before its R-peak, and from it on
BEATS, ODD = 80, {66: 1, 70: 1, 74: 1}  # beats, and those of the ventricular shape
EARLY, EARLY_BEATS = 0.62, (66, 70, 72, 74)  # share of the usual interval, and beats that come so early
INTERVAL, SWING = 290, 12  # samples
HISS = 3  # integers to either side, of a generator whose numbers C makes, too
FILTERED = np.arange(1000, 3400, 100)  # places of the filtered samples that are told
NO_SCORE = -128
ABOUT = "A signal that the chip makes itself, and what sibeat_edge tells of it."
STRUCTS = """\
/* A beat: when, of which kind ('-' for none), and the int8 scores of itself and of the template. */
typedef struct {
    uint16_t after; /* ticks behind the one before, or the signal's start */
    char kind;
    int8_t level, timing;
} sibeat_golden_beat;
"""


def shapes() -> np.ndarray:
    """A normal beat and a ventricular one, ``(2, 220)`` int16 in units of 5 µV."""
    ticks = np.arange(-BEFORE, AFTER)

    def wave(place, width, height):
        return height * np.exp(-np.square((ticks - place) / width) / 2)

    normal = wave(0, 4, 1.2) + wave(9, 4, -0.3) + wave(-60, 9, 0.12) + wave(90, 16, 0.25)
    ventricular = wave(8, 14, -1.5) + wave(-14, 8, 0.5) + wave(75, 20, 0.5)
    return np.rint(np.array([normal, ventricular]) / UNIT).astype(np.int16)


def plan() -> np.ndarray:
    """Ticks ``(80,)`` from the signal's start to the first R-peak, then from each to the next."""
    turn = SWING * np.sin(np.arange(BEATS) * 0.9)
    early = np.isin(np.arange(BEATS), EARLY_BEATS)
    late = np.isin(np.arange(BEATS) - 1, EARLY_BEATS)
    share = np.where(early, EARLY, np.where(late, 2 - EARLY, 1.0))
    return np.rint((INTERVAL + turn) * share).astype(np.int64)


def signal(leads: int) -> np.ndarray:
    """The signal ``(samples, leads)`` as int16; each lead is half as high as the one before."""
    peaks, both = np.cumsum(plan()), shapes()
    lead = np.zeros(peaks[-1] + 3 * RATE, np.int64)
    for number, peak in enumerate(peaks):
        lead[peak - BEFORE : peak + AFTER] += both[ODD.get(number, 0)]
    state = 1
    for place in range(len(lead)):
        state = (1664525 * state + 1013904223) % 2**32
        lead[place] += (state >> 16) % (2 * HISS + 1) - HISS
    return np.stack([lead >> number for number in range(leads)], axis=1).astype(np.int16)


def path_sources(model: Model) -> dict[str, str]:
    """The files ``sibeat_golden_path.h`` and ``.c`` for a wearer's model."""
    samples = signal(model.leads)
    told = score_recording(model, samples * UNIT, RATE, parts=True)
    settings = model.manifest["signal"]
    band_pass = BandPass(tuple(settings["band"]), settings["order"])
    filtered = process(band_pass, samples[:, 0] * UNIT)[FILTERED].astype(np.float32)
    lines = [
        f"#define SIBEAT_GOLDEN_UNIT {floating(UNIT)} /* mV */",
        f"#define SIBEAT_GOLDEN_SAMPLES {len(samples)} /* at 360 Hz */",
        f"#define SIBEAT_GOLDEN_SHAPE {BEFORE + AFTER}",
        f"#define SIBEAT_GOLDEN_SHAPE_PEAK {BEFORE}",
        f"#define SIBEAT_GOLDEN_PLANNED {BEATS}",
        f"#define SIBEAT_GOLDEN_HISS {HISS}",
        f"#define SIBEAT_GOLDEN_TOLD {len(told)}",
        f"#define SIBEAT_GOLDEN_FILTERED {len(FILTERED)}",
        f"#define SIBEAT_GOLDEN_FILTERED_FIRST {FILTERED[0]}",
        f"#define SIBEAT_GOLDEN_FILTERED_STEP {FILTERED[1] - FILTERED[0]}\n",
        STRUCTS,
        "extern const int16_t sibeat_golden_shapes[2][SIBEAT_GOLDEN_SHAPE];",
        "extern const uint16_t sibeat_golden_intervals[SIBEAT_GOLDEN_PLANNED];",
        "extern const uint8_t sibeat_golden_odd[SIBEAT_GOLDEN_PLANNED];",
        "extern const float sibeat_golden_filtered[SIBEAT_GOLDEN_FILTERED]; /* mV, of the first lead */",
        "extern const sibeat_golden_beat sibeat_golden_told[SIBEAT_GOLDEN_TOLD];",
    ]
    return {
        "sibeat_golden_path.h": header("sibeat_golden_path", ABOUT, lines),
        "sibeat_golden_path.c": _source(told, filtered, model.manifest["score"]),
    }


def _source(told, filtered, numbers):
    beats = _told(told, numbers)
    rows = "\n".join(f"    {{\n{elements(shape.astype(np.int32), 8)}\n    }}," for shape in shapes())
    odd = np.array([ODD.get(number, 0) for number in range(BEATS)], np.int8)
    parts = [
        f"const int16_t sibeat_golden_shapes[2][SIBEAT_GOLDEN_SHAPE] = {{\n{rows}\n}};\n",
        "const uint16_t sibeat_golden_intervals[SIBEAT_GOLDEN_PLANNED] = {",
        f"{elements(plan().astype(np.int32))}\n}};\n",
        f"const uint8_t sibeat_golden_odd[SIBEAT_GOLDEN_PLANNED] = {{\n{elements(odd)}\n}};\n",
        f"const float sibeat_golden_filtered[SIBEAT_GOLDEN_FILTERED] = {{\n{elements(filtered)}\n}};\n",
        f"const sibeat_golden_beat sibeat_golden_told[SIBEAT_GOLDEN_TOLD] = {{\n{beats}\n}};\n",
    ]
    return '#include "sibeat_golden_path.h"\n\n' + "\n".join(parts)


def _told(told, numbers):
    before, rows = 0, []
    for beat in told:
        tick = round(beat.time * RATE)
        levels = [
            NO_SCORE if score is None else round(score / numbers["scale"]) + numbers["zero_point"]
            for score in (beat.score, beat.timing)
        ]
        rows.append(f"    {{{tick - before}, '{beat.kind or '-'}', {levels[0]}, {levels[1]}}},")
        before = tick
    return "\n".join(rows)
