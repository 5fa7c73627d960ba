"""The bundle's template and rhythm of a wearer against the scorer's, beat by beat."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_lives import limited

from keras_sibeat.data.recording import read_recording
from sibeat_edge.beats.rhythm import rhythm as features_of
from sibeat_edge.beats.template import WearerTemplate
from sibeat_edge.beats.windows import beat_windows
from sibeat_edge.signal.filters import BandPass, process


@pytest.fixture(scope="module")
def wearer_library(beside):
    library = beside.library
    void, real = ctypes.c_void_p, ctypes.c_float
    library.sibeat_rhythm_features.argtypes = [void, ctypes.c_int, void, real, void]
    library.sibeat_template_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_float]
    library.sibeat_template_nearest.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.sibeat_template_nearest.restype = ctypes.POINTER(ctypes.c_float)
    return library


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), unknown=st.floats(0, 0.9), waits=st.booleans())
def test_the_rhythm_is_the_scorer_s(wearer_library, seed, unknown, waits):
    draws = np.random.default_rng(seed)
    intervals = draws.lognormal(-0.2, 0.5, 60).astype(np.float32)
    intervals[draws.random(60) < unknown] = np.nan
    found = np.zeros(8, np.float32)
    for number in range(len(intervals) - 1):
        after = intervals[number + 1] if waits else np.nan
        padded = np.concatenate([np.full(43, np.nan, np.float32), intervals[: number + 1]])
        history, recent = padded[-43:-3].copy(), padded[-3:].copy()
        wearer_library.sibeat_rhythm_features(
            history.ctypes.data, 40, recent.ctypes.data, after, found.ctypes.data
        )
        np.testing.assert_allclose(found, features_of(history, recent, after), atol=1e-5)


def wandering(seed):
    return np.random.default_rng(seed).normal(size=(320, 2)).cumsum(axis=0)


def shapes_of_a_wearer():
    """Five shapes, mV: three unlike each other, and the first with another second lead, or a spike."""
    one, two, three = (limited(wandering(seed) / 20) for seed in range(3))
    spiky, other_lead = one.copy(), np.stack([one[:, 0], two[:, 1]], axis=1)
    spiky[300, 0] += 0.5 * np.ptp(one[:, 0])
    return [one, two, three, other_lead, spiky]


SHAPES, STEADY = shapes_of_a_wearer(), 80 * [0]
LIVES = {  # what becomes of a wearer: the shape of each beat, and the seconds before it
    "one shape": (200 * [0], 0.8),
    "bigeminy": (150 * [0, 1], 150 * [0.9, 0.5]),
    "mostly premature at first": (150 * [1, 1, 0], 150 * [0.5, 0.5, 1.0]),
    "premature at random": (
        [int(n * n % 97 < 72) for n in range(400)],
        [0.5 if n * n % 97 < 72 else 1 for n in range(400)],
    ),
    "late now and then": (50 * [0, 0, 0, 1, 0, 0, 0, 0], 50 * [0.9, 0.9, 0.9, 1.6, 0.9, 0.9, 0.9, 0.9]),
    "three kinds at first": (150 * [0, 1, 2], 0.8),
    "two shapes by turns": (STEADY + 20 * (10 * [1] + 10 * [0]), 0.8),
    "three shapes one by one": (STEADY + 150 * [1] + 150 * [2] + 150 * [0], 0.8),
    "back and forth": (STEADY + 130 * [1] + 20 * [0] + 130 * [2] + 20 * [0] + 130 * [1], 0.8),
    "a tachycardia": (STEADY + 300 * [1] + STEADY, 80 * [0.8] + 300 * [0.36] + 80 * [0.8]),
    "a little early": (STEADY + 150 * [1], 80 * [0.8] + 150 * [0.74]),
    "too early": (STEADY + 150 * [1], 80 * [0.8] + 150 * [0.7]),
    "too early for the slower kind alone": (
        STEADY + 150 * [1] + 20 * [0] + 10 * [1] + 150 * [2],
        80 * [0.8] + 150 * [1.2] + 20 * [0.8] + 10 * [1.2] + 150 * [0.75],
    ),
    "one in six": (STEADY + 200 * [1, 0, 0, 0, 0, 0], 0.8),
    "another second lead": (STEADY + 150 * [3], 0.8),
    "a spike now and then": (STEADY + 60 * [4, 0], 0.8),
    "noise": (100 * [None] + 200 * [0], 0.8),
    "noise and a frequent kind": (STEADY + 100 * [1, None, 2, 1] + 50 * [2], 0.8),
    "odd intervals": (STEADY + 20 * [0] + 200 * [1], 40 * [0.8] + [np.inf, 0, 60.0] + 257 * [0.8]),
}


NOWHERE = 255  # the place of a window that is not held
PACKED_BYTES = 112  # of a lead
PACKED = 0.002  # of a span: the most by which a template of packed windows is another one


class Kind(ctypes.Structure):
    _fields_ = (("rr", ctypes.c_float), ("gain", ctypes.c_float), ("steady", ctypes.c_uint8))


class Template(ctypes.Structure):
    """``sibeat_template`` of two leads."""

    _fields_ = (
        ("middle", ctypes.c_float * 640),
        ("other", ctypes.c_int16 * 640),
        ("unit", ctypes.c_float),
        ("kinds", Kind * 2),
        ("newest", ctypes.c_uint8),
        ("windows", ctypes.c_uint32 * (2 * PACKED_BYTES // 4) * 64),
        ("uses", ctypes.c_uint8 * 64),
        ("others", ctypes.c_uint8 * 60),
        ("intervals", ctypes.c_uint16 * 60),
        ("kind_count", ctypes.c_uint8),
        ("first", ctypes.c_uint8),
        ("other_count", ctypes.c_uint8),
        ("searched", ctypes.c_uint8),
        ("step", ctypes.c_uint16),
        ("chosen", ctypes.c_uint64),
        ("count", ctypes.c_uint32),
        ("since", ctypes.c_uint32),
        ("unlike", ctypes.c_uint32),
    )

    def known(self):
        """Kinds with their shapes, the one that has learnt last first."""
        shapes = np.array(self.middle), np.array(self.other) * self.unit
        places = [self.newest, 1 - self.newest][: self.kind_count]
        return [(self.kinds[place], shapes[place].reshape(320, 2)) for place in places]


def follow(library, windows, intervals):
    """Push every beat into the C and the Python template, which must agree all the way; returns this one."""
    state, own, most = Template(), WearerTemplate(), 0
    room = ctypes.create_string_buffer(library.room_size())
    library.sibeat_template_start(ctypes.byref(state))
    for number, (window, rr) in enumerate(zip(windows, intervals, strict=True)):
        library.sibeat_template_push(ctypes.byref(state), window.ctypes.data, NOWHERE, rr)
        steps = 0
        while library.sibeat_template_search(ctypes.byref(state), room):
            steps += 1
        most = max(most, steps)
        own.push(window, rr)
        assert state.kind_count == len(own.beats) and state.other_count == own.waiting, number
        for (found, middle), wanted in zip(state.known(), own._kinds, strict=True):
            assert found.rr == pytest.approx(wanted.rr, rel=1e-4), number
            assert found.steady == wanted._steady, number
            np.testing.assert_allclose(middle, wanted.middle, atol=PACKED * np.ptp(wanted.middle))
        nearest = library.sibeat_template_nearest(ctypes.byref(state), window.ctypes.data)
        wanted = own.nearest(window)
        assert bool(nearest) == (wanted is not None)
        if nearest:
            found = np.ctypeslib.as_array(nearest, wanted.shape)
            np.testing.assert_allclose(found, wanted, atol=PACKED * np.ptp(wanted))
    assert most > 100  # it is spread over many
    return own


@pytest.mark.parametrize("life", LIVES)
def test_the_template_is_the_scorer_s(wearer_library, life):
    shapes, seconds = LIVES[life]
    draws = np.random.default_rng(0)
    ticks = np.round(360 * np.array(seconds))  # R-peaks lie on samples
    seconds = np.broadcast_to(np.float32(ticks / 360), len(shapes)).copy()
    seconds[draws.random(len(seconds)) < 0.1] = np.nan
    beats = [wandering(100 + n) / 2 if shape is None else SHAPES[shape] for n, shape in enumerate(shapes)]
    windows = [np.float32(limited(beat + draws.normal(scale=0.01, size=(320, 2)))) for beat in beats]
    assert follow(wearer_library, windows, seconds).beat is not None


@pytest.mark.parametrize("factor", [4.0, 0.25, 1.6, 1.3])
def test_a_change_of_gain_is_followed_as_by_the_scorer(wearer_library, factor):
    draws = np.random.default_rng(0)
    sizes = np.repeat([1.0, factor, 1.0], 80)
    noisy = [SHAPES[0] + draws.normal(scale=0.01, size=(320, 2)) for _ in sizes]
    windows = [np.float32(size * limited(beat)) for size, beat in zip(sizes, noisy, strict=True)]
    own = follow(wearer_library, windows, np.full(len(sizes), 0.8, np.float32))
    assert own.added == 0 and np.ptp(own.beat) == pytest.approx(np.ptp(SHAPES[0]), rel=0.1)


@pytest.mark.parametrize("name", ["207", "231"])
def test_the_template_is_the_scorer_s_on_recorded_beats(wearer_library, mitdb, name):
    """Records of bundles that conduct now and then, among extrasystoles and a flutter."""
    recording = read_recording(mitdb / name)
    windows, inside = beat_windows(process(BandPass(), recording.signal), recording.annotations.samples)
    intervals = np.diff(recording.annotations.samples[inside], prepend=-np.inf).astype(np.float32) / 360
    own = follow(wearer_library, windows, intervals)
    assert own.added or own.trouble_before


def test_the_lives_are_what_they_are_called():
    """Else the C would be compared where nothing happens."""

    def added(life):
        shapes, seconds = LIVES[life]
        own = WearerTemplate()
        for shape, rr in zip(shapes, np.broadcast_to(seconds, len(shapes)), strict=True):
            own.push(np.float32(SHAPES[shape]), rr)
        return own.added, bool(own.trouble_before)

    for life in ("two shapes by turns", "a little early", "another second lead", "odd intervals"):
        assert added(life) == (1, False), life
    for life in ("too early", "a tachycardia", "one in six", "bigeminy"):
        assert added(life) == (0, False), life
    for life in (
        "mostly premature at first",
        "premature at random",
        "late now and then",
        "three kinds at first",
    ):
        assert added(life) == (0, True), life
    assert added("back and forth") == (3, False)
    assert added("too early for the slower kind alone") == (2, False)


def test_the_struct_is_the_bundle_s(wearer_library):
    assert wearer_library.template_size() == ctypes.sizeof(Template)
