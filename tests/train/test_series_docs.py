"""The page on series: its example runs as it stands."""

import re
from pathlib import Path

from pages import blocks

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.train.__main__ import main


def block(language):
    (found,) = blocks("series.md", language)
    return found


def test_the_example_trains_as_it_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "series.md", "exec"), {})
    Path("machine.toml").write_text(block("toml"), encoding="utf-8")
    config = read_config(Path("machine.toml"), data="machine")
    fold = load_folds(config)[0]
    assert fold.train.windows.shape[1:] == (64, 2) and not fold.train.notes
    assert set(fold.test.records) >= {"normal/2024.01.06", "fault/2024.01.01", "fault/2024.01.02"}
    python, minus_m, module, *arguments = block("sh").split()
    assert (python, minus_m, module) == ("python", "-m", "keras_sibeat.train")
    main([*arguments, "--set", "train.epochs=1", "--set", "train.jit_compile=false"])
    assert "auc_fault" in capsys.readouterr().out
    assert list(Path("runs/machine/fold0-seed0/plots").glob("strip-*.png"))


def test_the_columns_may_be_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "series.md", "exec"), {})
    text = re.sub(r"(?m)^(columns|test_records).*\n", "", block("toml"))
    Path("machine.toml").write_text(text, encoding="utf-8")
    fold = load_folds(read_config(Path("machine.toml"), data="machine"))[0]
    assert fold.train.windows.shape[1:] == (64, 2)
    assert [note.split(" of ")[0] for note in fold.train.notes][0] == "Left out the column time (s)"
    assert fold.train.notes[1].startswith("Of class normal, normal/2024.01.0")
