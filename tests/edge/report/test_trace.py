"""A whole recording, thinned and packed: what a browser unpacks is the recording, and a day fits in."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.report.trace import MISSING, ROOM, Packed, Trace


def unpacked(packed: Packed) -> np.ndarray:
    """The levels, by the packing's description, sample by sample."""
    steps, values = (zlib.decompress(base64.b64decode(text)) for text in (packed.differences, packed.values))
    own, level, levels = iter(np.frombuffer(values, "<i2").tolist()), 0, []
    for step in np.frombuffer(steps, np.int8).tolist():
        level = next(own) if step == -128 else level + step
        levels.append(level)
    assert next(own, None) is None
    return np.array(levels)


def trace_of(signal, rate=100, block=6000):
    trace = Trace(rate)
    for first in range(0, len(signal), block):
        trace.push(first / rate, signal[first : first + block, None])
    return trace


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.floats(-40, 40), st.just(np.nan)), min_size=1, max_size=300),
    st.sampled_from([0.5, 5.0]),
)
def test_what_is_unpacked_is_the_signal_to_half_a_step(values, square):
    signal = np.array(values)
    packed = trace_of(signal).pack(square)
    levels = unpacked(packed)
    assert len(levels) == packed.count == len(signal) and packed.step == square / 50
    np.testing.assert_array_equal(levels == MISSING, np.isnan(signal))
    known = ~np.isnan(signal)
    if known.any():
        middle = np.nanmedian(signal)
        np.testing.assert_allclose(
            levels[known] * packed.step, signal[known] - middle, atol=packed.step / 2 + 1e-4
        )


@pytest.mark.parametrize("rate, left", [(50, 50), (128, 128), (250, 125), (360, 90), (500, 100), (1000, 100)])
def test_about_a_hundred_samples_a_second_are_left(rate, left):
    signal = np.sin(np.arange(10 * rate) / rate)
    trace = trace_of(signal, rate)
    assert trace.rate == pytest.approx(left, rel=0.2) and len(trace.samples) == 10 * trace.rate
    middles = (np.arange(len(trace.samples)) + 0.5) / trace.rate - 0.5 / rate
    np.testing.assert_allclose(trace.samples, np.sin(middles), atol=1e-3)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=20))
def test_the_size_of_the_blocks_does_not_matter(sizes):
    signal = np.random.default_rng(0).normal(size=sum(sizes))
    trace, place = Trace(360), 0
    for size in sizes:
        trace.push(place / 360, signal[place : place + size, None])
        place += size
    np.testing.assert_allclose(trace.samples, trace_of(signal, 360, len(signal)).samples, atol=1e-6)


def test_a_gap_is_missing_and_what_follows_stands_at_its_time():
    trace = Trace(100)
    trace.push(0.0, np.ones((100, 1)))
    trace.push(3.0, 2 * np.ones((100, 1)))
    found = trace.samples
    assert len(found) == 400 and (found[:100] == 1).all() and (found[300:] == 2).all()
    assert np.isnan(found[100:300]).all()


def test_noise_of_any_strength_fits_into_its_room():
    noise = np.random.default_rng(0).normal(0, 5, 86_400 * 90).astype(np.float32)
    packed = trace_of(noise, 90, 86_400 * 9).pack(0.5)
    assert len(packed.differences) + len(packed.values) <= 4 / 3 * ROOM + 8
    assert packed.step > 0.01


def test_a_recording_without_a_signal_is_packed():
    packed = trace_of(np.full(1000, np.nan)).pack(0.5)
    assert (unpacked(packed) == MISSING).all() and packed.count == 1000
