"""From the device's samples to scored beats: the whole way, in blocks of any size."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from sibeat_edge.beats.rhythm import LONGEST, OF_A_BEAT
from sibeat_edge.beats.wearer import Wearer
from sibeat_edge.beats.windows import normalise
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import Threshold
from sibeat_edge.signal.contact import FINE, FLAT_SECONDS, REASONS, Contact
from sibeat_edge.signal.filters import CHUNK, FIR_ORDER, BandPass, FillMissing
from sibeat_edge.signal.held import Held
from sibeat_edge.signal.quality import noise_reason
from sibeat_edge.signal.resampling import RATE, Resampler
from sibeat_edge.signal.rpeaks import AVERAGE, LOST, REFRACTORY, SEARCH, RPeakDetector

HELD = 20  # s of signal that a late R-peak can still be cut from
BLOCK = 10  # s of a recording that are pushed at once
GAP = 0.05  # s: a block may begin so far from the end of the one before; further, the clock has jumped
# Samples without an R-peak: beats that are found later lie at least LONGEST after the last one.
PAUSE = round((LOST + LONGEST) * RATE)


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat, scored or not.

    Attributes:
        time: of the R-peak, s since the stream's start (or of the clock that ``push`` was told).
        score: larger = more abnormal; None where the signal is not fit to be scored.
        alarm: whether the score lies above the threshold.
        reason: why there is no score: ``missing``, ``flat``, ``saturated``, ``noisy``, ``edge`` (the window
            begins before the stream or ends after it, or the R-peak was found too late), ``warm-up`` (a
            wearer's model, and no template of the wearer yet), or an empty text.
        rr: s since the R-peak before, or None for the first after a start or a gap.
        residuals: squared error per tick, where the model gives it, or squared difference from the wearer's
            template, and it was asked for.
        why: of an alarm of a wearer's model: ``shape``, ``timing`` or ``both``; an empty text elsewhere.
    """

    time: float
    score: float | None
    alarm: bool
    reason: str
    rr: float | None
    residuals: np.ndarray | None = None
    why: str = ""

    @property
    def quality(self):
        """``good``, or why there is no score."""
        return self.reason or "good"


class BeatScorer:
    """Scores the beats of a stream of ECG samples.

    Args:
        model: a ``Model``, or what it is made of.
        rate: the device's sampling rate, 1 to 10,000 Hz.
        threshold, false_alarms_per_hour, personal: which score is an alarm, as ``Threshold`` takes ``score``,
            ``per_hour`` and ``personal``; the manifest's by default, then the wearer's own.
        heat: whether beats carry their residuals.

    Attributes:
        wearer: of a wearer's model the ``Wearer``, with the template; it outlasts gaps of the signal.

    ``push`` takes ``(samples,)`` or ``(samples, leads)`` in mV and returns the beats that have become
    certain, in order of time; ``finish`` the rest, after which the scorer is done. However the samples are
    cut into blocks, the beats are the same.
    """

    def __init__(self, model, rate, threshold=None, personal=None, heat=False, *, false_alarms_per_hour=None):
        self.model = model if isinstance(model, Model) else Model(model)
        manifest = self.model.manifest
        self.rate, self.heat = rate, heat
        self._threshold = Threshold(manifest, threshold, false_alarms_per_hour, personal)
        self._window = manifest["window"]["before"], manifest["window"]["after"]
        self._margin = manifest["signal"]["order"] // 2  # the filter smears what is not fine so far
        self._pending = deque()
        self.wearer = Wearer(manifest["wearer"]["waits"]) if manifest["wearer"] else None
        self._start(0.0)

    @property
    def threshold(self):
        """Score above which a beat is an alarm from now on."""
        return self._threshold.score

    @property
    def personal(self):
        """Number of the wearer's first scored beats that set the threshold; 0 for none."""
        return self._threshold.personal

    @property
    def latency(self):
        """Seconds after its R-peak by which a beat is out, where its window is fit to be scored.

        The later one of two ways: the detector's filter and its wait for a higher peak; or the window's end
        and filter. Later still are the first 4 s, from which the detector learns, and R-peaks that it finds
        only as it searches back (after 1.5 mean RR intervals without a beat) or learns anew (after 8 s). A
        wearer's model waits for the next beat as well, as long as for a pause, and the beats of its warm-up
        for the warm-up's end.
        """
        detector = FIR_ORDER + CHUNK + REFRACTORY + AVERAGE + SEARCH
        window = self._window[1] + self.model.manifest["signal"]["order"] + CHUNK
        flags = (self._window[1] + self._margin) / RATE + FLAT_SECONDS + 1 / self.rate
        resampler = 0.0 if self.rate == RATE else 11 / min(self.rate, RATE)
        pause = PAUSE / RATE + 1 if self.wearer and self.model.manifest["wearer"]["waits"] else 0.0
        return max(max(detector, window) / RATE + resampler, flags) + pause

    def _start(self, time):
        """Begin anew at ``time``: nothing from before a gap leaks into what follows it."""
        signal = self.model.manifest["signal"]
        self._time, self._seen, self._previous = time, 0, None
        self._expected = time  # of the next sample, on the device's clock
        self._resampler = Resampler(self.rate)  # first: it checks the rate
        self._contact, self._fill = Contact(self.rate), FillMissing()
        self._detectors_filter, self._detector = BandPass(), RPeakDetector()
        self._filter = BandPass(tuple(signal["band"]), signal["order"])
        self._flags = Held(np.zeros(0, np.int8))
        self._filtered = Held(np.zeros((0, self.model.leads)))
        self._judged = 0  # filtered samples that the detector has seen
        self._waiting = deque()
        self._newest = None  # R-peak that no pause has been told of

    def push(self, samples, time=None):
        """Beats that these samples make certain.

        Args:
            samples: ``(samples,)`` or ``(samples, leads)``, mV; NaN and infinity are missing samples.
            time: of the first of them on the device's clock, s. Where it jumps from the end of the block
                before, the stream is taken up anew; a clock that drifts slowly is not followed.

        Raises ``ValueError`` for samples of another number of leads than the model's.
        """
        samples = np.asarray(samples, np.float64)
        samples = samples[:, None] if samples.ndim == 1 else samples
        if samples.ndim != 2 or samples.shape[1] != self.model.leads:
            raise ValueError(
                f"BeatScorer: found samples {samples.shape}, expected (samples, {self.model.leads})."
            )
        beats = []
        if time is not None:
            if not np.isfinite(time):
                raise ValueError(f"BeatScorer: found the time {time}, expected seconds.")
            if self._seen and abs(time - self._expected) > GAP:
                beats = self._end(goes_on=True)
            if not self._seen:
                self._start(float(time))
            self._expected = float(time)
        if not len(samples):
            return beats
        self._expected += len(samples) / self.rate
        self._seen += len(samples)
        self._flags.extend(self._contact.push(samples))
        even = self._resampler.push(self._fill.push(samples))
        self._detect(self._detectors_filter.push(even[:, 0]))
        self._filtered.extend(self._filter.push(even))
        return beats + self._score_waiting()

    def finish(self):
        """Beats that the stream's end makes certain. What is pushed afterwards begins a new stream."""
        return self._end()

    def _end(self, goes_on=False):
        """Of a stream that ``goes_on`` elsewhere in time, a wearer's warm-up does so, too."""
        if not self._seen:
            return []
        self._flags.extend(self._contact.finish())
        rest = self._resampler.finish()
        if len(rest):
            self._detect(self._detectors_filter.push(rest[:, 0]))
            self._filtered.extend(self._filter.push(rest))
        self._detect(self._detectors_filter.finish())
        self._await(self._detector.finish())
        self._filtered.extend(self._filter.finish())
        beats = self._score_waiting(at_end=True)
        if self.wearer:
            beats += self._judge(self.wearer.interrupt() if goes_on else self.wearer.finish())
        self._start(self._time + self._seen / self.rate)
        return beats

    def _detect(self, lead):
        """R-peaks of the filtered lead, second by second: what is too late is so whatever the blocks were."""
        while len(lead):
            second = RATE - self._judged % RATE
            self._await(self._detector.push(lead[:second]))
            self._judged += len(lead[:second])
            is_second = self._judged % RATE == 0  # whatever the blocks are
            if is_second and self._newest is not None and self._judged - self._newest > PAUSE:
                self._waiting.append(None)
                self._newest = None
            lead = lead[second:]

    def _await(self, peaks):
        oldest = self._oldest()
        self._waiting.extend((int(peak), peak - self._window[0] < oldest) for peak in peaks)
        if self.wearer and len(peaks):
            self._newest = int(peaks[-1])

    def _oldest(self):
        """First filtered sample that an R-peak found in this second may need."""
        return (self._judged // RATE - HELD) * RATE

    def _score_waiting(self, at_end=False):
        """The beats whose window, and the flags of it, are there."""
        beats = []
        while self._waiting:
            if self._waiting[0] is None:
                end = self._previous + PAUSE
                if not at_end and self._flags.end * RATE < end * self.rate:
                    break
                self._waiting.popleft()
                beats += self._judge(self.wearer.pause(not self._has_gap(self._previous, end)))
                continue
            end = self._waiting[0][0] + self._window[1]
            flagged = self._flags.end * RATE >= (end + self._margin) * self.rate
            if not at_end and not (self._filtered.end >= end and flagged):
                break
            beats += self._take(*self._waiting.popleft())
        waiting = [beat for beat in self._waiting if beat is not None]
        needed = min([self._oldest(), *(peak - self._window[0] for peak, late in waiting if not late)])
        self._filtered.drop(needed)
        # Of the flags as much more, for the RR interval before the oldest R-peak.
        self._flags.drop(int((needed - self._margin - HELD * RATE) * self.rate / RATE))
        return beats

    def _take(self, peak, is_late):
        """The beats that become certain with this window: its own or, beside a template, those before."""
        rr = None
        if self._previous is not None and not is_late and not self._has_gap(self._previous, peak):
            rr = (peak - self._previous) / RATE
        self._previous = peak
        first, last = peak - self._window[0], peak + self._window[1]
        window = None
        if is_late or first < 0 or last > self._filtered.end:
            reason = "edge"
        else:
            window = self._filtered.part(first, last)
            reason = self._contact_reason(first, last) or noise_reason(window, self._window[0])
        self._pending.append((self._time + peak / RATE, reason, rr))
        window = None if reason else window
        if self.wearer:
            return self._judge(self.wearer.push(self._time + peak / RATE, window, rr is not None))
        return self._judge([None if window is None else (normalise(window),)])

    def _judge(self, views):
        """A ``Beat`` for each view of the beats pending longest, None being one without.

        Views that become certain together, as a warm-up's do, are all learnt from before the first alarm.
        """
        judged = [view and (self.model.score(*view), self._residuals(view)) for view in views]
        self._threshold.learn([found[0] for found in judged if found])
        return [
            self._beat(view, *(found or (None, None)), *self._pending.popleft())
            for view, found in zip(views, judged, strict=True)
        ]

    def _beat(self, view, score, residuals, time, reason, rr):
        why = ""
        if view is None:
            reason = reason or "warm-up"
        elif self.wearer and score > self.threshold:
            why = self._why(*view)
        alarm = score is not None and score > self.threshold
        return Beat(time, score, alarm, reason, rr, residuals, why)

    def _residuals(self, view):
        if not self.heat:
            return None
        if not self.wearer:
            return self.model.residuals()
        beat, template = np.split(view[0], 2, axis=1)
        return np.square(beat - template).mean(axis=1)

    def _why(self, window, rhythm):
        """What raised an alarm: would this shape on time be one, or the template's own shape at this time?"""
        template = np.split(window, 2, axis=1)[1]
        on_time = np.where(OF_A_BEAT, 0, rhythm).astype(rhythm.dtype)
        shape = self.model.score(window, on_time) > self.threshold
        timing = self.model.score(np.concatenate([template, template], axis=1), rhythm) > self.threshold
        return "both" if shape == timing else "shape" if shape else "timing"

    def _contact_reason(self, first, last):
        """The worst flag of the device's samples that a window is filtered from."""
        return REASONS[self._worst_flag(first - self._margin, last + self._margin)]

    def _worst_flag(self, first, last):
        begin, end = max(0, int(first * self.rate / RATE)), int(np.ceil(last * self.rate / RATE))
        return self._flags.part(begin, end).max(initial=FINE)

    def _has_gap(self, first, last):
        """Whether the signal from one R-peak to another is not known throughout, or too long to say."""
        return last - first > HELD * RATE or self._worst_flag(first, last) != FINE


def score_recording(model, signal, rate, **options):
    """All beats of a recording ``(samples,)`` or ``(samples, leads)`` in mV, in order of time.

    ``options`` are those of ``BeatScorer``.
    """
    scorer = BeatScorer(model, rate, **options)
    size = max(1, round(BLOCK * rate))
    blocks = (signal[first : first + size] for first in range(0, len(signal), size))
    return [beat for block in blocks for beat in scorer.push(block)] + scorer.finish()
