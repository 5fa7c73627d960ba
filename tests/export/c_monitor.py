"""Wearer and monitor in C, compiled with the shipped model's configuration, and records played to both."""

import ctypes
import math
from dataclasses import dataclass, field, replace

import numpy as np
from c_judge import CJudge, CVerdict
from c_parts import CAligner, CEpisode, CStretch, CThreshold, or_nan
from compilers import DRIVER, STATIC, STRICT, compile_with

from sibeat_edge.beats import stream
from sibeat_edge.beats.stream import CutBeat
from sibeat_edge.beats.windows import beside
from sibeat_edge.scorer import BeatScorer
from sibeat_edge.signal.resampling import RATE

GENERATED = STATIC.parents[1] / "firmware"  # of the default preset
QUALITY = ("", "flat", "noisy", "motion")


class CBeat(ctypes.Structure):
    """``sibeat_beat``."""

    _fields_ = (
        ("time", ctypes.c_int64),
        ("rr", ctypes.c_float),
        ("likeness", ctypes.c_float),
        ("note", ctypes.c_uint16),
        ("is_clean", ctypes.c_uint8),
        ("window", ctypes.c_void_p),
    )


READ = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_float))


class CSource(ctypes.Structure):
    """``sibeat_source``."""

    _fields_ = (("read", READ), ("context", ctypes.c_void_p), ("room", ctypes.c_void_p))


class CView(ctypes.Structure):
    """``sibeat_wearer_view``."""

    _fields_ = (("beat", CBeat), ("own", ctypes.c_void_p), ("features", ctypes.c_float * 8))


class COutcome(ctypes.Structure):
    """``sibeat_outcome``."""

    _fields_ = (
        ("time", ctypes.c_int64),
        ("rr", ctypes.c_float),
        ("note", ctypes.c_uint16),
        ("timing_score", ctypes.c_float),
        ("shape_score", ctypes.c_float),
        ("verdict", CVerdict),
        ("score", ctypes.c_int8),
        ("has_score", ctypes.c_uint8),
        ("is_above", ctypes.c_uint8),
    )


CALLS = {
    "score": ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int8)),
    "read": READ,
    "judged": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(COutcome)),
    "settled": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(CVerdict)),
    "episode": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(CEpisode)),
    "alarm": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(CEpisode)),
}


class CCalls(ctypes.Structure):
    """``sibeat_calls``."""

    _fields_ = (*CALLS.items(), ("context", ctypes.c_void_p), ("room", ctypes.c_void_p))


def build_shipped(folder):
    """All C of the default preset's bundle as a library, built in an empty folder."""
    sources = [*sorted(STATIC.glob("sibeat*.c")), *sorted(GENERATED.glob("sibeat_*.c"))]
    (folder / "driver.c").write_text(DRIVER)
    flags = [*STRICT, "-O2", "-fPIC", "-shared", "-I", STATIC, "-I", GENERATED]
    compile_with("gcc", *flags, *sources, "driver.c", "-lm", "-o", "shipped.so", cwd=folder)
    library = ctypes.CDLL(str(folder / "shipped.so"))
    library.real = np.float32
    library.sibeat_judge_look.argtypes = [ctypes.c_void_p] * 5
    library.sibeat_judge_needs_shape.argtypes = [ctypes.c_void_p]
    library.sibeat_threshold_limit.restype = ctypes.c_float
    library.sibeat_quality_of.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    return library


def array_at(address, size):
    return np.ctypeslib.as_array((ctypes.c_float * size).from_address(address)).copy()[:, None]


class Windows:
    """The windows of the two newest beats, by their times, which C reads again."""

    def __init__(self):
        self._kept = {}

    def keep(self, time, window):
        """Keep the window of a beat; returns where it is."""
        if window is None:
            return None
        self._kept[time] = np.ascontiguousarray(window, np.float32)
        self._kept = dict(list(self._kept.items())[-2:])
        return self._kept[time].ctypes.data

    def read(self, _, time, window):
        """As ``sibeat_source`` has it."""
        ctypes.memmove(window, self._kept[time].ctypes.data, self._kept[time].nbytes)


class CWearer:
    """``Wearer`` of one lead."""

    def __init__(self, library, waits=True, centre=140):
        self._library, self._previous = library, None
        self._state = ctypes.create_string_buffer(library.wearer_size())
        self._windows, self._room = Windows(), ctypes.create_string_buffer(library.room_size())
        self._source = CSource(READ(self._windows.read), None, ctypes.addressof(self._room))
        library.sibeat_wearer_start(self._state, int(waits))

    def push(self, time, window, follows=True, is_clean=True):
        rr = time - self._previous if follows and self._previous is not None else math.nan
        self._previous = time
        at = self._windows.keep(round(time * RATE), window)
        beat = CBeat(round(time * RATE), rr, math.nan, 0, is_clean, at)
        assert self._library.sibeat_wearer_has_room(self._state)
        self._library.sibeat_wearer_push(self._state, ctypes.byref(beat))
        views = self._views()
        self._library.sibeat_wearer_keep(self._state, ctypes.byref(self._source))
        return views

    def pause(self, follows=True):
        self._library.sibeat_wearer_pause(self._state, int(follows))
        return self._views()

    def interrupt(self):
        self._library.sibeat_wearer_interrupt(self._state)
        return self._views()

    def finish(self):
        self._library.sibeat_wearer_finish(self._state, ctypes.byref(self._source))
        return self._views()

    def _views(self):
        """Of all beats that are certain."""
        views = []
        while True:
            views += [self._view(number) for number in range(self._library.wearer_ready(self._state))]
            while self._library.wearer_ready(self._state):
                self._library.sibeat_wearer_done(self._state)
            self._library.wearer_told(self._state)
            if not self._library.sibeat_wearer_advance(self._state, ctypes.byref(self._source)):
                return views

    def _view(self, number):
        view, source = CView(), ctypes.byref(self._source)
        if not self._library.sibeat_wearer_view_of(self._state, number, source, ctypes.byref(view)):
            return None
        both = (array_at(address, 320) for address in (view.beat.window, view.own))
        return beside(*both), np.array(view.features, np.float32)


class CMonitor:
    """``sibeat_monitor`` with a wearer: what it is told of beats, and what it tells."""

    def __init__(self, library, model):
        self._library, self._model = library, model
        self._state = ctypes.create_string_buffer(library.monitor_size())
        self.first, self.last, self.episodes, self.alarms = [], [], [], []
        self._windows, self._room = Windows(), ctypes.create_string_buffer(library.room_size())
        self._calls = [kind(getattr(self, f"_{name}")) for name, kind in CALLS.items()]
        library.sibeat_monitor_init(self._state, ctypes.byref(self._callbacks()))

    def _callbacks(self):
        return CCalls(*self._calls, None, ctypes.addressof(self._room))

    def _read(self, *arguments):
        self._windows.read(*arguments)

    def _score(self, _, entry):
        entry = np.ctypeslib.as_array(entry, (648,))
        return self._model.score_raw(entry[:640].reshape(320, 2).copy(), entry[640:].copy())

    def _judged(self, _, outcome):
        found = outcome.contents
        verdict = found.verdict.as_verdict()
        score = found.score if found.has_score else None
        self.first.append((found.time, score, bool(found.is_above), verdict))

    def _settled(self, _, number, verdict):
        assert number == len(self.last)
        self.last.append(verdict.contents.as_verdict().kind)

    def _episode(self, _, episode):
        self.episodes.append(episode.contents.as_episode())

    def _alarm(self, _, episode):
        self.alarms.append(episode.contents.as_episode())

    def play(self, tape):
        for cut in tape:
            if cut == "gap":
                self._library.sibeat_monitor_interrupt(self._state)
            elif cut == "end":
                self._library.sibeat_monitor_finish(self._state)
            elif isinstance(cut, CutBeat):
                at = self._windows.keep(round(cut.time * RATE), cut.window)
                beat = CBeat(
                    round(cut.time * RATE), or_nan(cut.rr), or_nan(cut.likeness), 0, cut.is_clean, at
                )
                self._library.sibeat_monitor_push(self._state, ctypes.byref(beat))
            else:
                self._library.sibeat_monitor_pause(self._state, int(cut.follows))
        return self


class Taped(BeatScorer):
    """A scorer that keeps what is cut from its stream, its first verdicts, and where it breaks off."""

    def __init__(self, *arguments, **options):
        self.tape, self.first = [], []
        super().__init__(*arguments, **options)

    def push(self, samples, time=None):
        beats = super().push(samples, time)
        self.first += beats
        return beats

    def finish(self):
        beats = super().finish()
        self.first += beats
        return beats

    def _take(self, cut):
        self.tape += cut
        return super()._take(cut)

    def _end(self, goes_on=False):
        beats = super()._end(goes_on)
        self.tape.append("gap" if goes_on else "end")
        return beats


@dataclass
class Parts:
    """C parts that are put into the Python scorer in the place of its own."""

    library: ctypes.CDLL
    wearers: list = field(default_factory=list)

    def put_into(self, patch, module):
        library = self.library
        patch.setattr(module, "Aligner", lambda: CAligner(library))
        patch.setattr(module, "Judge", lambda centre: CJudge(library, centre))
        patch.setattr(module, "Wearer", lambda waits, centre: CWearer(library, waits, centre))
        patch.setattr(module, "views_of", list)  # C makes views at once
        patch.setattr(module, "Threshold", lambda *arguments: CThreshold(library, *arguments))
        patch.setattr(stream, "Stretch", lambda: CStretch(library))
        patch.setattr(stream.BeatStream, "_judge_noise", lambda _, *found: self._judge_noise(*found))

    def _judge_noise(self, beats, stretches):
        return [self._judged(beat, *stretch) for beat, stretch in zip(beats, stretches, strict=True)]

    def _judged(self, beat, is_fit, is_clean):
        if beat.window is None:
            return beat
        window = np.array(beat.window, np.float32)  # a copy, which is spoilt
        fitness, is_scored = is_fit + (is_fit and is_clean), ctypes.c_int(-1)
        reason = QUALITY[self.library.sibeat_quality_of(window.ctypes.data, fitness, ctypes.byref(is_scored))]
        return beat._replace(window=beat.window if is_scored.value else None, reason=reason)


def as_told(beat):
    """What both must say of a beat alike: scores and likenesses are floats."""
    return replace(beat, snr=None, score=None if beat.score is None else round(beat.score, 4), residuals=None)
