"""The manifest of an int8 model: what it was trained, judged and tested on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_sibeat.config.sections import Data
from keras_sibeat.data.beats import checksum
from keras_sibeat.data.mitbih import are_wearers
from keras_sibeat.data.protocols import Fold
from keras_sibeat.evaluate.metrics import threshold_for, usual_score
from keras_sibeat.export.alarm_rate import AlarmRate
from keras_sibeat.export.embedding import quantisations
from keras_sibeat.export.gate import Verdict
from keras_sibeat.export.sources import Source
from keras_sibeat.models.tensors import SCORE
from keras_sibeat.presets.card import expected
from sibeat_edge.model.manifest import BESIDE, FORMAT, MIN_MAX, WEARER, taps_digest
from sibeat_edge.model.threshold import between_levels
from sibeat_edge.reading.leads import FIRST
from sibeat_edge.signal.resampling import RATE

SHARES = (0.1, 0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)  # of normal beats, in the manifest
ABOVE = 5  # normal beats that score higher: with fewer, a share's score is too uncertain to be stated
NOTICE = "Not a medical device. For research only."
LICENCE = "MIT; trained on {}"
UNSTATED = "recordings without a stated licence"
MITDB = "the MIT-BIH Arrhythmia Database, Open Data Commons Attribution License 1.0"


def make_manifest(
    source: Source, content: bytes, scores: np.ndarray, verdict: Verdict, rate: AlarmRate
) -> dict[str, Any]:
    """All that a scorer needs to know of an int8 model, in the shape of ``sibeat_edge``'s ``SCHEMA``.

    The checksum of the model is left to ``embed_manifest``.

    Args:
        content: bytes of the model.
        scores: of the validation beats, ``(beats,)``.
        verdict: of the gate.
        rate: false alarms that the threshold is set for.
    """
    config, fold, numbers = source.config, source.fold, quantisations(content)
    window, (length, channels) = config.window, fold.train.windows.shape[1:]
    band, leads = list(window.band), config.data.leads
    names = {"all": [f"lead {n + 1}" for n in range(channels)], "first": [FIRST]}
    wearer = None
    if config.wearer:
        rhythm = numbers[1, fold.train.rhythm.shape[1]]
        wearer = {**WEARER, "waits": config.wearer.waits, "rhythm": rhythm}
    return {
        "format": FORMAT,
        "name": source.name,
        "signal": {
            "rate": RATE,
            "leads": names[leads] if isinstance(leads, str) else list(leads),
            "band": band,
            "order": window.order,
            "taps_sha256": taps_digest(band, window.order),
        },
        "window": {"before": window.before, "after": window.after},
        "normalisation": BESIDE if wearer else MIN_MAX,
        "wearer": wearer,
        "input": numbers[1, length, channels],
        "score": numbers[SCORE],
        "residuals": numbers.get((1, length)),
        **thresholds(fold, scores, verdict.threshold, rate, numbers[SCORE]),
        "expected": _rounded(expected(config, source.metrics, are_wearers(fold.test.persons))),
        "validation": _validation(verdict),
        "data_sha256": fold.train.sha256,
        "config_sha256": checksum(config.describe()),
        "licence": licence(config.data, are_wearers(fold.train.persons)),
        "notice": NOTICE,
    }


def licence(data: Data, is_mitbih: bool) -> str:
    """The licence of a model: its own, and that of the recordings it was trained on, if they have one.

    >>> licence(Data(source="wfdb", folder="mine"), is_mitbih=False)
    'MIT; trained on recordings without a stated licence'
    """
    if data.source != "wfdb":
        return "MIT"
    named = [f"{name}, {source.licence}" for name, source in data.sources.items() if source.licence]
    return LICENCE.format("; ".join(named) or (MITDB if is_mitbih else UNSTATED))


def _validation(verdict):
    """AUC and average precision on abnormal validation beats; None where shifted ones stood for them."""
    return {name: None if verdict.stand_ins else _rounded(getattr(verdict, name)) for name in ("auc", "ap")}


def thresholds(
    fold: Fold, scores: np.ndarray, threshold: float, rate: AlarmRate, level: Mapping[str, Any]
) -> dict[str, Any]:
    """The threshold for the rate asked for, and those for others, of which a scorer may choose one.

    Each has its ``usual`` score: the median of a wearer's first scores at which the wearer's own threshold
    equals it.

    Args:
        scores: of the validation beats, ``(beats,)``.
        threshold: for the ``rate``.
        level: of a score.
    """
    is_normal = ~fold.is_abnormal(fold.validation)
    normals, judged = scores[is_normal], (scores, fold.validation, is_normal)
    shares = [share for share in SHARES if (1 - share) * len(normals) >= ABOVE]
    others = {share: threshold_for(normals, 1 - share) for share in shares}
    return {
        "threshold": {
            "score": _rounded(between_levels(threshold, level)),
            "usual": _rounded(usual_score(*judged, threshold, rate.share)),
            "false_alarms_per_hour": _rounded(rate.per_hour),
        },
        "calibration": {
            "shares": shares,
            "scores": [_rounded(between_levels(other, level)) for other in others.values()],
            "usual": [_rounded(usual_score(*judged, other, 1 - share)) for share, other in others.items()],
            "beats_per_hour": _rounded(rate.normals_per_hour),
        },
    }


def _rounded(value):
    """A number, or all numbers of a dictionary, to six significant digits."""
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return value if value is None or isinstance(value, str) else float(f"{value:.6g}")
