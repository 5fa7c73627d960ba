"""Episodes: what goes on for a while, begins and ends, and is told once instead of beat by beat."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from sibeat_edge.beats.beat import Beat

RUN = 3  # beats of a kind in a row that are a run
BIGEMINY = 6  # beats of which every second one is ectopic
FREQUENT, AMONG = 6, 60  # ectopic beats, and beats among which they are frequent
RARE = 3  # ectopic beats among as many, below which they are frequent no longer
IRREGULAR, OVER = 30, 40  # beats in an irregular rhythm, and beats over which they are counted
REGULAR = 10  # of them below which the rhythm is regular again
PAUSE = 3.0  # s between two beats that are a pause
RATED = 8  # RR intervals of scored beats whose median is the heart rate
SLOW, SLOW_ENDS = 60 / 40, 60 / 44  # s: RR interval from which the heart is slow, and no longer
FAST, FAST_ENDS = 60 / 120, 60 / 110  # s: below which it is fast, and no longer

ECTOPIC = ("S", "V")  # kinds of beats
TURNS = ([False, True] * (BIGEMINY // 2), [True, False] * (BIGEMINY // 2))  # whether each beat is ectopic

VENTRICULAR_RUN = "ventricular run"
SUPRAVENTRICULAR_RUN = "supraventricular run"
IRREGULAR_RHYTHM = "irregular rhythm"
FREQUENT_ECTOPY = "frequent ectopic beats"
QUIET = 60.0  # s between two episodes of one kind, below which the second is not told
# By default a device tells what may need somebody. To be fast is usual for who moves.
TOLD = (VENTRICULAR_RUN, SUPRAVENTRICULAR_RUN, IRREGULAR_RHYTHM, FREQUENT_ECTOPY, "pause", "bradycardia")


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that went on for a while.

    Attributes:
        what: ``ventricular run`` and ``supraventricular run`` (three or more in a row), ``bigeminy``,
            ``frequent ectopic beats`` (6 of 60), ``irregular rhythm``, ``pause`` (3 s), ``bradycardia``
            (below 40 beats a minute) or ``tachycardia`` (above 120).
        start, end: times of its first and its last beat, s; ``end`` is None as long as it goes on.

    >>> Episode("pause", 10.0, 13.5).end
    13.5
    """

    what: str
    start: float
    end: float | None = None


class Newest(NamedTuple):
    """The newest beats as the rules see them, in order of time.

    Attributes:
        kinds: a letter each, that of its kind, or ``-`` for a beat without a score.
        rhythms: a letter each, ``i`` for a beat in an irregular rhythm, ``r`` for another one, or ``-``.
        intervals: the RR interval of each, s, or None.
        interval: the median of the newest ones, s, or None if one of them is not known.

    >>> Newest("NS", "rr", (0.8, 0.5)).interval is None
    True
    """

    kinds: str
    rhythms: str
    intervals: Sequence[float | None]
    interval: float | None = None


Rule = Callable[[Newest, bool], int | None]


class Episodes:
    """Finds the episodes in a stream of beats, in order of time; the newest ``AMONG`` beats are kept.

    >>> episodes, found = Episodes(), []
    >>> for n, kind in enumerate("NNVVVN"):
    ...     found += episodes.push(Beat(0.8 * n, 1.0, kind != "N", "", 0.8, kind=kind))
    >>> [(e.what, e.start, e.end) for e in found]
    [('ventricular run', 1.6, None), ('ventricular run', 1.6, 3.2)]
    """

    def __init__(self) -> None:
        self._beats: deque[Beat] = deque(maxlen=AMONG)
        self._kinds = self._rhythms = ""  # of these beats
        self._intervals: deque[float | None] = deque(maxlen=AMONG)
        self._rated: deque[float | None] = deque(maxlen=RATED)  # those of scored beats
        self._open: dict[str, Episode] = {}
        self._seen = 0  # beats so far
        self._ended: dict[str, int] = {}  # of them, up to the last of each sort

    def push(self, beat: Beat) -> list[Episode]:
        """The episodes that begin or end with ``beat``, each as it is then."""
        previous = self._beats[-1] if self._beats else None
        self._seen += 1
        newest, found = self._add(beat), []
        for what, rule in RULES.items():
            is_open = what in self._open
            length = rule(newest, is_open)
            if length is not None and not is_open:
                length = min(length, self._seen - self._ended.get(what, 0))
                self._open[what] = Episode(what, self._beats[-length].time)
                found.append(self._open[what])
            elif length is None and is_open and previous is not None:
                found.append(self._close(what, previous.time))
                self._ended[what] = self._seen - 1
        is_scored = bool(beat.kind and previous and previous.kind)  # noise makes pauses, too
        if is_scored and beat.rr is not None and beat.rr >= PAUSE:
            found.append(Episode("pause", beat.time - beat.rr, beat.time))
        return found

    def finish(self) -> list[Episode]:
        """The episodes that the stream's end ends. Beats pushed afterwards begin anew."""
        found = [self._close(what, self._beats[-1].time) for what in list(self._open)]
        for kept in (self._beats, self._intervals, self._rated):
            kept.clear()
        self._kinds = self._rhythms = ""
        return found

    def _add(self, beat):
        rhythm = "-" if not beat.kind else "i" if beat.irregular else "r"
        self._beats.append(beat)
        self._kinds = (self._kinds + (beat.kind or "-"))[-AMONG:]
        self._rhythms = (self._rhythms + rhythm)[-AMONG:]
        self._intervals.append(beat.rr)
        self._rated.append(beat.rr if beat.kind else None)
        is_rated = len(self._rated) == RATED and None not in self._rated
        return Newest(self._kinds, self._rhythms, self._intervals, median(self._rated) if is_rated else None)

    def _close(self, what, end):
        return replace(self._open.pop(what), end=end)


def episodes_of(beats: Iterable[Beat]) -> list[Episode]:
    """All episodes of a recording's ``beats``, by their start; each has its end."""
    episodes = Episodes()
    found = [episode for beat in beats for episode in episodes.push(beat)] + episodes.finish()
    return sorted((e for e in found if e.end is not None), key=lambda e: (e.start, e.what))


class AlarmPolicy:
    """Which episodes a device tells, and when: each at its beginning, a pause once it is over.

    For a while behind one that was told, another of its kind is not; if it still goes on then, it is told.

    Args:
        told: what is told.
        quiet: s behind the telling of an episode, in which another one of its kind is not told.

    >>> policy = AlarmPolicy()
    >>> [len(policy.push([Episode("pause", at, at + 3)], at + 3)) for at in (10.0, 20.0, 200.0)]
    [1, 0, 1]
    """

    def __init__(self, told: Iterable[str] = TOLD, quiet: float = QUIET) -> None:
        self._told, self._quiet = frozenset(told), quiet
        self._at: dict[str, float] = {}  # when each kind was told last
        self._open: dict[str, Episode] = {}  # those that have begun, and have not been told

    def push(self, episodes: Iterable[Episode], time: float) -> list[Episode]:
        """Those to be told now.

        Args:
            episodes: that ``Episodes`` returns for a beat; often none.
            time: of the beat, s.
        """
        for episode in episodes:
            if episode.what == "pause" or episode.end is None:
                self._open[episode.what] = episode
            else:
                self._open.pop(episode.what, None)
        told = [e for e in self._open.values() if e.what in self._told and self._is_due(e.what, time)]
        self._at |= {episode.what: time for episode in told}
        for what in ["pause", *(episode.what for episode in told)]:
            self._open.pop(what, None)
        return told

    def _is_due(self, what, time):
        return what not in self._at or abs(time - self._at[what]) > self._quiet


def _run(kind: str) -> Rule:
    def rule(newest, is_open):
        row, is_joined = 0, not (is_open and newest.intervals[-1] is None)
        while row < len(newest.kinds) and is_joined and newest.kinds[-1 - row] == kind:
            is_joined = newest.intervals[-1 - row] is not None  # else a gap lies before it
            row += 1
        return row if row >= (1 if is_open else RUN) else None

    return rule


def _bigeminy(newest, is_open):
    ectopic = [kind in ECTOPIC for kind in newest.kinds[-BIGEMINY:]]
    if len(ectopic) < BIGEMINY or ectopic != TURNS[ectopic[0]]:
        return None
    is_known = "-" not in newest.kinds[-BIGEMINY:]
    return BIGEMINY if is_known and None not in list(newest.intervals)[1 - BIGEMINY :] else None


def _frequent(newest, is_open):
    if sum(map(newest.kinds.count, ECTOPIC)) < (RARE if is_open else FREQUENT):
        return None
    return len(newest.kinds) - min(place for place in map(newest.kinds.find, ECTOPIC) if place >= 0)


def _irregular(newest, is_open):
    least = REGULAR if is_open else IRREGULAR
    if newest.rhythms.count("i") < least:
        return None
    scored = [place for place, rhythm in enumerate(newest.rhythms) if rhythm != "-"][-OVER:]
    irregular = [place for place in scored if newest.rhythms[place] == "i"]
    return len(newest.rhythms) - irregular[0] if len(irregular) >= least else None


def _rated(begins: Callable[[float, bool], bool]) -> Rule:
    def rule(newest, is_open):
        return RATED if newest.interval is not None and begins(newest.interval, is_open) else None

    return rule


RULES: dict[str, Rule] = {
    VENTRICULAR_RUN: _run("V"),
    SUPRAVENTRICULAR_RUN: _run("S"),
    "bigeminy": _bigeminy,
    FREQUENT_ECTOPY: _frequent,
    IRREGULAR_RHYTHM: _irregular,
    "bradycardia": _rated(lambda rr, is_open: rr > (SLOW_ENDS if is_open else SLOW)),
    "tachycardia": _rated(lambda rr, is_open: rr < (FAST_ENDS if is_open else FAST)),
}
