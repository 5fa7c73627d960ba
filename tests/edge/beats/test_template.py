"""The wearer's template: which beats it is learnt from, which do not move it, and what replaces it."""

import numpy as np
import pytest

from sibeat_edge.beats.alignment import CORE_AFTER, CORE_BEFORE
from sibeat_edge.beats.template import (
    ABNORMAL,
    ALIKE,
    BOUND,
    MEMORY,
    NOISE,
    PATIENCE,
    PROLONGED,
    UNLIKE,
    WARM_UP,
    WearerTemplate,
    kinds_of,
    likeness,
    normal_kind,
)
from sibeat_edge.beats.windows import BEFORE

TICKS = np.arange(320)


def wave(place=140, width=6, height=1.0):
    return height * np.exp(-(((TICKS - place) / width) ** 2) / 2)


NORMAL = (wave() + wave(210, 20, 0.3) + wave(90, 10, 0.15))[:, None]
WIDE = (wave(150, 25, -1.4) + wave(230, 25, 0.6))[:, None]
OTHER = (wave(140, 6, -1.0) + wave(210, 20, -0.3))[:, None]


def noisy(beat, count, seed=0, strength=0.02):
    made = beat + np.random.default_rng(seed).normal(scale=strength, size=(count, *beat.shape))
    return made.astype(np.float32)


def learnt(beats, rr=0.8, **options):
    template = WearerTemplate(**options)
    for number, beat in enumerate(beats):
        template.push(beat, rr[number] if np.ndim(rr) else rr)
    return template


def core_of(centre, length=320):
    return np.arange(length)[max(0, centre - CORE_BEFORE) : centre + CORE_AFTER]


def beside(beats, seed=0, height=1.5):
    """The beats, each with its neighbours somewhere outside of the core, up to so high."""
    draws, made = np.random.default_rng(seed), np.array(beats, np.float64)
    core = core_of(BEFORE)
    for beat in made:
        before, after = draws.integers(0, core[0]), draws.integers(core[-1] + 1, len(TICKS))
        neighbours = wave(before, 10, draws.uniform(-height, height)) + wave(
            after, 10, draws.uniform(-height, height)
        )
        neighbours[core] = 0
        beat += neighbours[:, None]
    return made


def alike(beat, correlation, core, seed=0):
    """A beat whose core has exactly this correlation with that of ``beat``."""
    found = beat.copy()
    own = beat[core] - beat[core].mean()
    other = np.random.default_rng(seed).normal(size=own.shape)
    other -= other.mean()
    other -= own * np.vdot(own, other) / np.vdot(own, own)
    other *= np.linalg.norm(own) / np.linalg.norm(other)
    found[core] = correlation * own + np.sqrt(1 - correlation**2) * other
    return found


def test_there_is_none_in_the_warm_up_and_the_median_after_it():
    beats = noisy(NORMAL, WARM_UP)
    assert learnt(beats[:-1]).beat is None
    template = learnt(beats)
    np.testing.assert_allclose(template.beat, np.median(beats, axis=0))
    assert template.trouble == "" and template.added == 0


def test_abnormal_beats_among_the_first_leave_no_trace():
    beats = noisy(NORMAL, WARM_UP)
    beats[5:55:3] = noisy(WIDE, 17, 1)
    clean = np.delete(beats, np.arange(5, 55, 3), axis=0)
    np.testing.assert_allclose(learnt(beats).beat, np.median(clean, axis=0))


def test_of_two_kinds_the_one_that_is_not_premature_is_normal():
    """Bigeminy, in which the premature kind is even the larger one."""
    beats, rr = noisy(NORMAL, WARM_UP), np.full(WARM_UP, 1.1)
    premature = np.arange(WARM_UP) % 20 < 11
    beats[premature], rr[premature] = noisy(WIDE, premature.sum(), 1), 0.6
    assert likeness(learnt(beats, rr).beat, NORMAL) > 0.99
    assert likeness(learnt(beats, 0.8).beat, WIDE) > 0.99  # without their times the larger kind wins


def test_noise_prolongs_the_warm_up_until_beats_come():
    noise = np.random.default_rng(0).normal(size=(2 * WARM_UP, 320, 1))
    template = learnt(noise)
    assert template.beat is None and template.trouble == NOISE
    for beat in noisy(NORMAL, WARM_UP + PROLONGED):
        template.push(beat, 0.8)
    assert template.trouble == "" and likeness(template.beat, NORMAL) > 0.99


def test_mostly_premature_beats_prolong_the_warm_up():
    beats, rr = noisy(WIDE, WARM_UP), np.full(WARM_UP, 0.5)
    normal = np.arange(WARM_UP) % 3 == 0
    beats[normal], rr[normal] = noisy(NORMAL, normal.sum(), 1), 1.0
    template = learnt(beats, rr)
    assert template.beat is None and template.trouble == ABNORMAL


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8])
@pytest.mark.parametrize("seed", range(4))
def test_premature_beats_at_random_are_no_template_while_patience_lasts(share, seed):
    draws = np.random.default_rng(seed)
    premature = draws.random(PATIENCE - 1) < share
    beats = np.where(premature[:, None, None], noisy(WIDE, PATIENCE - 1, seed), noisy(NORMAL, PATIENCE - 1))
    template = learnt(beats, np.where(premature, 0.5, 1.0))
    if template.beat is None:
        assert template.trouble_before == ABNORMAL
    else:
        assert likeness(template.beat, NORMAL) > 0.99


def test_beats_that_escape_after_a_pause_only_delay_the_template():
    """One beat in eight is late and wide. The others are still the normal ones."""
    escaped = np.arange(PATIENCE + WARM_UP) % 8 == 7
    beats = np.where(escaped[:, None, None], noisy(WIDE, len(escaped)), noisy(NORMAL, len(escaped), 1))
    template = learnt(beats, np.where(escaped, 1.6, 0.9))
    assert template.trouble == "" and likeness(template.beat, NORMAL) > 0.99


def test_a_warm_up_that_lasts_takes_what_is_not_premature_in_the_end():
    beats, rr = noisy(WIDE, PATIENCE + WARM_UP), np.full(PATIENCE + WARM_UP, 0.5)
    normal = np.arange(len(beats)) % 3 == 0
    beats[normal], rr[normal] = noisy(NORMAL, normal.sum(), 1), 1.0
    template = learnt(beats, rr)
    assert template.trouble == "" and template.trouble_before == ABNORMAL
    assert likeness(template.beat, NORMAL) > 0.99


@pytest.mark.parametrize("intruder", [WIDE, 5 * np.random.default_rng(3).normal(size=(320, 1))])
def test_a_run_of_other_beats_changes_nothing(intruder):
    template = learnt(noisy(NORMAL, WARM_UP))
    before = template.beat.copy()
    for beat in noisy(intruder, UNLIKE - 1, 1):
        template.push(beat, 0.4)
    np.testing.assert_array_equal(template.beat, before)


def test_it_follows_a_slow_change():
    template = learnt(noisy(NORMAL, WARM_UP))
    for share in np.linspace(0, 1, 600):
        template.push(noisy(NORMAL + share * wave(230, 25, -0.5)[:, None], 1)[0], 0.8)
    template.push(NORMAL, 0.8)
    assert likeness(template.beat, NORMAL + wave(230, 25, -0.5)[:, None]) > 0.99 and template.added == 0


def test_a_beat_like_it_moves_it_by_a_bounded_part_of_the_distance():
    template = learnt(noisy(NORMAL, WARM_UP))
    before, beat = template.beat, NORMAL.copy()
    beat[300] += 5 * BOUND * np.ptp(before)  # a spike in one tick
    template.push(beat, 0.8)
    bound = BOUND * np.ptp(before)
    np.testing.assert_allclose(template.beat, before + np.clip(beat - before, -bound, bound) / MEMORY)
    assert template.beat[300] - before[300] == pytest.approx(bound / MEMORY)


def test_a_lead_turned_over_becomes_the_template_after_as_many_beats_as_stated():
    template = learnt(noisy(NORMAL, WARM_UP))
    turned = noisy(-NORMAL, UNLIKE, 1)
    for beat in turned[:-1]:
        template.push(beat, 0.8)
    assert likeness(template.beat, NORMAL) > 0.99
    template.push(turned[-1], 0.8)
    np.testing.assert_allclose(template.beat, np.median(turned[-WARM_UP:], axis=0))
    assert template.added == 1


def test_a_wearer_of_two_normal_shapes_has_two_templates():
    """A bundle branch may conduct only at times. A beat is compared with the nearer template."""
    turns = np.arange(4 * UNLIKE) // 10 % 2 == 1
    beats = np.where(turns[:, None, None], noisy(WIDE, len(turns), 1), noisy(NORMAL, len(turns), 2))
    template = learnt([*noisy(NORMAL, WARM_UP), *beats])
    assert template.added == 1
    for shape in (NORMAL, WIDE):
        assert likeness(template.nearest(shape), shape) > 0.99
        template.push(shape, 0.8)
        assert likeness(template.beat, shape) > 0.99  # the one in use


@pytest.mark.parametrize("every", [2, 6])
def test_frequent_premature_beats_become_no_template(every):
    """Neither every second nor every sixth beat, however long this lasts."""
    premature = np.arange(8 * UNLIKE) % every == 1
    beats = np.where(
        premature[:, None, None], noisy(WIDE, len(premature), 1), noisy(NORMAL, len(premature), 2)
    )
    template = learnt([*noisy(NORMAL, WARM_UP), *beats], np.r_[np.full(WARM_UP, 0.8), 0.8 - 0.3 * premature])
    assert template.added == 0


def test_seldom_beats_become_no_template():
    other = np.arange(16 * UNLIKE) % 5 == 1  # a fifth
    beats = np.where(other[:, None, None], noisy(WIDE, len(other), 1), noisy(NORMAL, len(other), 2))
    assert learnt([*noisy(NORMAL, WARM_UP), *beats]).added == 0


def test_a_long_tachycardia_becomes_no_template():
    template = learnt(noisy(NORMAL, WARM_UP))
    for beat in noisy(WIDE, 3 * UNLIKE, 1):
        template.push(beat, 0.36)
    assert template.added == 0 and likeness(template.beat, NORMAL) > 0.99


def test_a_third_shape_takes_the_place_of_the_one_longer_out_of_use():
    template = learnt(noisy(NORMAL, WARM_UP))
    for shape in (WIDE, OTHER):
        for beat in noisy(shape, UNLIKE + 10, 1):
            template.push(beat, 0.8)
    assert template.added == 2 and likeness(template.nearest(WIDE), WIDE) > 0.99
    assert likeness(template.nearest(OTHER), OTHER) > 0.99 > likeness(template.nearest(NORMAL), NORMAL)


def test_kinds_are_told_apart_largest_first_and_flat_beats_alone():
    shapes = np.stack([NORMAL, WIDE, WIDE, np.zeros_like(NORMAL), np.zeros_like(NORMAL)])
    assert [kind.tolist() for kind in kinds_of(shapes)] == [[1, 2], [0], [3], [4]]


def test_of_two_new_shapes_in_turn_the_larger_kind_becomes_the_template():
    """In a QRS upside down the detector may take either deflection for the R-peak."""
    moved = np.where(np.arange(UNLIKE) % 5 < 3, -10, 10)
    turned = np.stack([np.roll(OTHER, shift, axis=0) for shift in moved])
    template = learnt([*noisy(NORMAL, WARM_UP), *turned])
    assert template.added == 1
    assert likeness(template.beat, np.roll(OTHER, -10, axis=0)) > 0.99


def test_noise_for_ever_takes_no_templates_place():
    template = learnt(noisy(NORMAL, WARM_UP))
    for beat in np.random.default_rng(0).normal(size=(3 * UNLIKE, 320, 1)):
        template.push(beat, 0.8)
    assert template.added == 0 and likeness(template.beat, NORMAL) > 0.99


def test_beats_without_a_known_interval_are_sorted_all_the_same():
    kind, trouble = normal_kind(noisy(NORMAL, 30), np.full(30, np.nan))
    assert len(kind) == 30 and trouble == ""


def test_likeness_is_numpys_correlation_and_that_of_a_flat_beat_is_none():
    found = likeness(NORMAL, OTHER)
    assert found == pytest.approx(np.corrcoef(NORMAL[:, 0], OTHER[:, 0])[0, 1])
    assert likeness(NORMAL, np.ones((320, 1))) == 0
    both = np.concatenate([NORMAL, 5 + 2 * NORMAL], axis=1)
    assert likeness(both, both * 3 - 1) == pytest.approx(1)


# Likeness of the cores


@pytest.mark.parametrize("centre, before, after", [(BEFORE, 140, 180), (100, 100, 150), (40, 40, 200)])
def test_a_beat_is_like_the_template_from_a_correlation_of_nine_tenths_of_their_cores(centre, before, after):
    shape, core = NORMAL[BEFORE - before : BEFORE + after], core_of(centre, before + after)
    for correlation, is_like in ((0.902, True), (0.898, False)):
        template = learnt([shape] * WARM_UP, centre=centre)
        beat = alike(shape, correlation, core)
        template.push(beat, 0.8)
        assert np.array_equal(template.beat, shape) != is_like and template.waiting == (not is_like)
        template.push(beat + np.isin(np.arange(len(shape)), core, invert=True)[:, None], 0.8)
        assert template.waiting == 2 * (not is_like)  # an offset beside the core changes nothing


def test_neighbouring_beats_beside_the_core_do_not_make_a_beat_unlike():
    template = learnt(noisy(NORMAL, WARM_UP))
    beats = beside(noisy(NORMAL, 2 * UNLIKE, 1))
    assert np.mean([likeness(beat, NORMAL) < ALIKE for beat in beats]) > 0.8
    for beat in beats:
        template.push(beat, 0.8)
    assert template.waiting == 0 and template.added == 0


def test_a_warm_up_whose_neighbouring_beats_come_at_any_time_finds_one_kind():
    """As in atrial fibrillation. By their whole windows, no beats of it would be alike."""
    beats = beside(noisy(NORMAL, WARM_UP))
    assert normal_kind(beats, np.full(WARM_UP, 0.8))[1] == NOISE
    template = learnt(beats)
    assert template.trouble == "" and likeness(template.beat, NORMAL) > 0.95


def test_a_new_shape_is_found_among_neighbouring_beats_that_come_at_any_time():
    template = learnt(noisy(NORMAL, WARM_UP))
    beats = beside(noisy(WIDE, UNLIKE, 1), height=6)
    assert len(kinds_of(beats)[0]) < 0.25 * UNLIKE  # by their whole windows
    for beat in beats:
        template.push(beat, 0.8)
    assert template.added == 1 and likeness(template.beat, WIDE) > 0.9


def test_the_nearest_template_is_that_of_the_core():
    template = learnt([*noisy(NORMAL, WARM_UP), *noisy(WIDE, UNLIKE, 1)])
    confused = NORMAL.copy()
    far = np.setdiff1d(TICKS, core_of(BEFORE))
    confused[far] = 3 * WIDE[far] + wave(290, 20, -3.0)[far, None]
    assert likeness(template.nearest(confused), NORMAL) > 0.99


@pytest.mark.parametrize("correlation, count", [(0.802, 1), (0.798, 2)])
def test_two_beats_are_of_one_kind_from_a_correlation_of_eight_tenths(correlation, count):
    pair = np.stack([NORMAL, alike(NORMAL, correlation, TICKS)])
    assert len(kinds_of(pair)) == count
