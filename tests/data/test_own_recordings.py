"""docs/own-recordings.md: its configurations run as they stand, on simulated recordings."""

import re
from dataclasses import replace
from textwrap import dedent

import pages
import pytest
import wfdb
from examples import write_edf

from keras_sibeat.config import read_config
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearers

PAGE = "own-recordings.md"
TEXT = pages.path_of(PAGE).read_text(encoding="utf-8")
BLOCKS = re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```toml\n(.*?)```", TEXT, re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Simulated recordings, by the names that ``keras_sibeat.data simulate`` gives them; again in others."""
    folder = tmp_path_factory.mktemp("own")
    recordings = simulate_wearers(12, 0, seconds=90.0)
    for number, recording in enumerate(recordings):
        write_recording(recording, folder)
        for name in ("ward", "clinic") if number % 2 else ("home", "ward"):
            without = replace(recording, annotations=None)
            write_recording(without if name == "home" else recording, folder / name)
        named = replace(recording, name=f"{'ann bob cy dan eve'.split()[number % 5]}_{number // 5}")
        write_recording(named, folder / "worn")
    (folder / "RECORDS").write_text("\n".join(recording.name for recording in recordings))
    return folder


def test_there_is_a_configuration_for_each_kind_of_recordings():
    assert len(BLOCKS) == TEXT.count("```toml") >= 7


@pytest.mark.parametrize("text", [text for _, text in BLOCKS], ids=[heading for heading, _ in BLOCKS])
def test_a_documented_configuration_makes_folds(folder, tmp_path, text):
    (tmp_path / "mine.toml").write_text(text)
    data = folder / "worn" if "\nwearer = " in text else folder
    for fold in load_folds(read_config(tmp_path / "mine.toml", data=data)).values():
        assert min(len(fold.train), len(fold.validation), len(fold.test)) > 0
        if "[protocol]" in text:
            parts = [set(part.persons) for part in (fold.train, fold.validation, fold.test)]
            assert sum(map(len, parts)) == len(set.union(*parts))


def test_the_first_lead_of_an_edf_file_becomes_a_wfdb_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    signal = simulate_wearers(1, 0, seconds=10.0, rate=250.0)[0].signal
    write_edf(tmp_path / "a.edf", signal.T, [250] * 2, ["ECG I", "ECG II"])
    (block,) = pages.blocks(PAGE)
    exec(compile(dedent(block), PAGE, "exec"), {})
    record = wfdb.rdrecord("a")
    assert record.fs == 250 and record.sig_name == ["ECG I"] and record.units == ["mV"]
    assert abs(record.p_signal[:, 0] - signal[: len(record.p_signal), 0]).max() < 0.01
