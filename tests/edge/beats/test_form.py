"""Forms of many beats at once: each in the bits of one alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.beats.alignment import correlate, dot, moving_sum
from sibeat_edge.beats.form import forms, qrs_likeness, shape_of, without_swings


def views(count, leads=1, length=320, seed=0):
    """Beats beside templates, some of them flat."""
    made = np.random.default_rng(seed).standard_normal((count, length, 2 * leads)).cumsum(axis=1)
    made[::5, :, 0] = 0.25
    made[::7, :, leads] = -0.5
    return made.astype(np.float32)


def plain(form):
    return form.likeness, form.outside, form.shape.tobytes()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 3), st.sampled_from([(320, 140), (90, 30), (20, 0), (141, 140)]))
def test_many_forms_are_those_of_each_beat_alone(count, leads, window):
    length, centre = window
    found = views(count, leads, length, seed=count)
    alone = [forms(view[None], centre)[0] for view in found]
    assert [plain(form) for form in forms(found, centre)] == [plain(form) for form in alone]


def test_a_form_is_that_of_the_first_lead():
    (form,) = forms(views(2, leads=2)[1:], 140)
    lead, _, template, _ = views(2, leads=2)[1].T
    assert form.likeness == qrs_likeness(lead, template)
    np.testing.assert_array_equal(form.shape, shape_of(lead, 140))
    outside = np.delete((lead - template).astype(float), np.arange(110, 180))
    assert form.outside == pytest.approx(outside.std(), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(1, 130), st.integers(1, 4), st.data())
def test_a_part_without_swings_is_that_of_the_whole(length, width, step, data):
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first + 1, length))
    lead = np.random.default_rng(length).standard_normal(length)
    padded = np.pad(lead, (width // 2, width - 1 - width // 2), "edge")
    whole = lead - [padded[place : place + width].mean() for place in range(length)]
    found = without_swings(lead, width, first, last, step)
    np.testing.assert_allclose(found, whole[first:last:step], atol=1e-12)
    np.testing.assert_allclose(without_swings(lead, width), whole, atol=1e-12)


def test_products_are_in_the_bits_of_plain_ones():
    first, second = np.random.default_rng(0).standard_normal((2, 30, 180))
    np.testing.assert_array_equal(dot(first, second), [a @ b for a, b in zip(first, second, strict=True)])
    wanted = [np.correlate(a, b[:60], "valid") for a, b in zip(first, second, strict=True)]
    np.testing.assert_array_equal(correlate(first, second[:, :60]), wanted)
    wanted = [np.correlate(a, np.ones(54), "valid") for a in first]
    np.testing.assert_array_equal(moving_sum(first, 54), wanted)
