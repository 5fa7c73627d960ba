"""Readers of each format find what was scored; a file is written whole or not at all."""

import csv
import io
import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest
import wfdb
from examples import MANIFEST, scored_example

from sibeat_edge.files import whole_file
from sibeat_edge.report.writing import as_csv, as_json, write_annotations, write_text
from sibeat_edge.scorer import Beat


@pytest.fixture(scope="module")
def scored():
    return scored_example()


def test_csv_holds_every_beat(scored):
    rows = list(csv.DictReader(io.StringIO(as_csv(scored))))
    assert len(rows) == len(scored.beats) == 59
    for row, beat in zip(rows, scored.beats, strict=True):
        assert float(row["time"]) == beat.time and int(row["sample"]) == beat.time * 100
        assert row["score"] == ("" if beat.score is None else str(beat.score))
        assert row["alarm"] == str(int(beat.alarm)) and row["reason"] == beat.reason
        assert row["rr"] == ("" if beat.rr is None else str(beat.rr))
        assert (row["kind"], row["irregular"]) == ("", "0")


def test_json_holds_every_beat_and_the_summary(scored):
    found = json.loads(as_json(scored))
    assert found["alarms"] == 3 and found["beats"][9] == {
        "time": 10.0,
        "sample": 1000,
        "score": 2.0,
        "alarm": True,
        "reason": "",
        "rr": 1.0,
        "why": "",
        "snr": None,
        "doubted": False,
        "kind": "",
        "irregular": False,
    }
    assert [beat["score"] for beat in found["beats"]] == [beat.score for beat in scored.beats]
    assert found["not_scored_seconds"] == {"noisy": 1.0} and found["unscored_beats"] == {"noisy": 1}
    assert (found["record"], found["model"], found["threshold"]) == ("example", "tiny", 1.5)
    assert found["notice"] == "Not a medical device." and found["episodes"] == []
    assert not any(name.startswith(("ventricular", "supraventricular")) for name in found)


def test_the_summary_is_that_of_the_beats(scored):
    summary = scored.summary
    assert (summary["beats"], summary["scored"], summary["alarms"]) == (59, 58, 3)
    assert summary["alarms_per_hour"] == 180 and summary["scored_seconds"] == 59
    assert summary["alarms_per_scored_hour"] == pytest.approx(3 * 3600 / 59)
    assert summary["heart_rate"] == pytest.approx(60)


def test_a_doubted_beat_is_counted_and_marked_and_is_no_alarm(scored):
    doubted = Beat(5.0, 9.5, False, "", rr=0.8, snr=12.345, above=True)
    those = replace(scored, beats=[*scored.beats, doubted])
    row = list(csv.DictReader(io.StringIO(as_csv(those))))[-1]
    assert (row["alarm"], row["doubted"], row["snr"]) == ("0", "1", "12.35")
    found = json.loads(as_json(those))
    assert (found["alarms"], found["doubted"]) == (3, 1) and found["beats"][-1]["doubted"] is True


def test_without_beats_the_files_are_valid(scored, tmp_path):
    empty = replace(scored, beats=[])
    assert json.loads(as_json(empty))["beats"] == []
    assert as_csv(empty) == "time,sample,score,alarm,reason,rr,why,snr,doubted,kind,irregular\n"
    write_annotations(empty, tmp_path / "a.sib")
    assert wfdb.rdann(str(tmp_path / "a"), "sib").symbol == ['"']


def test_a_beat_at_the_very_start_is_kept(scored, tmp_path):
    write_annotations(replace(scored, beats=[Beat(0.0, None, False, "edge", None)]), tmp_path / "a.sib")
    found = wfdb.rdann(str(tmp_path / "a"), "sib")
    assert (found.symbol, found.sample.tolist()) == (["Q", '"'], [0, 1])


def test_wfdb_reads_the_annotations_back(scored, tmp_path):
    write_annotations(scored, tmp_path / "example.sib")
    found = wfdb.rdann(str(tmp_path / "example"), "sib")
    assert found.fs == 100
    np.testing.assert_array_equal(found.sample[1:], [beat.time * 100 for beat in scored.beats])
    wanted = ["Q" if beat.score is None else "?" if beat.alarm else "N" for beat in scored.beats]
    assert found.symbol[1:] == wanted and found.symbol.count("?") == 3
    notes = ["not scored: noisy" if b.score is None else f"score {b.score:g}" for b in scored.beats]
    assert found.aux_note[1:] == notes


def test_the_first_annotation_tells_the_symbols(scored, tmp_path):
    write_annotations(scored, tmp_path / "example.sib")
    found = wfdb.rdann(str(tmp_path / "example"), "sib")
    assert (found.symbol[0], found.sample[0]) == ('"', 1)
    assert found.aux_note[:1] == [
        "sibeat_edge: tiny: ? = alarm (score above 1.5), N = no alarm, Q = not scored"
    ]


def test_every_beats_symbol_counts_as_a_beat_in_wfdb():
    table = wfdb.io.annotation.ann_label_table.set_index("symbol")["label_store"]
    assert all(wfdb.io.annotation.is_qrs[table[symbol]] for symbol in "NQ?")


def test_annotations_take_any_name_of_file_and_model(tmp_path):
    scored = replace(scored_example(), manifest={**MANIFEST, "name": "modèle " + "x" * 400})
    write_annotations(scored, tmp_path / "a b.1.sib")
    found = wfdb.rdann(str(tmp_path / "a b.1"), "sib")
    assert len(found.sample) == 60 and found.aux_note[0].startswith("sibeat_edge: mod?le xxx")


def test_samples_are_numbered_at_the_recordings_own_rate(tmp_path):
    scored = replace(scored_example(), rate=257.5)
    write_annotations(scored, tmp_path / "a.sib")
    found = wfdb.rdann(str(tmp_path / "a"), "sib")
    assert math.isclose(found.fs, 257.5)
    np.testing.assert_array_equal(found.sample[1:], [round(257.5 * beat.time) for beat in scored.beats])


@pytest.mark.parametrize("write", [lambda s, p: write_text("new", p), write_annotations])
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(scored, tmp_path, monkeypatch, write):
    path = tmp_path / "a.sib"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(scored, path)
    assert os.listdir(tmp_path) == ["a.sib"] and path.read_text() == "old"


def test_a_file_is_not_there_before_it_is_whole(tmp_path):
    with whole_file(tmp_path / "new" / "a.txt") as partial:
        partial.write_text("half")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert os.listdir(tmp_path / "new") == ["a.txt"]
