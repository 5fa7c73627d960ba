"""A threshold that is given by hand."""

import numpy as np
import pytest

from sibeat_edge.model.threshold import Threshold

MANIFEST = {
    "wearer": None,
    "score": {"scale": 0.1, "zero_point": 0},
    "threshold": {"score": 4.0, "usual": 1.0, "false_alarms_per_hour": 40.0},
}


@pytest.mark.parametrize("options", [{"score": np.nan}, {"score": np.inf}, {"personal": -1}])
def test_a_threshold_that_is_no_number_and_fewer_than_no_beats_are_refused(options):
    with pytest.raises(ValueError, match=r"expected (a finite number|0 or more)"):
        Threshold(MANIFEST, **options)
