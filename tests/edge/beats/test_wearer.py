"""The views of a stream of beats: which template and which rhythm each beat gets."""

import numpy as np
import pytest
from test_template import NORMAL, WIDE, noisy

from sibeat_edge.beats.alignment import CORE_AFTER
from sibeat_edge.beats.rhythm import rhythm
from sibeat_edge.beats.template import NOISE, UNLIKE, WARM_UP
from sibeat_edge.beats.wearer import FEWEST, HELD, Wearer, views_of
from sibeat_edge.beats.windows import BEFORE, HIGHEST, beside


def times(count, seed=0):
    return np.cumsum(np.random.default_rng(seed).uniform(0.7, 0.9, count))


def views_beside(beats, at, waits=True):
    wearer, pairs = Wearer(waits), []
    for time, beat in zip(at, beats, strict=True):
        pairs += wearer.push(time, beat)
    return views_of(pairs + wearer.finish())


def test_every_beat_gets_a_view_in_order_and_those_of_the_warm_up_the_first_template():
    beats, at = noisy(NORMAL, 100), times(100)
    views = views_beside(beats, at)
    template = np.median(beats[:WARM_UP], axis=0)
    assert len(views) == 100
    for number in range(
        WARM_UP - 1
    ):  # the last one waits for the next beat, which moves the template a little
        np.testing.assert_array_equal(views[number][0], beside(beats[number], template))
    for number, (window, _) in enumerate(views):
        assert window.shape == (320, 2) and np.abs(window).max() <= HIGHEST
        np.testing.assert_allclose(np.corrcoef(window[:, 0], beats[number][:, 0])[0, 1], 1, atol=1e-5)


def test_the_rhythm_is_that_of_the_forty_intervals_before_the_last_three():
    at = times(200)
    views, rr = views_beside(noisy(NORMAL, 200), at), np.diff(at, prepend=np.nan)
    for number in (43, 60, 120, 198):
        wanted = rhythm(rr[number - 42 : number - 2], rr[number - 2 : number + 1], rr[number + 1])
        np.testing.assert_array_equal(views[number][1], wanted)
    np.testing.assert_array_equal(views[10][1], rhythm(rr[:40], rr[8:11], rr[11]))
    np.testing.assert_array_equal(views[199][1], rhythm(rr[157:197], rr[197:200], np.nan))


def test_a_view_is_out_with_the_next_beat_or_at_once():
    for waits in (True, False):
        wearer, beats, at = Wearer(waits), noisy(NORMAL, 90), times(90)
        counts = [len(wearer.push(time, beat)) for time, beat in zip(at, beats, strict=True)]
        assert counts[: WARM_UP - 1] == [0] * (WARM_UP - 1)
        assert counts[WARM_UP - 1] == WARM_UP - waits and set(counts[WARM_UP:]) == {1}
        assert len(wearer.finish()) == waits


def test_at_once_nothing_is_known_of_the_next_beat():
    beats, at = noisy(NORMAL, 100), times(100)
    for _, found in views_beside(beats, at, waits=False):
        assert found[1] == found[2] == 0


def test_a_beat_unfit_to_be_scored_has_no_view_and_hides_the_intervals_around_it():
    beats, at = list(noisy(NORMAL, 100)), times(100)
    beats[80] = None
    views, whole = views_beside(beats, at), views_beside(noisy(NORMAL, 100), at)
    assert views[80] is None and sum(view is None for view in views) == 1
    assert views[79][1][1] == 0 != whole[79][1][1]  # the interval after it
    assert views[81][1][0] == 0 != whole[81][1][0]  # the interval before it


def test_a_noisy_beat_is_seen_beside_the_template_and_teaches_it_nothing():
    wearer, shape = Wearer(), np.hanning(320)[:, None]
    for beat in range(WARM_UP + 1):
        wearer.push(0.8 * beat, shape)
    before = wearer.template.beat
    pairs = [p for beat in range(61, 200) for p in wearer.push(0.8 * beat, 1.1 * shape, is_clean=False)]
    assert len(pairs) == 139 and all(pair is not None for pair in pairs)
    assert wearer.template.beat is before
    wearer.push(160.0, 1.1 * shape)
    assert wearer.template.beat is not before


def test_a_warm_up_in_noise_has_no_end_and_its_beats_no_views():
    wearer, shape = Wearer(), np.hanning(320)[:, None]
    pairs = [p for beat in range(300) for p in wearer.push(0.8 * beat, shape, is_clean=False)]
    assert pairs == [None] * 300 and wearer.template.beat is None and wearer.template.waiting == 0
    assert [pair for beat in range(300, 361) for pair in wearer.push(0.8 * beat, shape)][-1] is not None


def test_a_stream_that_ends_in_its_warm_up_is_judged_by_what_there_was():
    few = views_beside(noisy(NORMAL, FEWEST), times(FEWEST))
    assert len(few) == FEWEST and all(view is not None for view in few)
    assert views_beside(noisy(NORMAL, FEWEST - 1), times(FEWEST - 1)) == [None] * (FEWEST - 1)


def test_a_warm_up_without_end_holds_no_more_beats_than_stated():
    wearer, noise = Wearer(), np.random.default_rng(0).normal(size=(300, 320, 1))
    views = [view for time, beat in zip(times(300), noise, strict=True) for view in wearer.push(time, beat)]
    assert views == [None] * (300 - WARM_UP)
    assert wearer.template.trouble and wearer.finish() == [None] * WARM_UP


def test_a_warm_up_of_unfit_beats_holds_twice_as_many():
    wearer, noise, draws = (
        Wearer(),
        np.random.default_rng(0).normal(size=(400, 320, 1)),
        np.random.default_rng(1),
    )
    views = []
    for time, beat in zip(times(400), noise, strict=True):
        views += wearer.push(time, beat if draws.random() < 0.4 else None)
    assert 400 - HELD <= len(views) <= 400 - WARM_UP and set(views) == {None}


def test_after_a_gap_template_and_rhythm_are_still_the_wearers():
    wearer, beats, at = Wearer(), noisy(NORMAL, 200), times(200)
    for time, beat in zip(at[:100], beats[:100], strict=True):
        wearer.push(time, beat)
    before = wearer.template.beat
    wearer.finish()
    views = [wearer.push(1000 + time, beat) for time, beat in zip(at[100:], beats[100:], strict=True)]
    assert views[0] == [] and len(views[1]) == 1
    ((window, found),) = views_of(views[1])
    np.testing.assert_allclose(window, beside(beats[100], before), atol=0.01)
    assert found[0] == 0 and found[7] > 0  # the interval across the gap is unknown, those before it are not


@pytest.mark.parametrize("follows", [True, False])
def test_in_a_pause_a_beat_is_seen_as_if_the_next_had_come_late(follows):
    beats, at, seen = noisy(NORMAL, 101), times(101), []
    for waits_for_it in (True, False):
        wearer = Wearer()
        for time, beat in zip(at[:100], beats[:100], strict=True):
            wearer.push(time, beat)
        late = at[99] + 30
        seen += wearer.push(late, beats[100], follows) if waits_for_it else wearer.pause(follows)
        # What comes behind sees the same, whether the pause was told of or not.
        if not waits_for_it:
            assert wearer.push(late, beats[100], follows) == []
        seen += wearer.finish()
    seen = views_of(seen)
    for first, second in zip(seen[:2], seen[2:], strict=True):
        np.testing.assert_allclose(
            first[0], second[0], atol=0.01
        )  # the next beat moves the template a little
        np.testing.assert_array_equal(first[1], second[1])
    assert (seen[0][1][1] != 0) == follows  # the interval after it


@pytest.mark.parametrize("abnormal", [WIDE, -NORMAL])
def test_a_run_of_abnormal_beats_stands_out_to_its_end(abnormal):
    beats = np.concatenate([noisy(NORMAL, 100), noisy(abnormal, UNLIKE - 1), noisy(NORMAL, 20)])
    distance = [
        np.square(window[:, 0] - window[:, 1]).mean() for window, _ in views_beside(beats, times(len(beats)))
    ]
    run = slice(100, 100 + UNLIKE - 1)
    assert min(distance[run]) > 20 * max(distance[:100] + distance[run.stop :])


def test_the_core_of_a_beat_lies_around_the_place_of_its_r_peak():
    """Windows with another place for it: what varies outside of the core must not prolong the warm-up."""
    beats, draws = noisy(NORMAL[BEFORE - 100 : BEFORE + 150], WARM_UP).astype(float), np.random.default_rng(0)
    outside = slice(100 + CORE_AFTER, None)
    beats[:, outside] += 5 * draws.normal(size=beats[:, outside].shape)
    for centre, trouble in ((100, ""), (BEFORE, NOISE)):
        wearer = Wearer(centre=centre)
        for time, beat in zip(times(WARM_UP), beats, strict=True):
            wearer.push(time, beat)
        assert wearer.template.trouble == trouble


def test_a_beat_and_its_template_are_scaled_by_the_template():
    found = beside(2 * NORMAL, NORMAL)
    assert (
        found[:, 1].min() == -1 and found[:, 1].max() == 1 and found[:, 0].max() == pytest.approx(3, abs=0.01)
    )
    assert beside(100 * NORMAL, NORMAL).max() == HIGHEST
