"""Results: JSON that commands write into ``results/``, and RESULTS.md, which is made from it."""

import json
from pathlib import Path

from keras_sibeat.files import whole_file
from keras_sibeat.results import device_tables, plots, tables

PROTOCOLS = {
    "beatgan": "MIT-BIH, random split (`beatgan`)",
    "inter_patient": "MIT-BIH, wearers never seen (`inter_patient`)",
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
MARK = "<!-- {} made by python -m keras_sibeat.results -->"  # before and after each of the README's tables
HEAD = """# Results

Made from the JSON files in `results/` by `python -m keras_sibeat.results`; every file names the command,
configuration, seeds, data checksum and versions behind it. Mean ± standard deviation over folds or seeds,
where there are several. Sensitivity and false alarms (per hour of normal beats) are those at a threshold that
was set on validation normals, to let the stated share of them pass (1 % unless the configuration says other).
"""


def renew_pages(folder):
    """Make ``RESULTS.md`` beside ``folder`` anew, and the README's table, where there is one."""
    root, parts = Path(folder).parent, tables.ablation_rows(read_results(folder))
    if parts:
        aucs = {title: row["metrics"]["auc"]["values"] for title, row in parts.items()}
        plots.plot_parts(aucs, Path(folder) / "ablation.png")
    if points := tables.frontier_points(read_results(folder)):
        plots.plot_frontier(points, Path(folder) / "frontier.png")
    pages = {root / "RESULTS.md": render(folder)}
    readme = root / "README.md"
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
        found = {"table": overview(folder), "ablation": tables.ablation(read_results(folder))}
        for name, table in found.items():
            mark = MARK.format(name)
            if mark in text:
                before, _, after = text.split(mark)
                text = mark.join([before, f"\n{table}", after])
        pages[readme] = text
    for page, text in pages.items():
        with whole_file(page) as partial:
            partial.write_text(text, encoding="utf-8")


def overview(folder):
    """The README's table: published rows and ours under both MIT-BIH protocols."""
    results = read_results(folder)
    lines = ["| | random split: AUC | AP | new wearers: AUC | AP |", "|---|---|---|---|---|"]
    lines += [
        f"| {model}, published ({where}) | {auc} | {ap} | | |" for model, auc, ap, where in tables.PUBLISHED
    ]
    for name, title in OVERVIEW.items():
        pair = [results.get(name), results.get(f"{name}-inter")]
        if any(pair):
            cells = [tables.cell(row and row["metrics"].get(key), 4) for row in pair for key in ("auc", "ap")]
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
    own = ("ablation-", "probe-", "sibeatgan-", tables.FRONTIER)  # have tables of their own
    for protocol, title in PROTOCOLS.items():
        rows = [
            row
            for row in results.values()
            if row.get("protocol") == protocol and not tables.is_simulated(row)
        ]
        rows = [row for row in rows if not row["name"].startswith(own)]
        if rows:
            sections.append(f"## {title}\n\n" + tables.standings(rows, protocol))
    if text := tables.wearers(results):
        sections.append("## New wearers, more closely\n\n" + text)
    if text := tables.own_thresholds(results):
        sections.append("## New wearers: one threshold, or each wearer's own\n\n" + text)
    if tables.ablation_rows(results):
        sections.append("## What each part brings\n\n" + tables.ablation(results))
    for title, text in {
        "SI-BeatGAN's claim": tables.sibeatgan(results),
        "What a student's size buys": tables.frontier(results),
        "What int8 costs": device_tables.exported(results),
    }.items():
        if text:
            sections.append(f"## {title}\n\n{text}")
    sections += [device_tables.end_to_end(row) for row in results.values() if "conditions" in row]
    probes = {name.removeprefix("probe-"): row for name, row in results.items() if name.startswith("probe-")}
    if probes:
        sections.append(tables.probes(probes))
    pictures = sorted(file.name for file in Path(folder).glob("*.png"))
    sections += [f"![{name}](results/{name})\n" for name in pictures]
    histories = [results.get(name, {}).get("history", {}) for name in ("beatgan", "peer-torch")]
    for part in histories[0].keys() & histories[1].keys():
        sections.append(tables.epochs(part, *(history[part] for history in histories)))
    if "rpeaks" in results:
        sections.append(tables.rpeaks(results["rpeaks"]))
    benchmarks = [result for name, result in results.items() if name.startswith("bench-")]
    sections += [tables.benchmark(result) for result in benchmarks]
    return "\n".join(sections)
