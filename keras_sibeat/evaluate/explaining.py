"""How well maps find anomalies of known places: those of several runs, and of no model, on the same beats."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sibeat.data.planted import KINDS
from keras_sibeat.data.sources import learning_roles
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.explained import INT8, Explained, explained_models
from keras_sibeat.evaluate.int8 import find_refusals
from keras_sibeat.evaluate.known_places import (
    EACH,
    RECORDED,
    SIMULATED,
    Known,
    simulated_recordings,
    validation_recordings,
    with_known_places,
)
from keras_sibeat.evaluate.map_metrics import agreement, deletion, deletion_area, overlap, pointing
from keras_sibeat.evaluate.maps import chance, difference, squared_slope
from keras_sibeat.evaluate.summary import FORMAT, summarise
from keras_sibeat.files import sha256
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run, current_commit, installed_versions
from sibeat_edge.report.heat import smoothed

CHANCE = "chance"
PLANTED = "planted"  # the mean over the planted kinds


def explain(runs: Sequence[Run], each: int = EACH) -> dict[str, Any]:
    """Measure the maps of the models of ``runs`` on simulated beats and on those of validation recordings.

    Args:
        runs: finished, of beats of as many leads, with the same seeds. The validation recordings are the
            first one's, and its seeds count. Maps of no model stand beside those of a student, or else of
            the first run, whose score their deletion lowers.
        each: beats of a kind in a recording, at most.

    Returns a result without a name: ``maps`` by source, row and kind, ``agreement`` of int8 with float maps
    by source, ``beats`` counted by source and kind, and ``refused``, the parts whose model the gate refused,
    and why.

    Raises ``RunError`` for runs that do not go together, or one that has learnt from a validation recording.
    """
    started, first = time.perf_counter(), runs[0].config
    _check(runs)
    configs = [run.config for run in runs]
    known = {
        SIMULATED: with_known_places(simulated_recordings(first.data.lead_count), configs, each),
        RECORDED: with_known_places(validation_recordings(first), configs, each),
    }
    measured = []
    for fold, seed in runs[0].parts():
        models = [explained_models(run, run.parts()[fold, seed]) for run in runs]
        measured.append({source: measure_maps(models, cut, seed) for source, cut in known.items()})
    refused = {
        f"{run.config.name}/{part}": why
        for run in runs
        if run.config.student
        for part, why in find_refusals(run).items()
    }
    return {
        "format": FORMAT,
        "maps": summarised([{source: found[source]["maps"] for source in found} for found in measured]),
        "agreement": summarised(
            [{source: found[source]["agreement"] for source in found} for found in measured]
        ),
        "beats": {source: found["beats"] for source, found in measured[0].items()},
        **({"refused": refused} if refused else {}),
        "seeds": list(first.seeds),
        "models_sha256": _digests(runs),
        "config": first.describe(),
        "data_sha256": runs[0].about["data_sha256"],
        "versions": installed_versions(),
        "commit": runs[0].about["commit"],
        "measured_commit": current_commit(),
        "seconds": round(time.perf_counter() - started, 1),
    }


def measure_maps(
    models: Sequence[Mapping[str, Explained]], known: Sequence[Known], seed: int = 0
) -> dict[str, Any]:
    """What the maps of the models of several runs are worth on the same beats, cut as each run cuts them.

    Returns ``maps``: of each row, ``MODEL: MAP`` or a map of no model, and each kind of anomaly the metrics
    ``pointing``, ``overlap`` and ``deletion``; ``agreement`` of each int8 model's occlusion with that of the
    float one; ``beats``, how many of each kind.
    """
    rows: dict[str, Any] = {}
    agreements = {}
    for named, mine in zip(models, known, strict=True):
        made = {}
        for name, model in named.items():
            for kind, draw in model.maps.items():
                made[name, kind] = draw(mine.beats)
                for title, maps in variants(kind, made[name, kind]).items():
                    rows[f"{name}: {title}"] = _measure(model, maps, mine)
            if name.endswith(INT8):
                floats = made[name.removesuffix(INT8), "occlusion"]
                agreements[name] = agreement(made[name, "occlusion"], floats, mine.truth)
    named, mine = _of_no_model(models, known)
    model = next(iter(named.values()))
    windows, leads = mine.beats.arrays[0], mine.beats.usual.shape[2]
    free = {
        CHANCE: chance(len(windows), windows.shape[1], np.random.default_rng(seed)),
        **variants("squared slope", squared_slope(windows, leads)),
        **variants("difference", difference(windows, mine.beats.usual)),
    }
    rows |= {name: _measure(model, maps, mine) for name, maps in free.items()}
    counts = {kind: int(np.sum(mine.kinds == kind)) for kind in dict.fromkeys(mine.kinds.tolist())}
    return {"maps": rows, "agreement": agreements, "beats": counts}


def variants(name: str, maps: np.ndarray) -> dict[str, np.ndarray]:
    """A map tick by tick and smoothed, by their names; occlusion is as smooth already."""
    return {name: maps} if name == "occlusion" else {name: maps, f"{name}, smoothed": smoothed(maps)}


def _of_no_model(models, known):
    """The models, and the beats as cut for them, beside which the maps of no model stand."""
    pairs = list(zip(models, known, strict=True))
    return next((pair for pair in pairs if any(name.endswith(INT8) for name in pair[0])), pairs[0])


def _measure(model, maps, known):
    """The metrics of one map, by kind of anomaly and as their mean over the planted kinds."""
    windows, *rest = known.beats.arrays
    hits, shared = pointing(maps, known.truth), overlap(maps, known.truth)
    found = {}
    for kind in dict.fromkeys(known.kinds.tolist()):
        of = known.kinds == kind
        others = [part[of] for part in rest]
        curves = deletion(
            lambda changed, others=others: model.score(changed, *others),
            windows[of],
            known.beats.usual[of],
            maps[of],
        )
        area = deletion_area(curves)
        found[kind] = {
            "pointing": float(hits[of].mean()),
            "overlap": float(shared[of].mean()),
            "deletion": area if np.isfinite(area) else None,
        }
    planted = [found[kind] for kind in KINDS if kind in found]
    found[PLANTED] = {
        name: float(np.mean([values[name] for values in planted if values[name] is not None]))
        for name in ("pointing", "overlap", "deletion")
        if any(values[name] is not None for values in planted)
    }
    return found


def summarised(found: Sequence[Any]) -> Any:
    """Means and spreads over seeds, in the structure that they have; without the seeds that lack a row."""
    if not any(isinstance(part, Mapping) for one in found for part in one.values()):
        return summarise(found)
    keys = dict.fromkeys(key for one in found for key in one)
    return {key: summarised([one[key] for one in found if key in one]) for key in keys}


def _check(runs):
    first = runs[0]
    for run in runs[1:]:
        if run.config.seeds != first.config.seeds:
            raise RunError(
                f"{run.folder}: found the seeds {list(run.config.seeds)}; expected those of {first.folder}, "
                f"{list(first.config.seeds)}."
            )
        if run.config.data.lead_count != first.config.data.lead_count:
            raise RunError(
                f"{run.folder}: found {run.config.data.lead_count} leads; expected as many as "
                f"{first.folder} has, {first.config.data.lead_count}."
            )
    roles = [learning_roles(run.config) for run in runs]
    validating = {Path(name).name for name, role in roles[0].items() if role == "validate"}
    for run, of in zip(runs, roles, strict=True):
        learnt = sorted(validating & {Path(name).name for name, role in of.items() if role == "train"})
        if learnt:
            raise RunError(
                f"{run.folder}: found that it has learnt from record {learnt[0]}; expected none of those "
                f"that validate {first.folder}."
            )


def _digests(runs):
    """SHA-256 of every model that is measured, by the run's name and the file's."""
    found = {}
    for run in runs:
        found |= {f"{run.config.name}/{file}": digest for file, digest in depends_on(run).items()}
        for part in run.parts().values():
            file = part / "export" / f"{run.config.name}.tflite"
            if run.config.student and file.exists():
                found[f"{run.config.name}/{part.name}/export/{file.name}"] = sha256(file)
    return found
