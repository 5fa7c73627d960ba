"""What a preset is worth on the test fold of the data that it was trained on."""

from pathlib import Path
from typing import Any

from keras_sibeat.evaluate.folds import measure, set_thresholds
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.models.inference import score_parts
from keras_sibeat.presets.loading import FOLDER, describe_preset
from keras_sibeat.presets.making import open_preset
from keras_sibeat.train.run import current_commit
from keras_sibeat.train.student import as_scorer


def preset_metrics(name: str, data: Path | None = None, folder: Path = FOLDER) -> dict[str, float]:
    """Metrics of a preset, measured on the test fold at the threshold that it ships with.

    Raises ``ConfigError`` for an unknown preset or no data, and ``DataError`` for other data.
    """
    network, config, fold = open_preset(name, data, folder)
    scorer, threshold = as_scorer(network), describe_preset(name, folder)["metrics"]["threshold"]
    _, usual = set_thresholds(config, score_parts(scorer, fold.validation.inputs)["score"], fold)
    return measure(config, score_parts(scorer, fold.test.inputs)["score"], fold, threshold, usual)


def measure_preset(name: str, data: Path | None = None, folder: Path = FOLDER) -> dict[str, Any]:
    """What describes a preset, with its metrics measured anew, and the commit that measured them.

    Metrics of its training and of its teacher, which does not ship, stay. Raises as ``preset_metrics`` does.
    """
    about = describe_preset(name, folder)
    metrics = {**about["metrics"], **preset_metrics(name, data, folder)}
    return {**about, "metrics": metrics, "measured_commit": current_commit()}


def evaluate_preset(name: str, data: Path | None = None, folder: Path = FOLDER) -> dict[str, Any]:
    """A preset's metrics as results to be printed: ``measured``, and ``ships``, those that it ships with.

    Raises as ``preset_metrics`` does.
    """
    measured, known = preset_metrics(name, data, folder), describe_preset(name, folder)["metrics"]
    ships = {key: known.get(key) for key in measured}
    missing = {"not_measured": known["not_measured"]} if "not_measured" in known else {}
    return {
        title: {"metrics": summarise([metrics]), **missing}
        for title, metrics in {"measured": measured, "ships": ships}.items()
    }
