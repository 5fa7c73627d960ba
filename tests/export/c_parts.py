"""Parts of the judgement in C, each with the methods of the Python that it stands for."""

import ctypes
import math

import numpy as np

from keras_sibeat.export import native
from sibeat_edge.beats.alignment import Placed
from sibeat_edge.model.threshold import PERSONAL_BEATS
from sibeat_edge.signal.resampling import RATE

MOST = 8  # episodes that begin or end with a beat


def or_nan(value):
    return math.nan if value is None else value


def or_none(value):
    return None if math.isnan(value) else value


class CAligner:
    """``Aligner``; its lead lies among ``leads`` others."""

    def __init__(self, library, leads=1):
        self._library, self._leads = library, leads
        self._state = ctypes.create_string_buffer(library.aligner_size())
        self._kind = np.ctypeslib.as_ctypes_type(library.real)

    def push(self, around):
        found = self._kind()
        lead = None
        if around is not None:
            lead = np.full((len(around), self._leads), 1e9, self._library.real)
            lead[:, 0] = around
        at = None if lead is None else ctypes.c_void_p(lead.ctypes.data)
        offset = self._library.sibeat_aligner_push(self._state, at, self._leads, ctypes.byref(found))
        return Placed(offset, or_none(found.value))

    def place(self, arounds):
        return [self.push(around) for around in arounds]


class CStretch:
    """``Stretch``."""

    def __init__(self, library):
        self._library, self.snr, self.is_fit, self.is_clean = library, None, True, True
        self._state = ctypes.create_string_buffer(library.stretch_size())
        self._kind = np.ctypeslib.as_ctypes_type(library.real)

    def push(self, likeness):
        ratio = self._kind()
        push = self._library.sibeat_stretch_push
        fitness = push(self._state, self._kind(or_nan(likeness)), ctypes.byref(ratio))
        self.is_fit, self.is_clean = fitness > 0, fitness > 1
        self.snr = or_none(ratio.value)


class CThreshold:
    """``Threshold``, of which the scores are as an int8 model has them."""

    def __init__(self, library, manifest, score=None, per_hour=None, personal=None):
        assert per_hour is None, "an export computes this one"
        kind = np.ctypeslib.as_ctypes_type(library.real)
        known, self._numbers = manifest["threshold"], manifest["score"]
        default = PERSONAL_BEATS if manifest["wearer"] and score is None else 0
        self.personal = default if personal is None else personal
        self._library = library
        self._state = ctypes.create_string_buffer(library.threshold_size())
        general = known["score"] if score is None else score
        numbers = (kind(value) for value in (general, known["usual"], self._numbers["scale"]))
        library.sibeat_threshold_init(self._state, *numbers, self._numbers["zero_point"], self.personal)

    @property
    def level(self):
        return self._library.sibeat_threshold_level(self._state)

    @property
    def median(self):
        return self._library.sibeat_threshold_median(self._state)

    @property
    def score(self):
        return self._library.sibeat_threshold_limit(self._state)

    def learn(self, scores):
        for score in scores:
            level = round(score / self._numbers["scale"]) + self._numbers["zero_point"]
            self._library.sibeat_threshold_learn(self._state, level)


class CEpisode(native.CEpisode):
    """``sibeat_episode``, of an ``Episode``, too."""

    @classmethod
    def of(cls, episode):
        end = 0 if episode.end is None else ticks(episode.end)
        return cls(ticks(episode.start), end, native.WHAT.index(episode.what), episode.end is None)


def ticks(seconds):
    return round(seconds * RATE)


class CEpisodes:
    """``Episodes`` of beats whose times are those of samples."""

    def __init__(self, library):
        self._library, real = library, np.ctypeslib.as_ctypes_type(library.real)
        self._state = ctypes.create_string_buffer(library.episodes_size())
        self._found = (CEpisode * MOST)()

        class Judged(ctypes.Structure):
            _fields_ = (
                ("time", ctypes.c_int64),
                ("rr", real),
                ("kind", ctypes.c_char),
                ("is_irregular", ctypes.c_uint8),
            )

        self._judged = Judged

    def push(self, beat):
        kind = beat.kind.encode() or b"\0"
        judged = self._judged(ticks(beat.time), or_nan(beat.rr), kind, beat.irregular)
        count = self._library.sibeat_episodes_push(self._state, ctypes.byref(judged), self._found)
        return [episode.as_episode() for episode in self._found[:count]]

    def finish(self):
        count = self._library.sibeat_episodes_finish(self._state, self._found)
        return [episode.as_episode() for episode in self._found[:count]]


class CAlarms:
    """``AlarmPolicy``."""

    def __init__(self, library, told, quiet):
        self._library, self._told = library, (CEpisode * MOST)()
        self._state = ctypes.create_string_buffer(library.alarms_size())
        mask = sum(1 << native.WHAT.index(what) for what in told)
        library.sibeat_alarms_init(self._state, mask, ctypes.c_int64(ticks(quiet)))

    def push(self, episodes, time):
        found = (CEpisode * MOST)(*map(CEpisode.of, episodes))
        at = ctypes.c_int64(ticks(time))
        count = self._library.sibeat_alarms_push(self._state, found, len(episodes), at, self._told)
        return [episode.as_episode() for episode in self._told[:count]]
