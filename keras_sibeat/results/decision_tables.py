"""Tables of what a device decides: names of beats, false alarms, runs and burden, as EC57 counts them."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_sibeat.results.markdown import MISSING, cell, table, tables

DATABASES = {
    "ds2": "MIT-BIH DS2, 22 records",
    "svdb": "SVDB, 8 records",
    "folds": "MIT-BIH, {} records left out in turn, smaller models",
}
# Of MIT-BIH's DS2, sensitivity / positive predictivity in percent; what is known beforehand of a wearer.
PUBLISHED = (
    (
        "Teijeiro 2018, rules and clusters, offline, annotated R-peaks, two leads",
        "94.6 / 96.8",
        "87.2 / 83.8",
        "0.91",
        "29",
        "2",
        "none",
    ),
    ("Yamaç 2022, normal or not", MISSING, MISSING, "0.928", MISSING, MISSING, "other wearers'"),
    ("Zahid 2022", "96.1 / 94.4", "82.5 / 82.2", MISSING, MISSING, MISSING, "other wearers'"),
    ("Llamedo and Martínez 2011", "81 / 87", "77 / 39", MISSING, MISSING, MISSING, "other wearers'"),
    ("de Chazal 2004", "77 / 82", "76 / 38", MISSING, MISSING, MISSING, "other wearers'"),
    (
        "de Chazal and Reilly 2006",
        "94.3 / 96.2",
        "87.7 / 47.0",
        MISSING,
        MISSING,
        MISSING,
        "the wearer's own",
    ),
)
HEADS = (
    "",
    "VEB: Se / +P, %",
    "SVEB: Se / +P, %",
    "F1 of abnormal beats",
    "false alarms/h: mean",
    "median wearer",
    "labels that taught",
)
MORE = {
    "veb_fpr": "VEB false positive rate",
    "sveb_fpr": "SVEB false positive rate",
    "veb_se_average": "VEB Se, mean over records",
    "veb_pp_average": "VEB +P, mean over records",
    "sveb_se_average": "SVEB Se, mean over records",
    "sveb_pp_average": "SVEB +P, mean over records",
    "veb_se_first": "VEB Se at first judgement",
    "veb_pp_first": "VEB +P at first judgement",
    "sveb_se_first": "SVEB Se at first judgement",
    "sveb_pp_first": "SVEB +P at first judgement",
    "f1_first": "F1 at first judgement",
    "veb_runs_se": "runs of three V or more that are met",
    "veb_runs_pp": "runs of V that are right",
    "sveb_runs_se": "runs of three S or more that are met",
    "sveb_runs_pp": "runs of S that are right",
    "veb_burden_error": "V burden, mean absolute error, percent of the beats",
    "veb_burden_low": "its limits of agreement: lower",
    "veb_burden_high": "upper",
    "sveb_burden_error": "S burden, mean absolute error, percent of the beats",
    "sveb_burden_low": "its limits of agreement: lower",
    "sveb_burden_high": "upper",
    "false_alarms_nine_in_ten": "false alarms/h that nine in ten further wearers stay below (conformal)",
    "false_alarms_worst": "false alarms/h of the worst wearer",
    "false_episodes_mean": "false episodes/h, alarms within 10 s counted once: mean",
    "false_episodes_median": "the same: median wearer",
    "told_mean": "episodes/h that a device tells",
    "false_told_mean": "of them not borne out by the experts' beats: mean",
    "false_told_median": "the same: median wearer",
    "false_told_nine_in_ten": "the same: nine in ten further wearers stay below",
}
# Of the tables by record: rows and columns of a matrix.
PLACES = {
    "Normal beats, and what was no beat": [*((0, column) for column in range(4)), (5, 1), (5, 2)],
    "Supraventricular and fusion beats": [*((1, column) for column in range(4)), (3, 0), (3, 2)],
    "Ventricular beats": [(2, column) for column in range(4)],
}


def decisions(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of decisions: ours on wearers never seen, and published ones with their conditions."""
    rows = []
    for name, title in DATABASES.items():
        if result := results.get(f"ec57-{name}"):
            found = result["metrics"]
            pairs = [_pair(found, kind) for kind in ("veb", "sveb")]
            hourly = [cell(found.get(f"false_alarms_{what}"), 1) for what in ("mean", "median")]
            rows.append(
                [
                    f"**ours**, {title.format(len(result['matrices'][0]))}",
                    *pairs,
                    cell(found.get("f1"), 3),
                    *hourly,
                    "none",
                ]
            )
    if not rows:
        return ""
    return table(HEADS, [*rows, *(list(row) for row in PUBLISHED)])


FIRST_HEADS = (
    "",
    "labels that taught",
    "VEB: Se / +P, %",
    "SVEB: Se / +P, %",
    "false alarms/h: mean; median",
    "AUC, new wearers",
    "AUC, random split",
)
ANCHORS = ("Teijeiro 2018", "Zahid 2022", "de Chazal 2004")  # of the published rows


def first(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The README's table: new wearers first, then ranks; ours, the nearest neighbour, published ones."""

    def auc(name, metric="auc"):
        return cell(results.get(name, {}).get("metrics", {}).get(metric), 3)

    rows = []
    for database, metric in (("ds2", "mitdb_auc"), ("svdb", "svdb_auc")):
        if result := results.get(f"ec57-{database}"):
            found = result["metrics"]
            hourly = "; ".join(cell(found.get(f"false_alarms_{what}"), 1) for what in ("mean", "median"))
            pairs = [_pair(found, kind) for kind in ("veb", "sveb")]
            title = f"**ours**, {DATABASES[database]}"
            rows.append([title, "none", *pairs, hourly, auc("worn-student-int8-inter", metric), MISSING])
    if not rows:
        return ""
    alone = [auc("student-int8-inter"), auc("student-int8")]
    near = [auc("baseline-knn-inter"), auc("baseline-knn")]
    rows.append(["ours, a beat alone", "none", *[MISSING] * 3, *alone])
    rows.append(["nearest normal training beat (k-NN)", "none", *[MISSING] * 3, *near])
    rows.append(["BeatGAN as published", "some, to select the epoch", *[MISSING] * 4, "0.945"])
    for title, *cells, labels in PUBLISHED:
        if title.startswith(ANCHORS):
            veb, sveb, _, mean, median = cells
            hourly = MISSING if mean == MISSING else f"{mean}; {median}"
            rows.append([f"{title}", labels, veb, sveb, hourly, MISSING, MISSING])
    return table(FIRST_HEADS, rows)


def ec57(result: Mapping[str, Any]) -> str:
    """All figures of a result, and the records with the sum of their models' matrices."""
    seeds = len(result["seeds"])
    rows = [[title, cell(result["metrics"].get(name), 3)] for name, title in MORE.items()]
    return (
        f"## What the device decides: `{result['name']}`\n\n{seeds} model{'s' * (seeds > 1)} in int8, first "
        "lead, detected R-peaks, defaults; ANSI/AAMI EC57, first five minutes not counted, a beat without "
        "a score counted as missed. An alarm is false where a beat called S or V is normal, or none.\n"
        f"{_refused(result.get('refused', {}))}\n"
        f"**What the models decide, over all records**\n\n{table(['', 'mean ± sd'], rows)}\n"
        "By record, each cell the mean over the models: experts' class, then what it was called; – is a beat "
        "without a score or, before the arrow, no beat.\n\n"
        f"{_records(result['matrices'])}"
    )


def _refused(folds):
    """A sentence for each fold whose model the gate refused: its wearers are not among the records."""
    return "".join(
        f"The gate refused the model of {name} ({'; '.join(failures)}), so its wearers are left out.\n"
        for name, failures in folds.items()
    )


def _pair(metrics, kind):
    se, pp = (metrics.get(f"{kind}_{what}") for what in ("se", "pp"))
    return " / ".join(MISSING if value is None else _percent(value) for value in (se, pp))


def _percent(metric):
    return cell({**metric, **{key: 100 * metric[key] for key in ("mean", "sd")}}, 1)


def _records(matrices: Sequence[Mapping[str, Any]]) -> str:
    groups = {caption: [_title(place) for place in places] for caption, places in PLACES.items()}
    shown = [place for places in PLACES.values() for place in places]
    rows = []
    for name in matrices[0]:
        means = [sum(seed[name][row][column] for seed in matrices) / len(matrices) for row, column in shown]
        rows.append([name, *(f"{mean:.0f}" for mean in means)])
    return tables("record", groups, rows)


def _title(place):
    return f"{'NSVFQ–'[place[0]]}→{'nsv–'[place[1]]}"
