"""What a wearer's own threshold is worth: alarms of the first minutes of a recording, and of the rest."""

from collections.abc import Sequence

import numpy as np

from keras_sibeat.data.recording import Recording
from keras_sibeat.evaluate.alarms import alarm_rates
from keras_sibeat.evaluate.recordings import score_detected
from sibeat_edge.model.runtime import Model

FIRST_SECONDS = 600  # a third of a recording of MIT-BIH
PERSONAL = (0, 50, 300)  # beats that set the wearer's own threshold; 0: the model's holds


def measure_calibration(
    model: Model, recordings: Sequence[Recording], lead: str | None = None
) -> dict[str, dict[str, dict[str, float | None]]]:
    """False alarms and sensitivity at the model's threshold and at the wearers' own, over time.

    Args:
        recordings: whole ones, annotated, of wearers that the model has not seen; their R-peaks are detected.
        lead: name of the lead to score; the first one if None.

    Returns a dictionary by threshold of ``first`` and ``rest``: false alarms in a recorded hour, as
    ``alarm_rates`` has them, and the sensitivity to all of the wearers' abnormal beats, None without one. A
    period that no recording has is empty.
    """
    found = {}
    for personal in PERSONAL:
        rows = [score_detected(model, recording, lead, personal=personal) for recording in recordings]
        name = f"the wearer's, from {personal} beats" if personal else "the model's"
        found[name] = {
            "first": _period(rows, 0, FIRST_SECONDS),
            "rest": _period(rows, FIRST_SECONDS, np.inf),
        }
    return found


def _period(rows, begin, end):
    false, hours, hits, abnormal = [], [], 0, 0
    for row in rows:
        inside = (row["times"] >= begin) & (row["times"] < end)
        is_abnormal = row["classes"] != "N"
        others = row["false_alarms"] & (row["false_times"] >= begin) & (row["false_times"] < end)
        false.append(np.sum(row["alarms"] & inside & ~is_abnormal) + np.sum(others))
        hours.append(max(0.0, min(end / 3600, row["hours"]) - begin / 3600))
        hits += np.sum(row["alarms"] & inside & is_abnormal)
        abnormal += np.sum(inside & is_abnormal)
    if not any(hours):
        return {}
    rates = alarm_rates([row["wearer"] for row in rows], false, hours)
    return {**rates, "sensitivity": float(hits / abnormal) if abnormal else None}
