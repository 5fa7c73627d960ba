"""The plots over several results: every variant and student can be read, and no axis exaggerates unseen."""

import numpy as np
import pytest
from figure_texts import covered

from keras_sibeat.results import plots

PARTS = {
    "BeatGAN": [0.88, 0.905, 0.91],
    "+ shifts (`contrastive`), a title that takes two lines": [0.987, 0.9875, 0.988],
    "one seed": [0.95],
}
# Sizes in bytes and AUCs of a sweep in which four students are nearly alike.
POINTS = [
    ("w3-d6", 8136, 0.9638, 0.9642),
    ("w6-d6", 12056, 0.9784, 0.9779),
    ("w9-d6", 17584, 0.9852, 0.9846),
    ("w12-d4", 18000, 0.9848, 0.985),
    ("w12-d3", 18448, 0.975, 0.9725),
    ("w12-d5", 20064, 0.9816, 0.9825),
    ("w15-d6", 33432, 0.9867, 0.9865),
]


@pytest.fixture
def shown(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: figures.append(figure))

    def plot(name, content):
        getattr(plots, name)(content, tmp_path / "a.png")
        return figures[-1]

    yield plot
    for figure in figures:
        plots.plt.close(figure)


def test_each_seed_of_an_ablation_is_a_dot_and_there_are_no_bars(shown):
    figure = shown("plot_parts", PARTS)
    (axis,) = figure.axes
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == list(PARTS.values())
    assert not axis.patches and axis.get_xlim()[0] < 0.88
    assert [text.get_text() for text in axis.texts] == [f"{np.mean(v):.4f}" for v in PARTS.values()]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels[0] == "BeatGAN" and "\n" in labels[1] and "`" not in "".join(labels)
    assert covered(figure) == []


def test_the_names_of_students_cover_neither_each_other_nor_a_point(shown):
    figure = shown("plot_frontier", POINTS)
    for axis, place in zip(figure.axes, (2, 3), strict=True):
        (line,) = axis.lines
        np.testing.assert_allclose(line.get_xydata(), [(p[1] / 1000, p[place]) for p in POINTS])
        assert [text.get_text() for text in axis.texts] == [point[0] for point in POINTS]
        points = axis.transData.transform(line.get_xydata())
        for text in axis.texts:
            box = text.get_window_extent()
            assert not any(box.contains(*point) for point in points)
    assert "validation" in figure.axes[0].get_ylabel() and "test" in figure.axes[1].get_ylabel()
    assert covered(figure) == []
