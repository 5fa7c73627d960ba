"""What a wearer's own threshold is worth: alarms of the first minutes of a recording, and of the rest."""

import numpy as np

from keras_sibeat.evaluate.recordings import score_detected

FIRST = 600  # s: MIT-BIH's recordings have half an hour, so there is no first hour to hold against the rest
PERSONAL = (0, 50, 300)  # beats that set the wearer's own threshold; 0: the model's holds


def measure_calibration(model, recordings, lead):
    """False alarms and sensitivity at the model's threshold and at the wearers' own, over time.

    Args:
        model: a ``sibeat_edge.model.runtime.Model``.
        recordings: whole ones, annotated, of wearers that it has not seen; their R-peaks are detected.
        lead: name of the lead to score.

    Returns a dictionary by threshold of ``first`` and ``rest``: false alarms per hour, their mean, median and
    90 % quantile over the wearers, and the sensitivity to all of their abnormal beats.
    """
    found = {}
    for personal in PERSONAL:
        rows = [score_detected(model, recording, lead, personal=personal) for recording in recordings]
        ends = [len(recording.signal) / recording.rate for recording in recordings]
        name = f"the wearer's, from {personal} beats" if personal else "the model's"
        found[name] = {"first": _period(rows, ends, 0, FIRST), "rest": _period(rows, ends, FIRST, np.inf)}
    return found


def _period(rows, ends, begin, end):
    rates, hits, abnormal = [], 0, 0
    for row, last in zip(rows, ends, strict=True):
        inside = (row["times"] >= begin) & (row["times"] < end)
        is_abnormal = row["classes"] != "N"
        others = row["false_alarms"] & (row["false_times"] >= begin) & (row["false_times"] < end)
        false = np.sum(row["alarms"] & inside & ~is_abnormal) + np.sum(others)
        hours = (min(end, last) - begin) / 3600
        if hours > 0:
            rates.append(false / hours)
        hits += np.sum(row["alarms"] & inside & is_abnormal)
        abnormal += np.sum(inside & is_abnormal)
    return {
        "false_alarms_per_hour": float(np.mean(rates)) if rates else None,
        "false_alarms_median": float(np.median(rates)) if rates else None,
        "false_alarms_90": float(np.quantile(rates, 0.9)) if rates else None,
        "sensitivity": float(hits / abnormal) if abnormal else None,
    }
