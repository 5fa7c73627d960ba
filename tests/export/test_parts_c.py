"""The bundle's alignment, stretches, threshold, episodes and alarms against the scorer's."""

import numpy as np
import pytest
from c_judge import build
from c_parts import CAlarms, CAligner, CEpisodes, CStretch, CThreshold
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keras_sibeat.export.native import WHAT
from sibeat_edge.beats.alignment import LEAST, MOST, Aligner
from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.episodes import QUIET, RULES, TOLD, AlarmPolicy, Episode, Episodes
from sibeat_edge.beats.stretch import Stretch
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import HALF_LIFE, PERSONAL_BEATS, Threshold, between_levels
from sibeat_edge.report.recording import PRESET

PLACES = np.arange(-100, 140)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """The same with every float a double."""
    return build(tmp_path_factory.mktemp("double"), double=True)


def beats_of(seed, count):
    """Leads around R-peaks: of three shapes, displaced, drifting, noisy, flat, and of no shape."""
    draws = np.random.default_rng(seed)
    shapes = [np.exp(-np.square(PLACES / 9)), -np.exp(-np.square((PLACES - 12) / 25))]
    shapes += [np.exp(-np.square((PLACES + 9) / 7)) + 0.95 * np.exp(-np.square((PLACES - 9) / 7))]
    level, shift = 0.02, 0
    for number in range(count):
        if number % 100 == 0:
            level, shift = draws.choice([0.0, 0.02, 0.1, 0.4, 1.5]), draws.integers(-12, 13)
        kind = draws.choice(4, p=[0.5, 0.2, 0.25, 0.05])
        own = shapes[kind] if kind < 3 else draws.normal(size=240).cumsum() / 10
        moved = np.roll(own, shift + draws.integers(-3, 4) + 18 * (draws.random() < 0.2))
        lead = draws.uniform(0.5, 2) * moved + level * draws.normal(size=240) + draws.choice([0, 0, 5])
        yield np.float32(lead if draws.random() > 0.02 else np.full(240, draws.choice([0.0, 3.7])))


def placed(aligner, beats):
    return [aligner.push(around) for around in beats]


def agree(one, other, within):
    """A likeness above 30 dB, which no limit asks for, says how a correlation's last digits are rounded."""
    if one.snr is None or other.snr is None:
        return one == other
    within = within if one.snr < 30 else 25 * within
    return one.offset == other.offset and abs(one.snr - other.snr) <= within


@pytest.mark.parametrize("seed", range(4))
def test_in_double_a_beat_is_placed_where_the_scorer_places_it(exact, seed):
    beats = list(beats_of(seed, 1500))
    wanted, found = placed(Aligner(), beats), placed(CAligner(exact, leads=2), beats)
    assert all(map(agree, wanted, found, [2e-3] * len(beats)))  # kinds are kept in 24 bits
    offsets, ratios = {p.offset for p in wanted}, [p.snr for p in wanted if p.snr is not None]
    assert len(offsets) > 30 and min(ratios) < 0 < 25 < max(ratios)


@pytest.mark.parametrize("seed", range(4))
def test_in_float_every_beat_is_placed_where_the_scorer_places_it(library, seed):
    beats = list(beats_of(seed, 1500))
    pairs = zip(placed(Aligner(), beats), placed(CAligner(library), beats), strict=True)
    assert all(agree(*pair, within=0.02) for pair in pairs)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38])
def test_an_aligner_forgets_no_beats_for_what_is_no_number(library, odd):
    aligner, shape = CAligner(library), np.exp(-np.square(PLACES / 9))
    for _ in range(5):
        aligner.push(shape)
    spoilt = shape.copy()
    spoilt[7] = odd
    assert aligner.push(spoilt).snr is None and aligner.push(None).snr is None
    again = aligner.push(np.roll(shape, 5))
    assert again.offset == 5 and again.snr > 35


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.floats(LEAST, MOST, width=32)), max_size=60))
def test_a_stretch_is_fit_where_the_scorer_s_is(library, exact, likenesses):
    own, parts = Stretch(), [CStretch(library), CStretch(exact)]
    for likeness in likenesses:
        own.push(likeness)
        for part in parts:
            part.push(likeness)
            assert part.snr == pytest.approx(own.snr, abs=1e-4)
        assert parts[1].is_fit == own.is_fit
        if own.snr is None or min(abs(own.snr - limit) for limit in (2.0, 4.0)) > 1e-5:
            assert parts[0].is_fit == own.is_fit
        else:
            parts[0].is_fit = own.is_fit
            break  # rounding decides, and the two limits keep what it decided


def test_a_likeness_that_is_no_number_is_not_known(library):
    stretch = CStretch(library)
    for likeness in (20.0, np.inf, 20.0, -np.inf, 20.0):
        stretch.push(likeness)
    assert stretch.snr == pytest.approx(24.6) and stretch.is_fit


MANIFEST = {
    "wearer": {},
    "score": {"scale": 0.1, "zero_point": -5},
    "threshold": {"score": 4.05, "usual": 1.234, "false_alarms_per_hour": 40.0},
}


def thresholds(library, manifest, **options):
    return Threshold(manifest, **options), CThreshold(library, manifest, **options)


def differing(pair, scores, manifest):
    """How many of these int8 scores, learnt one after the other, make thresholds that differ."""
    numbers, found = manifest["score"], 0
    for score in scores:
        for one in pair:
            one.learn([numbers["scale"] * (score - numbers["zero_point"])])
        found += pair[1].score != pytest.approx(pair[0].score, rel=1e-5)
    return found


def scores_of(seed, count):
    """Of a wearer whose usual score changes every 500 beats."""
    draws = np.random.default_rng(seed)
    usual = np.repeat(draws.uniform(-110, 60, -(-count // 500)), 500)[:count]
    spread = draws.choice([1, 8, 30])
    return np.clip(np.rint(usual + spread * draws.normal(size=count)), -128, 127).astype(int)


@pytest.mark.parametrize("seed", range(6))
def test_the_threshold_is_learnt_all_the_time_as_by_the_scorer(library, exact, seed):
    """In single precision one in thousands differs: where half of the weight lies on either side."""
    manifest, scores = Model(PRESET).manifest, scores_of(seed, 3 * HALF_LIFE)
    pair = thresholds(exact, manifest)
    assert differing(pair, scores, manifest) == 0
    assert pair[0].score != manifest["threshold"]["score"]
    assert differing(thresholds(library, manifest), scores, manifest) <= 0.0005 * len(scores)


def test_the_weights_are_divided_before_they_become_too_large(library):
    manifest, scores = Model(PRESET).manifest, scores_of(9, 32 * HALF_LIFE)
    own, part = thresholds(library, manifest)
    for score in scores[:-500]:
        part.learn([manifest["score"]["scale"] * (score - manifest["score"]["zero_point"])])
    own.learn(manifest["score"]["scale"] * (scores[:-500] - manifest["score"]["zero_point"]))
    assert differing((own, part), scores[-500:], manifest) <= 1


@pytest.mark.parametrize("personal", [0, 1, 7, PERSONAL_BEATS])
def test_the_general_threshold_holds_until_there_are_scores_enough(library, personal):
    own, part = thresholds(library, MANIFEST, personal=personal)
    assert differing((own, part), [3] * (personal + 2), MANIFEST) == 0
    assert (part.score == pytest.approx(4.05)) == (personal == 0)


def test_without_scores_there_is_no_median(library):
    _, part = thresholds(library, MANIFEST)
    assert part.median == 128 and part.level == 35
    part.learn([0.0])
    assert part.median == -5


@settings(max_examples=50)
@given(
    scale=st.floats(2**-10, 1.0, width=32),
    zero=st.integers(-128, 127),
    level=st.integers(-128, 127),
    usual=st.floats(-3, 3, width=32),
)
def test_after_any_median_the_int8_decision_is_the_scorer_s(library, scale, zero, level, usual):
    numbers = {"scale": scale, "zero_point": zero}
    general = between_levels(scale * (level - zero), numbers)
    manifest = MANIFEST | {
        "score": numbers,
        "threshold": {"score": general, "usual": usual, "false_alarms_per_hour": 1.0},
    }
    for median in range(-128, 128, 5):
        own, part = thresholds(library, manifest, personal=1)
        value = scale * (median - zero)
        own.learn([value])
        part.learn([value])
        moved = (general + 0.5 * (value - usual)) / scale + zero
        if abs(moved + 1e-4 - round(moved + 1e-4)) > 1e-3:  # else single precision may fall on either side
            assert part.score == pytest.approx(own.score, abs=1e-3 * scale + 1e-5)


BEATS = st.lists(
    st.tuples(
        st.sampled_from(["N", "N", "S", "V", "V", ""]),
        st.sampled_from([None, 60, 170, 179, 180, 181, 197, 288, 490, 491, 539, 540, 541, 1079, 1080, 2000]),
        st.booleans(),
        st.integers(1, 12),
    ),
    max_size=40,
)


def stream_of(rows):
    """Beats of rows (kind, RR interval in ticks, irregular, how often); a gap of 100 s stands for None."""
    tick = 0
    for kind, rr, irregular, times in rows:
        for _ in range(times):
            tick += 36_000 if rr is None else rr
            seconds = None if rr is None else rr / 360
            score = 1.0 if kind else None
            yield Beat(tick / 360, score, kind in ("S", "V"), "", seconds, kind=kind, irregular=irregular)


def rounded(episodes):
    """What a pause's start is, a difference of floats, to a tick."""
    return [(e.what, round(e.start * 360), e.end and round(e.end * 360)) for e in episodes]


@settings(max_examples=150)
@given(BEATS, st.integers(0, 300))
@example([("V", 288, False, 3), ("V", None, False, 3), ("N", 288, True, 60), ("N", 1080, False, 2)], 500)
def test_episodes_begin_and_end_where_the_scorer_s_do(exact, rows, finish):
    own, part = Episodes(), CEpisodes(exact)
    for number, beat in enumerate(stream_of(rows)):
        assert rounded(part.push(beat)) == rounded(own.push(beat))
        if number == finish and own._beats:
            assert rounded(part.finish()) == rounded(own.finish())
    if own._beats:
        assert rounded(part.finish()) == rounded(own.finish())


def lives(draws, count):
    """Rows of rhythms that go on for a while."""
    for _ in range(count):
        kinds = draws.choice(["N", "NV", "NS", "NNNNNNV", "V", "S", "NNNNNNNN" + "V", ""])
        rr, irregular = int(draws.choice([140, 178, 190, 288, 300, 500, 560, 1100])), draws.random() < 0.3
        for _ in range(draws.integers(1, 30)):
            for kind in kinds or [""]:
                yield kind, None if draws.random() < 0.01 else rr, irregular, 1


@pytest.mark.parametrize("seed", range(4))
def test_in_float_the_episodes_of_long_streams_are_the_scorer_s_and_so_is_what_is_told(library, seed):
    own, part = Episodes(), CEpisodes(library)
    policies = AlarmPolicy(), CAlarms(library, TOLD, QUIET)
    found, told = [], []
    for beat in stream_of(lives(np.random.default_rng(seed), 200)):
        episodes = own.push(beat)
        assert rounded(part.push(beat)) == rounded(episodes)
        found += episodes
        own_told, parts_told = (policy.push(episodes, beat.time) for policy in policies)
        assert rounded(parts_told) == rounded(own_told)
        told += own_told
    assert {episode.what for episode in found} == {*RULES, "pause"}
    assert set(TOLD) == {episode.what for episode in told} and len(told) < len(found) / 2


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from(WHAT), st.booleans()), max_size=5), st.integers(0, 30_000)
        ),
        max_size=30,
    ),
    st.sets(st.sampled_from(WHAT)),
    st.integers(0, 20_000),
)
def test_the_policy_tells_what_the_scorer_s_tells(library, pushes, told, quiet):
    own, part, tick = AlarmPolicy(told, quiet / 360 + 1e-9), CAlarms(library, told, quiet / 360), 0
    for rows, passed in pushes:
        tick += passed
        episodes = [
            Episode(what, tick / 360, None if goes_on and what != "pause" else tick / 360 + 1)
            for what, goes_on in rows
        ]
        assert rounded(part.push(episodes, tick / 360)) == rounded(own.push(episodes, tick / 360))


def test_a_median_on_a_limit_is_neither_slow_nor_fast(library):
    """Of two intervals whose mean is 1.5 s or 0.5 s, however their quotients were rounded."""
    for limit in (180, 540):
        for apart in range(60):
            rows = 4 * [("N", limit - apart, False, 1), ("N", limit + apart, False, 1)]
            own, part = Episodes(), CEpisodes(library)
            for beat in stream_of(rows):
                assert rounded(part.push(beat)) == rounded(own.push(beat))
