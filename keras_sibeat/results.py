"""Results: JSON that commands write into ``results/``, and RESULTS.md, which is made from it."""

import json
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from keras_sibeat.config import Config
from keras_sibeat.errors import RunError
from keras_sibeat.files import whole_file, write_json
from keras_sibeat.plots import plot_parts

PUBLISHED = (
    ("BeatGAN", "0.9447", "0.9108", "Zhou et al. 2019, mean of 5 folds"),
    ("BeatGAN + time warping", "0.9475", "0.9143", "Zhou et al. 2019"),
    ("SI-BeatGAN (its teacher)", "0.9474 (0.9458)", "0.9148 (0.9108)", "its project page, fold 0"),
    ("SIA-GAN", "0.9588", "0.9325", "one fold"),
    ("AnoBeat", "0.960", "–", "abstract; 0.894 inter-patient"),
)
ABLATION = {  # variant -> what it is
    "beatgan": "BeatGAN",
    "beatgan-narrow": "BeatGAN, 3–45 Hz as published",
    "time-warp": "BeatGAN + time warping",
    "nt-xent": "+ NT-Xent",
    "shifts": "+ shifts",
    "both": "+ both (scenario 2: joint)",
    "no-adversary": "+ both, without BeatGAN's own discriminator loss",
    "hard-negatives": "+ both, shifted windows as negatives of NT-Xent",
    "pretrained": "scenario 1: SimCLR, then BeatGAN's loss",
    "pretrained-joint": "SimCLR v2: SimCLR with shifts, then joint from the head's middle",
}
ALONE = ("rebuild", "shift", "mahalanobis", "prototypes")
PROTOCOLS = {
    "beatgan": "MIT-BIH, random split (`beatgan`)",
    "inter_patient": "MIT-BIH, wearers never seen (`inter_patient`)",
    "series": "CMU motion capture (`mocap`)",
}
OVERVIEW = {
    "contrastive": "**BeatGAN with SimCLR inside**, ours",
    "beatgan": "**BeatGAN**, ours, selected without labels",
    "beatgan-labelled": "**BeatGAN**, ours, the paper's selection",
    "peer-torch": "BeatGAN in PyTorch, the same fold, last of 10 epochs",
    "baseline-knn": "nearest normal training beat",
    "baseline-knn-wide": "the same, 0.67–45 Hz",
    "baseline-pca": "20 principal components",
    "baseline-pca-wide": "the same, 0.67–45 Hz",
    "baseline-ocsvm": "one-class SVM",
    "baseline-iforest": "isolation forest",
}
MARK = "<!-- table made by python -m keras_sibeat.results -->"
HEAD = """# Results

Made from the JSON files in `results/` by `python -m keras_sibeat.results`; every file names the command,
configuration, seeds, data checksum and versions behind it. Mean ± standard deviation over folds or seeds,
where there are several. Sensitivity and false alarms (per hour of normal beats) are those at a threshold that
was set on validation normals, to let the stated share of them pass (1 % unless the configuration says other).
"""
CAUTION = """The random split puts beats of one wearer into training and test alike, and so rewards memory:
the distance to the nearest normal training beat (`baseline-knn`) beats the published BeatGAN on it.
"""


def summarise(parts):
    """Mean, sample standard deviation and values of every metric over a list of metric dictionaries."""
    names = [name for name in parts[0] if all(name in part for part in parts)]
    columns = {name: [part[name] for part in parts] for name in names}
    return {
        name: {
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
            "values": values,
        }
        for name, values in columns.items()
    }


def write_result(folder, name, result):
    """Write ``folder/name.json`` and make the pages beside ``folder`` anew.

    Raises ``RunError`` where the file reports another configuration or other data: a result is replaced by
    the same run's only.
    """
    folder = Path(folder)
    file = folder / f"{name}.json"
    if file.exists():
        old = json.loads(file.read_text(encoding="utf-8"))
        pairs = {key: [row.get(key) for row in (old, result)] for key in ("config", "data_sha256")}
        pairs["config"] = [_complete(config) for config in pairs["config"]]
        differing = [key for key, (before, now) in pairs.items() if before != now]
        if differing:
            raise RunError(
                f"{file}: reports a run with another {differing[0]}; expected the same run, "
                "another name (--set name=NAME when training), or no such file."
            )
    write_json(file, {"name": name, **result})
    renew_pages(folder)


def _complete(config):
    """A result's configuration with the defaults of settings that came after it."""
    try:
        return Config.model_validate(config).model_dump(mode="json")
    except ValidationError:
        return config


def renew_pages(folder):
    """Make ``RESULTS.md`` beside ``folder`` anew, and the README's table, where there is one."""
    root, parts = Path(folder).parent, ablation_rows(read_results(folder))
    if parts:
        aucs = {title: row["metrics"]["auc"]["values"] for title, row in parts.items()}
        plot_parts(aucs, Path(folder) / "ablation.png")
    pages = {root / "RESULTS.md": render(folder)}
    readme = root / "README.md"
    if readme.exists() and MARK in (text := readme.read_text(encoding="utf-8")):
        before, _, after = text.split(MARK)
        pages[readme] = MARK.join([before, f"\n{overview(folder)}", after])
    for page, text in pages.items():
        with whole_file(page) as partial:
            partial.write_text(text, encoding="utf-8")


def overview(folder):
    """The README's table: published rows and ours under both MIT-BIH protocols."""
    results = read_results(folder)
    lines = ["| | random split: AUC | AP | new wearers: AUC | AP |", "|---|---|---|---|---|"]
    lines += [f"| {model}, published ({where}) | {auc} | {ap} | | |" for model, auc, ap, where in PUBLISHED]
    for name, title in OVERVIEW.items():
        pair = [results.get(name), results.get(f"{name}-inter")]
        if any(pair):
            cells = [_cell(row and row["metrics"].get(key), 4) for row in pair for key in ("auc", "ap")]
            lines.append(f"| {title} (`{name}`) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def read_results(folder):
    """All results of a folder, by name."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(Path(folder).glob("*.json"))
    }


def render(folder):
    """The text of RESULTS.md for the results in ``folder``."""
    results = read_results(folder)
    sections = [HEAD]
    own = ("ablation-", "probe-")  # have tables of their own
    for protocol, title in PROTOCOLS.items():
        rows = [row for row in results.values() if row.get("protocol") == protocol and not _is_simulated(row)]
        rows = [row for row in rows if not row["name"].startswith(own)]
        if rows:
            sections.append(f"## {title}\n\n" + _table(rows, protocol))
    if ablation_rows(results):
        sections.append("## What each part brings\n\n" + ablation(results))
    probes = {name.removeprefix("probe-"): row for name, row in results.items() if name.startswith("probe-")}
    if probes:
        sections.append(_probes(probes))
    pictures = sorted(file.name for file in Path(folder).glob("*.png"))
    sections += [f"![{name}](results/{name})\n" for name in pictures]
    histories = [results.get(name, {}).get("history", {}) for name in ("beatgan", "peer-torch")]
    for part in histories[0].keys() & histories[1].keys():
        sections.append(_epochs(part, *(history[part] for history in histories)))
    if "rpeaks" in results:
        sections.append(_rpeaks(results["rpeaks"]))
    benchmarks = [result for name, result in results.items() if name.startswith("bench-")]
    sections += [_benchmark(result) for result in benchmarks]
    return "\n".join(sections)


def ablation_rows(results):
    """The ablation's results by title, the full-width BeatGAN beside them; empty without a variant."""
    rows = {title: results.get(f"ablation-{name}") for name, title in ABLATION.items()}
    if any(rows.values()):
        rows["BeatGAN at full width, 3–45 Hz, one seed"] = results.get("beatgan")
    return {title: row for title, row in rows.items() if row}


def ablation(results):
    """The table of the ablation's variants, the full-width BeatGAN beside them."""
    heads = ["", "AUC", "AP", "S", "V", "F", *(f"{name} alone" for name in ALONE), "combined"]
    names = ["auc", "ap", "auc_S", "auc_V", "auc_F", *(f"{name}_auc" for name in ALONE)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for title, row in ablation_rows(results).items():
        cells = [_cell(row["metrics"].get(name), 4) for name in names]
        config = row["config"]
        combined = ", ".join(config["score"]["combine"] if config.get("contrastive") else ["rebuild"])
        lines.append("| " + " | ".join([title, *cells, combined]) + " |")
    return "\n".join(lines) + "\n"


def _probes(rows):
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
        cells = [_cell(row["metrics"].get(metric), 4) for metric in metrics]
        lines.append("| " + " | ".join([f"`{name}`", *cells]) + " |")
    return "\n".join(lines) + "\n"


def _is_simulated(result):
    return result.get("config", {}).get("data", {}).get("source") == "simulator"


def _table(rows, protocol):
    classes = [f"auc_{name}" for name in "SVFQ"] if protocol != "series" else ["auc_run", "auc_jump"]
    if protocol == "inter_patient":
        classes.append("auc_record")
    heads = ["result", "folds × seeds", "selection", "AUC", "AP", *(c.removeprefix("auc_") for c in classes)]
    heads += ["EER", "sensitivity", "false alarms/h"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in sorted(rows, key=lambda row: -row["metrics"]["auc"]["mean"]):
        metrics = row["metrics"]
        names = ["auc", "ap", *classes, "eer", "sensitivity", "false_alarms_per_hour"]
        cells = [_cell(metrics.get(name), 1 if name.endswith("hour") else 4) for name in names]
        count = f"{len(row['folds'])} × {len(row['seeds'])}"
        lines.append("| " + " | ".join([f"`{row['name']}`", count, row["selection"], *cells]) + " |")
    text = "\n".join(lines) + "\n"
    if protocol == "beatgan":
        text = CAUTION + "\n" + text + "\nPublished:\n\n| model | AUC | AP | where |\n|---|---|---|---|\n"
        text += "".join(f"| {' | '.join(row)} |\n" for row in PUBLISHED)
    return text


def _cell(metric, digits):
    if metric is None:
        return "–"
    spread = f" ± {metric['sd']:.{digits}f}" if len(metric["values"]) > 1 else ""
    return f"{metric['mean']:.{digits}f}{spread}"


def _rpeaks(result):
    lines = [
        "## R-peak detector\n",
        "| record | beats | missed | false | sensitivity | positive predictivity |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in [*result["records"].items(), ("all", result["all"])]:
        rates = " | ".join(f"{100 * row[key]:.2f} %" for key in ("sensitivity", "positive_predictivity"))
        lines.append(f"| {name} | {row['beats']} | {row['missed']} | {row['false']} | {rates} |")
    return "\n".join(lines) + "\n"


def _epochs(part, rows, theirs):
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


def _benchmark(result):
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


if __name__ == "__main__":
    renew_pages("results")
