"""What a device decides about annotated recordings: counts of decisions made by hand, and whole ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_models import tiny_model

from keras_sibeat.data.recording import Annotations, read_recording, write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import DataError
from keras_sibeat.evaluate import decisions
from keras_sibeat.evaluate.decisions import (
    APART,
    NEAR,
    Decided,
    decide,
    decide_folder,
    measure_decisions,
    record_figures,
    summarise_decisions,
)
from keras_sibeat.evaluate.ec57_tables import Marks
from sibeat_edge.beats.episodes import AlarmPolicy, Episode, Episodes
from sibeat_edge.errors import ModelError
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET
from sibeat_edge.scorer import BLOCK, BeatScorer, score_recording

CLASSES = {"N": "NLRej", "S": "aJAS", "V": "VE", "F": "F", "Q": "/fQ"}


def marks(times, labels):
    return Marks(np.array(times, float), np.array(list(labels), "U1"))


def regular(changes=(), begin=250, end=1000):
    """Normal beats a second apart, but at these times another one."""
    labels = dict.fromkeys(range(begin, end), "N") | dict(changes)
    return marks(sorted(labels), [labels[time] for time in sorted(labels)])


def decided(experts, last, told=(), record="100", hours=0.5, first=None):
    return Decided(record, hours, 360.0, experts, {"first": first or last, "last": last}, list(told))


# Hand-made decisions


@pytest.mark.parametrize("gap, count", [(APART - 1, 1), (APART, 1), (APART + 1, 2)])
def test_false_alarms_up_to_ten_seconds_apart_are_one_false_episode(gap, count):
    false = {400: "V", 405: "S", 405 + int(gap): "V"}
    figures = record_figures(decided(regular(), regular(false)))
    assert (figures["false_alarms"], figures["false_episodes"]) == (3, count)


def test_a_false_alarm_is_a_normal_beat_or_none_and_not_in_the_learning_period():
    experts = regular({400: "S", 450: "F", 500: "Q", 550: "V"})
    found = regular({290: "V", 400: "V", 450: "V", 500: "S", 550: "S", 600: "V", 700.5: "S", 800.5: ""})
    figures = record_figures(decided(experts, found))
    assert (figures["false_alarms"], figures["false_episodes"]) == (2, 2)
    assert figures["matrix"][0].tolist() == [700 - 4 - 1, 0, 1, 0] and figures["matrix"][-1, 1] == 1


@pytest.mark.parametrize("apart, is_true", [(NEAR - 0.5, True), (NEAR + 0.5, False)])
@pytest.mark.parametrize("label", "SVF")
def test_a_told_run_is_true_if_three_abnormal_beats_are_near(label, apart, is_true):
    run = Episode("ventricular run", 500.0, 504.0)
    for time in (500 - apart, 504 + apart):
        experts = regular({time: label, 501.5: label, 502.5: label})
        figures = record_figures(decided(experts, regular(), [run]))
        assert (figures["told"], figures["false_told"]) == (1, 0 if is_true else 1)


def thinned(without, begin=250, end=1000):
    """Normal beats a second apart, without those of these seconds."""
    times = [time for time in range(begin, end) if time not in without]
    return marks(times, "N" * len(times))


def test_a_told_pause_and_a_slow_heart_are_true_by_the_experts_intervals():
    pause, slow = Episode("pause", 500.0, 503.0), Episode("bradycardia", 600.0)
    few = thinned({501, 502, *range(601, 640, 2)})
    for episode in (pause, slow):
        assert record_figures(decided(few, few, [episode]))["false_told"] == 0
        assert record_figures(decided(regular(), regular(), [episode]))["false_told"] == 1


def test_a_told_irregular_rhythm_is_true_by_the_spread_of_normal_intervals():
    draws = np.random.default_rng(0)
    times = 250 + np.cumsum(np.exp(0.25 * draws.standard_normal(700)))
    scattered = marks(times, "N" * len(times))
    told = [Episode("irregular rhythm", 500.0)]
    assert record_figures(decided(scattered, scattered, told))["false_told"] == 0
    assert record_figures(decided(regular(), regular(), told))["false_told"] == 1


def test_episodes_told_in_the_learning_period_do_not_count():
    told = [Episode("ventricular run", time) for time in (299.0, 300.0, 400.0)]
    figures = record_figures(decided(regular(), regular(), told))
    assert (figures["told"], figures["false_told"]) == (2, 2)


def test_the_first_judgement_is_counted_apart_from_the_last():
    experts = regular({400: "V", 500: "V", 600: "V", 700: "S"})
    first = regular({400: "V", 450: "V", 700: "V"})
    last = regular({400: "V", 500: "V", 700: "S"})
    each = decided(experts, last, first=first)
    assert record_figures(each)["veb_se"] == record_figures(each, "last")["veb_se"] == pytest.approx(2 / 3)
    assert record_figures(each, "first")["veb_se"] == pytest.approx(1 / 3)
    found = summarise_decisions([each])
    assert (found["veb_se"], found["veb_se_first"]) == pytest.approx((2 / 3, 1 / 3))
    assert (found["veb_pp"], found["veb_pp_first"]) == pytest.approx((1, 1 / 3))
    assert found["sveb_se"] == 1 and found["sveb_se_first"] == 0 and "sveb_pp_first" not in found
    assert found["false_alarms_mean"] == 0  # of the last alone


def test_figures_are_gross_and_their_average_is_over_the_records_that_have_them():
    """Of 10 + 1 + 0 ventricular beats 10 + 0 + 0 are found."""
    many = regular({400 + 10 * n: "V" for n in range(10)})
    those = [
        decided(many, many),
        decided(regular({500: "V"}), regular(), record="103"),
        decided(regular(), regular(), record="105"),
    ]
    found = summarise_decisions(those)
    assert found["veb_se"] == pytest.approx(10 / 11) and found["veb_se_average"] == pytest.approx(1 / 2)
    assert all(np.isfinite(value) for value in found.values()) and "sveb_se" not in found


def test_hourly_rates_are_those_of_wearers_who_may_have_several_records():
    """12 false beats in an hour of one wearer, 2 in half an hour of another, none of a third."""

    def false(record, count, hours, wearer=""):
        changes = {400 + 20 * n: "V" for n in range(count)}
        told = [Episode("pause", time + 0.0, time + 3.0) for time in changes]
        return replace(decided(regular(), regular(changes), told, record=record, hours=hours), wearer=wearer)

    those = [false("a1", 10, 0.5, "ann"), false("b", 2, 0.5), false("a2", 2, 0.5, "ann"), false("c", 0, 0.5)]
    found = summarise_decisions([*those, false("121", 0, 0.0)])  # of no time behind the learning period
    for name in ("false_alarms", "false_episodes", "false_told", "told"):
        rates = [found[f"{name}_{what}"] for what in ("mean", "median", "worst")]
        assert rates == pytest.approx([14 / 2.0, 4.0, 12.0])
        assert f"{name}_nine_in_ten" not in found  # of three wearers


@settings(max_examples=20)
@given(st.lists(st.integers(0, 20), min_size=10, max_size=25))
def test_nine_in_ten_further_wearers_stay_below_what_is_promised(counts):
    """Each of the wearers is left out in turn: nine in ten of them stay below what the others promise."""

    def promise(those):
        rows = [
            decided(regular(), regular({400 + 20 * n: "V" for n in range(count)}), record=str(k), hours=1.0)
            for k, count in enumerate(those)
        ]
        return summarise_decisions(rows)["false_alarms_nine_in_ten"]

    held = [count <= promise(counts[:n] + counts[n + 1 :]) for n, count in enumerate(counts)]
    assert np.mean(held) >= 0.9


def test_runs_and_burden_are_summed_over_records():
    """Two of three true runs are met, by two of three; one record has too many V, another too few."""
    runs = {time + n: "V" for time in (400, 500) for n in range(3)}
    experts, found = (
        regular(runs, 300, 900),
        regular({**runs, **dict.fromkeys(range(600, 606), "V")}, 300, 900),
    )
    other = decided(regular(dict.fromkeys(range(300, 303), "V")), regular(), record="103")
    figures = summarise_decisions([decided(experts, found), other])
    assert (figures["veb_runs_se"], figures["veb_runs_pp"]) == pytest.approx((2 / 3, 2 / 3))
    errors = [100 * 6 / 600, -100 * 3 / 700]
    assert figures["veb_burden_error"] == pytest.approx(np.mean(np.abs(errors)))
    assert figures["veb_burden_mean"] == pytest.approx(np.mean(errors))
    spread = 1.96 * np.std(errors, ddof=1)
    assert figures["veb_burden_high"] - figures["veb_burden_mean"] == pytest.approx(spread)
    assert figures["sveb_burden_error"] == 0 and figures["burden_error"] == pytest.approx(
        np.mean(np.abs(errors)) / 2
    )
    assert "sveb_runs_se" not in figures


# Whole recordings


@pytest.fixture(scope="module")
def model():
    return Model(PRESET)


@pytest.fixture(scope="module")
def recordings():
    """Three wearers of 400 s, so that 100 s of each are counted."""
    shares = ({"V": 0.1, "A": 0.05}, {"V": 0.4}, {})
    made = [simulate_wearer(seed, 400.0, abnormal=share) for seed, share in enumerate(shares, 1)]
    return [replace(recording, name=name) for recording, name in zip(made, "abc", strict=True)]


@pytest.fixture(scope="module")
def folder(recordings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wearers")
    for recording in recordings:
        write_recording(recording, folder)
    return folder


def counted(recording, beats, learning=300.0):
    """The matrix of a recording's beats far from flutter: each matched to the one nearest both ways."""
    name_of = {symbol: name for name, symbols in CLASSES.items() for symbol in symbols}
    true = [
        (s, name_of[symbol]) for s, symbol in zip(*annotated(recording), strict=True) if symbol in name_of
    ]
    found = [(round(beat.time * recording.rate), beat.kind) for beat in beats]
    samples, places = np.array([s for s, _ in true]), np.array([s for s, _ in found])
    apart = np.abs(samples[:, None] - places[None])
    mutual = (apart == apart.min(axis=0)) & (apart == apart.min(axis=1)[:, None]) & (apart < 54)
    matrix, used = np.zeros((6, 4), int), set()
    for row, (sample, name) in enumerate(true):
        (near,) = np.nonzero(mutual[row])
        used |= set(near[:1].tolist())
        called = found[near[0]][1] or "O" if len(near) else "O"
        matrix["NSVFQ".index(name), "NSVO".index(called)] += sample >= learning * recording.rate
    for number, (sample, called) in enumerate(found):
        if number not in used and called and sample >= learning * recording.rate:
            matrix[5, "NSV".index(called)] += 1
    return matrix


def annotated(recording):
    return recording.annotations.samples.tolist(), recording.annotations.symbols.tolist()


def signal(recording):
    return recording.signal[:, 0].astype(float)


def test_a_recording_is_decided_as_a_device_would(model, recordings):
    """The last judgement is that of the whole recording; episodes are told from the first."""
    recording = recordings[1]
    found = decide(model, recording)
    assert (found.record, found.rate, found.hours) == ("b", 360.0, pytest.approx(100 / 3600))
    assert found.experts.labels.tolist() == [s.replace("A", "S") for s in annotated(recording)[1]]
    np.testing.assert_allclose(found.experts.times, recording.annotations.samples / 360)
    last = score_recording(model, signal(recording), 360.0)
    assert found.judged["last"].labels.tolist() == [beat.kind for beat in last]
    scorer, episodes, policy = BeatScorer(model, 360.0), Episodes(), AlarmPolicy()
    blocks = np.split(signal(recording), range(BLOCK * 360, len(recording.signal), BLOCK * 360))
    first = [beat for block in blocks for beat in scorer.push(block)] + scorer.finish()
    assert found.judged["first"].labels.tolist() == [beat.kind for beat in first]
    assert found.judged["first"].times.tolist() == [beat.time for beat in last]
    begun = [(beat.time, episodes.push(beat)) for beat in first]
    assert found.told == [e for time, those in begun for e in policy.push(those, time)] != []


def test_flutter_is_left_out_on_either_side(model, recordings):
    recording = recordings[0]
    plain = decide(model, recording)
    samples, symbols = recording.annotations.samples, recording.annotations.symbols
    begin, end, open_end = 320 * 360 + 1, 340 * 360 + 1, 390 * 360 + 1
    order = np.argsort([*samples, begin, end, open_end], kind="stable")
    marked = Annotations(
        np.append(samples, [begin, end, open_end])[order], np.append(symbols, list("[]["))[order]
    )
    found = decide(model, replace(recording, annotations=marked))
    pairs = [(plain.experts, found.experts)] + [
        (plain.judged[name], found.judged[name]) for name in plain.judged
    ]
    for before, after in pairs:
        inside = (before.times >= begin / 360) & (before.times <= end / 360) | (
            before.times >= open_end / 360
        )
        assert inside.sum() > 30
        np.testing.assert_array_equal(after.times, before.times[~inside])
        np.testing.assert_array_equal(after.labels, before.labels[~inside])


def test_a_folder_s_tables_are_those_of_its_recordings(model, folder):
    tables = decide_folder(PRESET, folder)
    assert list(tables) == [folder.name]
    table = tables[folder.name]
    read = [read_recording(folder / name) for name in "abc"]
    for recording in read:
        wanted = counted(recording, score_recording(model, signal(recording), 360.0))
        assert np.array_equal(table["matrices"][0][recording.name], wanted) and wanted.sum() > 80
    measured = measure_decisions(model, read)
    assert {name: row["values"] for name, row in table["metrics"].items()} == {
        name: [value] for name, value in measured["metrics"].items()
    }
    assert list(table["records"]) == list("abc") and measured["records"]["c"]["veb_se"] is None
    assert "veb_se" not in table["records"]["c"] and table["records"]["b"]["veb_se"]["mean"] > 0.5


def test_records_of_a_folder_can_be_named(folder):
    (table,) = decide_folder(PRESET, folder, ["c", "a"]).values()
    assert list(table["records"]) == list(table["matrices"][0]) == ["c", "a"]


def test_a_model_without_a_template_names_no_kinds(folder, tmp_path):
    (tmp_path / "tiny.tflite").write_bytes(tiny_model())
    with pytest.raises(
        ModelError, match=r"tiny\.tflite: found a model without a template; expected a wearer's"
    ):
        decide_folder(tmp_path / "tiny.tflite", folder)


def test_what_is_no_folder_of_annotated_records_is_refused(recordings, tmp_path):
    with pytest.raises(DataError, match="found no WFDB records"):
        decide_folder(PRESET, tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        decide_folder(PRESET, tmp_path / "none")
    write_recording(replace(recordings[0], annotations=None), tmp_path)
    with pytest.raises(DataError, match=r"a\.atr"):
        decide_folder(PRESET, tmp_path)


def test_of_record_119_the_ventricular_beats_are_found(model, mitdb):
    """The matrix is also that of a matching of each beat to the one nearest to it, both ways."""
    recording = read_recording(mitdb / "119")
    figures = record_figures(decisions.decide(model, recording))
    assert figures["veb_se"] > 0.95 and figures["veb_pp"] > 0.95
    beats = score_recording(model, signal(recording), recording.rate)
    np.testing.assert_array_equal(figures["matrix"], counted(recording, beats))
