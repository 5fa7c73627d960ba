"""Flags of the device's samples against a plain implementation of the rules, in blocks of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.signal.contact import BRIDGED, FINE, FLAT, MISSING, REASONS, SATURATED, Contact
from sibeat_edge.signal.filters import FillMissing, bridgeable, process

RATES = [40, 100, 128]  # Hz, at which gaps of up to 1, 4 and 5 samples are bridged


def oracle(values, rate):
    """The flags, sample by sample, as the module's text defines them."""
    flat, rail, bridged = max(3, -(-rate // 4)), max(3, -(-rate // 40)), max(1, rate // 25)
    known, flags = np.isfinite(values), []
    for n, value in enumerate(values):
        if not known[n]:
            before, after = np.flatnonzero(known[:n]), n + np.flatnonzero(known[n:])
            is_short = len(before) and len(after) and after[0] - before[-1] - 1 <= bridged
            flags.append(BRIDGED if is_short else MISSING)
            continue
        first = last = n
        while first and values[first - 1] == value:
            first -= 1
        while last + 1 < len(values) and values[last + 1] == value:
            last += 1
        stays = last - first + 1
        so_far = values[: n + 1][np.isfinite(values[: n + 1])]
        flag = FLAT if stays >= flat else FINE
        if stays >= rail and value in (so_far.min(), so_far.max()) and so_far.min() < so_far.max():
            flag = SATURATED
        flags.append(flag)
    return np.array(flags, np.int8)


def whole(values, rate=RATES[0]):
    contact = Contact(rate)
    values = np.asarray(values, float)
    values = values[:, None] if values.ndim == 1 else values
    return np.concatenate([contact.push(values), contact.finish()])


runs = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, np.nan, np.nan, np.inf]),
        st.one_of(st.integers(1, 7), st.integers(1, 34)),
    ),
    min_size=1,
    max_size=12,
)


def lead_of(parts):
    return np.concatenate([np.full(count, value) for value, count in parts])


@settings(max_examples=200, deadline=None)
@given(runs, st.sampled_from(RATES))
def test_flags_are_those_of_the_rules(parts, rate):
    values = lead_of(parts)
    np.testing.assert_array_equal(whole(values, rate), oracle(values, rate))


@settings(max_examples=100, deadline=None)
@given(runs, runs, st.sampled_from(RATES), st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any))
def test_blocks_of_any_size_give_the_flags_of_the_worst_lead(first, second, rate, sizes):
    leads = [lead_of(first), lead_of(second)]
    length = min(map(len, leads))
    values = np.stack([lead[:length] for lead in leads], axis=1)
    worst = np.maximum(*(oracle(lead, rate) for lead in values.T))
    contact, found, start = Contact(rate), [], 0
    while start < len(values):
        size = sizes[len(found) % len(sizes)]
        found.append(contact.push(values[start : start + size]))
        start += size
    found.append(contact.finish())
    np.testing.assert_array_equal(np.concatenate(found), worst)


@pytest.mark.parametrize("rate", [1, 25, 100, 250, 360, 500])
def test_a_gap_at_the_limit_is_bridged_and_one_sample_more_is_missing(rate):
    longest, lively = bridgeable(rate), np.random.default_rng(0).normal(size=50)
    for count, flag in ((longest, BRIDGED), (longest + 1, MISSING)):
        gap = np.full(count, np.nan)
        flags = whole(np.concatenate([lively, gap, lively]), rate)
        np.testing.assert_array_equal(flags, np.repeat([FINE, flag, FINE], [50, count, 50]))


@pytest.mark.parametrize("count", [1, 5, 14])
def test_no_gap_at_the_start_or_the_end_is_bridged(count):
    lively, gap = np.random.default_rng(0).normal(size=50), np.full(count, np.nan)
    flags = whole(np.concatenate([gap, lively, gap]), rate=360)
    np.testing.assert_array_equal(flags, np.repeat([MISSING, FINE, MISSING], [count, 50, count]))


@settings(max_examples=100, deadline=None)
@given(runs, st.sampled_from(RATES))
def test_what_is_flagged_as_bridged_is_what_is_filled_by_a_line(parts, rate):
    values = lead_of(parts) + 10.0 + 1e-3 * np.arange(sum(count for _, count in parts))  # nothing stays
    flags, filled = whole(values, rate), process(FillMissing(bridgeable(rate)), values)
    known = np.isfinite(values)
    np.testing.assert_array_equal(known, flags == FINE)
    line = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known]) if known.any() else filled
    is_held = filled == np.append(0.0, filled)[:-1]
    np.testing.assert_allclose(filled[flags == BRIDGED], line[flags == BRIDGED], rtol=1e-12)
    assert is_held[flags == MISSING].all() and not is_held[flags == BRIDGED].any()


def test_a_bridged_sample_gives_no_reason_and_the_worse_flag_is_the_higher():
    assert REASONS[FINE] == REASONS[BRIDGED] == ""
    assert FINE < BRIDGED < MISSING < FLAT < SATURATED


def test_a_flag_is_out_within_a_quarter_of_a_second():
    contact = Contact(360)
    values = np.random.default_rng(0).normal(size=(1000, 1))
    out = sum(len(contact.push(values[n : n + 7])) for n in range(0, 1000, 7))
    assert out == 1000 - 90


def test_the_worst_lead_counts():
    lively = np.random.default_rng(0).normal(size=60)
    lost = lively.copy()
    lost[20:40] = 0.25
    flags = whole(np.stack([lively, lost], axis=1))
    assert set(flags[20:40]) == {FLAT} and set(flags[:20]) | set(flags[40:]) == {FINE}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_clipped_wave_is_saturated_only_where_it_is_clipped(sign):
    wave = sign * np.clip(np.sin(np.linspace(0, 12, 400)), -2, 0.8)
    flags = whole(wave, rate=360)
    clipped = np.abs(wave - sign * 0.8) < 1e-12
    assert set(flags[clipped]) == {SATURATED} and set(flags[~clipped]) == {FINE}


def test_nothing_pushed_is_nothing_flagged():
    assert len(Contact(360).finish()) == 0
    contact = Contact(360)
    assert len(contact.push(np.zeros((0, 1)))) == 0 and len(contact.finish()) == 0
