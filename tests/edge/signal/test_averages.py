"""Moving averages: of each place's neighbours, and of many rows as of each alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sibeat_edge.signal.averages import moving_average


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([np.float32, np.float64]), st.integers(0, 99))
def test_a_moving_average_is_that_of_each_place_s_neighbours(length, width, kind, seed):
    values = np.random.default_rng(seed).normal(3.0, size=(2, 3, max(length, width))).astype(kind)
    places = range(values.shape[-1] - width + 1)
    wanted = [values[..., first : first + width].mean(axis=-1, dtype=float) for first in places]
    found = moving_average(values, width)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.stack(wanted, axis=-1), atol=1e-12)


@pytest.mark.parametrize("value", [0.3, -1e6, 1e-9])
def test_that_of_a_flat_signal_is_its_value(value):
    assert set(moving_average(np.full((2, 320), value), 54).ravel().tolist()) == {value}


@pytest.mark.parametrize("rows", [1, 2, 7, 64])
def test_each_row_has_the_bits_that_it_has_alone(rows):
    values = np.random.default_rng(rows).standard_normal((rows, 320))
    alone = [moving_average(row, 54) for row in values]
    np.testing.assert_array_equal(moving_average(values, 54), alone)
    np.testing.assert_array_equal(moving_average(values.T.copy().T, 54), alone)
