"""The manifest of an int8 model, from what it was trained and judged on."""

from keras_sibeat.data.beats import checksum
from keras_sibeat.evaluate.metrics import threshold_for, usual_score
from keras_sibeat.export.embedding import quantisations
from sibeat_edge.model.manifest import BESIDE, FORMAT, MIN_MAX, WEARER, taps_digest
from sibeat_edge.model.threshold import between_levels
from sibeat_edge.signal.resampling import RATE

SHARES = (0.1, 0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)  # of normal beats, in the manifest
ABOVE = 5  # normal beats that score higher, or a share's score is too uncertain to be told
NOTICE = "Not a medical device. For research only."
LICENCE = "MIT; trained on the MIT-BIH Arrhythmia Database, Open Data Commons Attribution License 1.0"


def make_manifest(source, content, scores, verdict, per_hour, rate):
    """All that a scorer needs to know of an int8 model, but its checksum: a dictionary of the ``SCHEMA``."""
    config, fold, numbers = source.config, source.fold, quantisations(content)
    window, shape = config.window, fold.train.windows.shape[1:]
    is_normal = ~fold.is_abnormal(fold.validation)
    normals = scores[is_normal]
    judged = scores, fold.validation, is_normal
    usual = usual_score(*judged, verdict.threshold, rate)
    shares = [share for share in SHARES if (1 - share) * len(normals) >= ABOVE]
    quantiles = [threshold_for(normals, 1 - share) for share in shares]
    band = list(window.band)
    leads = [f"lead {n + 1}" for n in range(shape[1])] if config.data.leads == "all" else config.data.leads
    return {
        "format": FORMAT,
        "name": source.name,
        "signal": {
            "rate": RATE,
            "leads": list(leads),
            "band": band,
            "order": window.order,
            "taps_sha256": taps_digest(band, window.order),
        },
        "window": {"before": window.before, "after": window.after},
        "normalisation": BESIDE if config.wearer else MIN_MAX,
        "wearer": config.wearer
        and {**WEARER, "waits": config.wearer.waits, "rhythm": numbers[1, fold.train.rhythm.shape[1]]},
        "input": numbers[(1, *shape)],
        "score": numbers[1, 1],
        "residuals": numbers.get((1, shape[0])),
        "threshold": {
            "score": _short(between_levels(verdict.threshold, numbers[1, 1])),
            "usual": _short(usual),
            "false_alarms_per_hour": _short(per_hour),
        },
        "calibration": {
            "shares": shares,
            "scores": [_short(between_levels(score, numbers[1, 1])) for score in quantiles],
            "usual": [
                _short(usual_score(*judged, score, 1 - share))
                for share, score in zip(shares, quantiles, strict=True)
            ],
            "beats_per_hour": _short(per_hour / rate),
        },
        "expected": {"auc": _short(verdict.auc), "ap": _short(verdict.ap)},
        "data_sha256": fold.train.sha256,
        "config_sha256": checksum(config.describe()),
        "licence": LICENCE if config.data.source == "wfdb" else "MIT",
        "notice": NOTICE,
    }


def _short(value):
    return float(f"{value:.6g}")
