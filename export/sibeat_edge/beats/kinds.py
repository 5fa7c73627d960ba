"""The kinds of beats that a wearer has: beats of one shape, gathered over time.

One odd beat says little. The twentieth of a shape that comes early each time says much, and a kind that is as
odd but comes on time in long rows is the wearer's own: a bundle branch that conducts now and then. So a beat
is judged with what is known of its kind.
"""

import math
from dataclasses import dataclass

import numpy as np

ALIKE = 0.9  # correlation from which a beat is of a kind
ALIKE_IN_NOISE = 0.8  # the same among noisy beats, which are remembered with no kind
KINDS = 12  # kept at most
MEMORY = 8  # beats over which a kind's shape forgets
RECENT = 32  # beats over which its other means forget
HALF_LIFE = 600  # beats after which a kind counts half, when one has to go
ENOUGH = 4  # clean beats from which a kind is known: one beat of a recording that is played thrice is none


@dataclass(slots=True, eq=False)
class Kind:
    """Beats of one shape, and the means of the last ``RECENT`` clean ones.

    Attributes:
        number: of the kind, in order of appearance.
        mean: the shape ``(40,)``, without swings, of length 1.
        count: clean beats so far.
        last: number of the newest of them among all clean beats.
        premature: share of the usual RR interval by which they were early.
        score: of the model.
        shape_score: of the model, had the beat been on time.
        likeness: of the QRS to the template's.
        irregular: share of the beats that came in an irregular rhythm.

    >>> Kind(0, np.ones(40) / 40**0.5).is_known
    False
    """

    number: int
    mean: np.ndarray
    count: int = 0
    last: int = 0
    premature: float = 0.0
    score: float = 0.0
    shape_score: float = 0.0
    likeness: float = 0.0
    irregular: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether there have been ``ENOUGH`` beats to judge by."""
        return self.count >= ENOUGH

    def learn(self, **values: float) -> None:
        """Add a clean beat's values to the means of these names."""
        over = min(self.count, RECENT)
        for name, value in values.items():
            before = getattr(self, name)
            setattr(self, name, before + (value - before) / over)


class Kinds:
    """Gathers beats into at most ``KINDS`` kinds; the one with the fewest recent beats has to go.

    >>> kinds, shape = Kinds(), np.hanning(40)
    >>> kinds.gather(shape).count, kinds.gather(shape).count, kinds.gather(-shape).number
    (1, 2, 1)
    """

    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._means = np.zeros((0, 0))  # those of the kinds, ``(kinds, samples)``
        self._clean = 0  # clean beats so far
        self._begun = 0  # kinds so far

    @property
    def known(self) -> list[Kind]:
        """The kinds of which there have been beats enough to judge by, in order of appearance."""
        return [kind for kind in self._kinds if kind.is_known]

    def find(self, shape: np.ndarray, least: float = ALIKE) -> Kind | None:
        """The kind that a beat of this ``shape`` ``(40,)`` is of, by a correlation of ``least``; or None."""
        return self._find(_unit(shape), least)

    def _find(self, shape, least):
        if not self._kinds:
            return None
        alike = self._means.dot(shape).tolist()
        highest = max(alike)
        return None if highest < least else self._kinds[alike.index(highest)]

    def gather(self, shape: np.ndarray) -> Kind:
        """Add a clean beat: to the kind that ``find`` gives, or as the first of a new one."""
        shape = _unit(shape)
        kind = self._find(shape, ALIKE)
        if kind is None:
            if len(self._kinds) == KINDS:
                self._kinds.remove(min(self._kinds, key=self._worth))
            kind = Kind(self._begun, shape)
            self._kinds.append(kind)
            self._begun += 1
            self._means = np.array([kind.mean for kind in self._kinds])
        else:
            kind.mean = _unit(kind.mean + (shape - kind.mean) / MEMORY)
            self._means[self._kinds.index(kind)] = kind.mean
        self._clean += 1
        kind.count, kind.last = kind.count + 1, self._clean
        return kind

    def _worth(self, kind):
        return kind.count * 0.5 ** ((self._clean - kind.last) / HALF_LIFE)


def _unit(shape):
    return shape / max(math.sqrt(shape.dot(shape)), 1e-9)
