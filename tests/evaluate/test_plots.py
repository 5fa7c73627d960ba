"""A run's plots show what they say, with words that cover no other, whatever was trained."""

import warnings

import numpy as np
import pytest
from figure_texts import covered
from rich.console import Console

from keras_sibeat.evaluate import plots
from keras_sibeat.evaluate.printing import print_results
from keras_sibeat.evaluate.summary import summarise

PLAIN = {"loss": 1.0, "rebuild_loss": 0.5, "validation_rebuild_loss": 0.4, "reinitialised": 0.0}
CONTRASTIVE = {"nt_xent": 1.0, "shift_loss": 0.5, "shift_accuracy": 0.9, "validation_shift_auc": 0.8}
STUDENT = {"loss": 1.0, "score": 0.5, "embedding": 0.4, "prototypes": 0.3, "rebuilt": 0.2}
STUDENT |= {"validation_correlation": 0.9, "validation_auc": 0.8, "validation_ap": 0.7}
CLASSES = {"N": (5000, -1.0, 0.4), "S": (100, -0.3, 0.5), "V": (400, 0.6, 0.5)}


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """A function that plots without a warning, and gives the figure; it is closed afterwards."""
    figures = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: figures.append(figure))

    def plot(name, *arguments, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            getattr(plots, name)(*arguments, path=tmp_path / "a.png", **options)
        return figures[-1]

    yield plot
    for figure in figures:
        plots.plt.close(figure)


@pytest.fixture(scope="module")
def scores():
    """Scores above 0 of three classes, and the classes."""
    rng = np.random.default_rng(0)
    parts = {name: 10 ** rng.normal(mean, sd, count) for name, (count, mean, sd) in CLASSES.items()}
    return np.concatenate([*parts.values()]), np.repeat([*parts], [len(part) for part in parts.values()])


def legend(axis):
    found = axis.get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


@pytest.mark.parametrize(
    ("columns", "losses", "measures"),
    [
        (PLAIN, ["loss", "rebuild loss", "validation rebuild loss"], []),
        (CONTRASTIVE, ["nt xent", "shift loss"], ["shift accuracy", "validation shift auc"]),
        (
            STUDENT,
            ["loss", "score", "embedding", "prototypes", "rebuilt"],
            ["validation correlation", "validation auc", "validation ap"],
        ),
        ({}, [], []),
    ],
)
def test_every_loss_of_a_history_is_plotted_without_a_warning(columns, losses, measures, shown):
    rows = [{"epoch": epoch, "seconds": 3.0, **columns} for epoch in (1.0, 2.0)]
    figure = shown("plot_history", {"student": rows})
    left, right = figure.axes
    assert legend(left) == losses and legend(right) == measures
    assert left.get_yscale() == ("log" if losses else "linear") and covered(figure) == []


def test_every_stage_has_a_row_of_its_own(shown):
    stages = {
        name: [{"epoch": epoch, "seconds": 1.0, **columns} for epoch in (1.0, 2.0, 3.0)]
        for name, columns in {"teacher": CONTRASTIVE, "fold0-seed0": STUDENT}.items()
    }
    figure = shown("plot_history", stages)
    assert [axis.get_title("left") for axis in figure.axes[::2]] == ["teacher", "fold0-seed0"]
    assert covered(figure) == []


def test_a_loss_below_zero_is_drawn_on_a_plain_scale(shown):
    rows = [{"epoch": epoch, "loss": -epoch} for epoch in (1.0, 2.0)]
    assert shown("plot_history", {"a": rows}).axes[0].get_yscale() == "linear"


def test_the_curves_show_what_the_threshold_chooses(scores, shown):
    values, classes = scores
    figure = shown("plot_curves", values, classes != "N", 0.5)
    left, right = figure.axes
    is_alarm, is_abnormal = values > 0.5, classes != "N"
    false = (is_alarm & ~is_abnormal).sum() / (~is_abnormal).sum()
    recall = (is_alarm & is_abnormal).sum() / is_abnormal.sum()
    precision = (is_alarm & is_abnormal).sum() / is_alarm.sum()
    for axis, point in ((left, (false, recall)), (right, (recall, precision))):
        (dot,) = [line for line in axis.lines if line.get_marker() == "o"]
        assert (*dot.get_xdata(), *dot.get_ydata()) == pytest.approx(point)
    assert any(text.startswith(f"threshold: {recall:.0%} of abnormal") for text in legend(left))
    assert f"threshold: precision {precision:.2f}" in legend(right) and covered(figure) == []


@pytest.mark.parametrize("shift", [0.0, -1.0])
def test_every_class_fills_its_row_of_the_histogram(scores, shown, shift):
    values, classes = scores
    figure = shown("plot_scores", values + shift, classes, 0.5 + shift)
    assert [axis.get_ylabel() for axis in figure.axes] == ["N", "S", "V"]
    for axis in figure.axes:
        heights = axis.patches[0].get_data().values
        assert heights.max() == 1 and axis.get_xscale() == ("linear" if shift else "log")
    told = [axis.texts[0].get_text() for axis in figure.axes]
    assert told == [
        f"{(classes == name).sum():,}\n{np.mean(values[classes == name] > 0.5):.1%} above" for name in "NSV"
    ]
    assert covered(figure) == []


def test_scores_that_are_all_alike_have_a_histogram(shown):
    figure = shown("plot_scores", np.ones(10), np.array(["N"] * 10), 1.0)
    assert len(figure.axes) == 1


def test_calibration_compares_what_was_asked_with_what_was_got(shown):
    rng = np.random.default_rng(0)
    validation, test = rng.normal(size=4000), rng.normal(0.3, size=6000)
    figure = shown("plot_calibration", validation, test, 0.01)
    (axis,) = figure.axes
    (dot,) = [line for line in axis.lines if line.get_marker() == "o"]
    got = np.mean(test > np.quantile(validation, 0.99))
    assert (*dot.get_xdata(), *dot.get_ydata()) == pytest.approx((0.01, got))
    assert f"the threshold: asked 1.00%, got {got:.2%}" in legend(axis)
    assert axis.get_xscale() == axis.get_yscale() == "log" and covered(figure) == []


def test_calibration_without_a_false_alarm_is_drawn(shown):
    figure = shown("plot_calibration", np.arange(50.0), np.zeros(20), 0.1)
    assert "got 0.00%" in " ".join(legend(figure.axes[0]))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_rebuilt_beats_stand_over_milliseconds_with_their_residual(count, shown):
    window = np.sin(np.linspace(0, 9, 320))[:, None]
    examples = [("NSVFQ"[n], window, 0.8 * window, (0.2 * window[:, 0]) ** 2) for n in range(count)]
    figure = shown("plot_rebuilt", examples, milliseconds=(140, 1000 / 360))
    uppers = [axis for axis in figure.axes if len(axis.lines) == 2]
    assert [axis.get_title() for axis in uppers] == list("NSVFQ"[:count])
    time = uppers[0].lines[0].get_xdata()
    assert time[140] == 0 and time[0] == pytest.approx(-388.9, abs=0.1)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["window", "rebuilt"]
    assert figure.get_supxlabel() == "ms from the R-peak" and covered(figure) == []


def test_a_series_has_ticks_instead_of_milliseconds(shown):
    window = np.zeros((50, 4))
    figure = shown("plot_rebuilt", [("walk", window, window, np.ones(50))])
    assert figure.get_supxlabel() == "tick"


def test_a_strip_names_its_channels(shown):
    figure = shown("plot_strip", "jump 14_01", np.zeros((100, 4)), np.ones(100))
    assert legend(figure.axes[0]) == [f"channel {n}" for n in (1, 2, 3, 4)] and covered(figure) == []


def test_an_epoch_is_printed_as_a_whole_number(capsys):
    metrics = summarise([{"auc": 0.5, "selected_epoch": epoch} for epoch in (12.0, 30.0)])
    assert metrics["selected_epoch"]["values"] == [12.0, 30.0]
    print_results(Console(width=60), {"run": {"metrics": metrics}})
    text = capsys.readouterr().out
    assert "12, 30" in text and "12.0" not in text and "0.5000 ± 0.0000" in text
