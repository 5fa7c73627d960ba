"""False alarms: their share of the normal beats, and their number in an hour of recording."""

from collections.abc import Sequence

import numpy as np

from keras_sibeat.data.beatset import BeatSet, recorded_hours

HOURLY = "false_alarms_per_hour"


def false_alarms_per_hour(count: float, hours: float) -> float:
    """The one definition of an hourly rate: ``count`` false alarms over the ``hours`` that were recorded.

    >>> false_alarms_per_hour(713, 11.0)
    64.81818181818181
    """
    return float(count / hours)


def alarm_rates(
    wearers: Sequence[str] | np.ndarray, counts: Sequence[float], hours: Sequence[float]
) -> dict[str, float]:
    """Hourly rates of false alarms of several records.

    Args:
        wearers: name of who wore each record; several may be of one.
        counts: false alarms of each.
        hours: recorded hours of each; records of none do not count, and one at least has some.

    Returns ``false_alarms_per_hour`` of all hours together, which is the mean over wearers of equally long
    records, and ``…_median`` and ``…_worst`` over the wearers.

    >>> alarm_rates(["ann", "ann", "bob"], [30, 10, 2], [0.5, 0.5, 0.5])["false_alarms_per_hour_worst"]
    40.0
    """
    recorded = np.asarray(hours) > 0
    names, places = np.unique(np.asarray(wearers)[recorded], return_inverse=True)
    alarms = np.bincount(places, np.asarray(counts)[recorded], len(names))
    time = np.bincount(places, np.asarray(hours)[recorded], len(names))
    rates = [false_alarms_per_hour(*pair) for pair in zip(alarms, time, strict=True)]
    return {
        HOURLY: false_alarms_per_hour(alarms.sum(), time.sum()),
        f"{HOURLY}_median": float(np.median(rates)),
        f"{HOURLY}_worst": max(rates),
    }


def count_alarms(alarms: np.ndarray, beats: BeatSet, normal: str) -> dict[str, float]:
    """``sensitivity``, ``false_alarm_rate`` and ``false_alarms_per_hour`` of the ``alarms`` (beats,).

    The rate is the share of the normal beats that are alarms. The sensitivity is absent without abnormal
    beats, the hourly rate where the length of the recordings is not known, as for series.
    """
    is_abnormal, counted = beats.classes != normal, {}
    if is_abnormal.any():
        counted["sensitivity"] = float(alarms[is_abnormal].mean())
    counted["false_alarm_rate"] = float(alarms[~is_abnormal].mean())
    hours = recorded_hours(beats)
    if np.isfinite(hours):
        counted[HOURLY] = false_alarms_per_hour(alarms[~is_abnormal].sum(), hours)
    return counted


def count_alarms_of_wearers(alarms: np.ndarray, beats: BeatSet, normal: str) -> dict[str, float]:
    """The same of whole records, with the median and the worst hourly rate over their wearers."""
    is_false = alarms & (beats.classes == normal)
    names = np.unique(beats.records)
    rows = [beats.records == name for name in names]
    hours = [recorded_hours(beats.take(row)) for row in rows]
    wearers = [beats.worn_by.get(name, name) for name in names.tolist()]
    rates = alarm_rates(wearers, [is_false[row].sum() for row in rows], hours)
    return {**count_alarms(alarms, beats, normal), **rates}
