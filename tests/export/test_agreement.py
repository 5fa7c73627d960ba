"""What counts as a difference between two scorers' beats."""

from dataclasses import replace

import pytest

from keras_sibeat.export.agreement import differences
from sibeat_edge.beats.beat import Beat

QUANTISATION = {"scale": 0.03, "zero_point": -5}
BEAT = Beat(2.0, 1.5, False, "", 0.8, snr=12.0, kind="N", shape=1.0, timing=1.0)


def counted(*others):
    found = differences([BEAT], others, QUANTISATION)
    return {name: count for name, count in found.items() if count and name not in ("beats", "scored")}


def test_equal_beats_differ_in_nothing():
    assert counted(BEAT) == {}
    assert differences([BEAT], [BEAT], QUANTISATION)["scored"] == 1


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"time": 2.0 + 1 / 360}, {"missing": 1, "added": 1}),
        ({"kind": "V", "alarm": True}, {"kind": 1, "alarm": 1, "decisions": 1}),
        ({"reason": "noisy", "score": None}, {"reason": 1, "decisions": 1}),
        ({"rr": None}, {"rr": 1, "decisions": 1}),
        ({"rr": 0.81}, {"rr": 1, "decisions": 1}),
        ({"rr": 0.80001, "snr": 12.01}, {}),
        ({"snr": 13.0}, {"snr": 1}),
        ({"score": 1.53}, {"one_level": 1}),
        ({"score": 1.56}, {"more_levels": 1}),
        ({"shape": 1.1}, {"parts": 1}),
        ({"shape": None}, {}),
    ],
)
def test_each_difference_is_counted(change, wanted):
    assert counted(replace(BEAT, **change)) == wanted
