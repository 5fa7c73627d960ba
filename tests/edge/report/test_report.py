"""The HTML report: one well-formed file with all figures and texts."""

import hashlib
import os
import re
from base64 import b64encode
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from examples import MANIFEST, scored_example

import sibeat_edge
from sibeat_edge.model.manifest import UNKNOWN
from sibeat_edge.reading.start import Start
from sibeat_edge.report.bins import rate_bins
from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.figures import NARROW, rates_figure, strip_figures, worst_figures
from sibeat_edge.report.page import report, write_report
from sibeat_edge.report.performance import describe_rates, on_new_wearers, set_for
from sibeat_edge.report.trace import Trace
from sibeat_edge.scorer import Beat


class Page(HTMLParser):
    """Tags, texts and figures of a page, links by their targets; every tag that is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.images, self._open = set(), [], [], []
        self.links, self.places = [], set()
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on")
            assert name.startswith("xmlns") or "//" not in (value or "").split(",")[0]
        named = dict(attributes)
        self.places |= {named["id"]} if "id" in named else set()
        if tag == "a":
            self.links.append((named["href"], named.get("data-time")))
        if named.get("role") == "img" and tag == "svg":
            self.images.append(named["aria-label"])
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, text):
        if text.strip() and self._open[-1:] not in (["script"], ["style"]):
            self.texts.append(text.strip())

    def row(self, head):
        """The cell after the one with this text."""
        return self.texts[self.texts.index(head) + 1]


def words(svg):
    """Texts of a figure."""
    return [unescape(text) for text in re.findall("<text[^>]*>(.*?)</text>", svg, re.DOTALL)]


@pytest.fixture(scope="module")
def scored():
    return scored_example(warnings=["a.hea: lead V5 is scored."])


@pytest.fixture(scope="module")
def text(scored):
    return report(scored)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_a_report_is_one_file_without_anything_from_elsewhere(page, text):
    assert not page.tags & {"script", "link", "iframe", "form", "object", "img"}
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text).replace("http-equiv", "")
    assert len(page.images) == 2 + 6 + 8  # rates at two widths, 30 s of a strip, the worst beats


def test_only_the_page_s_own_script_may_run(text, scored):
    traced = report(replace(scored, trace=trace_of(scored)))
    policy = re.search("script-src 'sha256-(.*?)'", traced)[1]
    (script,) = re.findall("<script>(.*?)</script>", traced, re.DOTALL)
    assert policy == b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in text and "<script" not in text


def test_a_report_is_laid_out_for_a_phone_and_has_colours_for_the_dark(text):
    assert '<meta name="viewport" content="width=device-width' in text
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "prefers-color-scheme: dark" in style and "@media print" in style
    used = set(re.findall(r"var\(--([\w-]+)\)", text))
    for part in style.split("prefers-color-scheme: dark"):
        assert used <= set(re.findall(r"--([\w-]+):", part))


def test_the_head_tells_when_and_by_what_a_recording_was_scored(scored):
    began = replace(scored, start=Start(86_390.0, date(2024, 2, 28)))
    head = " ".join(Page(report(began, date(2024, 3, 1))).texts[:8])
    assert "Recorded from 28 February 2024, 23:59:50 on. 0:01:00 (h:mm:ss) of lead MLII at 100 Hz" in head
    assert f"tiny and sibeat {sibeat_edge.__version__} on 1 March 2024." in head
    assert "Recorded from" not in " ".join(Page(report(scored)).texts)


def test_times_are_those_of_the_clock_on_the_wall_where_it_is_known(scored):
    page = Page(report(replace(scored, start=Start(86_390.0))))
    assert any("00:00:30.0" in text for text in page.texts)  # the alarm at 40 s, 10 s before midnight
    longer = replace(scored, start=Start(86_390.0), seconds=90_000.0)
    assert longer.clock(20.0) == "00:00:10 +1 d" and longer.clock(5.0) == "23:59:55"


def trace_of(scored):
    """A trace of a beat a second, as long as the recording."""
    trace = Trace(100)
    trace.push(0.0, np.cos(np.pi * np.arange(100 * int(scored.seconds)) / 100)[:, None] ** 40)
    return trace


def test_times_lead_to_the_whole_recording_where_there_is_one(scored):
    page = Page(report(replace(scored, trace=trace_of(scored))))
    times = [float(time) for target, time in page.links if target == "#day"]
    assert {excerpt.beat.time for excerpt in scored.worst} <= set(times) and "day" in page.places
    assert {target[1:] for target, _ in page.links} <= page.places
    assert Page(report(scored)).links == []


def test_the_summary_is_there(page):
    assert page.row("Beats found") == "59" and page.row("Beats scored") == "58"
    assert page.row("Alarms") == "3" and page.row("Alarms per hour") == "180.0"
    assert page.row("Mean heart rate") == "60 beats a minute"
    assert page.row("Threshold") == "1.5 (the model's)"
    assert page.texts.count("Not a medical device.") == 1


def test_warnings_are_there(page):
    assert "a.hea: lead V5 is scored." in page.texts


def test_what_was_not_scored_is_there_by_reason(page):
    first = page.texts.index("too noisy to judge") - 1
    assert page.texts[first : first + 4] == ["noisy", "too noisy to judge", "1", "0:00:01"]
    assert any(text.startswith("1.7% of the recording") for text in page.texts)


def test_the_model_s_figures_are_those_of_its_test(page):
    assert page.row("Tested on") == "5 recordings of wearers it has not seen"
    assert page.row("AUC").startswith("0.951 (") and page.row("Average precision").startswith("0.800 (")
    assert page.row("AUC within a recording").startswith("0.979 (")
    assert not any("0.99" in text for text in page.texts)  # the AUC of validation


def test_false_alarms_on_new_wearers_are_told_apart_from_those_of_validation(page):
    assert page.row("False alarms that the threshold was set for") == (
        "44 per hour, on normal validation beats of the training database"
    )
    assert page.row("False alarms on new wearers") == (
        "median 3, mean 10, worst wearer 41 per hour, on 5 recordings of wearers it has not seen"
    )


def test_of_a_wearer_s_model_both_are_said_to_come_before_the_judgement(scored):
    judged = replace(scored, manifest={**MANIFEST, "wearer": {"waits": True}})
    for told in (set_for(judged), on_new_wearers(judged)):
        assert told.endswith(": scores above the threshold, before the judgement")


def test_what_was_not_measured_is_unknown(scored):
    page = Page(report(replace(scored, manifest={**MANIFEST, "expected": UNKNOWN})))
    assert page.row("Test figures") == "none in the model's file" and "AUC" not in page.texts
    assert page.row("False alarms on new wearers") == "not measured for this model"


def test_a_figure_that_was_not_measured_is_left_out(scored):
    expected = {**MANIFEST["expected"], "auc_record": None}
    page = Page(report(replace(scored, manifest={**MANIFEST, "expected": expected})))
    assert "AUC" in page.texts and "AUC within a recording" not in page.texts


def test_of_a_threshold_given_by_hand_no_false_alarms_are_known(scored):
    given = {"threshold_from": "option", "threshold_set_for": None, "false_alarms_on_new_wearers": None}
    page = Page(report(replace(scored, **given)))
    assert page.row("False alarms that the threshold was set for").startswith("unknown")
    assert page.row("False alarms on new wearers") == "not measured for this threshold"


@pytest.mark.parametrize(
    "rate, word", [(0.0, "0"), (0.04, "0.04"), (0.96, "1"), (1.0, "1"), (9.6, "10"), (506.2, "506")]
)
def test_rates_are_rounded(rate, word):
    words_of = describe_rates({"mean": 2.0, "median": rate, "worst": 600.4})
    assert words_of == f"median {word}, mean 2, worst wearer 600 per hour"


def test_what_a_file_tells_is_escaped(scored):
    nasty = '<b onclick="x()">&'
    manifest = {**MANIFEST, "name": nasty, "notice": nasty, "licence": nasty}
    page = Page(report(replace(scored, name=nasty, leads=(nasty,), warnings=(nasty,), manifest=manifest)))
    assert sum(nasty in text for text in page.texts) >= 6


def test_the_same_beats_give_the_same_bytes(text, scored):
    assert report(scored) == text


def test_without_beats_there_is_a_report(scored):
    empty = replace(scored, beats=[], worst=[], reasons=np.full(60, "no beat found", dtype=object))
    page = Page(report(empty))
    assert page.row("Beats found") == "0" and page.row("Mean heart rate") == "unknown"
    assert len(page.images) == 2 + 6


def test_when_all_is_scored_it_says_so(scored):
    beats = [beat for beat in scored.beats if beat.score is not None]
    page = Page(report(replace(scored, beats=beats, reasons=np.full(60, "", dtype=object))))
    assert any("a scored beat is near every second" in text for text in page.texts)


def test_a_report_is_written_whole_or_not_at_all(scored, text, tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    write_report(scored, path)
    written = path.read_text(encoding="utf-8")
    assert written == report(scored, date.today()) and len(written) > len(text)

    def full(*_):
        raise OSError(28, "No space left on device")

    path.write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(scored, path)
    assert os.listdir(tmp_path) == ["a.html"] and path.read_text() == "old"


def test_rates_are_counted_by_the_hour():
    beats = [Beat(float(time), 1.0, time % 100 == 0, "", 0.8) for time in range(0, 6 * 3600 + 600, 10)]
    reasons = np.full(6 * 3600 + 600, "", dtype=object)
    reasons[3600:5400] = "flat"
    scored = replace(scored_example(), beats=beats, seconds=6 * 3600.0 + 600, reasons=reasons)
    bins = rate_bins(scored)
    assert [(begin, end) for begin, end, *_ in bins][:2] == [(0, 1), (1, 2)] and len(bins) == 6
    assert bins[-1][:2] == (5, pytest.approx(6 + 1 / 6))
    assert [alarms for _, _, alarms, *_ in bins] == [36] * 5 + [42]
    assert {round(rate) for *_, rate, _ in bins} == {75}
    assert [lost for *_, lost in bins] == [0, 0.5, 0, 0, 0, 0]


def test_every_beat_is_in_some_bin_of_a_short_recording(scored):
    (row,) = rate_bins(scored)
    assert row[:3] == (0, pytest.approx(1 / 60), 3) and row[4] == pytest.approx(1 / 60)


def test_a_strip_is_cut_into_pieces_of_five_seconds_with_a_row_a_lead():
    samples = np.random.default_rng(0).normal(size=(25 * 50, 2))
    pieces = strip_figures(Excerpt(61.0, samples, 50), [])
    assert [time for time, _ in pieces] == [61, 66, 71, 76, 81]
    alone = strip_figures(Excerpt(61.0, samples[:, :1], 50), [])
    (tall, wide), (tall_alone, wide_alone) = (size_of(found[0][1]) for found in (pieces, alone))
    assert wide == wide_alone == pytest.approx(125, abs=0.1)  # mm, 25 a second
    assert tall == pytest.approx(2 * tall_alone, abs=0.1)
    assert tall_alone / 5 == pytest.approx(round(tall_alone / 5), abs=0.02)  # whole large squares


def size_of(svg):
    """Height and width of a figure in mm."""
    return [float(re.search(f'{side}="([0-9.]+)pt"', svg)[1]) / 72 * 25.4 for side in ("height", "width")]


def test_a_strip_marks_alarms_and_tells_why_a_beat_was_not_scored():
    excerpt = Excerpt(0.0, np.random.default_rng(0).normal(size=(500, 1)), 50)
    plain = drawn(excerpt, Beat(4.0, 1.0, False, "", None))
    alarm = drawn(excerpt, Beat(4.0, 3.0, True, "", None))
    early = drawn(excerpt, Beat(4.0, 3.0, True, "", None, kind="S"))
    lost = drawn(excerpt, Beat(4.0, None, False, "saturated", None))
    assert "var(--alarm)" in alarm and "var(--alarm)" not in plain and "var(--alarm)" not in lost
    assert "S" in words(early) and "var(--early)" in early
    assert "saturated" in words(lost) and "saturated" not in words(plain)


def test_of_many_beats_that_were_not_scored_the_reason_stands_once():
    excerpt = Excerpt(0.0, np.random.default_rng(0).normal(size=(250, 1)), 50)
    lost = [Beat(0.5 + n / 2, None, False, "noisy", None) for n in range(8)]
    assert words(drawn(excerpt, *lost)) == ["noisy"]


def drawn(excerpt, *beats):
    """The first piece of a strip."""
    return strip_figures(excerpt, beats)[0][1]


@pytest.mark.parametrize("value", [np.nan, 0.0, 1e4])
def test_a_strip_without_a_heartbeat_is_drawn(value):
    for _, svg in strip_figures(Excerpt(0.0, np.full((600, 1), value), 50), []):
        ElementTree.fromstring(svg)


def test_worst_beats_have_their_score_and_heat_where_there_is_any(scored):
    hot = "".join(worst_figures(scored.worst, (140, 180)))
    cold = "".join(worst_figures(scored_example(heat=False).worst, (140, 180)))
    assert len(scored.worst) == 8
    texts = Page(report(scored)).texts
    assert texts.count("score 2") == 2 and texts.count("no alarm") == 6  # 10 s and 11 s overlap
    assert hot.count("<image") == 8 and cold.count("<image") == 0


def test_the_false_alarms_that_the_threshold_was_set_for_are_drawn_where_they_are_known():
    bins = [(0.0, 0.5, 3, 60.0, 0.0), (0.5, 1.0, 0, None, 1.0)]
    for figure in (rates_figure(bins, 4.0), rates_figure(bins, 4.0, NARROW)):
        assert any("4 false alarms per hour" in text for text in words(figure))
    assert not any("false alarms" in text for text in words(rates_figure(bins, None)))


def test_a_wearers_template_is_shown_and_alarms_by_what_raised_them(scored):
    beats = [replace(beat, why="timing" if beat.alarm else "") for beat in scored.beats]
    template = np.sin(np.linspace(0, 6, 320))[:, None]
    manifest = {**MANIFEST, "wearer": {"waits": True}}
    text = report(replace(scored, beats=beats, templates=(template, -template), manifest=manifest))
    assert "The wearer's own beat" in text and "it comes too early" in text
    assert re.search(rf"<td>timing</td>.*?>{len(scored.alarms)}</td>", text)
    assert "The wearer's own beat" not in report(scored)
