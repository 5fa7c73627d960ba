"""Results: JSON that commands write into ``results/``, and RESULTS.md, which is made from it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_sibeat.files import whole_file
from keras_sibeat.results import (
    conditions,
    decision_tables,
    device_tables,
    epochs,
    explain_tables,
    plots,
    reproducing,
    settings,
    tables,
    variants,
)
from keras_sibeat.results.markdown import cell, table

PROTOCOLS = {
    "beatgan": "MIT-BIH, random split (`beatgan`)",
    "inter_patient": "MIT-BIH, inter-patient: DS1 → DS2 (`inter_patient`)",
    "databases": "Several databases: wearers that the model has not seen (`databases`)",
    "leave_out": "MIT-BIH, four wearers left out at a time (`leave_out`)",
    "series": "CMU motion capture (`mocap`)",
}
OVERVIEW = {
    "contrastive": "**BeatGAN with SimCLR inside**, ours",
    "student": "**its compact student**, ours",
    "student-int8": "**the student in int8**, as on the device",
    "student-undistilled": "the student's graph, not distilled",
    "wearer": "**a beat beside its wearer's own**, ours",
    "wearer-student": "**its compact student**, ours",
    "wearer-student-int8": "**that student in int8**, as on the device",
    "worn": "**wearers of three databases**, ours",
    "worn-student": "**its compact student**, ours",
    "worn-student-int8": "**that student in int8**, what ships",
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
MARK = "<!-- {} made by python -m keras_sibeat.results -->"  # before and after each table of a page
PAGES = ("README.md", "docs/findings.md", "docs/reproducing.md", "docs/settings.md")  # that hold such tables
CAPTIONS = {  # of the pictures, by how their names begin
    "ablation": "The ablation's AUCs: each seed a point",
    "frontier": "AUC over the size of the int8 model, for students of several widths and depths",
    "mocap": "Motion capture: the channels of a {0}, and where the rebuild error is high",
}
HEAD = """# Results

Made from the JSON files in `results/` by `python -m keras_sibeat.results`; every file names the command,
configuration, seeds, data checksum and versions behind it. Mean ± standard deviation over folds or seeds,
where there are several. Sensitivity and false alarms are those at a threshold that was set on validation
normals, to let 1 % of them pass unless the configuration says other.

False alarms an hour are false alarms over recorded hours: for the median and the worst wearer, and on
average. Results from before this definition were divided by other hours, so their hourly rates are left
out, or given as –. The equal error rate (EER) of these older results is that of the nearest point of the ROC
curve; in newer ones it is interpolated.
"""


def renew_pages(folder: Path) -> None:
    """Make ``RESULTS.md`` beside ``folder`` anew, and the tables of the pages that are there."""
    results = read_results(folder)
    if rows := variants.ablation_rows(results):
        aucs = {title: row["metrics"]["auc"]["values"] for title, row in rows.items() if _has_auc(row)}
        if aucs:
            plots.plot_parts(aucs, Path(folder) / "ablation.png")
    if points := variants.frontier_points(results):
        plots.plot_frontier(points, Path(folder) / "frontier.png")
    for page, text in make_pages(folder).items():
        with whole_file(page) as partial:
            partial.write_text(text, encoding="utf-8")


def _has_auc(result):
    return "auc" in result["metrics"]


def make_pages(folder: Path) -> dict[Path, str]:
    """The text of ``RESULTS.md`` beside ``folder``, and of the ``PAGES`` that are there."""
    root, results = Path(folder).parent, read_results(folder)
    pages = {root / "RESULTS.md": render(folder)}
    makers = {
        "first": decision_tables.first,
        "decisions": decision_tables.decisions,
        "table": overview,
        "ablation": variants.ablation,
        "noise": device_tables.noise,
        "worn": device_tables.on_people,
        "reproducing": reproducing.reproducing,
        "settings": lambda _: settings.settings(),
    }
    for page in filter(Path.exists, (root / name for name in PAGES)):
        text = page.read_text(encoding="utf-8")
        for name, make in makers.items():
            mark = MARK.format(name)
            if mark in text:
                before, _, after = text.split(mark)
                text = mark.join([before, f"\n{make(results)}", after])
        pages[page] = text
    return pages


def overview(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of ranks: published rows and ours, under the random split and on new wearers."""
    rows = [[f"{model}, published ({where})", auc, ap, "", ""] for model, auc, ap, where in tables.PUBLISHED]
    for name, title in OVERVIEW.items():
        pair = [results.get(name), results.get(f"{name}-inter")]
        if any(pair):
            cells = [cell(row and _of_mitdb(row["metrics"], key), 4) for row in pair for key in ("auc", "ap")]
            rows.append([f"{title} (`{name}`)", *cells])
    return table(["", "random split: AUC", "AP", "new wearers: AUC", "AP"], rows)


def _of_mitdb(metrics, name):
    """A metric, of several databases that of MIT-BIH's records, which the other rows are of."""
    return metrics.get(f"mitdb_{name}", metrics.get(name))


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """All results of a folder, by name."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(Path(folder).glob("*.json"))
    }


def render(folder: Path) -> str:
    """The text of RESULTS.md for the results in ``folder``."""
    results = read_results(folder)
    sections = [_section("One model, several figures", conditions.one_model(results))]
    sections += [_section("Presets beside the means over seeds", conditions.presets(results))]
    sections += _standings(results)
    probes = {name.removeprefix("probe-"): row for name, row in results.items() if name.startswith("probe-")}
    for title, text in {
        "BeatGAN over five folds": epochs.beatgan_folds(results),
        "New wearers, more closely": tables.wearers(results),
        "New wearers, by database": tables.databases(results),
        "New wearers: one threshold, or each wearer's own": tables.own_thresholds(results),
        "What each part brings": variants.ablation(results),
        "SI-BeatGAN's claim": variants.sibeatgan(results),
        "What a student's size buys": variants.frontier(results),
        "What int8 costs": device_tables.exported(results),
    }.items():
        sections.append(_section(title, text))
    sections += [decision_tables.ec57(row) for name, row in results.items() if name.startswith("ec57-")]
    sections += [device_tables.end_to_end(row) for row in results.values() if "conditions" in row]
    sections += [device_tables.worn(row) for row in results.values() if "worn" in row]
    sections += [explain_tables.where(row) for row in results.values() if "maps" in row]
    if probes:
        sections.append(_section("Linear probe", tables.probes(probes)))
    sections.append(_section("Pictures", _pictures(folder)))
    histories = [results.get(name, {}).get("history", {}) for name in ("beatgan", "peer-torch")]
    for part in histories[0].keys() & histories[1].keys():
        sections.append(epochs.epochs(part, *(history[part] for history in histories)))
    sections += [
        f"## R-peak detector: `{name}`\n\n{device_tables.rpeaks(row)}"
        for name, row in results.items()
        if name.startswith("rpeaks-")
    ]
    benchmarks = [result for name, result in results.items() if name.startswith("bench-")]
    sections += [device_tables.benchmark(result) for result in benchmarks]
    return "\n".join([HEAD, _contents(sections), *filter(None, sections)])


def _section(title, text):
    return f"## {title}\n\n{text}" if text else ""


def _contents(sections):
    """A link to each section, as GitHub and MkDocs name its place."""
    titles = [section.partition("\n")[0].removeprefix("## ") for section in sections if section]
    lines = []
    for title in titles:
        place = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        lines.append(f"- [{title}](#{place})\n")
    return "".join(["## Contents\n\n", *lines])


def _pictures(folder):
    shown = []
    for name in sorted(file.name for file in Path(folder).glob("*.png")):
        stem, last = Path(name).stem.split("-")[0], Path(name).stem.split("-")[-1]
        caption = CAPTIONS.get(stem, name).format(last)
        shown.append(f"![{name}](results/{name})\n\n*{caption}.*\n")
    return "\n".join(shown)


def _standings(results):
    """A section for each protocol that has results."""
    own = ("ablation-", "probe-", "sibeatgan-", "beatgan-fold", variants.FRONTIER)  # have tables of their own
    for protocol, title in PROTOCOLS.items():
        rows = [
            row
            for row in results.values()
            if row.get("protocol") == protocol
            and not tables.is_simulated(row)
            and not row["name"].startswith(own)
        ]
        if rows:
            yield f"## {title}\n\n{tables.standings(rows, protocol)}"
