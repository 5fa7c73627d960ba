import json
import re
from pathlib import Path

import numpy as np
import pytest

from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.results.pages import overview, read_results, render
from keras_sibeat.results.tables import knee
from keras_sibeat.results.writing import write_result

ROOT = Path(__file__).parents[2]
RESULTS = read_results(ROOT / "results")


def test_results_md_is_what_the_committed_json_says():
    assert (ROOT / "RESULTS.md").read_text(encoding="utf-8") == render(ROOT / "results")


def test_the_readmes_table_is_what_the_committed_json_says():
    assert overview(ROOT / "results") in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_can_be_traced(name):
    result = RESULTS[name]
    assert result["name"] == name
    assert (
        result["command"]
        and result["versions"]["python"]
        and re.fullmatch("[0-9a-f]{40}(-dirty)?", result["commit"])
    )
    if "protocol" in result:
        assert len(result["data_sha256"]) == 64
        assert {"folds", "seeds", "selection", "metrics", "seconds"} <= set(result)


@pytest.mark.parametrize("name", RESULTS)
def test_a_summary_is_that_of_its_values(name):
    for metric in RESULTS[name].get("metrics", {}).values():
        assert metric["mean"] == pytest.approx(np.mean(metric["values"]))


@pytest.mark.parametrize("name", RESULTS)
def test_no_result_holds_a_folder_of_the_machine_that_made_it(name):
    text = json.dumps(RESULTS[name])
    assert str(Path.home()) + "/" not in text and str(ROOT) not in text


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
    assert "joint) | 2 + 3 | 0.6000 ± 0.1414" in readme and readme.startswith("before\n<!--")
    assert "old" not in readme and readme.endswith("-->\nafter\n")
    assert (
        "joint) | 2 + 3 | 0.6000 ± 0.1414 | 0.2500 ± 0.0000 | – | – | – | – | – | – | – | shift, rebuild |"
        in page
    )
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
    assert "| SI-BeatGAN: soft targets | 0.9500 ± 0.0141 | 0.9100 ± 0.0000 | – | – | – | 10 |" in page
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
    cells = (
        "| 0.9200 (0.870 to 0.950) | 0.8000 (0.600 to 0.900) | 0.9700 (0.950 to 0.990) | 0.0400 "
        "| 0.9300 | 0.7000 | 0.8000 | 0.9900 | – | 0.1000 | 0.2500 | 0.5000 |"
    )
    assert all(f"| `{name}` {cells}" in page for name in ("wearer-inter", "wearer-folds"))
    assert f"| `old-inter` {cells[:9]}" not in page


def test_a_wearer_s_own_threshold_stands_beside_the_one_for_all(tmp_path):
    found = {"auc": 0.9, "ap": 0.5, "sensitivity": 0.75, "false_alarms_per_hour": 44.0}
    row = {"protocol": "inter_patient", "folds": [0], "seeds": [0], "selection": "none"}
    write_result(tmp_path / "results", "before-inter", {**row, "metrics": summarise([found])})
    assert "each wearer's own" not in (tmp_path / "RESULTS.md").read_text()
    found |= {"sensitivity_record": 0.5, "own_sensitivity": 0.625, "own_sensitivity_record": 0.25}
    found |= {"own_false_alarms_per_hour": 22.25}
    write_result(tmp_path / "results", "wearer-inter", {**row, "metrics": summarise([found])})
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| `wearer-inter` | 44.0 | 0.7500 | 0.5000 | 22.2 | 0.6250 | 0.2500 |" in page


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


def test_the_benchmarks_that_are_reported_keep_their_limits():
    holter, latency = RESULTS["bench-holter"], RESULTS["bench-score-latency"]
    assert holter["whole"]["hours"] == 24 and holter["whole"]["cpu_seconds"] <= 30
    assert holter["whole"]["megabytes"] <= min(300, 1.1 * holter["quarter"]["megabytes"])
    assert latency["peer_times"]["litert_xnnpack"] >= 120 and latency["peer_times"]["litert"] >= 100
