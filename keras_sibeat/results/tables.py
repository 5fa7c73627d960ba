"""The tables of RESULTS.md, each made from results as ``results/`` holds them."""

import numpy as np

from keras_sibeat.evaluate.wearers import ALARMS_PER_HOUR
from sibeat_edge.model.threshold import PERSONAL_BEATS

PUBLISHED = (
    ("BeatGAN", "0.9447", "0.9108", "Zhou et al. 2019, mean of 5 folds"),
    ("BeatGAN + time warping", "0.9475", "0.9143", "Zhou et al. 2019"),
    ("SI-BeatGAN (its teacher)", "0.9474 (0.9458)", "0.9148 (0.9108)", "its project page, fold 0"),
    ("SIA-GAN", "0.9588", "0.9325", "one fold"),
    ("AnoBeat", "0.960", "–", "abstract; 0.894 inter-patient"),
)
FRONTIER = "frontier-"  # begins the names of the students of the sweep
SIBEATGAN = {  # variant -> what it is
    "teacher": "BeatGAN, the teacher",
    "longer": "the teacher, trained on for as long",
    "kd": "SI-BeatGAN: soft targets",
    "frskd": "BeatGAN with FRSKD",
    "both": "SI-BeatGAN: soft targets and FRSKD",
}
AGAIN = {"teacher-again": "the teacher of the row above, trained again"}
ABLATION = {  # variant -> what it is
    "beatgan": "BeatGAN",
    "time-warp": "BeatGAN + time warping",
    "nt-xent": "+ NT-Xent",
    "shifts": "+ shifts",
    "both": "+ both (scenario 2: joint)",
    "pretrained": "scenario 1: SimCLR, then BeatGAN's loss",
}
ALONE = ("rebuild", "shift", "mahalanobis", "prototypes")
CAUTION = """The random split puts beats of one wearer into training and test alike, and so rewards memory:
the distance to the nearest normal training beat (`baseline-knn`) beats the published BeatGAN on it.
"""


def ablation_rows(results):
    """The ablation's results by title, the full-width BeatGAN beside them; empty without a variant."""
    rows = {title: results.get(f"ablation-{name}") for name, title in ABLATION.items()}
    if any(rows.values()):
        rows["the whole recipe (`contrastive`)"] = results.get("contrastive")
        rows["BeatGAN at full width, 3–45 Hz, one seed"] = results.get("beatgan")
    return {title: row for title, row in rows.items() if row}


def ablation(results):
    """The table of the ablation's variants, the full-width BeatGAN beside them."""
    heads = ["", "epochs", "AUC", "AP", "S", "V", "F", *(f"{name} alone" for name in ALONE), "combined"]
    names = ["auc", "ap", "auc_S", "auc_V", "auc_F", *(f"{name}_auc" for name in ALONE)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for title, row in ablation_rows(results).items():
        cells = [cell(row["metrics"].get(name), 4) for name in names]
        config = row["config"]
        contrast = config.get("contrastive")
        combined = ", ".join(config["score"]["combine"] if contrast else ["rebuild"])
        epochs = str(config["train"]["epochs"])
        if contrast and contrast["pretrain"]["epochs"]:
            epochs = f"{contrast['pretrain']['epochs']} + {epochs}"
        lines.append("| " + " | ".join([title, epochs, *cells, combined]) + " |")
    return "\n".join(lines) + "\n"


def sibeatgan(results):
    """SI-BeatGAN's claim: its variants beside each other; empty without one."""
    rows = {title: results.get(f"sibeatgan-{name}") for name, title in {**SIBEATGAN, **AGAIN}.items()}
    lines = ["| | AUC | AP | S | V | F | epochs |", "|---|---|---|---|---|---|---|"]
    for title, row in rows.items():
        if row:
            cells = [cell(row["metrics"].get(name), 4) for name in ("auc", "ap", "auc_S", "auc_V", "auc_F")]
            lines.append(f"| {title} | {' | '.join(cells)} | {row['config']['train']['epochs']} |")
    return "\n".join(lines) + "\n" if any(rows.values()) else ""


def frontier_points(results):
    """The students of the sweep, small to large, as (name, bytes in int8, AUC on validation beats, AUC)."""
    rows = [row for name, row in results.items() if name.startswith(FRONTIER)]
    return sorted(
        [
            (
                row["name"].removeprefix(FRONTIER),
                row["model"]["int8_bytes"],
                row["metrics"]["validation_auc"]["mean"],
                row["metrics"]["auc"]["mean"],
            )
            for row in rows
        ],
        key=lambda point: point[1],
    )


def knee(points):
    """Name of the student after which size buys least: furthest above the line from smallest to largest.

    Kneedle (Satopää et al., ICDCS workshops 2011) without its smoothing, on the logarithm of the size and the
    AUC on validation beats, each scaled to a range of 1. ``points`` are those of ``frontier_points``.
    """
    names, sizes, validation, _ = zip(*points, strict=True)
    scaled = [(np.array(axis) - axis[0]) / (np.ptp(axis) or 1) for axis in (np.log(sizes), validation)]
    return names[int(np.argmax(scaled[1] - scaled[0]))]


def frontier(results):
    """What a student's size buys; empty without a student of the sweep."""
    points = frontier_points(results)
    if not points:
        return ""
    bend = f"The knee of the AUC on validation beats over the logarithm of the bytes: `{knee(points)}`.\n"
    lines = [
        *([bend] if len(points) > 2 else []),
        "| student | parameters | multiply-adds | int8 bytes | AUC, validation | AUC | AP |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, *_ in points:
        row = results[FRONTIER + name]
        size = [f"{row['model'][key]:,}" for key in ("parameters", "multiply_adds", "int8_bytes")]
        cells = [cell(row["metrics"][key], 4) for key in ("validation_auc", "auc", "ap")]
        lines.append(f"| `{name}` | {' | '.join([*size, *cells])} |")
    return "\n".join(lines) + "\n"


def probes(rows):
    """The linear probes' table, of results by the embedding's name."""
    of_classes = [f"{kind}_{name}" for kind in ("f1", "auc") for name in "NSVF"]
    metrics = ["balanced_accuracy", "f1_macro", *of_classes]
    lines = [
        "## Linear probe\n",
        "Logistic regression of N, S, V and F on the frozen embedding, learned from DS1's labels, on DS2; "
        "beside it the same network with random weights.\n",
        "| embedding | " + " | ".join(name.replace("_", " ") for name in metrics) + " |",
        "|" + "---|" * (len(metrics) + 1),
    ]
    for name, row in rows.items():
        cells = [cell(row["metrics"].get(metric), 4) for metric in metrics]
        lines.append("| " + " | ".join([f"`{name}`", *cells]) + " |")
    return "\n".join(lines) + "\n"


def is_simulated(result):
    """Whether a result is of simulated wearers."""
    return result.get("config", {}).get("data", {}).get("source") == "simulator"


def standings(rows, protocol):
    """The table of all results of a protocol, the best AUC first."""
    classes = [f"auc_{name}" for name in "SVFQ"] if protocol != "series" else ["auc_run", "auc_jump"]
    if protocol in ("inter_patient", "leave_out"):
        classes.append("auc_record")
    heads = ["result", "folds × seeds", "selection", "AUC", "AP", *(c.removeprefix("auc_") for c in classes)]
    heads += ["EER", "sensitivity", "false alarms/h"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in sorted(rows, key=lambda row: -row["metrics"]["auc"]["mean"]):
        metrics = row["metrics"]
        names = ["auc", "ap", *classes, "eer", "sensitivity", "false_alarms_per_hour"]
        cells = [metric_cell(metrics, name) for name in names]
        count = f"{len(row['folds'])} × {len(row['seeds'])}"
        lines.append("| " + " | ".join([f"`{row['name']}`", count, row["selection"], *cells]) + " |")
    text = "\n".join(lines) + "\n"
    if protocol == "beatgan":
        text = CAUTION + "\n" + text + "\nPublished:\n\n| model | AUC | AP | where |\n|---|---|---|---|\n"
        text += "".join(f"| {' | '.join(row)} |\n" for row in PUBLISHED)
    return text


def wearers(results):
    """How sure the figures on new wearers are, and what they are at few alarms; empty without a result."""
    names = (
        "auc_without_232",
        "ap_without_232",
        *(f"auc_{name}" for name in "SVF"),
        *(f"sensitivity_{n}" for n in ALARMS_PER_HOUR),
    )
    lines = [
        "95 % intervals by a bootstrap over wearers; the spread of the AUCs within a record is that over "
        "records. The last columns: sensitivity at the thresholds that would give so many false alarms an "
        "hour of all wearers. Of several folds the scores of their models are pooled.\n",
        "| result | AUC | AP | AUC within a record | its spread | AUC without 232 | AP without 232 | "
        + "S | V | F | "
        + " | ".join(f"{count}/h" for count in ALARMS_PER_HOUR)
        + " |",
        "|" + "---|" * (len(names) + 5),
    ]
    for name, row in results.items():
        metrics = row.get("all_wearers", row.get("metrics", {}))
        if "auc_low" in metrics and not is_simulated(row):
            cells = [_with_interval(metrics, key) for key in ("auc", "ap", "auc_record")]
            spread = metrics.get("auc_record_sd")
            cells += [f"{spread['mean']:.4f}" if spread else "–"]
            cells += [cell(metrics.get(key), 4) for key in names]
            lines.append("| " + " | ".join([f"`{name}`", *cells]) + " |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def own_thresholds(results):
    """What a threshold of each wearer's own is worth beside the one for all; empty without a result."""
    pair = ("false_alarms_per_hour", "sensitivity", "sensitivity_record")
    names = [*pair, *(f"own_{name}" for name in pair)]
    heads = ["false alarms/h", "sensitivity", "within a record"]
    lines = [
        "Annotated R-peaks: the threshold set on validation normals, and from the first "
        f"{PERSONAL_BEATS} beats on the wearer's own. The sensitivity is that to all abnormal beats, and in "
        "the mean over records.\n",
        "| result | " + " | ".join([*heads, *(f"own: {head}" for head in heads)]) + " |",
        "|" + "---|" * (len(names) + 1),
    ]
    for name, row in results.items():
        metrics = row.get("metrics", {})
        if "own_sensitivity" in metrics and not is_simulated(row):
            cells = [metric_cell(metrics, key) for key in names]
            lines.append("| " + " | ".join([f"`{name}`", *cells]) + " |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def _with_interval(metrics, name):
    """The mean and, where it has one, its interval."""
    ends = [metrics.get(f"{name}_{end}") for end in ("low", "high")]
    interval = " ({:.3f} to {:.3f})".format(*(end["mean"] for end in ends)) if all(ends) else ""
    return cell(metrics.get(name), 4) + interval


def cell(metric, digits):
    """A summarised metric as text: its mean, and its spread where there are several values."""
    if metric is None:
        return "–"
    spread = f" ± {metric['sd']:.{digits}f}" if len(metric["values"]) > 1 else ""
    return f"{metric['mean']:.{digits}f}{spread}"


def metric_cell(metrics, name):
    """One of the summarised ``metrics`` as text: an hourly rate to a tenth, all others to four digits."""
    return cell(metrics.get(name), 1 if name.endswith("hour") else 4)


def rpeaks(result):
    """The R-peak detector's table, record by record."""
    lines = [
        "## R-peak detector\n",
        "| record | beats | missed | false | sensitivity | positive predictivity |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in [*result["records"].items(), ("all", result["all"])]:
        rates = " | ".join(f"{100 * row[key]:.2f} %" for key in ("sensitivity", "positive_predictivity"))
        lines.append(f"| {name} | {row['beats']} | {row['missed']} | {row['false']} | {rates} |")
    return "\n".join(lines) + "\n"


def epochs(part, rows, theirs):
    """Test AUC and AP after each epoch, ours beside the peer's."""
    both = list(zip(rows, theirs, strict=False))
    gaps = [row["test_auc"] - other["test_auc"] for row, other in both]
    swings = [
        np.mean(np.abs(np.diff([row["test_auc"] for row in part_rows])))
        for part_rows in zip(*both, strict=True)
    ]
    heads = ["epoch", "validation rebuild loss", "validation AUC", "AUC", "AP", "peer AUC", "peer AP", "gap"]
    lines = [
        f"## BeatGAN epoch by epoch ({part})\n",
        "The test beats scored after each epoch for this table alone, `beatgan` beside `peer-torch`. Over "
        f"the epochs that both ran, the gap in AUC is {np.mean(gaps):+.4f} on average, {min(gaps):+.4f} to "
        f"{max(gaps):+.4f}; from one epoch to the next the AUC moves by {swings[0]:.4f} on average in ours "
        f"and by {swings[1]:.4f} in the peer.\n",
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
    ]
    for number, row in enumerate(rows):
        cells = [f"{row['epoch']:.0f}", f"{row['validation_rebuild_loss']:.5f}"]
        cells += [f"{row[name]:.4f}" for name in ("validation_auc", "test_auc", "test_ap")]
        if number < len(both):
            other = both[number][1]
            cells += [f"{other['test_auc']:.4f}", f"{other['test_ap']:.4f}", f"{gaps[number]:+.4f}"]
        else:
            cells += ["–"] * 3
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def benchmark(result):
    """The figures of a benchmark."""
    lines = [f"## `{result['name']}`\n", "| figure | value |", "|---|---|"]
    hidden = ("name", "command", "commit", "versions", "rounds")
    for name, value in _flatten({key: value for key, value in result.items() if key not in hidden}):
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        lines.append(f"| {name.replace('_', ' ')} | {text} |")
    return "\n".join(lines) + "\n"


def _flatten(value, name=""):
    if not isinstance(value, dict):
        return [(name, value)]
    return [row for key, part in value.items() for row in _flatten(part, f"{name}: {key}" if name else key)]
