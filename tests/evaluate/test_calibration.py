"""A wearer's own threshold over time: alarms are counted in the period and for the wearer they belong to."""

import numpy as np
import pytest
from test_scoring import beats_of

from keras_sibeat.data.recording import Recording
from keras_sibeat.evaluate import thresholds as calibration
from keras_sibeat.evaluate.metrics import threshold_for, usual_score
from sibeat_edge.model.threshold import medians_in_time, personal_threshold

RATE = 100


def recording(minutes):
    return Recording("r", np.zeros((minutes * 60 * RATE, 1), "float32"), float(RATE), ("MLII",))


@pytest.fixture
def measured(monkeypatch):
    """Two wearers: one beat a minute, every second one abnormal, of which only the personal one is told."""

    def score(model, recording, lead, personal):
        times = np.arange(0, len(recording.signal) / RATE, 60.0)
        is_abnormal = np.arange(len(times)) % 2 == 1
        alarms = is_abnormal if personal else ~is_abnormal & (times < 600)
        false = np.array([30.0, 700.0])
        return {
            "record": f"{len(times)}",
            "wearer": f"{len(times)}",
            "hours": len(recording.signal) / RATE / 3600,
            "classes": np.where(is_abnormal, "V", "N"),
            "alarms": alarms,
            "times": times,
            "false_alarms": np.array([True, not personal]),
            "false_times": false,
        }

    monkeypatch.setattr(calibration, "score_detected", score)
    return calibration.measure_calibration(None, [recording(20), recording(30)], "MLII")


def test_each_period_counts_its_own_alarms(measured):
    models = measured["the model's"]
    # Five normal beats and one false detection in ten minutes; then one false detection in 10 and 20 minutes.
    assert models["first"]["false_alarms_per_hour"] == pytest.approx(36.0)
    assert models["rest"]["false_alarms_per_hour"] == pytest.approx(2 / 0.5)
    assert models["rest"]["false_alarms_per_hour_median"] == pytest.approx((6 + 3) / 2)
    assert models["rest"]["false_alarms_per_hour_worst"] == pytest.approx(6)
    assert models["first"]["sensitivity"] == models["rest"]["sensitivity"] == 0


def test_each_threshold_has_its_row(measured):
    assert list(measured) == ["the model's", "the wearer's, from 50 beats", "the wearer's, from 300 beats"]
    own = measured["the wearer's, from 50 beats"]
    assert own["first"]["sensitivity"] == own["rest"]["sensitivity"] == 1
    assert own["rest"]["false_alarms_per_hour"] == 0


def test_a_recording_that_ends_within_the_first_period_has_no_rest(monkeypatch):
    row = {"record": "r", "wearer": "r", "hours": 1 / 12, "classes": np.array(["N"])}
    row |= {"alarms": np.array([True]), "times": np.array([1.0])}
    row |= {"false_alarms": np.zeros(0, bool), "false_times": np.zeros(0)}
    monkeypatch.setattr(calibration, "score_detected", lambda *_, **__: row)
    found = calibration.measure_calibration(None, [recording(5)], "MLII")["the model's"]
    assert found["first"]["false_alarms_per_hour"] == pytest.approx(12.0)
    assert found["rest"] == {}


def test_with_thresholds_of_their_own_wearers_have_the_stated_alarms_together_and_more_alike():
    generator = np.random.default_rng(0)
    levels = np.repeat([0.0, 4.0, -2.0], 5000)
    records, scores = np.repeat(["a", "b", "c"], 5000), levels + generator.exponential(size=15000)
    threshold = threshold_for(scores, 0.01)
    beats = beats_of(["N"] * 15000, records)
    usual = usual_score(scores, beats, np.ones(15000, bool), threshold, 0.01)
    parts = [scores[records == record] for record in "abc"]
    alarms = [part > personal_threshold(threshold, medians_in_time(part), usual) for part in parts]
    assert np.mean(alarms) == pytest.approx(0.01, abs=2e-4)
    shared = [np.mean(scores[records == record] > threshold) for record in "abc"]
    assert np.ptp(np.mean(alarms, axis=1)) < 0.8 * np.ptp(shared)


def test_a_wearer_of_the_usual_score_throughout_keeps_the_threshold():
    scores = np.random.default_rng(1).normal(size=50)  # which are judged together, by one median
    is_normal = np.arange(50) % 4 > 0  # for the median the classes are not looked at
    threshold = threshold_for(scores[is_normal], 0.05)
    usual = usual_score(scores, beats_of(["N"] * 50), is_normal, threshold, 0.05)
    assert usual == pytest.approx(np.quantile(scores, 0.5, method="inverted_cdf"), abs=0.05)
    assert personal_threshold(threshold, usual, usual) == threshold
