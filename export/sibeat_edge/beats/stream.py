"""From the device's samples to the windows of its beats, in blocks of any size."""

import math
from collections import deque
from typing import NamedTuple

import numpy as np

from sibeat_edge.beats.alignment import REACH, ROOM_AFTER, ROOM_BEFORE, Aligner, Placed
from sibeat_edge.beats.cut import CutBeat, Pause
from sibeat_edge.beats.rhythm import LONGEST
from sibeat_edge.beats.stretch import FAST, Stretch
from sibeat_edge.beats.windows import AFTER, BEFORE
from sibeat_edge.signal.contact import BRIDGED, FINE, FLAT_SECONDS, REASONS, Contact
from sibeat_edge.signal.filters import BAND, CHUNK, FIR_ORDER, BandPass, FillMissing, bridgeable
from sibeat_edge.signal.held import Held
from sibeat_edge.signal.quality import CLEAN, noise_reasons
from sibeat_edge.signal.resampling import RATE, Resampler
from sibeat_edge.signal.rpeaks import AVERAGE, LOST, REFRACTORY, SEARCH, RPeakDetector

APART = 36  # samples (100 ms): two R-peaks that are moved closer than this are of one beat, found twice
TOGETHER = 128  # beats that are cut at once, so that a long block needs no more memory
HELD = 20  # s of signal from which a beat that is found late can still be cut
# Samples without an R-peak. Beats that are found later lie at least LONGEST after the last one.
PAUSE = round((LOST + LONGEST) * RATE)


class Found(NamedTuple):
    """An R-peak whose window is still awaited.

    Attributes:
        peak: in samples at 360 Hz since the stream's start.
        is_late: whether the signal of its window may no longer be held.

    >>> Found(peak=180, is_late=False).peak
    180
    """

    peak: int
    is_late: bool


class BeatStream:
    """Finds the beats in a stream of ECG samples without gaps of time, and cuts their windows.

    ``push`` and ``finish`` return what has become certain, in order of time. It does not depend on how the
    stream is cut into blocks.

    Args:
        rate: of the device, 1 to 10,000 Hz.
        leads: number of leads.
        band, order: of the ``BandPass`` that the windows are cut from.
        window: samples at 360 Hz before the R-peak, and from it on.
        start: time of the first sample, s.
        tells_pauses: whether a ``Pause`` is returned.
        knows_wearer: whether beats are judged beside a wearer's template: the detector is the sensitive one,
            R-peaks are moved as the aligner says, and beats that are too noisy for the template to learn
            from may be scored.
        aligner: an ``Aligner`` that knows the wearer's beats from an earlier stream; a new one if None.

    Raises ``ValueError`` for a rate out of range.

    >>> time = np.arange(3600)[:, None] / 360
    >>> lead = np.exp(-np.square((time % 1 - 0.5) / 0.02)) + 0.1 * np.sin(2 * np.pi * time)
    >>> stream = BeatStream(rate=360, leads=1)
    >>> beats = stream.push(lead) + stream.finish()
    >>> beats[1].time, beats[1].rr, beats[1].window.shape
    (1.5, 1.0, (320, 1))
    """

    def __init__(
        self,
        rate: float,
        leads: int,
        band: tuple[float, float] = BAND,
        order: int = FIR_ORDER,
        window: tuple[int, int] = (BEFORE, AFTER),
        start: float = 0.0,
        tells_pauses: bool = False,
        knows_wearer: bool = False,
        aligner: Aligner | None = None,
    ) -> None:
        self.rate, self.start, self.seen = rate, start, 0
        self._window, self._tells_pauses = window, tells_pauses
        self._knows_wearer = knows_wearer
        self._aligner, self._stretch = aligner or Aligner(), Stretch()
        # Samples before an R-peak, and from it on, that may be needed.
        reach = REACH if knows_wearer else 0
        self._room = (max(window[0] + reach, ROOM_BEFORE), max(window[1] + reach, ROOM_AFTER))
        self._order, self._margin = order, order // 2  # the filter spreads what is not fine so far
        self._resampler = Resampler(rate)  # first, as it checks the rate
        self._contact, self._fill = Contact(rate), FillMissing(bridgeable(rate))
        self._detectors_filter, self._detector = BandPass(), RPeakDetector(is_sensitive=knows_wearer)
        self._filter = BandPass(band, order)
        self._flags = Held(np.zeros(0, np.int8))
        self._filtered = Held(np.zeros((0, leads)))
        self._not_fine = -1  # number of the newest sample whose flag is not FINE
        self._judged = 0  # filtered samples that the detector has seen
        self._second = 0  # of them, up to which pauses have been told
        self._waiting: deque[Found | None] = deque()  # None: a pause
        self._previous: int | None = None  # the R-peak that was cut last
        self._newest: int | None = None  # the R-peak found last, until a pause has been told

    @property
    def end(self) -> float:
        """Time at which the samples so far end, s."""
        return self.start + self.seen / self.rate

    @property
    def latency(self) -> float:
        """Seconds after its R-peak by which a beat is cut, if its window is fit to be scored.

        It is the longest of three ways: the detector's filter and its wait for a higher peak, the window's
        end and filter, or the flags of its last samples. Beats take longer in the first 4 s, from which
        the detector learns, if its search back finds them (after 1.5 mean RR intervals without a beat), and
        if it learns anew (after 8 s).
        """
        detector = FIR_ORDER + CHUNK + REFRACTORY + AVERAGE + SEARCH
        window = self._room[1] + self._order + CHUNK
        flags = (self._room[1] + self._margin) / RATE + FLAT_SECONDS + 1 / self.rate
        gap = bridgeable(self.rate) / self.rate  # that may have to end before it is known to be short
        resampler = 0.0 if self.rate == RATE else 11 / min(self.rate, RATE)
        return max(max(detector, window) / RATE + resampler + gap, flags)

    def push(self, samples: np.ndarray) -> list[CutBeat | Pause]:
        """The beats that these ``samples`` ``(samples, leads)`` make certain; mV, not finite if missing."""
        self.seen += len(samples)
        self._flag(self._contact.push(samples))
        even = self._resampler.push(self._fill.push(samples))
        self._detect(self._detectors_filter.push(even[:, 0]))
        self._filtered.extend(self._filter.push(even))
        return self._cut_waiting()

    def finish(self) -> list[CutBeat | Pause]:
        """The beats that the stream's end makes certain."""
        self._flag(self._contact.finish())
        for rest in (self._resampler.push(self._fill.finish()), self._resampler.finish()):
            if len(rest):
                self._detect(self._detectors_filter.push(rest[:, 0]))
                self._filtered.extend(self._filter.push(rest))
        self._detect(self._detectors_filter.finish())
        self._await(self._detector.track_end())
        self._filtered.extend(self._filter.finish())
        return self._cut_waiting(at_end=True)

    def _flag(self, flags):
        """Add the flags of the next samples."""
        worse = np.flatnonzero(flags)
        if len(worse):
            self._not_fine = self._flags.end + int(worse[-1])
        self._flags.extend(flags)

    def _detect(self, lead):
        self._await(self._detector.track(lead))
        self._judged += len(lead)
        self._tell_pause(self._judged)

    def _await(self, found):
        """Let R-peaks wait for their windows.

        Which of them are late, and whether a pause came before, is told by the second in which the detector
        has found each, so that the blocks do not change it.
        """
        for peak, at in found:
            self._tell_pause(at)
            self._waiting.append(Found(peak, peak - self._room[0] < self._oldest(at)))
            if self._tells_pauses:
                self._newest = peak

    def _tell_pause(self, at):
        """A pause, if there was one at the end of a second up to the sample ``at``."""
        second, is_next = at // RATE, at // RATE > self._second
        if is_next and self._newest is not None and second * RATE - self._newest > PAUSE:
            self._waiting.append(None)
            self._newest = None
        self._second = second

    def _oldest(self, at):
        """First filtered sample that an R-peak found in the second of the sample ``at`` may need."""
        return (at // RATE - HELD) * RATE

    def _cut_waiting(self, at_end=False):
        """The beats and pauses for which the signal, and the flags of its samples, are there."""
        cut = []
        while True:
            if ready := self._ready_beats(at_end):
                cut += self._cut(ready)
            elif self._waiting and self._waiting[0] is None and (at_end or self._is_pause_ready()):
                self._waiting.popleft()
                cut.append(Pause(not self._has_gap(self._previous, self._previous + PAUSE)))
            else:
                break
        waiting = [found for found in self._waiting if found is not None]
        starts = (found.peak - self._room[0] for found in waiting if not found.is_late)
        needed = min([self._oldest(self._judged), *starts])
        self._filtered.drop(needed)
        # The flags are held for longer, for the RR interval before the oldest R-peak.
        self._flags.drop(int((needed - self._margin - HELD * RATE) * self.rate / RATE))
        return cut

    def _is_pause_ready(self):
        return self._are_flagged(self._previous + PAUSE)

    def _ready_beats(self, at_end):
        """Takes the R-peaks up to a pause whose signal, and whose samples' flags, are there."""
        ready, waiting = [], self._waiting
        while waiting and waiting[0] is not None and len(ready) < TOGETHER:
            end = waiting[0].peak + self._room[1]
            is_there = self._filtered.end >= end and self._are_flagged(end + self._margin)
            if not (is_there or at_end):
                break
            ready.append(waiting.popleft())
        return ready

    def _cut(self, found):
        """The beats of these R-peaks. What is computed for each alone is computed for all at once."""
        beats, stretches = [], []
        for one, placed in zip(found, self._place(found), strict=True):
            if (beat := self._cut_one(one, placed)) is not None:
                beats.append(beat)
                stretches.append((self._stretch.is_fit, self._stretch.is_clean))
        return self._judge_noise(beats, stretches)

    def _cut_one(self, found, placed):
        """A beat with its window, whatever that looks like; None if it has been found twice."""
        peak, rr = found.peak + (placed.offset if self._knows_wearer else 0), None
        if self._knows_wearer and self._previous is not None and peak - self._previous < APART:
            return None
        self._stretch.push(placed.snr)
        if self._previous is not None and not found.is_late and not self._has_gap(self._previous, peak):
            rr = (peak - self._previous) / RATE
        self._previous = peak
        first, last = peak - self._window[0], peak + self._window[1]
        window, bridged = None, False
        if found.is_late or first < 0 or last > self._filtered.end:
            reason = "edge"
        else:
            worst = self._worst_flag(first - self._margin, last + self._margin)
            reason, bridged = REASONS[worst], worst == BRIDGED
            window = None if reason else self._filtered.part(first, last)
        return CutBeat(self.start + peak / RATE, window, reason, rr, self._stretch.snr, placed.snr, bridged)

    def _judge_noise(self, beats, stretches):
        """The beats with what is wrong with windows or stretches; a window stays if it may be scored."""
        numbers = [number for number, beat in enumerate(beats) if beat.window is not None]
        if not numbers:
            return beats
        windows = np.stack([beats[number].window for number in numbers])
        reasons, shares = noise_reasons(windows, self._window[0])
        for number, reason, share in zip(numbers, reasons, shares, strict=True):
            is_fit, is_clean = stretches[number]
            is_scored = is_fit and not reason and self._knows_wearer
            if not reason and not (is_clean and share <= CLEAN):
                reason = "noisy" if share > FAST else "motion"
            if reason:
                beat = beats[number]
                beats[number] = beat._replace(window=beat.window if is_scored else None, reason=reason)
        return beats

    def _place(self, found):
        """Where the ``Aligner`` places R-peaks; one in an unknown signal stays."""
        rooms = [(one.peak - ROOM_BEFORE, one.peak + ROOM_AFTER) for one in found]
        known = [
            first >= 0
            and last <= self._filtered.end
            and not one.is_late
            and self._worst_flag(first, last) <= BRIDGED
            for one, (first, last) in zip(found, rooms, strict=True)
        ]
        starts = [first for (first, _), is_known in zip(rooms, known, strict=True) if is_known]
        if not starts:
            return [Placed(0, None)] * len(found)
        arounds = self._filtered.parts(np.array(starts), ROOM_BEFORE + ROOM_AFTER)[:, :, 0]
        placed = iter(self._aligner.place(arounds))
        return [next(placed) if is_known else Placed(0, None) for is_known in known]

    def _worst_flag(self, first, last):
        """The worst flag of the device's samples from ``first`` to before ``last``, at 360 Hz."""
        begin = max(0, int(first * self.rate / RATE))
        if begin > self._not_fine:
            return FINE
        return int(self._flags.part(begin, math.ceil(last * self.rate / RATE)).max(initial=FINE))

    def _are_flagged(self, last):
        """Whether the device's samples before ``last``, at 360 Hz, have their flags."""
        return self._flags.end * RATE >= last * self.rate

    def _has_gap(self, first, last):
        """Whether the signal between two samples is not known throughout, or is too long to be still held."""
        return last - first > HELD * RATE or self._worst_flag(first, last) > BRIDGED
