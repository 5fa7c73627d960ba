"""A firmware bundle's C, compiled for this computer, with the methods of ``BeatScorer``."""

import ctypes
import math
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

import sibeat_edge
from keras_sibeat.errors import ExportError
from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.episodes import Episode
from sibeat_edge.signal.resampling import RATE

STATIC = Path(sibeat_edge.__file__).parent / "firmware"
FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared")
SIZES = """
#include "sibeat.h"
unsigned int context_size(void) { return sizeof(sibeat_context); }
unsigned int stream_size(void) { return sizeof(sibeat_stream); }
"""
VERSION = 1  # SIBEAT_API_VERSION
REASONS = ("", "missing", "flat", "saturated", "noisy", "motion", "edge", "warm-up")
WHY = ("", "shape", "timing", "both")
WHAT = (
    "ventricular run",
    "supraventricular run",
    "bigeminy",
    "frequent ectopic beats",
    "irregular rhythm",
    "bradycardia",
    "tachycardia",
    "pause",
)
ERRORS = (
    "OK",
    "NULL_ARGUMENT",
    "OTHER_VERSION",
    "UNSUPPORTED_RATE",
    "WRONG_GAIN",
    "NOT_INITIALISED",
    "NO_SAMPLES",
    "TIME_RUNS_BACK",
)
OK = ERRORS.index("OK")


class CScored(ctypes.Structure):
    """``sibeat_scored``."""

    _fields_ = (
        ("time", ctypes.c_int64),
        ("number", ctypes.c_uint32),
        *((name, ctypes.c_float) for name in ("rr", "snr", "score", "timing", "shape")),
        ("group", ctypes.c_int32),
        ("level", ctypes.c_int8),
        ("kind", ctypes.c_char),
        *(
            (name, ctypes.c_uint8)
            for name in ("has_score", "alarm", "above", "why", "reason", "bridged", "irregular")
        ),
    )

    def as_beat(self) -> Beat:
        """The beat that it tells of."""
        return Beat(
            time=self.time / RATE,
            score=_or_none(self.score),
            alarm=bool(self.alarm),
            reason=REASONS[self.reason],
            rr=_or_none(self.rr),
            why=WHY[self.why],
            snr=_or_none(self.snr),
            above=bool(self.above),
            bridged=bool(self.bridged),
            kind=self.kind.decode().strip("\0"),
            irregular=bool(self.irregular),
            group=None if self.group < 0 else self.group,
            shape=_or_none(self.shape),
            timing=_or_none(self.timing),
        )


class CRevision(ctypes.Structure):
    """``sibeat_revision``."""

    _fields_ = (
        ("number", ctypes.c_uint32),
        ("kind", ctypes.c_char),
        ("alarm", ctypes.c_uint8),
        ("why", ctypes.c_uint8),
    )


class CEpisode(ctypes.Structure):
    """``sibeat_episode``."""

    _fields_ = (
        ("start", ctypes.c_int64),
        ("end", ctypes.c_int64),
        ("what", ctypes.c_uint8),
        ("goes_on", ctypes.c_uint8),
    )

    def as_episode(self) -> Episode:
        """The episode that it tells of."""
        return Episode(WHAT[self.what], self.start / RATE, None if self.goes_on else self.end / RATE)


def _call(kind):
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(kind))


CALLS = {"beat": CScored, "revised": CRevision, "episode": CEpisode, "alarm": CEpisode}


class CConfig(ctypes.Structure):
    """``sibeat_config``, its callbacks among the other fields."""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("rate", ctypes.c_uint32),
        ("gain", ctypes.c_float),
        ("start", ctypes.c_int64),
        *((name, _call(kind)) for name, kind in CALLS.items()),
        ("context", ctypes.c_void_p),
        ("score", ctypes.c_void_p),
    )


def build(folder: Path, generated: Path, compiler: str = "gcc", flags: Sequence[str] = ()) -> ctypes.CDLL:
    """The bundle as a library, built in ``folder`` as ``sibeat.so``.

    Args:
        generated: the folder of the files that were generated for a model, or a whole bundle.
        flags: more ones of the compiler.

    Raises ``ExportError`` where there is no such compiler, or it fails.
    """
    files = {file.name: file for place in (STATIC, generated) for file in place.glob("sibeat*.c")}
    (folder / "sizes.c").write_text(SIZES)
    places = [f"-I{place}" for place in (generated, STATIC)]
    command = [compiler, *FLAGS, *flags, *places, *map(str, files.values()), "sizes.c", "-lm"]
    try:
        done = subprocess.run([*command, "-o", "sibeat.so"], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise ExportError(f"{compiler}: found none, expected a compiler for the firmware's C.") from None
    if done.returncode:
        raise ExportError(f"{compiler}: found errors in {generated}: {done.stderr.strip()[:500]}")
    library = ctypes.CDLL(str(folder / "sibeat.so"))
    for kind in ("i16", "i32", "f32"):
        getattr(library, f"sibeat_push_{kind}").argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_size_t,
        ]
    library.sibeat_clock.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    library.sibeat_saved_bytes.restype = library.sibeat_save.restype = ctypes.c_size_t
    library.sibeat_save.argtypes = library.sibeat_restore.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    return library


class NativeScorer:
    """``BeatScorer`` by the compiled C: the same methods, and the same beats.

    Args:
        library: of ``build``.
        rate: Hz, one that the bundle supports.
        gain: mV of a unit of the samples. Samples of int16 and int32 are pushed as they are, others as
            float32.

    Attributes:
        revisions: as of ``BeatScorer``.
        told: all beats so far, as they were judged first.
        episodes, alarms: those of the whole stream so far, as they began and ended.

    Raises ``ValueError`` for what the C refuses.
    """

    def __init__(self, library: ctypes.CDLL, rate: int, gain: float = 1.0) -> None:
        self._library, self.context = library, ctypes.create_string_buffer(library.context_size())
        self._beats: list[Beat] = []
        self.told: list[Beat] = []
        self.revisions: list[tuple[int, Beat]] = []
        self.episodes: list[Episode] = []
        self.alarms: list[Episode] = []
        self._calls = [_call(kind)(getattr(self, f"_{name}")) for name, kind in CALLS.items()]
        self.config = CConfig(VERSION, rate, gain, 0, *self._calls, None, None)
        _check(library.sibeat_init(self.context, ctypes.byref(self.config)))

    def push(self, samples: npt.ArrayLike, time: float | None = None) -> list[Beat]:
        """As ``BeatScorer.push``; of integers, the lowest is a missing sample."""
        self.revisions, self._beats = [], []
        samples = np.asarray(samples)
        kind = {np.dtype(np.int16): "i16", np.dtype(np.int32): "i32"}.get(samples.dtype, "f32")
        samples = np.ascontiguousarray(samples, None if kind[0] == "i" else np.float32)
        if time is not None:
            _check(self._library.sibeat_clock(self.context, round(time * 1e6)))
        if len(samples):
            push = getattr(self._library, f"sibeat_push_{kind}")
            _check(push(self.context, samples.ctypes.data, len(samples)))
        return self._beats

    def finish(self) -> list[Beat]:
        """As ``BeatScorer.finish``."""
        self.revisions, self._beats = [], []
        _check(self._library.sibeat_finish(self.context))
        return self._beats

    def save(self) -> bytes:
        """An image of what is known of the wearer, as for a deep sleep; the stream breaks off."""
        image = ctypes.create_string_buffer(self._library.sibeat_saved_bytes())
        if self._library.sibeat_save(self.context, image, len(image)) != len(image):
            raise ValueError("sibeat: found no image, expected that of a context.")
        return image.raw

    def restore(self, image: bytes, told: Sequence[Beat]) -> None:
        """Go on with the wearer of an image, to whom beats were told before it."""
        error = self._library.sibeat_restore(self.context, image, len(image))
        if error:
            raise ValueError(f"sibeat: found an image with error {error}, expected one of this bundle.")
        self.told = list(told)

    def _beat(self, _, found):
        assert found.contents.number == len(self.told)
        beat = found.contents.as_beat()
        self._beats.append(beat)
        self.told.append(beat)

    def _revised(self, _, found):
        told = found.contents
        beat = self.told[told.number]
        verdict = {"kind": told.kind.decode().strip("\0"), "alarm": bool(told.alarm), "why": WHY[told.why]}
        self.revisions.append((told.number, replace(beat, **verdict)))

    def _episode(self, _, found):
        self.episodes.append(found.contents.as_episode())

    def _alarm(self, _, found):
        self.alarms.append(found.contents.as_episode())


def _check(error):
    if error != OK:
        raise ValueError(f"sibeat: found {ERRORS[error]}, expected OK.")


def _or_none(value):
    return None if math.isnan(value) else value
