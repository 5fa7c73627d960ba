"""How far two scorers agree on the beats of one signal."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sibeat_edge.beats.beat import Beat
from sibeat_edge.signal.resampling import RATE

DECIDED = ("reason", "above", "kind", "alarm", "why", "irregular", "group", "bridged")
RR_ROUNDING, SNR_ROUNDING = 1e-4, 0.05  # s and dB, of single precision
FAR = 2  # levels of the score


def differences(
    beats: Sequence[Beat], others: Sequence[Beat], quantisation: Mapping[str, float]
) -> dict[str, int]:
    """Counts of what differs of the beats that stand at the same sample.

    - ``beats``: of the first scorer; ``missing`` and ``added``: those that one of both alone has;
    - ``reason``, ``above``, ``kind``, ``alarm``, ``why``, ``irregular``, ``group``, ``bridged``, ``rr`` and
      ``snr``: beats of which that differs; ``decisions``: beats of which any of them but the last differs;
    - ``scored``: beats with two scores; ``one_level`` and ``more_levels``: of them, those with scores so far
      apart; ``parts``: those of which the score of shape or timing differs by more, where both have it.

    Args:
        quantisation: ``scale`` and ``zero_point`` of the score.
    """
    known, found = ({round(beat.time * RATE): beat for beat in each} for each in (beats, others))
    both = sorted(known.keys() & found.keys())
    names = (*DECIDED, "rr", "snr", "decisions", "scored", "one_level", "more_levels", "parts")
    counts = Counter(dict.fromkeys(("beats", "missing", "added", *names), 0))
    counts["beats"] = len(known)
    counts["missing"], counts["added"] = len(known) - len(both), len(found) - len(both)
    for place in both:
        counts.update(_of_a_beat(known[place], found[place], quantisation["scale"]))
    return dict(counts)


def _of_a_beat(one: Beat, other: Beat, scale: float) -> list[str]:
    found = [name for name in DECIDED if getattr(one, name) != getattr(other, name)]
    found += [] if _near(one.rr, other.rr, RR_ROUNDING) else ["rr"]
    found += ["decisions"] if found else []
    found += [] if _near(one.snr, other.snr, SNR_ROUNDING) else ["snr"]
    if one.score is not None and other.score is not None:
        away = round(abs(one.score - other.score) / scale)
        found += ["scored", *(["one_level"] if away == 1 else []), *(["more_levels"] if away >= FAR else [])]
        parts = ((one.shape, other.shape), (one.timing, other.timing))
        are_near = all(a is None or b is None or abs(a - b) < (FAR - 0.5) * scale for a, b in parts)
        found += [] if are_near else ["parts"]
    return found


def _near(one, other, most):
    if one is None or other is None:
        return one is other
    return abs(one - other) <= most
