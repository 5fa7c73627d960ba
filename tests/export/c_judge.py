"""The judge in C, and what like it needs no configuration, in float32 or with every float a double."""

import ctypes
import re
from pathlib import Path

import numpy as np
from compilers import STATIC, STRICT, compile_with

from sibeat_edge.beats.judge import Verdict
from sibeat_edge.beats.windows import AFTER, BEFORE

STEMS = (
    "sibeat_shape",
    "sibeat_timing",
    "sibeat_judge",
    "sibeat_align",
    "sibeat_stretch",
    "sibeat_threshold",
)
STEMS += ("sibeat_episodes", "sibeat_alarms", "sibeat_newest")  # none of which needs a model's configuration
SOURCES = [STATIC / f"{stem}.c" for stem in STEMS]
HEADERS = [source.with_suffix(".h") for source in SOURCES] + [
    STATIC / f"sibeat_{name}.h" for name in ("floats", "ticks")
]
PARTS = ("judge", "align", "stretch", "threshold", "episodes", "alarms")
SIZED = ("judge", "aligner", "stretch", "threshold", "episodes", "alarms", "look")
LOOK_FLOATS = 180  # of memory that it takes to look at a beat
SIZE = "".join(f'#include "sibeat_{part}.h"\n' for part in PARTS) + "".join(
    f"unsigned {name}_size(void) {{ return sizeof(sibeat_{name}); }}\n" for name in SIZED
)
WHY = {(0, 0): "", (1, 0): "shape", (0, 1): "timing", (1, 1): "both"}


class CVerdict(ctypes.Structure):
    """``sibeat_verdict``."""

    _fields_ = (
        ("kind", ctypes.c_char),
        ("by_shape", ctypes.c_uint8),
        ("by_timing", ctypes.c_uint8),
        ("is_irregular", ctypes.c_uint8),
        ("group", ctypes.c_int32),
    )

    def as_verdict(self):
        kind, group = self.kind.decode().strip("\0"), None if self.group < 0 else self.group
        return Verdict(kind, WHY[self.by_shape, self.by_timing], bool(self.is_irregular), group)


def seen_of(real):
    """``sibeat_seen`` with floats of a type."""

    class CSeen(ctypes.Structure):
        _fields_ = (
            *((name, real) for name in ("rr", "likeness")),
            ("look", ctypes.c_void_p),
            *((name, real) for name in ("score", "timing_score", "shape_score", "limit")),
            ("is_over", ctypes.c_uint8),
        )

    return CSeen


def in_double(text):
    """A source with every float made a double, so that it differs from Python by its logic alone."""
    text = re.sub(r"(?<=\d)f\b", "", re.sub(r"\bfloat\b", "double", text))
    text = re.sub(r"typedef u?int16_t (sibeat_(share|limit|interval));", r"typedef double \1;", text)
    text = re.sub(
        r"sibeat_ticks_of\((seconds)\)|sibeat_seconds_of\((newest.*)\)", r"\1\2", text
    )  # and intervals
    text = re.sub(r"\brintf\(", "(", text)  # so that means and thresholds are kept as they are
    return re.sub(r"\b(sqrt|log10|log2|log|exp2|exp|fabs|floor)f\(", r"\1(", text)


def build(folder: Path, double: bool = False):
    """The judge and its neighbours as a library, built in an empty folder."""
    for file in [*SOURCES, *HEADERS]:
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text(in_double(text) if double else text)
    (folder / "size.c").write_text(SIZE)
    promoted = ["-Wno-double-promotion"] if double else []  # of NAN, which is a float
    flags = [*STRICT, *promoted, "-O2", "-fPIC", "-shared"]
    compile_with("gcc", *flags, *sorted(folder.glob("*.c")), "-lm", "-o", "judge.so", cwd=folder)
    library = ctypes.CDLL(str(folder / "judge.so"))
    library.real = np.float64 if double else np.float32
    library.sibeat_judge_look.argtypes = [ctypes.c_void_p] * 5
    library.sibeat_judge_needs_shape.argtypes = [ctypes.c_void_p]
    library.sibeat_threshold_limit.restype = np.ctypeslib.as_ctypes_type(library.real)
    return library


class CJudge:
    """The judge in C, with the methods of ``Judge``.

    It takes windows of two leads in mV, of which the first is the view's, as a model of two leads has them.
    """

    def __init__(self, library, centre=BEFORE, length=BEFORE + AFTER):
        self._library, self._verdict = library, CVerdict()
        self._seen = seen_of(np.ctypeslib.as_ctypes_type(library.real))
        self._state = ctypes.create_string_buffer(library.judge_size())
        self._look = ctypes.create_string_buffer(library.look_size())
        library.sibeat_judge_init(self._state, centre, length, 2)
        self.asked = 0  # beats whose score had they been on time was needed

    def push(self, beat, scores):
        seen = self._seen(*(np.nan if value is None else value for value in (beat.rr, beat.likeness)))
        if scores is not None:
            window, own = (self._two_leads(lead) for lead in beat.view.T)
            is_asked = self.look(window, own) and self._library.sibeat_judge_needs_shape(self._look)
            seen.look = ctypes.addressof(self._look) if self.is_seen else None
            seen.score, seen.timing_score, seen.limit = scores.whole, scores.timing, scores.limit
            seen.shape_score = scores.shape() if is_asked else np.nan
            seen.is_over = beat.is_over
            self.asked += is_asked
        return self._found(self._library.sibeat_judge_push, ctypes.byref(seen))

    def look(self, window, own):
        """Look at a window and its template; returns whether there is something to be seen."""
        work = np.zeros(LOOK_FLOATS, self._library.real)
        at = (None if each is None else each.ctypes.data for each in (window, own, work))
        self.is_seen = bool(self._library.sibeat_judge_look(self._state, *at, self._look))
        return self.is_seen

    def _two_leads(self, lead):
        both = np.stack([0.35 * lead.astype(float) + 0.25, np.sin(np.arange(len(lead)))], axis=1)
        return np.ascontiguousarray(both, self._library.real)

    def finish(self):
        return self._found(self._library.sibeat_judge_finish)

    def settled(self, at_end=False):
        found = []
        while more := self._found(self._library.sibeat_judge_settle, int(at_end)):
            found += more
        return found

    def _found(self, call, *arguments):
        is_there = call(self._state, *arguments, ctypes.byref(self._verdict))
        return [self._verdict.as_verdict()] if is_there else []
