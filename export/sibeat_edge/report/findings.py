"""What was found in a recording, as a reader would say it: ectopic burden, kinds of beats, episodes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sibeat_edge.scorer import Beat

ECTOPIC = {"V": "ventricular", "S": "supraventricular"}


@dataclass(frozen=True)
class Burden:
    """How many beats are ectopic.

    Attributes:
        beats: their number.
        percent: of the scored beats.
        per_hour: of the scored time.

    >>> Burden(beats=30, percent=1.5, per_hour=60.0).beats
    30
    """

    beats: int
    percent: float
    per_hour: float


@dataclass(frozen=True)
class KindFound:
    """Beats of one shape in a recording.

    Attributes:
        number: of the kind, in order of appearance.
        kind: what most of its beats are: ``N``, ``S`` or ``V``.
        beats: their number.
        first, last: times of the first and of the last one, s.
        shape: mean shape ``(40,)`` at 120 Hz, 13 samples before the R-peak and 27 from it on, without slow
            swings, of length 1.

    >>> KindFound(0, "N", 1500, 0.4, 1799.0, np.zeros(40)).kind
    'N'
    """

    number: int
    kind: str
    beats: int
    first: float
    last: float
    shape: np.ndarray = field(repr=False)


def as_text(burden: Burden) -> str:
    """A burden as a reader takes it in.

    >>> as_text(Burden(1200, 12.5, 70.25))
    '1,200 (12.50 %, 70.2 an hour)'
    """
    return f"{burden.beats:,} ({burden.percent:.2f} %, {burden.per_hour:.1f} an hour)"


def burdens(beats: Sequence[Beat], scored_seconds: float) -> dict[str, Burden]:
    """The burden of ventricular and of supraventricular beats, by name; without scored beats, nothing."""
    counts = Counter(beat.kind for beat in beats if beat.kind)
    if not counts or scored_seconds <= 0:
        return {}
    return {
        name: Burden(counts[kind], 100 * counts[kind] / counts.total(), 3600 * counts[kind] / scored_seconds)
        for kind, name in ECTOPIC.items()
    }


def kinds_found(beats: Sequence[Beat], shapes: Mapping[int, np.ndarray]) -> list[KindFound]:
    """The kinds of which a shape is known, the commonest first.

    Args:
        beats: of the recording, as they were judged last.
        shapes: a scorer's ``shapes`` at the end.
    """
    groups: dict[int, list[Beat]] = defaultdict(list)
    for beat in beats:
        if beat.group is not None and beat.group in shapes:
            groups[beat.group].append(beat)
    found = [
        KindFound(
            number,
            Counter(beat.kind for beat in those).most_common(1)[0][0],
            len(those),
            those[0].time,
            those[-1].time,
            shapes[number],
        )
        for number, those in groups.items()
    ]
    return sorted(found, key=lambda kind: -kind.beats)
