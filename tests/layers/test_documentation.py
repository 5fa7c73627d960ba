"""docs/augmentations.md names every view and shift, and its plots can be drawn again."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from matplotlib.image import imread

from keras_sibeat.layers.shifts import SHIFTS
from keras_sibeat.layers.views import VIEWS

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "augmentations.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+) \| (.+) \|$", TEXT, re.M)


def test_every_view_and_shift_has_its_row():
    assert {key: name for name, key, *_ in ROWS} == {
        key: layer.__name__ for key, layer in (VIEWS | SHIFTS).items()
    }


@pytest.mark.parametrize(("key", "does"), [(key, does) for _, key, does, _ in ROWS if key in VIEWS])
def test_the_settings_of_a_view_are_described_with_their_defaults(key, does):
    defaults = {name: p.default for name, p in inspect.signature(VIEWS[key].__init__).parameters.items()}
    for setting in set(defaults) - {"self", "centre", "seed", "noise", "kwargs"}:
        assert f"`{setting}`" in does
    for setting, value in re.findall(r"`(\w+)` \(([\d.]+)\)", does):
        assert defaults[setting] == float(value)


def test_the_plots_are_there_and_small():
    for file in ("views.png", "shifts.png"):
        assert f"({file})" in TEXT
        assert (DOCS / file).stat().st_size < 250_000 and imread(DOCS / file).ndim == 3


def test_the_plots_can_be_drawn_again(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("script", DOCS.parent / "benchmarks/plot_augmentations.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "WEARERS", 5)
    monkeypatch.setattr(script, "SECONDS", 30.0)
    script.main([str(tmp_path / "new")])
    for file in ("views.png", "shifts.png"):
        drawn = imread(tmp_path / "new" / file)[:, :, :3]
        assert drawn.shape == imread(DOCS / file)[:, :, :3].shape
        assert (drawn.std(axis=2) > 0.1).any()  # coloured
