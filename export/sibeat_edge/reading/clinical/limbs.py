"""The limb leads that follow from I and II."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.reading.arrays import ArraySource
from sibeat_edge.reading.leads import plain

DERIVED = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}  # of I and II


def with_limbs(signals: MutableMapping[str, np.ndarray]) -> list[str]:
    """Add III, aVR, aVL and aVF to leads that have I and II, by Einthoven and Goldberger; their names.

    >>> signals = {"I": np.array([1.0]), "II": np.array([3.0]), "aVL": np.array([0.0])}
    >>> with_limbs(signals), signals["III"], signals["aVR"], signals["aVF"]
    (['III', 'aVR', 'aVF'], array([2.]), array([-2.]), array([2.5]))
    """
    names = {plain(name): name for name in signals}
    if "i" not in names or "ii" not in names:
        return []
    first, second = signals[names["i"]], signals[names["ii"]]
    added = [lead for lead in DERIVED if plain(lead) not in names]
    for lead in added:
        signals[lead] = DERIVED[lead][0] * first + DERIVED[lead][1] * second
    return added


def limb_source(
    path: Path, signals: MutableMapping[str, np.ndarray], rate: float, told: dict[str, str], **more: Any
) -> ArraySource:
    """The ``Source`` of leads in mV, all of one length, with those that follow from I and II.

    Args:
        signals: the samples of each by its name; what follows is added.
        path, rate, told, more: as for ``ArraySource``.
    """
    derived = with_limbs(signals)
    names = told["leads"] + (f"; {', '.join(derived)} from I and II" if derived else "")
    samples = np.stack(list(signals.values()), axis=1)
    return ArraySource(path, samples, list(signals), "mV", rate, told={**told, "leads": names}, **more)
