"""Alarms on what people wear: which beats belong to which recording, and counts against counts by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from int8_models import tiny_model
from int8_students import int8_student

from keras_sibeat.config import read_config
from keras_sibeat.data.recording import Recording, write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError, DataError, RunError
from keras_sibeat.evaluate import stress, wearables, worn
from keras_sibeat.evaluate.wearables import ACTIVITIES, PAUSE, PLAYS, measure_motion, measure_rhythms, play
from keras_sibeat.files import sha256
from keras_sibeat.train.run import Run
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import BLOCK, Beat, score_recording

RATE = 250


def silent(name, seconds, rate=RATE):
    return Recording(name, np.zeros((round(seconds * rate), 2), np.float32), float(rate), ("a", "b"))


def beat(time, score=0.0, alarm=False):
    return Beat(time, score, alarm, "" if score is not None else "motion", None)


# One recording after another


class Recorded:
    """In place of ``BeatScorer``: notes the blocks, and says only at the end where the beats are."""

    beats = ()

    def __init__(self, model, rate):
        self.blocks, self.rate, Recorded.last = [], rate, self

    def push(self, samples, time):
        self.blocks.append((time, np.array(samples)))
        return []

    def finish(self):
        return [beat(time) for time in self.beats]


def test_the_recordings_follow_each_other_after_a_pause(monkeypatch):
    monkeypatch.setattr(wearables, "BeatScorer", Recorded)
    generator = np.random.default_rng(0)
    recordings = [
        Recording("r", generator.normal(size=(round(seconds * RATE), 2)).astype("float32"), RATE, ("a", "b"))
        for seconds in (2 * BLOCK + 3, 4, 10)
    ]
    assert play(None, recordings) == [[], [], []]
    blocks = Recorded.last.blocks
    second = 2 * BLOCK + 3 + PAUSE
    starts, sizes = [0, second, second + 4 + PAUSE], [(BLOCK, BLOCK, 3), (4,), (10,)]
    wanted = [start + BLOCK * n for start, size in zip(starts, sizes, strict=True) for n in range(len(size))]
    assert [time for time, _ in blocks] == pytest.approx(wanted)
    assert [len(block) / RATE for _, block in blocks] == [size for each in sizes for size in each]
    pushed, leads = np.concatenate([block for _, block in blocks]), [r.signal[:, 0] for r in recordings]
    np.testing.assert_array_equal(pushed, np.concatenate(leads))  # the first lead alone
    assert Recorded.last.rate == RATE


def test_a_beat_belongs_to_the_recording_in_which_it_was_however_late_it_is_told(monkeypatch):
    monkeypatch.setattr(wearables, "BeatScorer", Recorded)
    monkeypatch.setattr(Recorded, "beats", (0.0, 19.99, 25.0, 25.5, 34.9, 40.0, 44.0))
    found = play(None, [silent("a", 20), silent("b", 10), silent("c", 5)])  # from 0, 25 and 40 s on
    assert [[beat.time for beat in beats] for beats in found] == [
        [0.0, 19.99],
        [25.0, 25.5, 34.9],
        [40.0, 44.0],
    ]


def test_without_a_template_each_recording_gives_the_beats_that_it_gives_alone():
    model = Model(tiny_model())
    recordings = [simulate_wearer(seed, seconds) for seed, seconds in ((1, 25), (2, 12))]
    for recording, beats, start in zip(recordings, play(model, recordings), (0, 25 + PAUSE), strict=True):
        alone = score_recording(model, recording.signal[:, 0].astype(float), recording.rate)
        assert len(alone) == len(beats) > 10
        np.testing.assert_allclose([b.time - start for b in beats], [b.time for b in alone], atol=1e-6)
        assert [b.score for b in beats] == [b.score for b in alone]
        assert [b.alarm for b in beats] == [b.alarm for b in alone]


def test_a_recording_too_short_for_a_template_has_one_when_it_is_played_again():
    model, short = Model(int8_student(wearer=True)[0]), simulate_wearer(3, 30, abnormal={})
    played = play(model, [short] * PLAYS)
    assert len(played) == PLAYS and all(len(beats) > 20 for beats in played)
    unscored = [beat.reason for beat in played[-1] if beat.score is None]
    assert set(unscored) <= {"edge"} and len(unscored) <= 2
    times = [[beat.time - n * (30 + PAUSE) for beat in beats] for n, beats in enumerate(played)]
    assert all(0 <= time <= 30 for part in times for time in part)


# Counts by activity


@pytest.fixture
def folder(tmp_path):
    """Two sessions, one of them without all of the activities."""
    lengths = {"p1_gel_rest": 20, "p1_gel_walk": 10, "p1_gel_run": 30, "p2_dry_3_rest": 40, "p2_dry_3_run": 6}
    for name, seconds in lengths.items():
        write_recording(silent(name, seconds), tmp_path / "motion")
    return tmp_path / "motion"


MOVED = {  # of each recording its beats: scored or not, an alarm or not
    "p1_gel_rest": [beat(1), beat(2), beat(3, None)],
    "p1_gel_walk": [beat(1, 9.0, True), beat(2, 9.0, True), beat(3, None), beat(4, None)],
    "p1_gel_run": [],
    "p2_dry_3_rest": [beat(1, 9.0, True), beat(2), beat(3), beat(4), beat(5)],
    "p2_dry_3_run": [beat(1, None)],
}


def test_alarms_and_coverage_are_counted_by_activity(folder, monkeypatch):
    sessions = []

    def played(model, recordings):
        assert model == "model"
        sessions.append([recording.name for recording in recordings])
        return [MOVED[recording.name] for recording in recordings]

    monkeypatch.setattr(wearables, "play", played)
    found = measure_motion("model", folder)
    assert sorted(sessions) == [
        ["p1_gel_rest", "p1_gel_walk", "p1_gel_run"],
        ["p2_dry_3_rest", "p2_dry_3_run"],
    ]
    assert list(found) == ["rest", "walk", "run"]  # in the order in which they are worn through
    assert found["rest"] == pytest.approx(
        {
            "alarms_per_hour": 1 / (60 / 3600),
            "coverage": 7 / 8,
            "with_an_alarm": 1 / 2,
            "recordings": 2,
            "hours": 60 / 3600,
            "beats": 8,
        }
    )
    walk, run = found["walk"], found["run"]
    assert walk["alarms_per_hour"] == pytest.approx(2 * 360) and walk["coverage"] == 1 / 2
    assert (walk["with_an_alarm"], walk["recordings"], walk["beats"]) == (1, 1, 4)
    assert (run["alarms_per_hour"], run["coverage"], run["with_an_alarm"]) == (0, 0, 0)
    assert run["hours"] == pytest.approx(36 / 3600) and (run["recordings"], run["beats"]) == (2, 1)


def test_where_no_beat_is_found_none_is_covered(tmp_path, monkeypatch):
    write_recording(silent("p_gel_rest", 5), tmp_path)
    monkeypatch.setattr(wearables, "play", lambda model, recordings: [[] for _ in recordings])
    row = measure_motion(None, tmp_path)["rest"]
    assert (row["beats"], row["coverage"], row["alarms_per_hour"], row["with_an_alarm"]) == (0, 0, 0, 0)


def test_the_template_is_learnt_at_rest_whatever_the_order_of_the_names(tmp_path, monkeypatch):
    for activity in reversed(ACTIVITIES):
        write_recording(silent(f"p_gel_{activity}", 2), tmp_path)
    order = []

    def played(model, recordings):
        order.extend(recording.name for recording in recordings)
        return [[] for _ in recordings]

    monkeypatch.setattr(wearables, "play", played)
    measure_motion(None, tmp_path)
    assert order == [f"p_gel_{activity}" for activity in ("rest", "arms", "walk", "squats", "run")]


@pytest.mark.parametrize("name", ["p1_gel_swim", "p1_gel_", "rest", "p1-gel-rest"])
def test_an_unknown_activity_is_refused(folder, name, monkeypatch):
    monkeypatch.setattr(wearables, "play", lambda *_: pytest.fail("played a recording"))
    write_recording(silent(name, 2), folder)
    with pytest.raises(
        DataError, match=rf"Record {name}: found no activity; expected a name that ends in _rest"
    ):
        measure_motion(None, folder)


# Counts by rhythm


REFERENCE = {"A1": "N", "A2": "A", "A3": "N", "A4": "O", "A5": "~"}


@pytest.fixture
def rhythms(tmp_path):
    """Five labelled recordings, and one in the reference alone."""
    for number, name in enumerate(REFERENCE):
        write_recording(silent(name, 9 + number), tmp_path / "rhythms")
    lines = [f"{name},{label}" for name, label in {**REFERENCE, "A9": "N"}.items()]
    (tmp_path / "rhythms" / "REFERENCE.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "rhythms"


def test_of_a_recording_by_rhythm_the_last_time_counts(rhythms, monkeypatch):
    last = {
        "A1": [beat(1, 9.0, True), beat(2, None), beat(3)],
        "A2": [beat(1, None)],
        "A3": [beat(1), beat(2)],
        "A4": [beat(1, 9.0, True), beat(2, 9.0, True)],
        "A5": [],
    }

    def played(model, recordings):
        (name,) = {recording.name for recording in recordings}
        assert len(recordings) == PLAYS
        return [[beat(0, 9.0, True)] * 50] * (PLAYS - 1) + [last[name]]

    monkeypatch.setattr(wearables, "play", played)
    found = measure_rhythms(None, rhythms)
    assert list(found) == ["sinus rhythm", "atrial fibrillation", "another rhythm", "too noisy"]
    hours = (9 + 11) / 3600
    assert found["sinus rhythm"] == pytest.approx(
        {
            "alarms_per_hour": 1 / hours,
            "coverage": 4 / 5,
            "with_an_alarm": 1 / 2,
            "recordings": 2,
            "hours": hours,
            "beats": 5,
        }
    )
    assert found["atrial fibrillation"]["coverage"] == found["atrial fibrillation"]["alarms_per_hour"] == 0
    assert found["another rhythm"]["alarms_per_hour"] == pytest.approx(2 * 3600 / 12)
    assert (found["too noisy"]["beats"], found["too noisy"]["recordings"]) == (0, 1)


def test_a_folder_of_rhythms_without_labels_is_refused(rhythms):
    (rhythms / "REFERENCE.csv").unlink()
    with pytest.raises(DataError, match=r"REFERENCE\.csv: no such file"):
        measure_rhythms(None, rhythms)


def test_both_kinds_of_recordings_are_measured_where_both_are_given(folder, rhythms, monkeypatch):
    monkeypatch.setattr(wearables, "play", lambda model, recordings: [[] for _ in recordings])
    measure = wearables.measure_wearables
    motion, named = list(measure(None, folder)), list(measure(None, None, rhythms))
    assert motion == ["rest", "walk", "run"] and len(named) == 4
    assert list(measure(None, folder, rhythms)) == motion + named and measure(None) == {}


# Recordings that trained


@pytest.fixture
def measured(monkeypatch):
    """The names of the recordings that are played, in their order; no beat is found in them."""
    names = []

    def played(model, recordings):
        names.append(recordings[0].name)
        return [[] for _ in recordings]

    monkeypatch.setattr(wearables, "play", played)
    return names


def test_what_trained_is_left_out_by_its_label(rhythms, measured):
    found = measure_rhythms(None, rhythms, {"N": ("A1", "A2"), "O": (), "another": ("*",)})
    assert measured == ["A3", "A2", "A4", "A5"]  # A2 trained nothing as an N: it is an A
    assert found["sinus rhythm"]["recordings"] == 1
    assert found["sinus rhythm"]["hours"] == pytest.approx(11 / 3600)
    assert found["atrial fibrillation"]["recordings"] == 1


def test_what_trained_is_known_by_patterns_too(rhythms, measured):
    for name in ("A6", "A7", "B1"):
        write_recording(silent(name, 2), rhythms)
    with open(rhythms / "REFERENCE.csv", "a") as file:
        file.write("A6,~\nA7,~\nB1,~\n")
    found = measure_rhythms(None, rhythms, {"~": ["A[56]", "B*", "none"]})
    assert measured == ["A1", "A3", "A2", "A4", "A7"]
    assert found["too noisy"]["recordings"] == 1 and found["sinus rhythm"]["recordings"] == 2


@pytest.mark.parametrize("patterns", [["A*"], ["A3", "A1"]])
def test_a_label_of_which_nothing_is_left_is_refused_in_a_sentence(rhythms, measured, patterns):
    with pytest.raises(
        DataError,
        match=r"rhythms: found no record labelled N that trained nothing; expected those of REFERENCE\.csv\.",
    ):
        measure_rhythms(None, rhythms, {"N": patterns})


def test_what_trained_by_rhythm_takes_nothing_from_those_who_move(folder, rhythms, measured):
    wearables.measure_wearables(None, folder, rhythms, {"N": ["A1", "p1*"]})
    assert measured == ["p1_gel_rest", "p2_dry_3_rest", "A3", "A2", "A4", "A5"]


def of_sources(*more):
    settings = ["data.source=wfdb", "protocol.name=databases", "wearer={}", "contrastive={}"]
    return read_config(overrides=[*settings, *more], data="data")


RHYTHM_SOURCE = ["data.sources.rhythms.reference=N", "data.sources.rhythms.trains=['A0[0-2]*', 'B1']"]


def test_a_source_has_trained_the_records_of_its_folder_s_name(rhythms):
    assert stress._trained(of_sources(*RHYTHM_SOURCE), rhythms) == {"N": ["A0[0-2]*", "B1"]}
    elsewhere = [
        "data.sources.noisy.folder=within/rhythms",
        "data.sources.noisy.reference='~'",
        "data.sources.noisy.trains=['C1']",
        "data.sources.other.reference=N",  # of another folder: its own name
        "data.sources.other.trains=['D1']",
        "data.sources.again.folder=rhythms",
        "data.sources.again.reference=N",
        "data.sources.again.trains=['E1']",
        "data.sources.again.tests=['F1']",  # did not train
    ]
    found = stress._trained(of_sources(*RHYTHM_SOURCE, *elsewhere), rhythms)
    assert found == {"N": ["A0[0-2]*", "B1", "E1"], "~": ["C1"]}


def test_a_source_named_as_the_folder_but_of_another_one_has_trained_none_of_it(rhythms):
    given = of_sources(*RHYTHM_SOURCE, "data.sources.rhythms.folder=elsewhere")
    assert stress._trained(given, rhythms) == {}


CUT = "student.noise={folder='nstdb_noise', cut={folder='rhythms', records=['A5', 'A9*']}}"


def test_what_noise_was_cut_from_has_trained_too(rhythms, tmp_path):
    assert stress._trained(of_sources("data.sources.one.trains=['a']", CUT), rhythms) == {"~": ["A5", "A9*"]}
    both = of_sources(*RHYTHM_SOURCE, CUT)
    assert stress._trained(both, rhythms) == {"N": ["A0[0-2]*", "B1"], "~": ["A5", "A9*"]}
    same = of_sources(*RHYTHM_SOURCE, CUT.replace("records", "reference='N', records"))
    assert stress._trained(same, rhythms) == {"N": ["A0[0-2]*", "B1", "A5", "A9*"]}
    assert stress._trained(both, tmp_path / "others") == {}
    assert same.data.sources["rhythms"].trains == ("A0[0-2]*", "B1")  # the configuration stays


def test_without_a_folder_of_rhythms_a_source_or_a_cut_nothing_has_trained(rhythms):
    assert stress._trained(of_sources(*RHYTHM_SOURCE, CUT), None) == {}
    assert stress._trained(read_config(), rhythms) == {}
    noise = "student.noise={folder='rhythms'}"  # recordings of noise alone, and of no label
    assert stress._trained(read_config(overrides=["wearer={}", "contrastive={}", noise]), rhythms) == {}


def test_the_folder_is_known_by_its_name_from_within(rhythms, monkeypatch):
    monkeypatch.chdir(rhythms)
    assert stress._trained(of_sources(*RHYTHM_SOURCE), Path(".")) == {"N": ["A0[0-2]*", "B1"]}


# The command


@pytest.fixture
def exported(tmp_path):
    """A run of two seeds whose students have been exported, but not trained."""
    settings = ["name=worn-small", "wearer={}", "contrastive={}", "student={}", "seeds=[0, 1]"]
    config, folder = read_config(overrides=settings), tmp_path / "runs" / "worn-small"
    for seed in config.seeds:
        export = folder / f"fold0-seed{seed}" / "export"
        export.mkdir(parents=True)
        (export / "worn-small.tflite").write_bytes(int8_student(wearer=True)[0])
        (export / "worn-small-report.json").write_text("{}")
        (folder / f"fold0-seed{seed}" / "student.keras").write_bytes(b"student")
        (folder / f"fold0-seed{seed}" / "teacher").mkdir()
        (folder / f"fold0-seed{seed}" / "teacher" / "scorer.keras").write_bytes(b"scorer")
    (folder / "config.json").write_text(config.model_dump_json())
    about = {"command": "python -m keras_sibeat.train mine.toml", "data_sha256": "0" * 64, "commit": "c"}
    (folder / "run.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def in_this_process(monkeypatch):
    """Each model is measured here, not in a process of its own."""

    def on_each(measure, models, *arguments):
        return [stress._on_model(measure, model, *arguments) for model in models]

    monkeypatch.setattr(stress, "_on_each", on_each)


def test_the_command_writes_what_each_seeds_model_does(
    exported, folder, rhythms, tmp_path, in_this_process, capsys
):
    for name in ("p1_gel_rest", "p1_gel_walk"):
        recording = simulate_wearer(4, 60, rate=RATE, abnormal={})
        write_recording(Recording(name, recording.signal, float(RATE), recording.leads), folder)
    worn.main(
        [
            str(exported),
            "--motion",
            str(folder),
            "--rhythms",
            str(rhythms),
            "--report",
            str(tmp_path / "results"),
        ]
    )
    result = json.loads((tmp_path / "results" / "alarms-worn-small.json").read_text())
    assert result["name"] == "alarms-worn-small" and result["seeds"] == [0, 1]
    assert list(result["worn"]) == ["rest", "walk", "run", *wearables.RHYTHMS.values()]
    rows = [
        wearables.measure_wearables(
            Model(exported / f"fold0-seed{seed}/export/worn-small.tflite"), folder, rhythms
        )
        for seed in (0, 1)
    ]
    assert rows[0]["walk"]["beats"] > 40
    for name, row in result["worn"].items():
        for metric, found in row.items():
            assert found["values"] == [each[name][metric] for each in rows]
    files = {file: sha256(exported / file) for file in result["models_sha256"]}
    assert result["models_sha256"] == files
    assert {Path(file).name for file in files} == {"student.keras", "scorer.keras", "worn-small.tflite"}
    assert "mine.toml && python -m keras_sibeat.export" in result["command"]
    assert f"keras_sibeat.evaluate.worn {exported}" in result["command"]
    assert "sinus rhythm" in capsys.readouterr().out
    page = (tmp_path / "RESULTS.md").read_text()
    assert "On what people wear: `alarms-worn-small`" in page and "| walk |" in page


def test_a_run_is_not_measured_by_what_it_has_trained_on(exported, rhythms, in_this_process, measured):
    cut = "student.noise={folder='nstdb_noise', cut={folder='rhythms', reference='N', records=['A1']}}"
    settings = ["name=worn-small", "wearer={}", "contrastive={}", "student={}", "seeds=[0, 1]", cut]
    (exported / "config.json").write_text(read_config(overrides=settings).model_dump_json())
    result = stress.measure_worn(Run(exported), None, rhythms)
    assert measured == ["A3", "A2", "A4", "A5"] * 2  # by the model of each seed
    assert result["worn"]["sinus rhythm"]["recordings"]["values"] == [1, 1]


def test_the_command_needs_recordings(exported, capsys):
    with pytest.raises(SystemExit) as stopped:
        worn.main([str(exported)])
    assert (
        stopped.value.code == 2 and "expected a wearer's student, and --motion or" in capsys.readouterr().err
    )


def test_a_run_without_a_template_or_without_an_export_is_refused(exported, folder):
    (exported / "fold0-seed1" / "export" / "worn-small.tflite").unlink()
    with pytest.raises(
        RunError, match=r"fold0-seed1/export/worn-small\.tflite: no such file; expected python"
    ):
        stress.measure_worn(Run(exported), folder)
    (exported / "config.json").write_text(
        read_config(overrides=["contrastive={}", "student={}"]).model_dump_json()
    )
    with pytest.raises(ConfigError, match="expected a wearer's student, and --motion or --rhythms"):
        stress.measure_worn(Run(exported), folder)
