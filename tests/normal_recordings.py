"""Simulated recordings in which no beat is abnormal, or in only some of which one is."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.synthetic import simulate_wearer

NONE: Mapping[int, Mapping[str, float]] = MappingProxyType({})
SOME = {"V": 0.1, "A": 0.1}


def write_normals(
    folder: Path, wearers: int, seconds: float = 60.0, abnormal: Mapping[int, Mapping[str, float]] = NONE
) -> Path:
    """Write wearers ``n0``, ``n1``, … as WFDB records of normal beats.

    Args:
        abnormal: of some wearers, the probability of each symbol of abnormal beats.
    """
    for number in range(wearers):
        recording = simulate_wearer(seed=number, seconds=seconds, abnormal=dict(abnormal.get(number, NONE)))
        write_recording(replace(recording, name=f"n{number}"), folder)
    return folder
