"""The filters of a lead as C: band-passes at the lowered rate, and the resamplers of the front ends."""

import numpy as np

from keras_sibeat.export.c_text import elements, floating, header
from keras_sibeat.export.multirate import multirate, response
from sibeat_edge.signal.filters import band_pass_taps, bridgeable
from sibeat_edge.signal.resampling import RATE, Resampler

RATES = (125, 128, 200, 250, 256, 360, 500, 512)  # Hz of front ends that the bundle can take
ABOUT = "The filters of a lead, as sibeat_edge.signal has them: the half of each from its middle tap on."
RATE_STRUCT = """\
/* A front end's rate: the resampler makes `up` samples of `down`. */
typedef struct {
    const float *taps; /* the filter at 1 / up of a sample, or NULL where nothing is resampled */
    uint16_t hz, up, down, half; /* half: places of the last tap */
} sibeat_rate;

/*
 * The rates that are supported; hz is 0 behind the last one. Define SIBEAT_FRONT_END_HZ as the one that your
 * front end has, and the tables of the others take no flash. 360 Hz needs none, and is always there.
 */
extern const sibeat_rate sibeat_rates[];
"""
CHOICE = """\
#ifdef SIBEAT_FRONT_END_HZ
#define HAS(hz) (SIBEAT_FRONT_END_HZ == (hz))
#else
#define HAS(hz) 1
#endif
"""


def filter_sources(band: tuple[float, float], order: int) -> dict[str, str]:
    """The files ``sibeat_filters.h`` and ``.c`` for windows of the band-pass of ``band`` and ``order``."""
    found = multirate(band, order)
    offset = response(band_pass_taps(band, order)[order:], np.zeros(1), RATE)[0]
    return {"sibeat_filters.h": _header(found, offset), "sibeat_filters.c": _source(found)}


def rate_taps(rate: int) -> np.ndarray:
    """The half ``(places,)`` of the ``Resampler``'s filter from its middle on, each phase's gain 1; float32.

    >>> rate_taps(180).shape
    (21,)
    """
    resampler = Resampler(rate)
    places = np.arange(10 * max(resampler.up, resampler.down) + 1)
    phases = places % resampler.up
    return resampler._bank[phases, (phases - places) // resampler.up + resampler._reach].astype(np.float32)


def _header(found, offset):
    rows = {rate: Resampler(rate) for rate in RATES}
    reach = max(getattr(resampler, "_reach", 0) for resampler in rows.values())
    lines = [
        f"#define SIBEAT_DECIMATION {found.factor} /* the band-passes run at so much less than 360 Hz */",
        f"#define SIBEAT_BANK_HALF {len(found.bank)} /* the low-pass before and behind them */",
        f"#define SIBEAT_WINDOW_HALF {len(found.window)} /* the band-pass of the windows */",
        f"#define SIBEAT_DETECTOR_HALF {len(found.detector)} /* that of the R-peak detector */",
        f"#define SIBEAT_WINDOW_OFFSET {floating(offset)} /* gain of a constant */",
        f"#define SIBEAT_RESAMPLER_REACH {reach} /* samples to either side, of a resampler */",
        f"#define SIBEAT_LONGEST_BRIDGE {max(map(bridgeable, RATES))} /* samples of a bridged gap */\n",
        RATE_STRUCT,
        "extern const float sibeat_bank_taps[SIBEAT_BANK_HALF];",
        "extern const float sibeat_window_taps[SIBEAT_WINDOW_HALF];",
        "extern const float sibeat_detector_taps[SIBEAT_DETECTOR_HALF];",
    ]
    return header("sibeat_filters", ABOUT, lines)


def _source(found):
    tables = {}
    for rate in RATES:
        if rate != RATE:
            taps = rate_taps(rate)
            tables.setdefault(taps.tobytes(), (taps, []))[1].append(rate)
    arrays, names = [], {}
    for taps, rates in tables.values():
        name = "of_" + "_".join(map(str, rates))
        names.update(dict.fromkeys(rates, name))
        has = " || ".join(f"HAS({rate})" for rate in rates)
        arrays.append(f"#if {has}\nstatic const float {name}[] = {{\n{elements(taps)}\n}};\n#endif\n")
    halves = [
        f"const float sibeat_{name}_taps[SIBEAT_{name.upper()}_HALF] = {{\n{elements(taps)}\n}};\n"
        for name, taps in (("bank", found.bank), ("window", found.window), ("detector", found.detector))
    ]
    none = " || ".join(f"HAS({rate})" for rate in RATES)
    known = ", ".join(map(str, RATES))
    check = f'#if !({none})\n#error "SIBEAT_FRONT_END_HZ: expected one of {known}"\n#endif\n'
    parts = ['#include "sibeat_filters.h"\n\n#include <stddef.h>\n', *halves, CHOICE, check, *arrays]
    return "\n".join([*parts, _rates(names)])


def _rates(names):
    rows = [f"    {{NULL, {RATE}, 1, 1, 0}},\n"]
    for rate in names:
        resampler = Resampler(rate)
        half = 10 * max(resampler.up, resampler.down)
        row = f"{{{names[rate]}, {rate}, {resampler.up}, {resampler.down}, {half}}}"
        rows.append(f"#if HAS({rate})\n    {row},\n#endif\n")
    return "const sibeat_rate sibeat_rates[] = {\n" + "".join(rows) + "    {NULL, 0, 0, 0, 0},\n};\n"
