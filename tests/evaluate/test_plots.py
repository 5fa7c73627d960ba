"""A run's plots and table show what its history holds, whatever was trained."""

import warnings

import pytest
from rich.console import Console

from keras_sibeat.evaluate import plots
from keras_sibeat.evaluate.printing import print_results
from keras_sibeat.evaluate.summary import summarise

PLAIN = {"loss": 1.0, "rebuild_loss": 0.5, "validation_rebuild_loss": 0.4, "reinitialised": 0.0}
CONTRASTIVE = {"nt_xent": 1.0, "shift_loss": 0.5, "shift_accuracy": 0.9, "validation_shift_auc": 0.8}
STUDENT = {"loss": 1.0, "score": 0.5, "embedding": 0.4, "prototypes": 0.3, "rebuilt": 0.2}
STUDENT |= {"validation_correlation": 0.9, "validation_auc": 0.8, "validation_ap": 0.7}


@pytest.mark.parametrize(
    ("columns", "losses", "aucs"),
    [
        (PLAIN, ["loss", "rebuild loss", "validation rebuild loss"], []),
        (CONTRASTIVE, ["nt xent", "shift loss"], ["validation shift auc"]),
        (STUDENT, ["loss", "score", "embedding", "prototypes", "rebuilt"], ["validation auc"]),
        ({}, [], []),
    ],
)
def test_every_loss_of_a_history_is_plotted_without_a_warning(columns, losses, aucs, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: shown.append(figure))
    rows = [{"epoch": epoch, "seconds": 3.0, **columns} for epoch in (1.0, 2.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.plot_history(rows, tmp_path / "history.png")
    (figure,) = shown
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == losses
    assert [line.get_label() for line in right.lines] == aucs
    plots.plt.close(figure)


def test_an_epoch_is_printed_as_a_whole_number(capsys):
    metrics = summarise([{"auc": 0.5, "selected_epoch": epoch} for epoch in (12.0, 30.0)])
    assert metrics["selected_epoch"]["values"] == [12.0, 30.0]
    print_results(Console(width=60), {"run": {"metrics": metrics}})
    text = capsys.readouterr().out
    assert "12, 30" in text and "12.0" not in text and "0.5000 ± 0.0000" in text
