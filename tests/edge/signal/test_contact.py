"""Flags of the device's samples against a plain implementation of the rules, in blocks of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.signal.contact import FINE, FLAT, MISSING, SATURATED, Contact

RATE = 40  # Hz: flat after 10 samples, at the rail after 3


def oracle(values, flat=10, rail=3):
    """The flags, sample by sample, as the module's text defines them."""
    flags = []
    for n, value in enumerate(values):
        if not np.isfinite(value):
            flags.append(MISSING)
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


def whole(values, rate=RATE):
    contact = Contact(rate)
    values = np.asarray(values, float)
    values = values[:, None] if values.ndim == 1 else values
    return np.concatenate([contact.push(values), contact.finish()])


runs = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, np.nan, np.inf]), st.integers(1, 14)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(runs)
def test_flags_are_those_of_the_rules(parts):
    values = np.concatenate([np.full(count, value) for value, count in parts])
    np.testing.assert_array_equal(whole(values), oracle(values))


@settings(max_examples=100, deadline=None)
@given(runs, st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_blocks_of_any_size_give_the_same_flags(parts, sizes):
    values = np.concatenate([np.full(count, value) for value, count in parts])[:, None]
    contact, found, start = Contact(RATE), [], 0
    while start < len(values):
        size = sizes[len(found) % len(sizes)]
        found.append(contact.push(values[start : start + size]))
        start += size
    found.append(contact.finish())
    np.testing.assert_array_equal(np.concatenate(found), whole(values))


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
