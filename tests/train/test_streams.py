"""Seeds of a training's random streams: one each, and none shared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sibeat.train.streams import NAMES, streams


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_two_streams_share_a_seed(seed):
    found = streams(seed)
    assert tuple(found) == NAMES and len(set(found.values())) == len(NAMES)
    assert all(type(value) is int and 0 <= value < 2**32 for value in found.values())
    assert not set(found.values()) & set(streams(seed ^ 1).values())


def test_seeds_are_those_that_numpy_spawns():
    children = np.random.SeedSequence(7).spawn(2)
    assert list(streams(7, ["a", "b"]).values()) == [int(child.generate_state(1)[0]) for child in children]


@pytest.mark.parametrize("seed", [0, 123])
def test_a_name_at_the_end_leaves_the_others_as_they_are(seed):
    assert streams(seed).items() <= streams(seed, (*NAMES, "new")).items()
