"""A context that is saved before a deep sleep and restored after it, beside one that stayed awake."""

import numpy as np
import pytest
from c_monitor import GENERATED
from compilers import need

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.native import NativeScorer, build

RATE = 250
SLEPT = 60.0  # s


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    need("gcc")
    return build(tmp_path_factory.mktemp("native"), GENERATED)


@pytest.mark.parametrize("asleep", [20.0, 70.0, 130.0], ids=["warming up", "just warm", "warm"])
def test_a_wearer_is_known_after_a_deep_sleep(library, asleep):
    """Before the warm-up's end, while its beats are judged, and later: beat by beat the same."""
    lead = simulate_wearer(seed=21, seconds=200.0, rate=RATE).signal[:, 0]
    before, after = np.split(lead, [round(asleep * RATE)])
    awake = NativeScorer(library, RATE)
    awake.push(before)
    awake.push(after, time=asleep + SLEPT)
    awake.finish()

    falling = NativeScorer(library, RATE)
    falling.push(before)
    image = falling.save()
    woken = NativeScorer(library, RATE)
    woken.restore(image, falling.told)
    woken.push(after, time=asleep + SLEPT)
    woken.finish()
    assert woken.told == awake.told and len(woken.told) > 150
    assert falling.alarms + woken.alarms == awake.alarms
    assert falling.episodes + woken.episodes == awake.episodes


def test_an_image_that_is_damaged_leaves_the_context_alone(library):
    scorer = NativeScorer(library, RATE)
    scorer.push(simulate_wearer(seed=1, seconds=20.0, rate=RATE).signal[:, 0])
    image = bytearray(scorer.save())
    image[len(image) // 2] ^= 1
    other = NativeScorer(library, RATE)
    kept = other.context.raw
    with pytest.raises(ValueError, match="expected one of this bundle"):
        other.restore(bytes(image), [])
    with pytest.raises(ValueError, match="expected one of this bundle"):
        other.restore(bytes(image[:100]), [])
    assert other.context.raw == kept and not other.told


def test_no_room_saves_nothing_and_the_stream_goes_on(library):
    scorer = NativeScorer(library, RATE)
    scorer.push(simulate_wearer(seed=1, seconds=20.0, rate=RATE).signal[:, 0])
    kept, room = scorer.context.raw, library.sibeat_saved_bytes() - 1
    assert library.sibeat_save(scorer.context, bytes(room + 1), room) == 0
    assert scorer.context.raw == kept
