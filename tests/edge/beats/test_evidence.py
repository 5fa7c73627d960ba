"""Which beats above the threshold are believed: by the beats around, their time, and others of their kind."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import ndimage, optimize, signal

from sibeat_edge.beats.evidence import Evidence, Seen
from sibeat_edge.beats.form import qrs_likeness, without_swings
from sibeat_edge.beats.windows import AFTER, BEFORE

# The rules in numbers of the tests' own, so that none changes unnoticed.
CLEAN, CLEANER, ODD = 10.0, 12.0, 8.0  # dB
AWAY = 0.5  # half heights of the template
CROWDED, REACH = 0.7, 6  # RR intervals, beats
HISTORY, FEWEST, PREMATURE = 20, 4, 0.12
QRS, SHIFT, SAME_QRS = (25, 35), 30, 0.95
KINDS, ENOUGH, ALIKE, HALF_LIFE = 8, 2, 0.9, 300
SLOW, SLOWER = 54, 108  # samples: 150 and 300 ms

FAR = np.arange(-400, 500)  # ticks around an R-peak, from which windows are cut
DIRTY = -5.0  # dB: likeness of a beat in noise
RR = 0.8


def wave(place, width, height):
    return height * np.exp(-np.square((FAR - place) / width) / 2)


def cut(shape, before=BEFORE, after=AFTER):
    return shape[..., 400 - before : 400 + after]


TEMPLATE = wave(0, 5, 1.0) + wave(10, 4, -0.3) + wave(90, 18, 0.25)
ECTOPIC = wave(8, 14, -1.5) + wave(100, 25, 0.5)
OTHER = wave(-12, 9, 0.9) + wave(25, 12, -1.2)


def view(shape=TEMPLATE, before=BEFORE, after=AFTER):
    """A beat beside the template."""
    return np.stack([cut(shape, before, after), cut(TEMPLATE, before, after)], axis=1).astype(np.float32)


def own(likeness=20.0, shape=TEMPLATE, rr=RR):
    """A beat below the threshold."""
    return Seen(0.0, rr, likeness, view(shape), is_over=False)


def over(shape=ECTOPIC, likeness=10.0, rr=RR):
    """A beat above the threshold."""
    return Seen(0.0, rr, likeness, view(shape), is_over=True)


def unfit(likeness=DIRTY, rr=RR):
    return Seen(0.0, rr, likeness, None, is_over=False)


def timed(beats, start=0.0):
    """The beats, each its RR interval after the one before."""
    times = start + np.cumsum([RR if beat.rr is None else beat.rr for beat in beats])
    return [beat._replace(time=float(time)) for beat, time in zip(beats, times, strict=True)]


def verdicts(beats, evidence=None):
    evidence = evidence or Evidence()
    return [verdict for beat in timed(beats) for verdict in evidence.push(beat)] + evidence.finish()


def believed(beats, evidence=None):
    """Whether each of the beats above the threshold is believed."""
    found = verdicts(beats, evidence)
    return [verdict for beat, verdict in zip(beats, found, strict=True) if beat.is_over]


def amid(beat, before=20.0, after=20.0):
    """A beat among the wearer's own ones, which have these likenesses."""
    return [own()] * 6 + [own(before)] * 2 + [beat, own(after), own(), own()]


def noisy(beat):
    return amid(beat, DIRTY, DIRTY)


def knows(evidence, shape):
    """Whether a beat of this shape is believed in noise by what is known so far."""
    return believed(noisy(over(shape)), copy.deepcopy(evidence)) == [True]


def smooth(seed, width=15):
    """A random shape without jumps, as electrodes that move make it, as high as a QRS."""
    noise = np.random.default_rng(seed).standard_normal(len(FAR))
    slow = ndimage.gaussian_filter1d(noise, width)
    return 1.5 * slow / np.abs(slow).max()


def compared(shape):
    """The part of a shape by which kinds are compared, without its swings, at 120 Hz with the R-peak."""
    lead = cut(shape)
    return (lead - ndimage.uniform_filter1d(lead, SLOWER, mode="nearest"))[BEFORE - 39 : BEFORE + 80 : 3]


def plain_shape(shape):
    """What is compared, of length 1."""
    return compared(shape) / np.linalg.norm(compared(shape))


def is_the_templates(shape):
    return qrs_likeness(cut(shape), cut(TEMPLATE)) >= SAME_QRS


def many(count):
    """QRS of ectopic beats, with nothing beside them, of which no two are of one kind."""
    found, seed = [], 1000
    while len(found) < count:
        shape, seed = smooth(seed, 6) * np.exp(-np.square((FAR - 5) / 14) / 2), seed + 1
        is_new = all(plain_shape(shape) @ plain_shape(other) < 0.6 for other in found)
        if is_new and qrs_likeness(cut(shape), cut(TEMPLATE)) < 0.8:
            found.append(shape)
    return found


# Without swings


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 400), st.integers(1, 130), st.integers(0, 99))
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_swing_is_the_moving_average_whose_ends_go_on_as_they_are(kind, length, width, seed):
    lead = np.random.default_rng(seed).standard_normal(length).astype(kind)
    wanted = lead - ndimage.uniform_filter1d(lead.astype(float), width, mode="nearest")
    np.testing.assert_allclose(without_swings(lead, width), wanted, atol=1e-6)


@pytest.mark.parametrize("width", [1, 2, 3, SLOW, SLOW + 1, SLOWER])
def test_the_average_of_an_even_width_reaches_one_sample_further_back(width):
    """A ramp's average is the ramp where the window lies in the middle, half a sample less if it does not."""
    ramp = 3.0 * np.arange(400) - 7
    inside = without_swings(ramp, width)[width:-width]
    np.testing.assert_allclose(inside, 3.0 * (0.5 if width % 2 == 0 else 0.0), atol=1e-9)


@pytest.mark.parametrize("width", [SLOW, SLOWER])
def test_a_peak_stays_but_for_its_share_of_the_average(width):
    lead = np.zeros(320)
    lead[BEFORE] = 1.0
    wanted = np.zeros(320)
    wanted[BEFORE - width // 2 + 1 : BEFORE + width // 2 + 1] = -1 / width
    wanted[BEFORE] += 1
    np.testing.assert_allclose(without_swings(lead, width), wanted, atol=1e-12)


@given(st.floats(-100, 100), st.integers(1, 200), st.integers(1, 120))
def test_of_a_constant_lead_nothing_stays(value, length, width):
    np.testing.assert_allclose(without_swings(np.full(length, value), width), 0, atol=1e-9)


# Likeness of the QRS


def plain_likeness(lead, template, centre):
    """The definition, place by place."""
    lead, template = (
        part - ndimage.uniform_filter1d(part, SLOW, mode="nearest") for part in (lead, template)
    )
    first, last = max(0, centre - QRS[0]), min(len(template), centre + QRS[1])
    qrs, found = template[first:last], []
    for place in range(max(0, centre - QRS[0] - SHIFT), len(lead) - len(qrs) + 1):
        if place + len(qrs) <= centre + QRS[1] + SHIFT:
            part = lead[place : place + len(qrs)]
            found.append(part @ qrs / (np.linalg.norm(part) * np.linalg.norm(qrs)))
    return max(found)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 999),
    st.sampled_from([(BEFORE, AFTER), (100, 150), (60, 40), (30, 70), (10, 30), (0, 20)]),
    st.integers(1, 30),
)
def test_the_likeness_is_the_highest_correlation_of_all_places(seed, window, width):
    lead, template = (cut(smooth((seed, turn), width), *window) for turn in range(2))
    wanted = plain_likeness(lead, template, window[0])
    assert qrs_likeness(lead, template, window[0]) == pytest.approx(wanted, abs=1e-9)


def test_the_likeness_is_that_of_a_matched_filter():
    lead, template = (
        part - ndimage.uniform_filter1d(part, SLOW, mode="nearest") for part in map(cut, (ECTOPIC, TEMPLATE))
    )
    qrs = template[BEFORE - QRS[0] : BEFORE + QRS[1]]
    around = lead[BEFORE - QRS[0] - SHIFT : BEFORE + QRS[1] + SHIFT]
    sizes = np.sqrt(signal.correlate(np.square(around), np.ones(len(qrs)), "valid"))
    wanted = (signal.correlate(around, qrs, "valid") / sizes).max() / np.linalg.norm(qrs)
    assert qrs_likeness(cut(ECTOPIC), cut(TEMPLATE)) == pytest.approx(wanted) and wanted < SAME_QRS


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), *[st.floats(0.05, 20), st.floats(-5, 5)] * 2)
def test_gain_and_offset_change_no_likeness(seed, gain, offset, other_gain, other_offset):
    lead, template = cut(smooth(seed)), cut(TEMPLATE)
    found = qrs_likeness(gain * lead + offset, other_gain * template + other_offset)
    assert found == pytest.approx(qrs_likeness(lead, template), abs=1e-6)


@pytest.mark.parametrize("shift", [-SHIFT, -7, 0, 7, SHIFT])
def test_a_displaced_qrs_is_found_within_the_reach_and_not_beyond_it(shift):
    """The average's ends, which differ, lie far from the QRS."""
    template = wave(0, 5, 1.0) + wave(10, 4, -0.3)
    assert qrs_likeness(cut(np.roll(template, shift)), cut(template)) == pytest.approx(1, abs=1e-6)
    beyond = shift + int(np.sign(shift)) * 25
    assert abs(shift) < SHIFT or qrs_likeness(cut(np.roll(template, beyond)), cut(template)) < 0.9


@settings(max_examples=60, deadline=None)
@given(st.floats(0.8, 3.0), st.floats(0, 6.2), st.floats(-0.5, 0.5))
def test_an_electrode_s_slow_swing_under_it_leaves_the_qrs_as_it_is(seconds, phase, height):
    swing = height * np.sin(2 * np.pi * FAR / (360 * seconds) + phase)
    assert qrs_likeness(cut(TEMPLATE + swing), cut(TEMPLATE)) > SAME_QRS


@pytest.mark.parametrize("shape", [ECTOPIC, OTHER, -TEMPLATE, wave(0, 20, 1.0)])
def test_the_qrs_of_an_ectopic_beat_is_another(shape):
    assert qrs_likeness(cut(shape), cut(TEMPLATE)) < 0.9


@pytest.mark.parametrize("value", [0.0, -1.0, 0.3])
def test_where_either_is_flat_there_is_no_likeness(value):
    flat = np.full(320, value)
    for pair in ((flat, cut(TEMPLATE)), (cut(TEMPLATE), flat), (flat, flat)):
        assert qrs_likeness(*pair) == pytest.approx(0, abs=1e-6)


# One verdict for each beat


SHAPES = [TEMPLATE, ECTOPIC, OTHER, *map(smooth, range(4))]
BEATS = st.lists(
    st.builds(
        Seen,
        time=st.just(0.0),
        rr=st.one_of(st.none(), st.floats(0.3, 1.5)),
        likeness=st.one_of(st.none(), st.sampled_from([20.0, 20.0, DIRTY]), st.floats(-20, 40)),
        view=st.one_of(st.none(), st.sampled_from([view(shape) for shape in SHAPES])),
        is_over=st.booleans(),
        form=st.none(),
    ).map(lambda beat: beat._replace(is_over=beat.is_over and beat.view is not None)),
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(BEATS)
def test_each_beat_has_its_verdict_at_once_or_with_the_next_one(beats):
    evidence, found = Evidence(), []
    for number, beat in enumerate(timed(beats), 1):
        found += evidence.push(beat)
        assert len(found) == number - beat.is_over
    found += evidence.finish()
    assert len(found) == len(beats) and evidence.finish() == []
    assert all(verdict is True or verdict is False for verdict in found)


@settings(max_examples=100, deadline=None)
@given(BEATS)
def test_a_beat_below_the_threshold_is_never_to_be_believed(beats):
    assert not any(found for beat, found in zip(beats, verdicts(beats), strict=True) if not beat.is_over)


@settings(max_examples=100, deadline=None)
@given(BEATS, st.sets(st.integers(0, 60)))
def test_an_end_where_nothing_waits_changes_no_verdict(beats, ends):
    evidence, found = Evidence(), []
    for number, beat in enumerate(timed(beats)):
        found += evidence.push(beat)
        if number in ends and not beat.is_over:
            assert evidence.finish() == []
    assert found + evidence.finish() == verdicts(beats)


@settings(max_examples=60, deadline=None)
@given(BEATS, BEATS)
def test_what_comes_later_changes_no_verdict_that_is_out(beats, later):
    whole, evidence = verdicts(beats + later), Evidence()
    out = [verdict for beat in timed(beats) for verdict in evidence.push(beat)]
    assert out == whole[: len(out)]


@settings(max_examples=40, deadline=None)
@given(BEATS, st.floats(-1e4, 1e4))
def test_the_time_of_the_first_beat_does_not_matter(beats, start):
    """Unless rounding decides between crowded and not."""
    start = round(start)
    beats = [beat if beat.rr is None else beat._replace(rr=round(32 * beat.rr) / 32) for beat in beats]
    beats = [beat._replace(rr=beat.rr or 0.75) for beat in beats]
    evidence = Evidence()
    found = [verdict for beat in timed(beats, start) for verdict in evidence.push(beat)] + evidence.finish()
    assert found == verdicts(beats)


def test_no_more_is_held_however_many_beats_come():
    """Every shape of the noise is new, and every second one is believed."""
    evidence, sizes = Evidence(), []
    for number in range(3000):
        shape = smooth(number) if number % 3 == 1 else TEMPLATE
        beat = unfit() if number % 50 == 7 else Seen(RR * number, RR, 20.0, view(shape), number % 3 == 1)
        evidence.push(beat._replace(time=RR * number))
        if number % 100 == 99:
            sizes.append(len(pickle.dumps(evidence)))
    most = (HISTORY + 2) * (view().nbytes + 8 * 120) + KINDS * 8 * 120 + 10_000
    assert max(sizes) < most and max(sizes[10:]) <= max(sizes[:10]) + 1000


def test_beats_above_the_threshold_without_end_are_not_held_either():
    evidence, sizes = Evidence(), []
    for beat in timed([over()] * 600):
        assert len(evidence.push(beat)) <= 1
        sizes.append(len(pickle.dumps(evidence)))
    assert max(sizes[60:]) <= max(sizes[:60]) + 100


# The beats around


def test_an_ectopic_beat_among_the_wearers_own_is_believed_and_in_noise_it_is_not():
    assert believed(amid(over())) == [True] and believed(noisy(over())) == [False]


@pytest.mark.parametrize("pattern", list(np.ndindex(2, 2, 2)))
def test_two_of_the_three_beats_around_must_be_clean(pattern):
    """Two before and one behind; those further away do not count."""
    around = [own(DIRTY), *[own(20.0 if good else DIRTY) for good in pattern], own(DIRTY)]
    beats = [own()] * 6 + around[:3] + [over()] + around[3:] + [own(DIRTY)] * 3
    assert believed(beats) == [sum(pattern) >= 2]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-20, 40)), min_size=3, max_size=3),
    st.one_of(st.none(), st.floats(-20, 40)),
)
def test_the_median_of_the_known_likenesses_counts(likeness, of_the_beat):
    known = sorted(value for value in likeness if value is not None)
    middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2 if known else -np.inf
    needed = CLEAN if of_the_beat is None or of_the_beat >= ODD else CLEANER
    beats = [own()] * 6 + [own(value) for value in likeness[:2]]
    beats += [over(likeness=of_the_beat), own(likeness[2])]
    assert believed(beats) == [middle >= needed]


@pytest.mark.parametrize("of_the_beat", [ODD, 20.0, None, np.nextafter(ODD, 0), -20.0])
def test_around_a_beat_like_none_of_its_own_the_others_must_be_cleaner(of_the_beat):
    is_odd = of_the_beat is not None and of_the_beat < ODD
    limit = CLEANER if is_odd else CLEAN
    beat = over(likeness=of_the_beat)
    assert believed(amid(beat, limit, limit)) == [True]
    below = np.nextafter(limit, 0)
    assert believed(amid(beat, below, below)) == [False]


def shaking(height, outside=True):
    """A beat whose difference from the template alternates, outside of the QRS or inside of it."""
    is_outside = (FAR < -30) | (FAR >= 40)
    return TEMPLATE + np.where(is_outside == outside, height * (-1.0) ** FAR, 0.0)


def exactly(height):
    """A beat beside a flat template, from which it differs by ±``height`` outside of the QRS: no rounding."""
    beat = own()
    columns = np.zeros((320, 2), np.float32)
    columns[:, 0] = cut(shaking(height) - TEMPLATE)
    return beat._replace(view=columns)


def test_the_limit_of_the_distance_outside_of_the_qrs_is_a_standard_deviation():
    for height, is_clean in ((AWAY, False), (np.nextafter(np.float32(AWAY), np.float32(0)), True)):
        beats = [own()] * 6 + [exactly(height)] * 2 + [over(), exactly(height)]
        assert believed(beats) == [is_clean]


def test_inside_of_the_qrs_and_by_an_offset_beats_may_differ():
    for shape in (shaking(3.0, outside=False), TEMPLATE + 3.0):
        assert believed([own()] * 6 + [own(shape=shape)] * 2 + [over(), own(shape=shape)]) == [True]
    shape = shaking(1.1 * AWAY)
    assert believed([own()] * 6 + [own(shape=shape)] * 2 + [over(), own(shape=shape)]) == [False]


@pytest.mark.parametrize("pattern", list(np.ndindex(2, 2, 2)))
def test_two_of_the_three_around_must_be_near_the_template(pattern):
    around = [own(shape=TEMPLATE if good else shaking(1.0)) for good in pattern]
    assert believed([own()] * 6 + around[:2] + [over()] + around[2:]) == [sum(pattern) >= 2]


def test_a_beat_unfit_to_be_scored_is_known_by_its_likeness_alone():
    clean, dirty = unfit(likeness=20.0), unfit()
    assert believed([own()] * 6 + [clean, own(), over(), clean]) == [True]
    assert believed([own()] * 6 + [dirty, own(), over(), dirty]) == [False]
    assert believed([own()] * 6 + [clean, clean, over(), clean]) == [False]  # none beside the template


def test_at_an_end_the_two_beats_before_are_all_there_are():
    assert believed([own()] * 8 + [over()]) == [True]
    assert believed([own()] * 6 + [own(DIRTY)] * 2 + [over()]) == [False]
    assert believed([own()] * 6 + [own(DIRTY), own(20.0), over()]) == [False]  # 7.5 dB in the middle


def test_the_first_beat_of_all_is_judged_by_the_one_behind_it():
    assert believed([over(rr=None)]) == [False]
    assert believed([over(rr=None), own()]) == [True]
    assert believed([over(rr=None), own(DIRTY)]) == [False]


def test_the_beats_around_may_be_above_the_threshold_themselves():
    row = [over(shape, likeness=20.0) for shape in many(3)]
    assert believed([own()] * 6 + row + [own()]) == [True] * 3
    row = [over(shape, likeness=DIRTY) for shape in many(3)]
    assert believed([own()] * 6 + row + [own()]) == [True, False, False]


# Crowded beats


def between(count, passed, usual=RR, behind=None):
    """Beats above the threshold between two of the wearer's own that are ``passed`` apart."""
    rr = passed / (count + 1)
    beats = [own(rr=usual)] * 24 + [over(rr=rr, likeness=20.0)] * count
    return [*beats, (behind or own())._replace(rr=rr), own(rr=usual)]


@settings(max_examples=60, deadline=None)
@given(st.floats(0.4, 1.5), st.floats(0.2, 3.0))
def test_a_beat_found_between_two_others_has_no_time(usual, passed):
    excess = 2 - passed
    assume(abs(excess - CROWDED) > 1e-6)
    assert believed(between(1, passed * usual, usual)) == [excess < CROWDED]


@pytest.mark.parametrize("passed, is_crowded", [(1.29, True), (1.31, False)])
def test_crowded_is_from_0_7_intervals_more_than_there_is_time_for(passed, is_crowded):
    assert believed(between(1, passed, usual=1.0)) == [not is_crowded]


def test_a_pause_that_compensates_a_premature_beat_gives_it_its_time():
    early, late = over(rr=0.6 * RR), own(rr=1.4 * RR)
    assert believed([own()] * 8 + [early, late]) == [True]
    assert believed([own()] * 8 + [early, own(rr=0.4 * RR)]) == [False]  # between two that are on time
    assert believed([own()] * 8 + [early, own(rr=1.0 * RR)]) == [True]  # the sinus node begins anew


@pytest.mark.parametrize("count", range(1, REACH + 2))
def test_of_many_beats_in_a_row_the_last_is_crowded_if_all_have_too_little_time(count):
    """One more than there is time for; farther back than the reach the beat before them is not looked for."""
    shapes = many(count)
    for passed, is_crowded in ((count * RR, count <= REACH), ((count + 1) * RR, False)):
        beats = between(count, passed)
        row = [beat._replace(view=view(shape)) for beat, shape in zip(beats[24:], shapes, strict=False)]
        assert believed(beats[:24] + row + beats[24 + count :]) == [True] * (count - 1) + [not is_crowded]


@pytest.mark.parametrize("count", [3, 5])
def test_a_fast_run_of_one_kind_is_believed_to_its_last_beat(count):
    assert believed(between(count, 0.6 * count * RR)) == [True] * count


def test_crowded_is_a_beat_only_if_the_next_one_has_a_score_below_the_threshold():
    assert not believed(between(1, RR))[0]
    for behind in (unfit(likeness=20.0), over(likeness=20.0)):
        assert believed(between(1, RR, behind=behind))[0]


@pytest.mark.parametrize("count", [1, REACH - 1, REACH])
def test_a_beat_unfit_to_be_scored_does_not_hide_that_the_others_are_crowded(count):
    """Between two of the wearer's own; one farther back than the reach is not looked for."""
    beats = [own()] * 8 + [unfit(likeness=20.0)] * count + [over(rr=RR / 2), own(rr=RR / 2)]
    assert believed(beats) == [count >= REACH]


def test_before_there_is_a_usual_interval_no_beat_is_crowded():
    for known in range(8):
        beats = [own(rr=None)] * (8 - known) + [own()] * known + [over(rr=0.4), own(rr=0.4)]
        assert believed(beats) == [known < FEWEST]


def test_a_crowded_beat_teaches_no_kind_but_one_of_a_known_kind_is_believed():
    evidence = Evidence()
    assert believed(between(1, RR) * 3, evidence) == [False] * 3 and not knows(evidence, ECTOPIC)
    assert believed(amid(over()) * ENOUGH, evidence) == [True] * ENOUGH
    assert believed(between(1, RR), evidence) == [True]


# The template's own QRS


SWUNG = TEMPLATE + 0.8 * np.sin(2 * np.pi * FAR / 500 + 1)


def test_a_slow_swing_under_the_templates_qrs_is_doubted_even_among_clean_beats():
    assert believed(amid(over(SWUNG))) == [False]
    assert believed(amid(over(TEMPLATE))) == [False]


@pytest.mark.parametrize("apart", [-0.002, 0.002])
def test_the_templates_qrs_is_what_correlates_with_it_by_0_95(apart):
    def mixed(share):
        return (1 - share) * TEMPLATE + share * OTHER

    def excess(share):
        return plain_likeness(cut(mixed(share)), cut(TEMPLATE), BEFORE) - SAME_QRS - apart

    shape = mixed(optimize.brentq(excess, 0, 0.7))
    assert believed(amid(over(shape))) == [apart < 0] and believed(amid(over(shape, rr=0.6 * RR))) == [True]


@pytest.mark.parametrize("shape", [TEMPLATE, SWUNG])
def test_a_beat_with_the_templates_qrs_is_believed_if_it_is_premature_and_among_clean_ones(shape):
    assert believed(amid(over(shape, rr=0.8 * RR))) == [True]
    assert believed(noisy(over(shape, rr=0.8 * RR))) == [False]
    assert believed(amid(over(shape, rr=None))) == [False]


@pytest.mark.parametrize("rr, is_early", [(1 - PREMATURE, False), (np.nextafter(1 - PREMATURE, 0), True)])
def test_premature_is_what_comes_12_percent_before_its_time(rr, is_early):
    behind = own(rr=1.1)  # so that it has its time
    assert believed([own(rr=1.0)] * 8 + [over(TEMPLATE, rr=rr), behind]) == [is_early]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0.4, 1.4)), min_size=3, max_size=45), st.floats(0.3, 1.3))
def test_the_usual_interval_is_the_median_of_the_known_ones_of_the_last_twenty(intervals, rr):
    known = [interval for interval in intervals[-20:] if interval is not None]
    usual = np.median(known) if len(known) >= 4 else np.nan
    assume(not abs(rr - 0.88 * usual) < 1e-9)
    beats = [own(rr=interval) for interval in intervals] + [over(TEMPLATE, rr=rr), own(rr=3.0)]
    assert believed(beats) == [bool(rr < 0.88 * usual)]


@pytest.mark.parametrize("rr, is_early", [(0.69, True), (0.72, False)])
def test_a_twentieth_interval_still_counts_and_one_before_it_does_not(rr, is_early):
    """Half of the twenty are 0.6 s and half are 1 s: 0.8 s are usual, and 0.704 s premature."""
    beats = [own(rr=0.6)] * 30 + [own(rr=1.0)] * 10 + [over(TEMPLATE, rr=rr), own(rr=3.0)]
    assert believed(beats) == [is_early]


def test_beats_above_the_threshold_have_intervals_that_count_as_well():
    beats = [own(rr=1.0)] * 4 + [over(likeness=20.0, rr=0.6)] * 18 + [over(TEMPLATE, rr=0.7), own(rr=3.0)]
    assert not believed(beats)[-1]  # as slow as the others by now
    beats[-2] = over(TEMPLATE, rr=0.5)
    assert believed(beats)[-1]


def test_the_templates_qrs_teaches_no_kind():
    evidence = Evidence()
    assert believed(amid(over(SWUNG, rr=0.8 * RR)) * 4, evidence) == [True] * 4
    assert not knows(evidence, SWUNG) and not believed(noisy(over(SWUNG, rr=0.8 * RR)), evidence)[0]


# Kinds


def test_a_kind_is_believed_in_noise_from_its_second_believed_beat_on():
    evidence, found = Evidence(), []
    for _ in range(ENOUGH + 1):
        found.append(believed(noisy(over()) * 3, evidence))  # those in noise teach nothing
        assert believed(amid(over()), evidence) == [True]
    assert found == [[False] * 3] * ENOUGH + [[True] * 3]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 6, 12, 25]))
def test_in_noise_only_what_is_like_a_known_kind_is_believed(seed, width):
    """The wearer's extrasystole, and an electrode's movement that was believed twice."""
    evidence, known = Evidence(), [ECTOPIC, smooth(seed, width)]
    assume(plain_shape(known[0]) @ plain_shape(known[1]) < 0.85 and not is_the_templates(known[1]))
    assert believed(amid(over(known[0])) * 2 + amid(over(known[1])) * 2, evidence) == [True] * 4
    shapes = [smooth((seed, turn), width) for turn in range(1, 30)]
    alike = [max(plain_shape(shape) @ plain_shape(kind) for kind in known) for shape in shapes]
    assume(min(np.abs(np.subtract(alike, ALIKE))) > 1e-4)
    wanted = [
        value >= ALIKE and not is_the_templates(shape) for value, shape in zip(alike, shapes, strict=True)
    ]
    assert believed([own(DIRTY)] + [over(shape, DIRTY) for shape in shapes], evidence) == wanted


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 4]))
def test_noise_of_ever_new_shapes_is_never_believed_in_noise(seed, width):
    """Not even where as many kinds of it as are kept have been believed before."""
    evidence = Evidence()
    before = [beat for turn in range(KINDS) for beat in amid(over(smooth((seed, turn), width))) * 2]
    believed(amid(over()) * 2 + before, evidence)
    shapes = [smooth((seed, turn), width) for turn in range(KINDS, 80)]
    assert not any(believed([own(DIRTY)] + [over(shape, DIRTY) for shape in shapes], evidence))


def test_a_kind_in_noise_may_be_of_another_size_and_swing():
    evidence = Evidence()
    believed(amid(over()) * 2, evidence)
    swing = 0.4 * np.sin(2 * np.pi * FAR / 700)
    for shape in (0.6 * ECTOPIC, 1.4 * ECTOPIC, ECTOPIC + 0.5, ECTOPIC + swing):
        assert knows(evidence, shape)
    assert not knows(evidence, OTHER) and not knows(evidence, -ECTOPIC)


def at_correlation(correlation, other=OTHER):
    """A shape that correlates with ``ECTOPIC`` by so much where kinds are compared."""
    share = plain_shape(ECTOPIC) @ plain_shape(other)
    first, second = (shape / np.linalg.norm(compared(shape)) for shape in (ECTOPIC, other))
    second = (second - share * first) / np.sqrt(1 - share**2)
    size = np.linalg.norm(compared(ECTOPIC))
    return size * (correlation * first + np.sqrt(1 - correlation**2) * second)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(6, 12), st.sampled_from([-5e-4, 5e-4]))
def test_beats_are_of_one_kind_from_a_correlation_of_0_9_on(seed, width, apart):
    """From 40 samples before the R-peak to 80 behind it, without swings of 300 ms."""
    shape = at_correlation(0.9 + apart, smooth(seed, width))
    assert plain_shape(ECTOPIC) @ plain_shape(shape) == pytest.approx(0.9 + apart, abs=1e-9)
    assume(not is_the_templates(shape))
    evidence = Evidence()
    believed(amid(over()) * 2, evidence)
    assert knows(evidence, ECTOPIC) and knows(evidence, shape) == (apart > 0)


def test_a_kind_follows_beats_that_change_slowly():
    evidence = Evidence()
    for correlation in np.linspace(1, 0.5, 120):
        assert believed(amid(over(at_correlation(correlation))), evidence) == [True]
    assert knows(evidence, at_correlation(0.5)) and not knows(evidence, ECTOPIC)


def test_of_more_kinds_than_are_kept_the_rarest_is_forgotten():
    shapes, times = many(KINDS + 1), (4, 3, 5, 2, 6, 3, 4, 7, 2)
    evidence = Evidence()
    for shape, count in zip(shapes[:KINDS], times[:KINDS], strict=True):
        assert believed(amid(over(shape)) * count, evidence) == [True] * count
    assert [knows(evidence, shape) for shape in shapes] == [True] * KINDS + [False]
    believed(amid(over(shapes[-1])) * times[-1], evidence)
    assert [knows(evidence, shape) for shape in shapes] == [count != 2 for count in times[:-1]] + [True]


@pytest.mark.parametrize("half_lives, is_kept", [(1.5, True), (2.5, False)])
def test_a_kind_that_comes_no_longer_counts_half_after_each_300_beats_above_the_threshold(
    half_lives, is_kept
):
    """The first has eight beats, each of the others two: less than it counts up to two half-lives later."""
    shapes, evidence = many(KINDS + 1), Evidence()
    believed(amid(over(shapes[0])) * 8, evidence)
    believed([own()] * 6 + [over(TEMPLATE)] * round(half_lives * HALF_LIFE), evidence)
    for shape in shapes[1:]:
        believed(amid(over(shape)) * 2, evidence)
    assert knows(evidence, shapes[0]) == is_kept and knows(evidence, shapes[1]) != is_kept
    assert all(knows(evidence, shape) for shape in shapes[2:])


def test_each_beat_of_a_kind_makes_it_a_new_one():
    """It began long ago, but counts 4.1 when one has to go; one that came later, but no more, counts 3.7."""
    shapes, evidence = many(KINDS + 1), Evidence()
    swings = [own()] * 6 + [over(TEMPLATE)] * HALF_LIFE
    believed(amid(over(shapes[0])) * 8, evidence)
    believed(swings * 2 + amid(over(shapes[0])), evidence)
    believed(amid(over(shapes[1])) * 8 + swings, evidence)
    for shape in shapes[2:]:
        believed(amid(over(shape)) * 5, evidence)
    assert knows(evidence, shapes[0]) and not knows(evidence, shapes[1])


def test_a_kind_outlasts_any_number_of_beats_below_the_threshold():
    evidence = Evidence()
    believed(amid(over()) * 2 + [own()] * 3000, evidence)
    assert knows(evidence, ECTOPIC)


def test_what_is_known_outlasts_an_end():
    evidence, found = Evidence(), []
    for beat in timed(amid(over()) * 2):
        found += evidence.push(beat) + evidence.finish()
    assert sum(found) == 2 and knows(evidence, ECTOPIC)


# Leads and windows


def of_leads(beat, count, seed):
    """The beat with more leads, which hold noise."""
    if beat.view is None:
        return beat
    noise = np.random.default_rng(seed).normal(size=(2, 320, count - 1)).astype(np.float32)
    columns = [np.hstack([beat.view[:, lead : lead + 1], noise[lead]]) for lead in range(2)]
    return beat._replace(view=np.hstack(columns))


@settings(max_examples=40, deadline=None)
@given(BEATS, st.integers(2, 4))
@example(amid(over(SWUNG)) + amid(over(SWUNG, rr=0.8 * RR)) + amid(over()) * 2 + noisy(over()), 2)
def test_of_several_leads_the_first_is_judged(beats, count):
    assert verdicts([of_leads(beat, count, seed) for seed, beat in enumerate(beats)]) == verdicts(beats)


@pytest.mark.parametrize("window", [(100, 150), (120, 140), (200, 300)])
def test_the_r_peak_s_place_in_a_window_changes_no_verdict(window):
    """Windows that hold all that is compared, with the averages that go with it.

    Some of the wearer's own beats differ from the template in the QRS.
    """
    shapes = [TEMPLATE, ECTOPIC, OTHER, SWUNG, *many(4)]
    inside = [TEMPLATE, shaking(3.0, outside=False)]
    draws, beats = np.random.default_rng(0), []
    for number in range(400):
        is_over, likeness = number % 4 == 3, float(draws.choice([20.0, 20.0, 20.0, DIRTY]))
        shape = shapes[draws.integers(len(shapes))] if is_over else inside[draws.integers(2)]
        beats.append((Seen(RR * number, RR * draws.choice([0.75, 1.0]), likeness, None, is_over), shape))
    found = {}
    for before, after in ((BEFORE, AFTER), window):
        evidence = Evidence(before)
        seen = [beat._replace(view=view(shape, before, after)) for beat, shape in beats]
        found[before, after] = [verdict for beat in seen for verdict in evidence.push(beat)]
    usual, other = found.values()
    assert usual == other and 40 < sum(usual) < 100


def test_kinds_are_compared_around_the_r_peak_wherever_that_is():
    """What lies a quarter of a second before it does not count, nor does the average that it is part of."""
    evidence = Evidence(200)

    def judge(beats):
        beats = [(beat, cut(np.float32(shape), 200, 300)) for beat, shape in beats]
        views = [np.stack([shape, cut(TEMPLATE, 200, 300)], axis=1) for _, shape in beats]
        seen = [beat._replace(view=made) for (beat, _), made in zip(beats, views, strict=True)]
        return sum([evidence.push(beat) for beat in timed(seen)], []) + evidence.finish()

    for shape, likeness, wanted in (
        (ECTOPIC, 20.0, True),
        (ECTOPIC, 20.0, True),
        (ECTOPIC + wave(-100, 3, 6.0), DIRTY, True),
        (ECTOPIC + wave(-10, 3, 6.0), DIRTY, False),
        (OTHER, DIRTY, False),
    ):
        around = [(own(likeness), TEMPLATE)]
        assert judge([*around * 6, (over(), shape), *around])[6] == wanted


@pytest.mark.parametrize("window", [(0, 20), (10, 30), (30, 40), (60, 40), (140, 1), (1, 320)])
def test_a_short_window_is_judged_by_what_there_is(window):
    evidence = Evidence(window[0])
    beats = [beat._replace(view=None) for beat in amid(over())]
    beats = [b._replace(view=view(ECTOPIC if b.is_over else TEMPLATE, *window)) for b in timed(beats)]
    found = [verdict for beat in beats for verdict in evidence.push(beat)] + evidence.finish()
    assert len(found) == len(beats) and sum(found) <= 1
    dirty = [beat._replace(likeness=DIRTY) for beat in beats]
    evidence = Evidence(window[0])
    assert not any(verdict for beat in dirty for verdict in evidence.push(beat))
