"""The bundle's quantisation and checksum against the Python that they stand for."""

import ctypes
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.beats.windows import beside as put_beside
from sibeat_edge.beats.windows import normalise
from sibeat_edge.model.runtime import Model


@pytest.fixture(scope="module")
def library(single):
    return single.library


@pytest.fixture(scope="module")
def library_of_two(double):
    return double.library


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=64))
def test_the_crc_is_zlib_s(library, data):
    assert library.sibeat_crc32(data, len(data)) == zlib.crc32(data)


def quantised(library, window):
    window, found = np.ascontiguousarray(window, np.float32), np.empty(window.shape, np.int8)
    library.sibeat_quantise_window(
        window.ctypes.data_as(ctypes.c_void_p), found.ctypes.data_as(ctypes.c_void_p)
    )
    return found


def check_window(library, content, window):
    wanted = Model(content).quantise(normalise(window))[0]
    np.testing.assert_array_equal(quantised(library, window), wanted)
    return wanted


@pytest.mark.parametrize("seed", range(20))
def test_the_input_is_bit_for_bit_the_scorer_s(library_of_two, double, seed):
    draws = np.random.default_rng(seed)
    window = draws.normal(size=(320, 2)) * [[10.0 ** draws.integers(-3, 3), 1.0]] + draws.normal(size=2)
    check_window(library_of_two, double.content, window.astype(np.float32))


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_halves_are_rounded_as_the_scorer_rounds_them(library, single, step):
    """Values halfway between two int8 levels, and a single-precision step to either side."""
    scale = Model(single.content).manifest["input"]["scale"]
    halves = np.round(np.arange(-126.5, 127) * scale * 2**23) + step
    window = np.full((320, 1), -1, np.float32)
    window[1, 0], window[2 : 2 + len(halves), 0] = 1, halves / 2**23  # exact, and scaled by nothing
    np.testing.assert_array_equal(normalise(window), window)
    check_window(library, single.content, window)


def test_a_flat_lead_becomes_zero(library_of_two, double):
    window = np.stack([np.full(320, 0.7), np.sin(np.arange(320))], axis=1).astype(np.float32)
    wanted = check_window(library_of_two, double.content, window)
    assert set(wanted[:, 0]) == {Model(double.content).manifest["input"]["zero_point"]}


@pytest.mark.parametrize("seed", range(10))
def test_a_beat_beside_its_template_is_bit_for_bit_the_scorer_s(beside, seed):
    library = beside.library
    draws = np.random.default_rng(seed)
    own = (draws.normal(size=(320, 2)) * 10.0 ** draws.integers(-2, 2)).astype(np.float32)
    window = (own * draws.uniform(0.2, 4) + 0.1 * draws.normal(size=(320, 2))).astype(np.float32)
    features, found = draws.normal(scale=0.3, size=8).astype(np.float32), np.zeros(1280 + 8, np.int8)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (window, own, features, found)]
    library.sibeat_quantise_beside(pointers[0], pointers[1], pointers[3])
    library.sibeat_quantise_rhythm(pointers[2], pointers[3])
    wanted = Model(beside.content).quantise(put_beside(window, own), features)
    np.testing.assert_array_equal(found, np.concatenate([array.ravel() for array in wanted]))
