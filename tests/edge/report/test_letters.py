"""A recording on a terminal: at a glance, and a strip in letters."""

from dataclasses import replace

import numpy as np
import pytest
from examples import MANIFEST, scored_example
from hypothesis import given
from hypothesis import strategies as st

from sibeat_edge.model.manifest import UNKNOWN
from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.letters import ACROSS, BARS, BLANK, TALL, glance, sparkline, strip_text
from sibeat_edge.report.table import as_table
from sibeat_edge.scorer import Beat


@given(st.lists(st.floats(0, 100), min_size=2))
def test_a_taller_bar_is_a_larger_value(values):
    bars = [BARS.index(letter) for letter in sparkline(values, 100)]
    pairs = sorted(zip(values, bars, strict=True))
    assert [bar for _, bar in pairs] == sorted(bars)


def test_a_glance_tells_what_was_found_how_sure_and_what_was_not_scored():
    told = glance(scored_example())
    assert told["found"] == "3 alarms among 58 scored beats, 60 beats a minute"
    assert told["how sure"] == (
        "false alarms on new wearers: median 3, mean 10, worst wearer 41 per hour; AUC 0.951"
    )
    assert told["not scored"] == "0:00:01 of 0:01:00 (1.7%): noisy 0:00:01"


def test_a_glance_at_a_wearer_s_recording_names_kinds_and_episodes():
    scored = scored_example()
    kinds = {10.0: "V", 11.0: "V", 12.0: "V", 40.0: "S"}
    beats = [
        replace(beat, kind=kinds.get(beat.time, "N"), alarm=beat.time in kinds) if beat.score else beat
        for beat in scored.beats
    ]
    told = glance(replace(scored, beats=beats, manifest={**MANIFEST, "wearer": {"waits": True}}))
    assert told["found"].startswith("3 ventricular (5.17 %), 1 supraventricular (1.72 %) among 58")
    assert "1 × ventricular run (0:00:02)" in told["episodes"]


def test_what_is_not_known_is_said():
    scored = scored_example()
    nothing = replace(scored, beats=[], reasons=np.full(60, "flat", dtype=object))
    assert glance(nothing)["found"] == "nothing is known: no beat was scored"
    assert glance(nothing)["not scored"] == "0:01:00 of 0:01:00 (100.0%): flat 0:01:00"
    unknown = replace(scored, manifest={**MANIFEST, "expected": UNKNOWN}, false_alarms_on_new_wearers=None)
    assert glance(unknown)["how sure"].startswith("not measured")
    whole = replace(scored, reasons=np.full(60, "", dtype=object))
    assert glance(whole)["not scored"].startswith("nothing")


def test_the_glance_is_what_a_table_ends_with():
    lines = [line.strip() for line in as_table(scored_example(), 100).splitlines() if line.strip()]
    assert lines[-1] == "Not a medical device." and lines[-2].startswith("not scored")
    assert "example at a glance" in lines


@pytest.mark.parametrize("width", [40, 80, 101])
def test_a_strip_fits_the_terminal_and_marks_its_beats(width):
    scored = scored_example()
    head, marks, *rows = strip_text(scored, width).splitlines()
    assert max(map(len, [marks, *rows])) <= width and len(rows) == TALL
    assert "MLII" in head and marks.count("!") >= 1
    # Above each mark is the R-peak: the highest dot of its letters' columns.
    tops = [
        next((row for row, line in enumerate(rows) if place < len(line) and ord(line[place]) > BLANK), TALL)
        for place in range(max(map(len, rows)))
    ]
    for place, mark in enumerate(marks):
        if mark in ".!":
            assert min(tops[max(0, place - 1) : place + 2]) == 0


def test_a_strip_shows_the_part_with_the_most_alarms():
    scored = scored_example()
    beats = [replace(beat, alarm=beat.time in (25.0, 26.0)) for beat in scored.beats]
    strip = Excerpt(0.0, scored.strip.samples, scored.strip.rate)
    _, marks, *_ = strip_text(replace(scored, strip=strip, beats=beats), 62).splitlines()
    assert marks.count("!") == 2 and len(marks) <= 3 * ACROSS


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_strip_without_a_heartbeat_is_drawn(value):
    flat = Excerpt(0.0, np.full((3000, 1), value), 100)
    lost = [Beat(1.0, None, False, "flat", None)]
    text = strip_text(replace(scored_example(), strip=flat, beats=lost), 80)
    assert ("no signal" in text) == np.isnan(value) and "x" in text
