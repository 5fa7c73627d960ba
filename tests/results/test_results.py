"""RESULTS.md and the tables of README and docs: made from the results, and only by the command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.presets.loading import FOLDER
from keras_sibeat.results import conditions
from keras_sibeat.results.decision_tables import first
from keras_sibeat.results.epochs import beatgan_folds
from keras_sibeat.results.markdown import MOST_COLUMNS
from keras_sibeat.results.pages import read_results
from keras_sibeat.results.reproducing import reproducing
from keras_sibeat.results.variants import knee
from keras_sibeat.results.writing import write_result

ROOT = Path(__file__).parents[2]


def test_summary_has_the_sample_standard_deviation():
    summary = summarise([{"auc": 1.0, "eer": 0.0}, {"auc": 3.0}])
    assert summary == {"auc": {"mean": 2.0, "sd": pytest.approx(2**0.5), "values": [1.0, 3.0]}}


def test_writing_a_result_renews_the_page(tmp_path):
    metrics = summarise([{"auc": 0.5, "ap": 0.25}])
    row = {"protocol": "beatgan", "folds": [0], "seeds": [0], "selection": "none", "metrics": metrics}
    write_result(tmp_path / "results", "baseline-coin", row)
    assert "| `baseline-coin` | 1 × 1 | none | 0.5000 | 0.2500 |" in (tmp_path / "RESULTS.md").read_text()


def test_a_result_is_not_overwritten_by_another_run(tmp_path):
    metrics = summarise([{"auc": 0.5, "ap": 0.25}])
    row = {"protocol": "beatgan", "folds": [0], "seeds": [0], "selection": "none", "metrics": metrics}
    write_result(tmp_path / "results", "beatgan", {**row, "config": {"contamination": 0.0}})
    with pytest.raises(RunError, match="beatgan.json: reports a run with another config"):
        write_result(tmp_path / "results", "beatgan", {**row, "config": {"contamination": 0.01}})
    assert read_results(tmp_path / "results")["beatgan"]["config"] == {"contamination": 0.0}


def test_an_ablation_has_its_table_and_its_plot(tmp_path):
    metrics = summarise([{"auc": 0.5, "ap": 0.25}, {"auc": 0.7, "ap": 0.25}])
    row = {"protocol": "beatgan", "folds": [0], "seeds": [0, 1], "selection": "none", "metrics": metrics}
    row["config"] = {"contrastive": {"pretrain": {"epochs": 2}}, "score": {"combine": ["shift", "rebuild"]}}
    row["config"]["train"] = {"epochs": 3}
    mark = "<!-- ablation made by python -m keras_sibeat.results -->"
    (tmp_path / "README.md").write_text(f"before\n{mark}\nold\n{mark}\nafter\n")
    write_result(tmp_path / "results", "ablation-both", row)
    page, readme = (tmp_path / "RESULTS.md").read_text(), (tmp_path / "README.md").read_text()
    assert "joint) | 2 + 3 | shift, rebuild | 0.6000 ± 0.1414" in readme and readme.startswith("before\n<!--")
    assert "old" not in readme and readme.endswith("-->\nafter\n")
    assert "joint) | 2 + 3 | shift, rebuild | 0.6000 ± 0.1414 | 0.2500 ± 0.0000 |" in page
    assert "| `ablation-both` |" not in page and "![ablation.png](results/ablation.png)" in page
    assert (tmp_path / "results" / "ablation.png").stat().st_size > 1000


def test_simulated_results_stand_in_no_table_of_recordings(tmp_path):
    metrics = summarise([{"auc": 0.5, "ap": 0.25}])
    row = {"protocol": "beatgan", "folds": [0], "seeds": [0], "selection": "none", "metrics": metrics}
    write_result(tmp_path / "results", "quickstart", {**row, "config": {"data": {"source": "simulator"}}})
    assert "quickstart" not in (tmp_path / "RESULTS.md").read_text()


def test_si_beatgans_claim_has_its_table(tmp_path):
    metrics = summarise([{"auc": 0.94, "ap": 0.91}, {"auc": 0.96, "ap": 0.91}])
    row = {"protocol": "beatgan", "folds": [0], "seeds": [0, 1], "selection": "none", "metrics": metrics}
    for name, epochs in (("teacher", 10), ("longer", 20), ("kd", 10)):
        row["config"] = {"train": {"epochs": epochs}}
        write_result(tmp_path / "results", f"sibeatgan-{name}", row)
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| SI-BeatGAN: soft targets | 0.9500 ± 0.0141 | 0.9100 ± 0.0000 | 10 |" in page
    assert (
        page.index("the teacher |") < page.index("trained on for as long | ") < page.index("soft targets |")
    )
    assert "`sibeatgan-kd`" not in page


def test_new_wearers_are_told_with_their_intervals(tmp_path):
    found = {"auc": 0.92, "auc_low": 0.87, "auc_high": 0.95, "ap": 0.8, "ap_low": 0.6, "ap_high": 0.9}
    found |= {"auc_record": 0.97, "auc_record_low": 0.95, "auc_record_high": 0.99, "auc_record_sd": 0.04}
    found |= {"auc_without_232": 0.93, "ap_without_232": 0.7, "auc_S": 0.8, "auc_V": 0.99}
    found |= {"sensitivity_1": 0.1, "sensitivity_5": 0.25, "sensitivity_20": 0.5}
    row = {"protocol": "inter_patient", "folds": [0], "seeds": [0], "selection": "none"}
    write_result(tmp_path / "results", "wearer-inter", {**row, "metrics": summarise([found])})
    folds = {**row, "metrics": summarise([{"auc": 0.5, "ap": 0.5}]), "all_wearers": summarise([found])}
    write_result(tmp_path / "results", "wearer-folds", {**folds, "protocol": "leave_out"})
    write_result(tmp_path / "results", "old-inter", {**row, "metrics": summarise([{"auc": 0.5, "ap": 0.5}])})
    page = (tmp_path / "RESULTS.md").read_text()
    ranks = (
        "| 0.9200 (0.870 to 0.950) | 0.8000 (0.600 to 0.900) | 0.9700 (0.950 to 0.990) | 0.0400 "
        "| 0.9300 | 0.7000 |"
    )
    rates = "| 0.8000 | 0.9900 | 0.1000 | 0.2500 | 0.5000 |"
    for name in ("wearer-inter", "wearer-folds"):
        assert f"| `{name}` {ranks}" in page and f"| `{name}` {rates}" in page
    assert f"| `old-inter` {ranks[:9]}" not in page


def test_a_wearer_s_own_threshold_stands_beside_the_one_for_all(tmp_path):
    found = {"auc": 0.9, "ap": 0.5, "sensitivity": 0.75, "false_alarms_per_hour": 44.0}
    row = {"protocol": "inter_patient", "folds": [0], "seeds": [0], "selection": "none", "format": 2}
    write_result(tmp_path / "results", "before-inter", {**row, "metrics": summarise([found])})
    assert "each wearer's own" not in (tmp_path / "RESULTS.md").read_text()
    found |= {"sensitivity_record": 0.5, "own_sensitivity": 0.625, "own_sensitivity_record": 0.25}
    found |= {"own_false_alarms_per_hour": 22.25}
    write_result(tmp_path / "results", "wearer-inter", {**row, "metrics": summarise([found])})
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| `wearer-inter` | 44.0 | 0.7500 | 0.5000 |" in page
    assert "| `wearer-inter` | 22.2 | 0.6250 | 0.2500 |" in page


def test_hourly_rates_over_other_hours_than_the_recorded_ones_stand_in_no_table(tmp_path):
    found = {"auc": 0.9, "ap": 0.5, "false_alarms_per_hour": 44.0, "false_alarms_per_hour_median": 11.0}
    found |= {"false_alarms_per_hour_worst": 300.0}
    row = {"protocol": "inter_patient", "folds": [0], "seeds": [0], "selection": "none"}
    row["metrics"] = summarise([found])
    write_result(tmp_path / "results", "old-inter", row)
    assert "alarms/h" not in (tmp_path / "RESULTS.md").read_text()
    write_result(tmp_path / "results", "new-inter", {**row, "format": 2})
    page = (tmp_path / "RESULTS.md").read_text()
    for name in ("new-inter", "old-inter"):
        assert f"| `{name}` | 1 × 1 | none | 0.9000 | 0.5000 |" in page
    assert "| `new-inter` | 11.0 | 300.0 | 44.0 |" in page and page.count("`old-inter`") == 1


def test_the_frontier_has_its_table_and_its_plot_small_to_large(tmp_path):
    for name, size in (("w8-d4", 24_000), ("w2-d4", 9_000)):
        metrics = summarise([{"auc": 0.9 + size / 1e6, "ap": 0.8, "validation_auc": 0.95}])
        row = {"protocol": "beatgan", "folds": [0], "seeds": [0], "selection": "none", "metrics": metrics}
        row["model"] = {"parameters": size // 2, "multiply_adds": 5 * size, "int8_bytes": size}
        write_result(tmp_path / "results", f"frontier-{name}", row)
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| `w8-d4` | 12,000 | 120,000 | 24,000 | 0.9500 | 0.9240 | 0.8000 |" in page
    assert page.index("`w2-d4`") < page.index("`w8-d4`")
    assert "![frontier.png](results/frontier.png)" in page
    assert (tmp_path / "results" / "frontier.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("aucs", "wanted"), [((0.9, 0.97, 0.98, 0.985), "b"), ((0.9, 0.91, 0.97, 0.975), "c")]
)
def test_the_knee_is_where_size_begins_to_buy_less(aucs, wanted):
    points = [(name, 1000 * 2**n, auc, 0.5) for n, (name, auc) in enumerate(zip("abcd", aucs, strict=True))]
    assert knee(points) == wanted


def history(fold, best, epochs):
    """Of a BeatGAN whose rebuild error is least in epoch 30 and, from then on, falls again after epoch 40."""
    return [
        {
            "epoch": float(epoch),
            "validation_rebuild_loss": abs(epoch - 30) + 1.0 if epoch <= 40 else 0.5,
            "validation_auc": 1.0 if epoch == best else 0.5,
            "test_auc": 0.9 + fold / 1000 + epoch / 10_000,
            "test_ap": 0.5,
        }
        for epoch in range(1, epochs + 1)
    ]


def beatgan(name, fold, best=40, epochs=40):
    return {"name": name, "history": {f"fold{fold}-seed0": history(fold, best, epochs)}}


def test_beatgans_folds_are_compared_at_forty_epochs():
    results = {"beatgan": beatgan("beatgan", 0, epochs=100)}
    assert beatgan_folds(results) == ""
    results["beatgan-fold1"] = beatgan("beatgan-fold1", 1, best=20)
    results["beatgan-fold3-labelled"] = beatgan("beatgan-fold3-labelled", 3)
    results["beatgan-fold4"] = beatgan("beatgan-fold4", 4, epochs=39)  # has not ended
    text = beatgan_folds(results)
    lines = text.splitlines()
    assert "3 of the 5 folds ended" in text and "fold 4" not in text
    assert "| fold 0 | 30 | 0.9030 | 0.5000 | 40 | 0.9040 | 0.5000 |" in lines
    assert "| fold 1 | 30 | 0.9040 | 0.5000 | 20 | 0.9030 | 0.5000 |" in lines
    assert "| fold 0 | +0.0010 | " in text and "| fold 1 | -0.0010 | " in text
    mean, gain = np.mean([0.903, 0.904, 0.906]), np.array([0.001, -0.001, 0.001])
    assert f"| **mean ± sd** |  | {mean:.4f} ± {np.std([0.903, 0.904, 0.906], ddof=1):.4f} |" in text
    assert f"| {gain.mean():.4f} ± {gain.std(ddof=1):.4f} |" in text
    # Of 21 epochs, a ten-thousandth apart: from 0.902 to 0.904 in fold 0.
    assert f"| {np.std(np.arange(21), ddof=1) / 10_000:.4f} (0.9020 to 0.9040) |" in text
    assert "| fold 0, 100 epochs | 41 | 0.9041 |" in text
    assert "| 0.9447 | 0.9108 |" in text


def test_no_table_has_more_columns_than_a_page_holds_and_each_has_a_caption():
    lines = (ROOT / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        assert line.count("|") <= MOST_COLUMNS + 1, line
        if line.startswith("|---"):
            assert lines[number - 2] == "" and lines[number - 3].startswith("**"), line


def test_the_contents_name_every_section():
    text = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
    contents = re.findall(r"^- \[(.+)\]\(#(.+)\)$", text, re.M)
    assert [title for title, _ in contents] == re.findall(r"^## (.+)$", text, re.M)[1:]
    assert len({place for _, place in contents}) == len(contents)
    assert ("SI-BeatGAN's claim", "si-beatgans-claim") in contents


def test_a_preset_stands_beside_the_mean_over_seeds():
    preset = json.loads((FOLDER / "mitdb-beat.json").read_text())["metrics"]["auc"]
    parts = summarise([{"auc": 0.5, "ap": 0.25}, {"auc": 0.7, "ap": 0.25}])
    row = f"| `mitdb-beat` | `student`, fold0-seed0 | {preset:.4f} | 0.6000 ± 0.1414 |"
    assert row in conditions.presets({"student": {"metrics": parts}})
    assert conditions.presets({}) == ""


def test_the_figures_of_one_model_stand_with_the_reasons_why_they_differ():
    one = {"metrics": summarise([{"auc": 0.9, "ap": 0.5, "mitdb_auc": 0.8, "mitdb_ap": 0.4}])}
    detected = {"conditions": {"mitdb: detected R-peaks": summarise([{"auc": 0.7, "ap": 0.3}])}}
    text = conditions.one_model({conditions.ONE: one, conditions.WHOLE: detected})
    rows = [line for line in text.splitlines() if line.startswith("| ") and "0." in line]
    assert [row.split(" | ")[1] for row in rows] == ["0.9000", "0.8000", "0.7000"]
    assert all(len(row.split(" | ")[-1]) > 20 for row in rows)
    assert conditions.one_model({}) == ""


def test_a_command_to_reproduce_stands_once_with_its_results_minutes_and_figures():
    old = {"command": "python -m keras_sibeat.ablate configs/a.toml --data ../shared/mitdb", "seconds": 90}
    auc, f1 = summarise([{"auc": 0.5}, {"auc": 0.7}]), summarise([{"f1": 0.25}])
    results = {"a": {**old, "name": "a", "metrics": auc}, "b": {**old, "name": "b", "metrics": f1}}
    assert reproducing(results).splitlines()[-1] == (
        "| `a`: AUC 0.6000 ± 0.1414<br>`b`: F1 0.250 | 3.0 "
        "| `python -m keras_sibeat.results.ablate configs/a.toml --data data/mitdb` |"
    )


def test_the_first_page_s_table_has_new_wearers_first_and_at_most_eight_rows():
    rows = first(read_results(ROOT / "results")).splitlines()[2:]
    assert len(rows) <= 8 and "MIT-BIH DS2" in rows[0] and "SVDB" in rows[1]
    assert any("k-NN" in row for row in rows) and any("BeatGAN as published" in row for row in rows)
    assert first({}) == ""
