"""How well the rebuild error of windows of a series says which channel is abnormal, and when."""

import time
from typing import Any

import numpy as np

from keras_sibeat.data.planted_series import KINDS, plant_in_windows
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.explaining import CHANCE, PLANTED, summarised
from keras_sibeat.evaluate.judges import open_judge
from keras_sibeat.evaluate.map_metrics import deletion, deletion_area, overlap, pointing
from keras_sibeat.evaluate.maps import chance
from keras_sibeat.evaluate.summary import FORMAT
from keras_sibeat.models.inference import rebuild, rebuild_scores
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run, current_commit, installed_versions
from sibeat_edge.report.heat import smoothed

EACH = 200  # windows of each kind of anomaly, at most
WIDTH = 8  # ticks over which a map is smoothed


def explain_series(run: Run, each: int = EACH) -> dict[str, Any]:
    """Measure where the rebuild error of a run on series says that a planted anomaly is.

    The anomalies are planted in windows of the validation files, of which none trained. Beside the rebuild
    error stand chance, the squared slope, and the difference from the nearest window that trained.

    Returns a result without a name: ``maps`` by row and kind, with the metrics ``pointing`` (channel and
    time), ``channel``, ``overlap`` and ``deletion``.

    Raises ``RunError`` for a run on beats, and for one that rebuilds nothing.
    """
    started, config = time.perf_counter(), run.config
    if config.protocol.name != "series":
        raise RunError(f"{run.folder}: found the protocol {config.protocol.name}; expected series.")
    folds, measured = load_folds(config), []
    run.check_data(folds)
    for (number, seed), part in run.parts().items():
        generator = open_judge(config, part, config.protocol.selection).generator
        if generator is None:
            raise RunError(f"{run.folder}: found a model that rebuilds nothing; expected one that does.")
        fold, rng = folds[number], np.random.default_rng(seed)
        normals = fold.validation_normals.windows
        normals = normals[rng.permutation(len(normals))[:each]]
        measured.append(measure_series(generator, normals, fold.train.windows, rng))
    return {
        "format": FORMAT,
        "maps": summarised(measured),
        "seeds": list(config.seeds),
        "models_sha256": depends_on(run),
        "config": config.describe(),
        "data_sha256": run.about["data_sha256"],
        "versions": installed_versions(),
        "commit": run.about["commit"],
        "measured_commit": current_commit(),
        "seconds": round(time.perf_counter() - started, 1),
    }


def measure_series(
    generator: Any, normals: np.ndarray, learnt: np.ndarray, rng: np.random.Generator
) -> dict[str, dict[str, dict[str, float]]]:
    """By map and kind of anomaly the metrics of maps ``(windows, length, channels)``.

    Args:
        generator: that rebuilds windows.
        normals: windows ``(windows, length, channels)`` that anomalies are planted in.
        learnt: those that trained, of which the nearest is what is usual.
        rng: draws the anomalies.
    """
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for kind in KINDS:
        windows, truth, _ = plant_in_windows(normals, kind, rng)
        usual = nearest(windows, learnt)
        noise = chance(len(windows) * windows.shape[2], windows.shape[1], rng, WIDTH // 2)
        errors = {
            "rebuild error": np.square(windows - rebuild(generator, windows)),
            "squared slope": np.square(np.gradient(windows, axis=1)),
            "difference from the nearest": np.square(windows - usual),
        }
        maps = {CHANCE: noise.reshape(len(windows), windows.shape[2], -1).transpose(0, 2, 1)}
        for name, values in errors.items():
            maps |= {name: values, f"{name}, smoothed": smoothed(values, WIDTH, axis=1)}
        for name, values in maps.items():
            rows.setdefault(name, {})[kind] = _measure(generator, windows, usual, values, truth)
    for found in rows.values():
        metrics = next(iter(found.values()))
        found[PLANTED] = {name: float(np.nanmean([of[name] for of in found.values()])) for name in metrics}
    return rows


def nearest(windows: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Of each window the ``learnt`` one that is nearest in the mean square.

    >>> nearest(np.array([[[0.9]], [[0.2]]]), np.array([[[0.0]], [[1.0]]])).ravel().tolist()
    [1.0, 0.0]
    """
    flat, known = (part.reshape(len(part), -1).astype(np.float64) for part in (windows, learnt))
    distances = np.square(known).sum(axis=1) - 2 * flat @ known.T
    return learnt[np.argmin(distances, axis=1)]


def _measure(generator, windows, usual, maps, truth):
    flat, places = (part.reshape(len(part), -1) for part in (maps, truth))
    channels = np.argmax(flat, axis=1) % windows.shape[2]
    curves = deletion(lambda changed: rebuild_scores(generator, changed), windows, usual, flat)
    return {
        "pointing": float(pointing(flat, places).mean()),
        "channel": float(truth.any(axis=1)[np.arange(len(maps)), channels].mean()),
        "overlap": float(overlap(flat, places).mean()),
        "deletion": deletion_area(curves),
    }
