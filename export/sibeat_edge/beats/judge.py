"""What kind each beat is: normal, supraventricular or ventricular, by its shape and by its time.

Two questions are answered apart. The *shape* is abnormal if the beat's kind is: unlike the template's QRS,
with a high score on the whole, the lower the earlier its beats come. As long as too little is known of the
kind, the beat's own score decides, if ``Evidence`` believes it and it is not on time. A premature beat like
the template is of abnormal shape, too, if such beats are of another size (``Sizes``). The *time* is abnormal
if ``Timing`` says so. A beat of abnormal shape is ventricular, one of the wearer's own shape that is
premature supraventricular.

A beat is judged twice: once the next beat is known, and again ``LATER`` beats later, with what has been
learnt since of its kind and of the wearer's rhythm.
"""

from collections import deque
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from sibeat_edge.beats.evidence import (
    BACK,
    FEWEST,
    HISTORY,
    SAME_QRS,
    Evidence,
    Seen,
)
from sibeat_edge.beats.kinds import ALIKE_IN_NOISE, Kind, Kinds
from sibeat_edge.beats.sizes import Sizes
from sibeat_edge.beats.timing import EARLY, Answer, Timed, Timing
from sibeat_edge.beats.windows import BEFORE

LATER = 300  # beats after which a beat is judged again
CLEAN = 10.0  # dB: median likeness of the beats around, from which a beat is remembered with its kind
CALM = 8.0  # dB from which the intervals to the beats around are trusted
OWN = 0.93  # likeness of the QRS to the template's, from which a beat has the wearer's own shape
OWN_KIND = 0.94  # mean likeness from which a kind is the wearer's own
ON_TIME = 0.1  # share of the usual interval by which a beat of an unknown kind has to be early or late
# In units of the model's threshold.
NEAR = 0.32  # that a kind's mean score may lie below the threshold, if its beats come early
SHAPE = 0.58  # mean score that a kind needs, had its beats been on time
SHAPE_EARLY = 0.5  # the same, if its beats are early by EARLIER_KIND
EARLY_KIND = 0.05  # mean share of the usual interval from which a kind's beats come early
EARLIER_KIND = 0.2  # the same share, from which they come very early
IRREGULAR = 0.5  # share of beats in an irregular rhythm, from which being early says nothing
# A fast row's kind is supraventricular, conducted aberrantly, if it is no further from the wearer's own.
ABERRANT = 0.75  # mean likeness
ABERRANT_SCORE = 0.1  # mean score above the threshold, in its units


class Scores(NamedTuple):
    """A beat's scores in units of the model's threshold.

    Attributes:
        whole: of the beat as it is.
        timing: of the template at the beat's time.
        limit: threshold that holds for it.
        shape: gives the score had the beat been on time. Only odd beats are asked for it, as it costs a run
            of the model.

    >>> Scores(whole=0.3, timing=0.1, limit=1.0, shape=lambda: 0.2).shape()
    0.2
    """

    whole: float
    timing: float
    limit: float
    shape: Callable[[], float]


class Verdict(NamedTuple):
    """What a beat is.

    Attributes:
        kind: ``N``, ``S`` or ``V``; an empty text for a beat without a score.
        why: what is abnormal, ``shape``, ``timing`` or ``both``; an empty text for a normal beat.
        is_irregular: whether the rhythm as a whole is irregular at this beat.
        group: number of the kind of beats that it was gathered with, or None.

    >>> Verdict("S", "timing").kind
    'S'
    """

    kind: str = ""
    why: str = ""
    is_irregular: bool = False
    group: int | None = None


class _Known(NamedTuple):
    """What has to be kept of a beat to judge it again."""

    kind: Kind | None
    limit: float
    is_odd: bool  # believed to be abnormal by its own score and shape
    answer: Answer
    first: Verdict


class Judge:
    """Judges the beats of a stream in order of time.

    At most ``LATER`` beats, ``KINDS`` kinds of 40 samples and a few dozen intervals are kept.

    Args:
        centre: place of the R-peak in a window.

    >>> import numpy as np
    >>> judge, own = Judge(), np.tile(np.exp(-np.square(np.arange(-140, 180) / 8.0))[:, None], 2)
    >>> scores = Scores(whole=0.1, timing=0.05, limit=1.0, shape=lambda: 0.1)
    >>> beats = [Seen(0.8 * n, 0.8, 20.0, own, False) for n in range(3)]
    >>> [verdict.kind for beat in beats for verdict in judge.push(beat, scores)]
    ['N', 'N']
    >>> judge.finish()
    [Verdict(kind='N', why='', is_irregular=False, group=0)]
    """

    def __init__(self, centre: int = BEFORE) -> None:
        self._centre = centre
        self._evidence, self._kinds, self._timing = Evidence(centre), Kinds(), Timing()
        self._sizes = Sizes()
        # The beats that wait for the next one, and as many before them as are around a beat.
        self._beats: deque[tuple[Seen, Scores | None]] = deque()
        self._believed: deque[bool] = deque()  # those of the beats that wait, as far as known
        self._waiting = 0
        self._intervals: deque[float] = deque(maxlen=HISTORY)
        self._known: deque[_Known | None] = deque()
        self._settled: list[Verdict] = []

    @property
    def kinds(self) -> list[Kind]:
        """The kinds that are known now."""
        return self._kinds.known

    def push(self, beat: Seen, scores: Scores | None) -> list[Verdict]:
        """Verdicts that ``beat`` makes certain for the time being: those on the beats before it.

        ``scores`` is None for a beat without a score.
        """
        beat = beat.with_form(self._centre)
        self._beats.append((beat, scores))
        self._believed += self._evidence.push(beat)
        self._waiting += 1
        return self._release(1)

    def finish(self) -> list[Verdict]:
        """Verdicts on the beats that wait, as no beat follows soon."""
        self._believed += self._evidence.finish()
        return self._release(0)

    def settled(self, at_end: bool = False) -> list[Verdict]:
        """The last verdicts on the oldest beats without one, in order of time, since the last call.

        Args:
            at_end: whether all beats that have a first verdict are to get their last one.
        """
        while at_end and self._known:
            self._settle()
        settled, self._settled = self._settled, []
        return settled

    def _release(self, waiting):
        verdicts = []
        while self._waiting > waiting and self._believed:
            verdict = self._judge(len(self._beats) - self._waiting, self._believed.popleft())
            verdicts.append(verdict)
            self._waiting -= 1
        while len(self._beats) - self._waiting > BACK:
            self._beats.popleft()
        while len(self._known) > LATER:
            self._settle()
        return verdicts

    def _judge(self, number, is_believed):
        beat, scores = self._beats[number]
        early = self._early(beat.rr)
        if scores is None:
            self._timing.push(None)
            self._known.append(None)
            return Verdict()
        likeness, snr = beat.form.likeness, self._around(number)
        kind = self._gather(beat.form, snr, scores, early)
        is_odd = is_believed and self._is_odd(beat.form, kind, early)
        is_ventricular = _is_ventricular(kind, scores.limit, is_odd)
        is_own = likeness >= OWN or (kind is not None and kind.is_known and kind.likeness >= OWN)
        after = self._beats[number + 1][0].rr if number + 1 < len(self._beats) else None
        answer = self._timing.push(
            Timed(beat.rr, after, scores.timing, is_own and not is_ventricular, is_ventricular, snr >= CALM)
        )
        is_on_time = not answer.is_premature and answer.early < EARLY
        if is_own and not is_ventricular and is_on_time and snr >= CLEAN:
            self._sizes.learn(beat.form.shape)
        called = _called(is_ventricular, answer.is_premature, answer, kind, scores.limit)
        group = None if kind is None else kind.number
        verdict = Verdict(*called, self._timing.is_irregular, group)
        self._known.append(_Known(kind, scores.limit, is_odd, answer, verdict))
        return verdict

    def _is_odd(self, form, kind, early):
        """Whether a believed beat is of abnormal shape, for all that is known of it alone."""
        if form.likeness >= SAME_QRS:
            return self._sizes.is_other(form.shape)
        return abs(early) >= ON_TIME or (kind is not None and kind.is_known)

    def _early(self, rr):
        """Share of the median of the newest RR intervals by which one is shorter; 0 if it is not known."""
        if rr is None:
            return 0.0
        early = 1 - rr / median(self._intervals) if len(self._intervals) >= FEWEST else 0.0
        self._intervals.append(rr)
        return early

    def _around(self, number):
        """Median likeness of the beats around one, dB; that of none is very low."""
        last = min(number + 2, len(self._beats))
        near = [self._beats[n][0].likeness for n in range(max(0, number - BACK), last) if n != number]
        known = [likeness for likeness in near if likeness is not None]
        return median(known) if known else -1e9

    def _gather(self, form, snr, scores, early):
        if snr < CLEAN:
            return self._kinds.find(form.shape, ALIKE_IN_NOISE)
        kind = self._kinds.gather(form.shape)
        kind.learn(
            premature=early,
            score=scores.whole,
            shape_score=scores.shape() if form.likeness < OWN_KIND else kind.shape_score,
            likeness=form.likeness,
            irregular=float(self._timing.is_scattered),
        )
        return kind

    def _settle(self):
        known = self._known.popleft()
        self._settled.append(Verdict() if known is None else self._judge_again(known))

    def _judge_again(self, known):
        answer = known.answer
        is_ventricular = _is_ventricular(known.kind, known.limit, known.is_odd)
        called = _called(is_ventricular, self._timing.confirm(answer), answer, known.kind, known.limit)
        return Verdict(*called, known.first.is_irregular, known.first.group)


def _is_ventricular(kind, limit, is_odd):
    """Whether a beat's shape is abnormal: by its kind, if that is known, else by its own score."""
    if kind is None or not kind.is_known or kind.likeness >= OWN_KIND:
        return is_odd
    is_early = kind.premature >= EARLY_KIND and kind.irregular < IRREGULAR
    least = SHAPE_EARLY if is_early and kind.premature >= EARLIER_KIND else SHAPE
    return kind.score > limit - NEAR * is_early and kind.shape_score > least


def _called(is_ventricular, is_premature, answer, kind, limit):
    """A verdict's kind, and why."""
    if is_ventricular and answer.is_in_row and kind is not None:
        # The row began abruptly and goes on evenly: only a shape far from the wearer's own is ventricular.
        is_ventricular = kind.likeness <= ABERRANT or kind.score >= limit + ABERRANT_SCORE
    if is_ventricular:
        return "V", "both" if answer.early > EARLY else "shape"
    return ("S", "timing") if is_premature else ("N", "")
