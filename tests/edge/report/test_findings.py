"""What was found in a recording: burden, kinds of beats, episodes, and how each file tells them."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import wfdb
from examples import scored_example, write_wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report import Page, trace_of

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.episodes import Episode, Episodes, episodes_of
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.excerpts import LEAD_IN, SHOWN, Excerpts
from sibeat_edge.report.figures import kind_figures
from sibeat_edge.report.findings import Burden, KindFound, burdens, kinds_found
from sibeat_edge.report.page import report
from sibeat_edge.report.recording import BLOCK, PRESET, score_file
from sibeat_edge.report.table import as_table
from sibeat_edge.report.writing import as_csv, as_json, write_annotations
from sibeat_edge.scorer import Beat, BeatScorer, score_recording

SECONDS = 400


def beat(time, kind="N", group=None):
    return Beat(float(time), 1.0 if kind else None, kind in ("S", "V"), "", 0.8, kind=kind, group=group)


# Burden and kinds


def test_burdens_are_shares_of_the_scored_beats_and_of_the_scored_time():
    beats = [beat(n, kind) for n, kind in enumerate(["N"] * 5 + ["V"] * 4 + ["S"] + [""] * 30)]
    found = burdens(beats, 1800.0)
    assert found == {"ventricular": Burden(4, 40.0, 8.0), "supraventricular": Burden(1, 10.0, 2.0)}


@pytest.mark.parametrize("beats, seconds", [([], 60.0), ([beat(1, "")], 60.0), ([beat(1, "V")], 0.0)])
def test_without_scored_beats_or_scored_time_there_is_no_burden(beats, seconds):
    assert burdens(beats, seconds) == {}


def test_a_wearer_without_ectopic_beats_has_a_burden_of_none():
    assert burdens([beat(1)], 60.0) == dict.fromkeys(("ventricular", "supraventricular"), Burden(0, 0.0, 0.0))


@settings(max_examples=80)
@given(st.lists(st.tuples(st.sampled_from([None, 0, 1, 2, 3]), st.sampled_from("NSV")), max_size=60))
def test_kinds_are_the_groups_of_which_a_shape_is_known(rows):
    beats = [beat(n, kind, group) for n, (group, kind) in enumerate(rows)]
    shapes = {number: np.full(120, float(number)) for number in (0, 2, 3, 7)}
    found = kinds_found(beats, shapes)
    assert {kind.number for kind in found} == {group for group, _ in rows} & set(shapes)
    assert [kind.beats for kind in found] == sorted((kind.beats for kind in found), reverse=True)
    for kind in found:
        those = [b for b in beats if b.group == kind.number]
        assert (kind.beats, kind.first, kind.last) == (len(those), those[0].time, those[-1].time)
        counts = {name: sum(b.kind == name for b in those) for name in "NSV"}
        assert counts[kind.kind] == max(counts.values()) and np.all(kind.shape == kind.number)


def test_each_kind_has_a_picture_in_the_colour_of_its_class():
    kinds = [
        KindFound(n, "NVS"[n % 3], 1000 - n, 0.0, 9.0, np.sin(np.arange(120) / (n + 5))) for n in range(10)
    ]
    figures = kind_figures(kinds)
    assert ["var(--alarm)" in svg for svg in figures] == [kind.kind == "V" for kind in kinds]
    assert ["var(--early)" in svg for svg in figures] == [kind.kind == "S" for kind in kinds]


# Strips of the beginnings of episodes


@pytest.mark.parametrize("size", [90, 1000, 6000])
def test_the_first_episode_of_each_name_is_kept_from_two_seconds_before_it(size):
    rate, signal = 20, np.random.default_rng(0).normal(size=(20 * 400, 1)).astype(np.float32)
    starts = [("a", 1.0), ("b", 30.0), ("a", 50.0), ("c", 200.0), ("b", 300.0), ("d", 396.0)]
    excerpts = Excerpts(rate)
    for first in range(0, len(signal), size):
        end = min(first + size, len(signal)) / rate
        excerpts.push(first / rate, signal[first : first + size], [])
        excerpts.keep([(name, at) for name, at in starts if first / rate <= at + 1 < end])
    excerpts.finish()
    assert {name: e.time + LEAD_IN for name, e in excerpts.strips.items()} == {
        "a": 1.0,
        "b": 30.0,
        "c": 200.0,
        "d": 396.0,
    }
    padded = np.concatenate([np.full((400, 1), np.nan), signal, np.full((400, 1), np.nan)])
    for excerpt in excerpts.strips.values():
        place = round(excerpt.time * rate) + 400
        np.testing.assert_array_equal(excerpt.samples, padded[place : place + round(SHOWN * rate)])


# Whole recordings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A wearer with many ventricular beats, and one with none."""
    folder = tmp_path_factory.mktemp("findings")
    for name, seed, abnormal in (("many", 3, {"V": 0.4}), ("none", 4, {})):
        signal = simulate_wearer(seed, SECONDS, abnormal=abnormal).signal[:, :1]
        write_wfdb(folder, name, signal.astype(np.float64))
    return folder


@pytest.fixture(scope="module")
def scored(folder):
    return score_file(folder / "many", PRESET)


def beginnings(path):
    """The first episode of each sort as it was told, without what the end of the recording made certain."""
    scorer, episodes, found = BeatScorer(Model(PRESET), 360.0), Episodes(), {}
    signal = wfdb.rdrecord(str(path)).p_signal[:, 0]
    for first in range(0, len(signal), BLOCK * 360):
        for new in scorer.push(signal[first : first + BLOCK * 360]):
            for episode in episodes.push(new):
                found.setdefault(episode.what, episode.start)
    return signal, found


def test_a_wearer_s_recording_has_kinds_burdens_and_episodes(folder, scored):
    signal = wfdb.rdrecord(str(folder / "many")).p_signal[:, 0]
    assert [b.kind for b in scored.beats] == [b.kind for b in score_recording(Model(PRESET), signal, 360.0)]
    assert {kind.kind for kind in scored.kinds} >= {"N", "V"} and scored.kinds[0].kind == "N"
    grouped = sum(b.group is not None for b in scored.beats)
    assert sum(kind.beats for kind in scored.kinds) <= grouped
    ventricular = sum(b.kind == "V" for b in scored.beats)
    assert scored.burdens["ventricular"].beats == scored.summary["ventricular_beats"] == ventricular > 50
    share = 100 * ventricular / sum(b.score is not None for b in scored.beats)
    assert scored.summary["ventricular_percent"] == pytest.approx(share)
    assert scored.summary["supraventricular_beats"] == sum(b.kind == "S" for b in scored.beats)
    assert {"ventricular run", "bigeminy"} <= {episode.what for episode in scored.episodes}
    assert all(episode.end is not None for episode in scored.episodes)


def test_the_first_episode_of_each_sort_has_a_strip(folder, scored):
    signal, begun = beginnings(folder / "many")
    assert {name: e.time + LEAD_IN for name, e in scored.strips.items()} == begun and len(begun) > 3
    for excerpt in scored.strips.values():
        place = round(excerpt.time * 360)
        wanted = signal[place : place + round(SHOWN * 360)]
        np.testing.assert_allclose(excerpt.samples[: len(wanted), 0], wanted, atol=1e-6)
        assert len(excerpt.samples) == SHOWN * 360


def test_of_a_kind_one_beat_is_among_the_worst(scored):
    kinds = [(e.beat.group, e.beat.kind) for e in scored.worst if e.beat.group is not None]
    assert len(kinds) == len(set(kinds)) and len(scored.worst) > 1


def begins_in_its_strip(scored, what):
    """A strip was cut where an episode began as it was judged first; later it may begin elsewhere."""
    begin = scored.strips[what].time
    return any(e.what == what and begin <= e.start < begin + 10 for e in scored.episodes)


def test_the_page_of_a_wearer_shows_episodes_and_kinds(scored):
    page = Page(report(scored))
    assert {"Episodes", "Kinds of beats", "The wearer's own beat"} <= set(page.texts)
    assert page.row("Ventricular beats").startswith(f"{scored.burdens['ventricular'].beats} (")
    sorts = dict.fromkeys(episode.what for episode in scored.episodes)
    for what in sorts:
        count = sum(episode.what == what for episode in scored.episodes)
        place = page.texts.index(what)
        assert page.texts[place + 1] == f"{count}"
    strips = [what for what in sorts if begins_in_its_strip(scored, what)]
    shown = [text for text in page.texts if text.endswith(": the beginning")]
    assert shown == [f"{what.capitalize()}: the beginning" for what in strips]
    assert {target[1:] for target, _ in page.links} <= page.places and len(page.links) == len(strips)
    assert sum(text.startswith("electrocardiogram from") for text in page.images) == 6 + 2 * len(strips)
    assert any(text.startswith(f"1: normal, {scored.kinds[0].beats:,}") for text in page.texts)


def test_an_episode_leads_to_its_beginning_in_the_whole_recording(scored):
    page = Page(report(replace(scored, trace=trace_of(scored))))
    times = {float(time) for target, time in page.links if target == "#day"}
    assert {round(episode.start, 2) for episode in scored.episodes[:12]} <= times


def test_a_wearer_without_episodes_is_told_so(folder):
    scored = score_file(folder / "none", PRESET)
    page = Page(report(scored))
    assert scored.episodes == [] and scored.strips == {} and "None was found." in page.texts
    assert page.row("Ventricular beats").startswith("0 (0.00 %") and "episodes" not in as_table(scored, 100)


def test_of_many_episodes_of_a_sort_the_first_are_listed(scored):
    kinds = "NVVV" * 20
    beats = [replace(beat(n, kind), time=float(n)) for n, kind in enumerate(kinds)]
    page = Page(report(replace(scored, beats=beats, strips={})))
    place = page.texts.index("ventricular run")
    times = page.texts[place + 3]
    assert page.texts[place + 1 : place + 3] == ["20", "0:00:40"]
    assert times.count("–") == 12 and times.endswith(", and 8 more")


def test_a_model_without_a_template_has_neither_section_nor_burden():
    scored = scored_example()
    page, table = Page(report(scored)), as_table(scored, 100)
    assert not {"Episodes", "Kinds of beats", "Ventricular beats"} & set(page.texts)
    assert "episodes" not in table and "ventricular" not in table
    assert (scored.episodes, scored.burdens, scored.kinds, scored.strips) == ([], {}, (), {})
    assert "ventricular_beats" not in scored.summary


def test_a_table_has_burdens_episodes_and_the_kinds_of_alarms(scored):
    table = as_table(scored, 120)
    assert "ventricular beats" in table and f"{scored.burdens['ventricular'].percent:.2f} %" in table
    for what in {episode.what for episode in scored.episodes}:
        assert any(line.strip().startswith(what) for line in table.splitlines())
    assert "raised by" in table


def test_files_name_every_beat(scored, tmp_path):
    kinds, irregular = [b.kind for b in scored.beats], [b.irregular for b in scored.beats]
    rows = list(csv.DictReader(io.StringIO(as_csv(scored))))
    assert [row["kind"] for row in rows] == kinds
    assert [row["irregular"] for row in rows] == [str(int(value)) for value in irregular] and any(irregular)
    found = json.loads(as_json(scored))
    assert [row["kind"] for row in found["beats"]] == kinds
    assert [row["irregular"] for row in found["beats"]] == irregular
    assert [Episode(**episode) for episode in found["episodes"]] == scored.episodes
    assert found["ventricular_beats"] == kinds.count("V")


def test_wfdb_reads_the_kinds_back(scored, tmp_path):
    some = [replace(b, kind="S", alarm=True) if n == 200 else b for n, b in enumerate(scored.beats)]
    some[100] = replace(some[100], score=None, kind="", reason="noisy", alarm=False)
    write_annotations(replace(scored, beats=some), tmp_path / "many.sib")
    found = wfdb.rdann(str(tmp_path / "many"), "sib")
    assert found.symbol[1:] == [b.kind or "Q" for b in some] and set(found.symbol[1:]) == set("NSVQ")
    np.testing.assert_array_equal(found.sample[1:], [round(b.time * 360) for b in some])
    wanted = f"{scored.manifest['name']}: N = normal, S = premature, V = of another shape, Q = not scored"
    assert found.aux_note[0] == f"sibeat_edge: {wanted}"
    assert found.aux_note[101] == "not scored: noisy" and found.aux_note[1 + 300].startswith("score ")


def test_a_run_at_the_very_end_has_a_strip_too(folder, tmp_path):
    """Its beats become certain only when the recording has ended."""
    signal = wfdb.rdrecord(str(folder / "many")).p_signal[:, 0]
    whole = score_recording(Model(PRESET), signal, 360.0)
    run = next(e for e in episodes_of(whole) if e.what == "ventricular run")
    path = write_wfdb(tmp_path, "cut", signal[: round((run.end + 1.5) * 360), None])
    scored = score_file(path, PRESET)
    assert "ventricular run" in {episode.what for episode in scored.episodes}
    assert "ventricular run" in scored.strips
