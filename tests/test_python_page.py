"""docs/python.md: its code runs, and its configuration adapts the preset that it names."""

from pathlib import Path

import pages

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.evaluate.beat_files import COLUMNS
from keras_sibeat.presets.loading import FOLDER
from keras_sibeat.train.starting import find_starts


def test_the_python_blocks_run(capsys):
    names = pages.run_blocks("python.md")
    assert len(names["scores"]) == len(names["beats"]) > 50
    text = (pages.DOCS / "python.md").read_text(encoding="utf-8")
    for column in names["table"].columns:
        assert f"`{column}`" in text
    assert "R-peak at" in capsys.readouterr().out


def test_the_columns_of_the_beats_file_are_told():
    text = (pages.DOCS / "python.md").read_text(encoding="utf-8")
    assert all(f"`{column}`" in text for column in COLUMNS)


def test_the_configuration_fits_the_preset(tmp_path):
    (block,) = pages.blocks("python.md", "toml")
    file = tmp_path / "adapt.toml"
    file.write_text(block)
    settings = ["data.source=simulator", 'data.leads=["MLII"]', "data.wearers=6", "data.seconds=90"]
    config = read_config(file, settings)
    fold = load_folds(config)[0]
    assert find_starts(config, Path("fold0-seed0"), fold) == {".": FOLDER / "mitdb-wearer.keras"}
