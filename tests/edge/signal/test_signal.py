"""The streaming filters against scipy's offline ones, and against themselves in other blocks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sps

from sibeat_edge.signal.filters import CHUNK, BandPass, FillMissing, bridgeable, process
from sibeat_edge.signal.resampling import Resampler

RATES = [1, 100, 125, 128, 250, 257, 257.3, 333.3, 500, 1000, 2000]


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def in_blocks(stage, samples, cuts):
    blocks = np.split(samples, sorted(cut % (len(samples) + 1) for cut in cuts))
    parts = [stage.push(block) for block in blocks] + [stage.finish()]
    return np.concatenate([part for part in parts if len(part)])


def sine(frequency, rate, seconds):
    return np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate + 0.3)


cuts = st.lists(st.integers(0, 10_000), max_size=12)


# Band-pass


@pytest.mark.parametrize("shape", [(3000,), (3000, 1), (3000, 3)])
def test_band_pass_is_the_published_filter_forwards_and_backwards(shape):
    samples = noise(1, *shape)
    filtered = process(BandPass(), samples)
    taps = sps.firwin(109, [3, 45], pass_zero=False, fs=360)
    expected = sps.filtfilt(taps, 1.0, samples, axis=0)
    assert filtered.shape == samples.shape
    np.testing.assert_allclose(filtered[216:-216], expected[216:-216], atol=1e-12)


def test_band_and_order_may_be_others():
    samples = noise(1, 3000)
    filtered = process(BandPass((0.5, 40), 200), samples)
    taps = sps.firwin(201, [0.5, 40], pass_zero=False, fs=360)
    np.testing.assert_allclose(filtered[400:-400], sps.filtfilt(taps, 1.0, samples)[400:-400], atol=1e-12)


@pytest.mark.parametrize(
    ("band", "order"), [((0, 45), 108), ((45, 3), 108), ((3, 180), 108), ((3, 45), 107), ((3, 45), 0)]
)
def test_impossible_bands_are_refused(band, order):
    with pytest.raises(ValueError, match="Band-pass: found .* Hz of order .*; expected"):
        BandPass(band, order)


@pytest.mark.parametrize(("frequency", "low", "high"), [(10, 0.97, 1.03), (30, 0.97, 1.03), (60, 0, 0.01)])
def test_band_pass_gain(frequency, low, high):
    samples = sine(frequency, 360, 20)
    middle = process(BandPass(), samples)[1000:-1000]
    assert low <= middle.std() / samples[1000:-1000].std() <= high


def test_band_pass_does_not_delay():
    samples = sine(20, 360, 20)
    filtered = process(BandPass(), samples)
    assert np.corrcoef(samples[500:-500], filtered[500:-500])[0, 1] > 1 - 1e-6


def test_band_pass_carries_a_constant_through_at_its_small_gain_from_the_first_sample_on():
    filtered = process(BandPass(), np.full(1000, 2.0))
    gain = abs(np.sum(sps.firwin(109, [3, 45], pass_zero=False, fs=360))) ** 2
    assert gain < 0.05
    np.testing.assert_allclose(filtered, 2 * gain, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99), length=st.integers(1, 900), leads=st.sampled_from([(), (1,), (2,)]), cuts=cuts
)
def test_band_pass_gives_the_same_bits_in_blocks_of_any_size(seed, length, leads, cuts):
    samples = noise(seed, length, *leads)
    whole = process(BandPass(), samples)
    assert whole.shape == samples.shape
    assert in_blocks(BandPass(), samples, cuts).tobytes() == whole.tobytes()


def test_band_pass_filters_each_lead_alone():
    samples = noise(2, 800, 3)
    alone = np.stack([process(BandPass(), lead) for lead in samples.T], axis=1)
    assert process(BandPass(), samples).tobytes() == alone.tobytes()


def test_band_pass_holds_back_no_more_than_its_delay_and_a_chunk():
    stage, made = BandPass(), 0
    assert stage.delay == 108
    for seen in range(7, 1400, 7):
        made += len(stage.push(noise(seen, 7)))
        assert seen - stage.delay - CHUNK < made <= max(0, seen - stage.delay)
    assert len(stage.finish()) == seen - made


# Resampler


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("leads", [(), (2,)])
def test_resampler_is_scipy_s_between_the_ends_but_for_each_phase_s_gain_of_a_constant(rate, leads):
    samples = noise(3, 60 if rate == 1 else 1500, *leads)
    resampler = Resampler(rate)
    resampled = process(resampler, samples)
    scipys, gains = (
        sps.resample_poly(part, resampler.up, resampler.down, axis=0)
        for part in (samples, np.ones_like(samples))
    )
    expected = scipys / gains
    assert resampler.up / resampler.down == pytest.approx(360 / rate, rel=1e-9)
    assert resampled.shape == expected.shape
    assert len(resampled) == math.ceil(len(samples) * resampler.up / resampler.down)
    edge = math.ceil(11 * max(1, 360 / rate))
    np.testing.assert_allclose(resampled[edge:-edge], expected[edge:-edge], atol=1e-12)
    np.testing.assert_allclose(resampled[edge:-edge], scipys[edge:-edge], atol=1e-3 * np.abs(samples).max())


def test_resampler_leaves_360_hz_alone():
    samples = noise(4, 500, 2)
    assert process(Resampler(360), samples).tobytes() == samples.tobytes()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    rate=st.sampled_from(RATES[1:]),
    length=st.integers(1, 600),
    leads=st.sampled_from([(), (2,)]),
    cuts=cuts,
)
def test_resampler_gives_the_same_bits_in_blocks_of_any_size(seed, rate, length, leads, cuts):
    samples = noise(seed, length, *leads)
    whole = process(Resampler(rate), samples)
    assert whole.shape == (math.ceil(round(length * 360 / rate, 6)), *leads)
    assert in_blocks(Resampler(rate), samples, cuts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("rate", [100, 128, 250, 257.3, 1000])
def test_resampler_keeps_a_sine(rate):
    resampled = process(Resampler(rate), sine(17, rate, 10))
    expected = sine(17, 360, 10)[: len(resampled)]
    np.testing.assert_allclose(resampled[400:-400], expected[400:-400], atol=0.01)


@pytest.mark.parametrize("rate", RATES)
def test_resampler_keeps_a_constant_to_the_rounding_error_up_to_and_beyond_the_ends(rate):
    """Else R-peaks are found in the ripple of an offset."""
    np.testing.assert_allclose(process(Resampler(rate), np.full(700, 300.0)), 300, rtol=1e-13)


@pytest.mark.parametrize("rate", [1.0001, 3.14159, 9999.7])
def test_of_an_odd_rate_the_resampler_takes_a_ratio_of_small_numbers(rate):
    resampler = Resampler(rate)
    assert max(resampler.up, resampler.down) <= 10_000
    assert resampler.up / resampler.down == pytest.approx(360 / rate, rel=1e-4)


def test_resampler_removes_what_360_hz_cannot_hold():
    resampled = process(Resampler(1000), sine(300, 1000, 5))
    assert np.abs(resampled[200:-200]).max() < 0.01


@pytest.mark.parametrize("rate", [0, -250, 0.99, 10_001, np.nan, np.inf])
def test_resampler_refuses_impossible_rates(rate):
    with pytest.raises(ValueError, match=rf"found {rate} Hz, expected 1 to 10000 Hz"):
        Resampler(rate)


# Empty blocks and signals

STAGES = [BandPass, FillMissing, lambda: FillMissing(5), lambda: Resampler(250), lambda: Resampler(360)]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("shape", [(0,), (0, 2)])
def test_an_empty_signal_stays_empty(stage, shape):
    assert process(stage(), np.zeros(shape)).shape == shape


@pytest.mark.parametrize("stage", STAGES)
def test_empty_blocks_change_nothing(stage):
    samples, empty = noise(5, 300, 2), np.zeros((0, 2))
    filter_ = stage()
    parts = [filter_.push(block) for block in (empty, samples[:100], empty, samples[100:], empty)]
    parts.append(filter_.finish())
    joined = np.concatenate([part for part in parts if len(part)])
    assert joined.tobytes() == process(stage(), samples).tobytes()


# Missing samples


def test_missing_samples_hold_the_last_value_and_start_at_zero():
    nan, inf = np.nan, np.inf
    signal = np.array([[nan, 1], [nan, 2], [3, nan], [4, inf], [nan, 5], [6, -inf]])
    filled = process(FillMissing(), signal)
    np.testing.assert_array_equal(filled, [[0, 1], [0, 2], [3, 2], [4, 2], [4, 5], [6, 5]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.sampled_from([(), (1,), (3,)]), cuts)
def test_missing_samples_are_filled_alike_in_blocks_of_any_size(seed, leads, cuts):
    signal = noise(seed, 80, *leads)
    signal[noise(seed + 1, 80, *leads) > 0] = np.nan
    whole = process(FillMissing(), signal)
    assert np.isfinite(whole).all() and whole.shape == signal.shape
    np.testing.assert_array_equal(in_blocks(FillMissing(), signal, cuts), whole)


def filled_by_hand(lead, longest):
    """Gap by gap, as the module's text defines it."""
    known, filled = np.isfinite(lead), lead.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], known, [True]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):  # of each gap, and after it
        if not first:
            filled[first:last] = 0.0
        elif last == len(lead) or last - first > longest:
            filled[first:last] = lead[first - 1]
        else:
            ends = [first - 1, last]
            filled[first:last] = np.interp(np.arange(first, last), ends, lead[ends])
    return filled


@st.composite
def gappy(draw):
    """A signal ``(samples,)`` or ``(samples, leads)`` in which known and missing samples alternate."""
    shape = draw(st.sampled_from([(), (1,), (2,)]))
    runs = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=10)
    masks = [
        np.concatenate([np.repeat([False, True], run) for run in draw(runs)])
        for _ in range(math.prod(shape) or 1)
    ]
    length = min(map(len, masks))
    lost = np.stack([mask[:length] for mask in masks], axis=1).reshape(length, *shape)
    signal = 300 + noise(draw(st.integers(0, 99)), length, *shape)
    signal[lost] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    return signal


@settings(max_examples=200, deadline=None)
@given(gappy(), st.integers(0, 8), cuts)
def test_short_gaps_are_bridged_and_long_ones_held_alike_in_blocks_of_any_size(signal, longest, cuts):
    filled = process(FillMissing(longest), signal)
    leads = signal.reshape(len(signal), -1).T
    expected = np.array([filled_by_hand(lead, longest) for lead in leads]).T.reshape(signal.shape)
    np.testing.assert_allclose(filled, expected, rtol=1e-14)
    np.testing.assert_array_equal(filled[np.isfinite(signal)], signal[np.isfinite(signal)])
    assert in_blocks(FillMissing(longest), signal, cuts).tobytes() == filled.tobytes()


@pytest.mark.parametrize("longest", [1, 2, 14])
def test_a_gap_at_the_limit_is_bridged_and_one_sample_more_is_held(longest):
    for count, expected in (
        (longest, np.linspace(3.0, 7.0, longest + 2)),
        (longest + 1, np.append(np.full(longest + 2, 3.0), 7.0)),
    ):
        signal = np.array([3.0, *[np.nan] * count, 7.0])
        np.testing.assert_allclose(process(FillMissing(longest), signal), expected, rtol=1e-14)


@pytest.mark.parametrize("count", [1, 5])
def test_a_gap_at_the_start_is_zero_and_one_at_the_end_holds_however_short(count):
    gap = [np.nan] * count
    filled = process(FillMissing(longest=5), np.array([*gap, 3.0, 4.0, *gap]))
    np.testing.assert_array_equal(filled, [*[0.0] * count, 3.0, 4.0, *[4.0] * count])


def test_no_more_samples_are_held_back_than_a_short_gap_has():
    stage, longest, waiting = FillMissing(longest=4), 4, 0
    for value, expected in ((1.0, 0), *((np.nan, n) for n in (1, 2, 3, 4, 0, 0)), (2.0, 0), (np.nan, 1)):
        waiting += 1 - len(stage.push([value]))
        assert waiting == expected <= longest


@pytest.mark.parametrize(
    "rate, longest",
    [(1, 1), (20, 1), (49, 1), (50, 2), (100, 4), (125, 5), (128, 5), (250, 10), (360, 14), (1000, 40)],
)
def test_gaps_of_40_ms_are_bridged_and_of_one_sample_at_any_rate(rate, longest):
    assert bridgeable(rate) == longest


def test_the_caller_may_use_a_block_s_memory_for_the_next_one():
    signal, stage, block, parts = np.array([1.0, 2.0, np.nan, 5.0]), FillMissing(longest=1), np.empty(2), []
    for part in np.split(signal, 2):
        block[:] = part
        parts.append(stage.push(block).copy())
    np.testing.assert_array_equal(np.concatenate(parts), [1.0, 2.0, 3.5, 5.0])


def test_a_whole_signal_has_nothing_to_fill():
    signal = noise(6, 50, 2)
    np.testing.assert_array_equal(process(FillMissing(), signal), signal)


def test_a_lead_without_any_sample_is_zero():
    assert (process(FillMissing(), np.full((4, 1), np.nan)) == 0).all()
