"""ECG paper on which beats of any size can be read."""

import re

import numpy as np
import pytest
from heartbeats import ecg
from hypothesis import given
from hypothesis import strategies as st

from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.figures import strip_figures
from sibeat_edge.report.page import report
from sibeat_edge.report.paper import FEWEST, MOST, SQUARE, room_for, scale_told, square_for, strip_square
from sibeat_edge.report.recording import score_file
from sibeat_edge.scorer import Beat


@given(st.floats(1e-9, 1e9))
def test_a_beat_takes_a_few_squares(height):
    square = square_for([height])
    if square != SQUARE:
        assert FEWEST <= height / square <= MOST + 1e-9
        assert f"{square:.0e}"[0] in "125"


@given(st.lists(st.floats(0.1, 4.9), min_size=1))
def test_usual_beats_have_the_usual_paper(heights):
    assert square_for(heights) == SQUARE


def strip(factor, artefact=0.0):
    signal = ecg(30, pulse=60) * factor
    signal[2000:2100] += artefact
    beats = [Beat(0.5 + n, 1.0, False, "", 1.0) for n in range(29)]
    return Excerpt(0.0, signal[:, None], 250), beats


@pytest.mark.parametrize(("factor", "square"), [(1, 0.5), (200, 50), (1000, 200), (1e-3, 0.0005)])
def test_counts_and_microvolts_are_drawn_on_paper_that_fits(factor, square):
    excerpt, beats = strip(factor)
    assert strip_square(excerpt, beats) == square
    low, high = room_for(excerpt.samples - np.median(excerpt.samples), square)
    assert low <= excerpt.samples.min() and excerpt.samples.max() <= high  # no beat leaves the paper
    assert 4 <= (high - low) / square <= 12
    assert f"a large one 0.2 s by {square:g} mV" in scale_told(square)


def test_a_jump_of_the_electrodes_changes_no_scale():
    assert strip_square(*strip(1, artefact=300)) == SQUARE


def test_a_report_tells_its_scale_and_a_unit_that_was_assumed(tmp_path):
    np.savetxt(tmp_path / "counts.csv", np.round(ecg(12) * 200 + 1024), fmt="%d", header="MLII", comments="")
    page = report(score_file(tmp_path / "counts.csv", rate=250, unit="mV"))
    assert "0.2 s by 50 mV" in page and "so the unit may be another one" in page
    assert re.search("<td>Unit</td><td>mV, given by hand or guessed: the file states none</td>", page)
    np.savetxt(tmp_path / "mv.csv", ecg(12), fmt="%.4f", header="MLII (mV)", comments="")
    page = report(score_file(tmp_path / "mv.csv", rate=250))
    assert (
        "25 mm/s and 10 mm/mV" in page
        and "0.2 s by 0.5 mV" in page
        and "<td>Unit</td>" not in page
        and "another one" not in page
    )


@pytest.mark.parametrize("length", [1, 2, 249, 2510, 2600])
def test_a_strip_ends_with_its_recording(length):
    samples = np.full((30 * 250, 1), np.nan)
    samples[:length] = 0.5
    pieces = strip_figures(Excerpt(0.0, samples, 250), [])
    assert [time for time, _ in pieces] == [0, 5, 10][: max(1, -(-(length - 25) // 1250))]
