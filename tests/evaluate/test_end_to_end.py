"""Whole recordings through the device's whole way: what counts as missed, noise at its ratio, other rates."""

import json

import checkpoints
import numpy as np
import pytest
import wfdb
from checkpoints import trained
from int8_models import tiny_model  # noqa: E402
from relative_models import relative_model  # noqa: E402

from keras_sibeat.config import read_config
from keras_sibeat.data.recording import Annotations, Recording, write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.evaluate import conditions, robustness
from keras_sibeat.evaluate import recordings as end_to_end
from keras_sibeat.export.__main__ import main as export_command
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import score_recording


@pytest.fixture(scope="module")
def model():
    return Model(tiny_model())


@pytest.fixture(scope="module")
def wearer():
    return simulate_wearer(seed=2, seconds=60)


def test_beats_are_told_by_the_class_of_their_symbol():
    signal = np.zeros((1000, 1), "float32")
    annotations = Annotations(np.arange(5) * 100, np.array(["N", "+", "V", "e", "~"]))
    samples, classes = end_to_end.annotated_beats(Recording("r", signal, 180.0, ("MLII",), annotations))
    assert samples.tolist() == [0, 400, 600] and classes.tolist() == ["N", "V", "N"]


def test_every_annotated_beat_is_accounted_for(model, wearer):
    row = end_to_end.score_detected(model, wearer, "MLII")
    assert len(row["classes"]) == len(row["scores"]) == len(end_to_end.annotated_beats(wearer)[0])
    assert row["found"].mean() > 0.9 and not np.any(row["scored"] & ~row["found"])


def test_a_beat_that_the_device_cannot_see_is_missed(model, wearer):
    peaks, _ = end_to_end.annotated_beats(wearer)
    signal = wearer.signal.copy()
    place = peaks[20]
    signal[place - 60 : place + 100] = signal[place - 60]  # the lead stands still for this beat
    row = end_to_end.score_detected(
        model, Recording("r", signal, wearer.rate, wearer.leads, wearer.annotations), "MLII"
    )
    assert not row["found"][20] and row["scores"][20] == -np.inf
    assert np.isfinite(row["scores"][:15]).mean() > 0.8


def test_missed_and_unscored_abnormal_beats_are_never_found_and_false_detections_are_normal():
    row = {
        "record": "r",
        "wearer": "r",
        "hours": 2.0,
        "classes": np.array(["N", "N", "V", "V", "S"]),
        "scores": np.array([0.0, 2.0, 3.0, -np.inf, -np.inf]),
        "alarms": np.array([False, True, True, False, False]),
        "over": np.array([False, True, True, False, False]),
        "snr": np.array([20.0, 7.0, 9.0, 3.0, np.nan]),
        "found": np.array([True, True, True, False, True]),
        "scored": np.array([True, True, True, False, False]),
        "false": np.array([4.0, -np.inf]),
        "false_alarms": np.array([True, False]),
        "false_over": np.array([True, True]),
        "false_snr": np.array([11.0, 5.0]),
    }
    found = end_to_end.summarise_records([row])
    # Pairs of abnormal and normal scores, 3, none, none against 0, 2, 4: 2 of 9.
    assert found["auc"] == pytest.approx(2 / 9)
    assert found["sensitivity"] == pytest.approx(1 / 3) and found["false_alarms_per_hour"] == 1.0
    assert (found["sensitivity_V"], found["sensitivity_S"]) == (1 / 2, 0) and "sensitivity_N" not in found
    assert (found["coverage_normal"], found["coverage_abnormal"]) == (1, pytest.approx(1 / 3))
    assert found["auc_record"] is None  # two abnormal beats make no AUC of a record's own
    assert found["auc_record_scored"] is None
    counts = ("missed", "missed_abnormal", "unscored", "unscored_abnormal", "false_detections")
    assert [found[name] for name in counts] == [1, 1, 1, 1, 2]
    # Above the threshold are the normal beat at 7 dB and the false detections at 11 and 5 dB; one is doubted.
    assert (found["saved_4"], found["saved_6"], found["saved_12"]) == (0, pytest.approx(1 / 3), 1)
    assert (found["lost_8"], found["lost_10"]) == (0, 1)  # of the one abnormal beat with a score, at 9 dB
    assert (found["saved"], found["lost"]) == (pytest.approx(1 / 3), 0)


def test_what_is_refused_ranks_worst_or_not_at_all_or_lowest():
    """Ten abnormal beats above ten normal ones: of the former one is missed, of the latter one refused."""
    classes = np.array(["N"] * 10 + ["V"] * 10)
    scores = np.where(classes == "V", 2.0, 1.0)
    scores[[0, 10]] = -np.inf
    columns = {"record": "r", "wearer": "r", "hours": 1.0, "classes": classes, "scores": scores}
    columns |= {name: np.zeros(20, bool) for name in ("alarms", "over")}
    columns |= {"snr": np.full(20, 20.0), "found": np.arange(20) != 10, "scored": np.isfinite(scores)}
    columns |= {"false": np.zeros(0), "false_snr": np.zeros(0)}
    columns |= {name: np.zeros(0, bool) for name in ("false_alarms", "false_over")}
    found = end_to_end.summarise_records([columns])
    assert found["auc_record"] == pytest.approx(0.9 * 0.9) and found["auc_record_scored"] == 1
    # Nine of ten in the right order with all, and the two without a score alike.
    assert found["auc_record_lowest"] == pytest.approx(0.905)


@pytest.mark.parametrize("personal", [None, 50])
@pytest.mark.parametrize("build", [tiny_model, relative_model])
def test_annotated_beats_meet_the_threshold_that_the_device_would_have_then(build, personal):
    """What lies above ``BeatScorer``'s threshold, by its own scores; the threshold is one that many pass."""
    model, wearer = Model(build()), simulate_wearer(seed=5, seconds=150)
    lead = wearer.signal[:, 0].astype(float)

    def scored():
        beats = score_recording(model, lead, wearer.rate, personal=personal)
        return [beat for beat in beats if beat.score is not None]

    scores = np.array([beat.score for beat in scored()])
    model.manifest["threshold"]["score"] = float(np.median(scores))
    alarms = [beat.alarm or beat.doubted for beat in scored()]
    assert 0 < np.mean(alarms) < 1
    assert end_to_end.alarms_in_time(scores, model.manifest, personal).tolist() == alarms


@pytest.mark.parametrize("snr", [24, 0])
def test_noise_is_added_at_the_stated_ratio(wearer, snr):
    noise = np.random.default_rng(0).standard_normal(5000) + 3.0  # a constant is no noise
    noisy = conditions.add_noise(wearer, noise, snr, "MLII")
    added = (noisy.signal - wearer.signal)[:, wearer.leads.index("MLII")].astype(float)
    peaks, _ = end_to_end.annotated_beats(wearer)
    heights = [np.ptp(wearer.signal[p - 18 : p + 19, 0]) for p in peaks if 18 <= p < len(added) - 18]
    power = np.mean([np.var(added[start : start + 360]) for start in range(0, len(added) - 360, 360)])
    assert 10 * np.log10(np.mean(heights) ** 2 / 8 / power) == pytest.approx(snr, abs=0.1)
    others = [n for n, lead in enumerate(wearer.leads) if lead != "MLII"]
    np.testing.assert_array_equal(noisy.signal[:, others], wearer.signal[:, others])


def test_annotated_windows_without_jitter_are_training_s(model, wearer):
    from keras_sibeat.data.beats import extract_beats

    row = end_to_end.score_annotated(model, wearer, "MLII")
    beats = extract_beats(wearer)
    inside = np.isfinite(row["scores"])
    np.testing.assert_array_equal(row["scores"][inside], [model.score(window) for window in beats.windows])


@pytest.mark.parametrize("jitter", [0, 10])
def test_a_wearer_s_model_sees_the_annotated_beat_beside_template_and_rhythm(jitter):
    from keras_sibeat.data.beats import extract_beats
    from keras_sibeat.data.preprocessing import Preprocessing

    model, long = Model(relative_model()), simulate_wearer(seed=3, seconds=120)
    row = end_to_end.score_annotated(model, long, "MLII", jitter)
    beats = extract_beats(long, Preprocessing(waits=True))
    scores = [model.score(*beat) for beat in zip(beats.windows, beats.rhythm, strict=True)]
    assert row["scored"].sum() == pytest.approx(len(beats), abs=2) and len(beats) > 100
    assert np.array_equal(row["scores"][row["scored"]], scores) == (jitter == 0)


@pytest.mark.parametrize("score", [end_to_end.score_detected, end_to_end.score_annotated])
def test_without_a_name_the_first_lead_is_scored(model, wearer, score):
    rows = [score(model, wearer, *lead)["scores"] for lead in ((), ("MLII",), ("V1",))]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert np.any(rows[0] != rows[2])


def test_without_a_name_noise_is_added_to_the_first_lead(wearer):
    noise = np.random.default_rng(0).standard_normal(5000)
    first, named = (conditions.add_noise(wearer, noise, 6, *lead) for lead in ((), ("MLII",)))
    np.testing.assert_array_equal(first.signal, named.signal)
    assert np.any(first.signal[:, 0] != wearer.signal[:, 0])


def test_a_wearer_s_model_scores_alike_wherever_all_r_peaks_but_the_first_are_annotated():
    model, long = Model(relative_model()), simulate_wearer(seed=3, seconds=120, abnormal={})
    steps = {
        seed: np.random.default_rng(seed).integers(-7, 8, len(long.annotations.samples)) for seed in range(99)
    }
    seed = next(seed for seed, moved in steps.items() if moved[0] == 0)  # the others follow the first
    assert np.abs(steps[seed]).max() == 7  # samples, 20 ms
    plain, moved = (
        end_to_end.score_annotated(model, long, "MLII", jitter, seed)["scores"] for jitter in (0, 20)
    )
    both = np.isfinite(plain) & np.isfinite(moved)
    assert both.sum() > 100
    np.testing.assert_array_equal(plain[both], moved[both])


def test_jitter_moves_the_windows_by_as_much_as_stated_and_repeats(model, wearer):
    rows = [end_to_end.score_annotated(model, wearer, "MLII", jitter) for jitter in (0, 40, 40)]
    plain, moved, again = (row["scores"] for row in rows)
    np.testing.assert_array_equal(moved, again)
    assert np.mean(plain != moved) > 0.8


def test_another_rate_finds_the_same_beats(model, wearer):
    here, there = (end_to_end.score_detected(model, wearer, "MLII", rate) for rate in (None, 250))
    assert np.mean(here["found"] == there["found"]) > 0.97
    both = here["scored"] & there["scored"]
    # Of the levels of int8 a few: the resampled wave is the same but for what lies above 125 Hz.
    differences = np.abs(here["scores"][both] - there["scores"][both])
    assert np.median(differences) < 4 * model.manifest["score"]["scale"]


def test_the_command_writes_a_row_for_every_condition_over_the_seeds(tmp_path, monkeypatch):
    settings = [*checkpoints.STUDENT, "name=small", "student.epochs=2", "protocol.name=inter_patient"]
    settings.append("seeds=[0, 1]")
    trained(read_config(overrides=settings), tmp_path / "run")
    for name, limit in {"AUC_LOSS": 1.0, "CORRELATION": 0.0, "FLIPPED": 1.0}.items():
        monkeypatch.setattr(
            f"keras_sibeat.export.gate.{name}", limit
        )  # two epochs make no student worth a gate
    export_command([str(tmp_path / "run")])
    noise = np.random.default_rng(0).standard_normal((2000, 1)).astype("float32")
    write_recording(Recording("em", noise, 360.0, ("x",)), tmp_path / "noise")
    (tmp_path / "noise" / "RECORDS").write_text("em\n")
    robustness.main(
        [str(tmp_path / "run"), "--noise", str(tmp_path / "noise"), "--report", str(tmp_path / "results")]
    )
    result = json.loads((tmp_path / "results" / "end-to-end-small.json").read_text())
    assert list(result["conditions"]) == [
        *("annotated R-peaks", "detected R-peaks"),
        *(f"em, {snr} dB" for snr in (24, 18, 12, 6, 0)),
        *(f"R-peaks ± {jitter} ms" for jitter in (10, 20, 40)),
        *(f"{rate} Hz" for rate in (128, 250, 360, 500)),
    ]
    assert set(result["calibration"]["the model's"]) == {"first", "rest"}
    rows = result["conditions"]
    assert rows["360 Hz"] == rows["detected R-peaks"]
    assert rows["em, 0 dB"]["unscored"]["mean"] > rows["em, 24 dB"]["unscored"]["mean"]
    assert len(rows["360 Hz"]["auc"]["values"]) == len(result["seeds"])
    assert {name.split("/")[-1] for name in result["models_sha256"]} == {
        "student.keras",
        "scorer.keras",
        "small.tflite",
    }


def test_beats_that_were_trained_on_are_not_tested_end_to_end(tmp_path, capsys):
    config = read_config(overrides=[*checkpoints.SMALL, "train.epochs=1", "train.jit_compile=false"])
    trained(config, tmp_path / "run")
    with pytest.raises(SystemExit) as stopped:
        robustness.main([str(tmp_path / "run")])
    assert stopped.value.code == 2 and "found the protocol beatgan" in capsys.readouterr().err


def test_wfdb_agrees_on_which_beats_are_found(model, wearer):
    """An independent count of the matches, by WFDB's comparison."""
    row = end_to_end.score_detected(model, wearer, "MLII")
    beats = score_recording(model, wearer.signal[:, 0].astype(float), wearer.rate)
    detected = np.array([round(beat.time * 360) for beat in beats])
    compared = wfdb.processing.compare_annotations(end_to_end.annotated_beats(wearer)[0], detected, 54)
    assert row["found"].sum() == compared.tp and len(row["false"]) == compared.fp
