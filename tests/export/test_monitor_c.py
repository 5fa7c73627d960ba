"""The bundle's wearer and monitor against the scorer's, on simulated lives and on recorded wearers."""

import subprocess

import numpy as np
import pytest
import wfdb
from c_monitor import GENERATED, CMonitor, CWearer, Parts, Taped, build_shipped
from compilers import STATIC, STRICT, compile_with, need
from simulated_lives import OWN, SHAPES, limited

from sibeat_edge import scorer
from sibeat_edge.beats.episodes import QUIET, TOLD, AlarmPolicy, Episodes
from sibeat_edge.beats.wearer import FEWEST, HELD, Wearer, views_of
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET
from sibeat_edge.scorer import revise

# Records and their first minutes, which are played: a warm-up that is prolonged (207), fibrillation and noise
# (203), intervals of two lengths (232), supraventricular beats.
RECORDED = {"mitdb": {"207": 6, "203": 4, "232": 5}, "svdb": {"802": 4, "849": 4}}
# Beats on the other side of the wearer's threshold in C: that is one of the wearer's scores, a later one
# may be the same, and windows of a warm-up are packed.
OTHER_SIDE = {"207": 1, "203": 1}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_shipped(tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="module")
def model():
    return Model(PRESET)


def play(model, signal, rate, gap=None):
    """A scorer that has heard a record, and its beats as judged last; the clock jumps at second ``gap``."""
    own, beats, size = Taped(model, rate), [], round(10 * rate)
    for first in range(0, len(signal), size):
        time = first / rate if gap is None or first / rate < gap else first / rate + 5
        beats += own.push(signal[first : first + size], time)
        revise(beats, own.revisions)
    beats += own.finish()
    revise(beats, own.revisions)
    return own, beats


def record(folder, name, minutes):
    read = wfdb.rdrecord(str(folder / name))
    return read.p_signal[: int(60 * minutes * read.fs), 0], read.fs


def ticks_of(episodes):
    return [(e.what, round(e.start * 360), e.end and round(e.end * 360)) for e in episodes]


def check_monitor(library, model, own, beats, other_side=0):
    """The monitor tells of the same beats what the scorer tells, and of its verdicts the same episodes."""
    found, numbers = CMonitor(library, model).play(own.tape), model.manifest["score"]
    assert len(found.first) == len(own.first)
    differ, above_differ = [], 0
    for (tick, score, is_above, verdict), beat in zip(found.first, own.first, strict=True):
        level = None if beat.score is None else round(beat.score / numbers["scale"]) + numbers["zero_point"]
        assert (tick, score is None) == (round(beat.time * 360), level is None)
        above_differ += is_above != beat.above
        differ += [abs(score - level)] if score is not None else []
        told = (verdict.kind, verdict.why, verdict.is_irregular, verdict.group)
        assert told == (beat.kind, beat.why, beat.irregular, beat.group), beat.time
    # Windows of the warm-up were packed, and so the template is at first another one by rounding.
    differ = np.array(differ)
    assert differ.max() <= 3 and (differ > 1).sum() <= 8 and (differ[:80] > 0).mean() < 0.5
    assert (differ[200:] > 1).sum() <= 2
    assert above_differ <= other_side
    assert found.last == [beat.kind for beat in beats]
    episodes, policy, wanted, told = Episodes(), AlarmPolicy(TOLD, QUIET), [], []
    for beat in own.first:
        begun = episodes.push(beat)
        wanted += begun
        told += policy.push(begun, beat.time)
    assert ticks_of(found.episodes) == ticks_of(wanted + episodes.finish())
    assert ticks_of(found.alarms) == ticks_of(told)
    return found


@pytest.mark.parametrize("database, name", [(base, name) for base in RECORDED for name in RECORDED[base]])
def test_recorded_wearers_are_watched_as_by_the_scorer(library, model, databases, database, name):
    signal, rate = record(databases / database, name, RECORDED[database][name])
    own, beats = play(model, signal, rate)
    found = check_monitor(library, model, own, beats, OTHER_SIDE.get(name, 0))
    assert len(beats) > 200 and (found.episodes or database == "svdb")
    with pytest.MonkeyPatch.context() as patch:
        Parts(library).put_into(patch, scorer)
        _, others = play(model, signal, rate)
    differ = sum(beat.above != other.above for beat, other in zip(beats, others, strict=True))
    assert differ <= OTHER_SIDE.get(name, 0)
    for beat, other in zip(beats, others, strict=True):
        assert (beat.time, beat.rr, beat.reason, beat.kind) == (
            other.time,
            other.rr,
            other.reason,
            other.kind,
        )
        assert beat.group == other.group
        assert beat.score is None or abs(beat.score - other.score) < 3.5 * model.manifest["score"]["scale"]


def test_a_clock_that_jumps_is_followed_as_by_the_scorer(library, model, databases):
    signal, rate = record(databases / "mitdb", "119", 4)
    for gap in (30, 120):  # in the warm-up, and behind it
        own, beats = play(model, signal, rate, gap)
        assert own.tape.count("gap") == 1
        check_monitor(library, model, own, beats)


def beats_of(seed, count):
    """Beats (time, window, follows, is_clean) of a wearer whose warm-up is another with each seed."""
    draws, time = np.random.default_rng(seed), 0.0
    odd, unfit = draws.choice([0.0, 0.3, 0.6]), draws.choice([0.0, 0.1, 0.55])
    for number in range(count):
        odd = odd if number < draws.choice([70, 150, 250]) else 0.1
        shape = draws.integers(1, len(SHAPES)) if draws.random() < odd else 0
        rr = round(360 * draws.uniform(0.5, 0.6) if shape else 360 * draws.normal(0.8, 0.03)) / 360
        time += rr + (20 if draws.random() < 0.01 else 0)
        lead = SHAPES[shape] if draws.random() < 0.9 else OWN * draws.uniform(0.3, 3)
        is_clean = draws.random() > 0.15
        window = np.float32(limited(lead + (0.03 if is_clean else 0.3) * draws.normal(size=320)))[:, None]
        yield time, None if draws.random() < unfit else window, draws.random() > 0.02, is_clean


def check_views(wanted, found):
    assert len(wanted) == len(found)
    for own, part in zip(views_of(wanted), found, strict=True):
        assert (own is None) == (part is None)
        if own is not None:
            np.testing.assert_allclose(part[0], own[0], atol=0.01)  # of 2: they were packed
            np.testing.assert_allclose(part[1], own[1], atol=2e-4)


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_each_beat_is_put_beside_what_the_scorer_puts_it_beside(library, seed, waits):
    own, part, draws, ended = Wearer(waits), CWearer(library, waits), np.random.default_rng(seed), 0
    for number, beat in enumerate(beats_of(seed, 420)):
        check_views(own.push(*beat), part.push(*beat))
        if draws.random() < 0.01:
            check_views(own.pause(beat[2]), part.pause(beat[2]))
        if draws.random() < 0.005:
            check_views(own.interrupt(), part.interrupt())
        if number in (30, 100) and seed % 3 == 0:  # before and behind the end of a warm-up
            check_views(own.finish(), part.finish())
            ended += 1
    check_views(own.finish(), part.finish())
    assert own.template.beat is not None


def test_what_waits_for_the_warm_up_is_as_many_as_with_the_scorer():
    text = (STATIC / "sibeat_wearer.h").read_text()
    assert HELD == 120 and "#define SIBEAT_HELD (2 * SIBEAT_WARM_UP)" in text
    assert f"#define SIBEAT_FEWEST_BEATS {FEWEST} " in text


# Random beats into all parts, with what is no number, in windows that fill their memory to the last byte.
DRIVER = """
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "sibeat_monitor.h"
#include "sibeat_quality.h"
static float uniform(void) { return (float)rand() / (float)RAND_MAX; }
static float odd(float value)
{
    const float odds[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, -1.0f, 0.0f, 1e-30f};
    return uniform() < 0.02f ? odds[rand() % 8] : value;
}
static int8_t score(void *context, const int8_t *input)
{
    int sum = 0;
    for (int k = 0; k < SIBEAT_INPUT_BYTES; k++)
        sum += input[k];
    *(long *)context += sum;
    return (int8_t)(rand() % 256 - 128);
}
static long calls;
static void judged(void *context, const sibeat_outcome *outcome) { (void)context; calls += outcome->score; }
static void settled(void *context, uint32_t number, const sibeat_verdict *verdict)
{
    (void)context;
    calls += (long)number + verdict->kind;
}
static void episode(void *context, const sibeat_episode *found) { (void)context; calls += found->what; }
static sibeat_monitor monitor;
static sibeat_room room;
static struct { int64_t time; float window[SIBEAT_WINDOW_SIZE]; } kept[2]; /* of the newest beats */
static void read(void *context, int64_t time, float *window)
{
    (void)context;
    const int place = kept[0].time == time ? 0 : 1;
    if (kept[place].time != time)
        exit(7);
    memcpy(window, kept[place].window, sizeof kept[place].window);
}
static char image[SIBEAT_MONITOR_IMAGE_BYTES];
static void live(int beats, int waits)
{
    sibeat_calls all = {score, read, judged, settled, episode, episode, &calls, &room};
    int64_t time = 1;
    memset(kept, 0, sizeof kept);
    sibeat_monitor_init(&monitor, &all);
    monitor.wearer.waits = (uint8_t)waits;
    for (int beat = 0; beat < beats; beat++) {
        const size_t size = SIBEAT_LENGTH * SIBEAT_LEADS;
        const size_t reach = (SIBEAT_ALIGN_BEFORE + SIBEAT_ALIGN_AFTER - 1) * SIBEAT_LEADS + 1;
        float *window = malloc(size * sizeof *window), *around = malloc(reach * sizeof *around);
        const float noise = uniform() < 0.2f ? 3.0f : 0.05f, height = uniform() < 0.02f ? 0.0f : 1.0f;
        const int kind = rand() % 4;
        float likeness, ratio;
        for (size_t k = 0; k < size; k++) {
            const float from = ((float)k - (float)(SIBEAT_BEFORE + 5 * kind)) / (float)(5 + 4 * kind);
            window[k] = height * (expf(-from * from) + noise * (uniform() - 0.5f));
            if (uniform() < 1e-5f)
                window[k] = odd(NAN);
        }
        for (size_t k = 0; k < reach; k++)
            around[k] = uniform() < 1e-4f ? odd(NAN) : height * (float)(k / 9 == 11) + noise * uniform();
        float *lead = uniform() < 0.9f ? around : 0;
        calls += sibeat_aligner_push(&monitor.aligner, lead, SIBEAT_LEADS, &likeness);
        const sibeat_fitness fit = sibeat_stretch_push(&monitor.stretch, odd(likeness), &ratio);
        time += 1 + rand() % 900;
        memcpy(kept[beat % 2].window, window, sizeof kept->window);
        kept[beat % 2].time = time;
        int is_scored;
        const int is_clean = sibeat_quality_of(window, fit, &is_scored) == SIBEAT_FINE;
        is_scored = is_scored || uniform() < 0.1f;
        memcpy(room.window, kept[beat % 2].window, sizeof room.window); /* the quality has spoilt it */
        float *const given = uniform() < 0.5f ? room.window : memcpy(window, room.window, sizeof room.window);
        const sibeat_beat pushed = {time, odd(2.0f * uniform()), odd(likeness), 7, is_clean != 0,
                                    is_scored ? given : 0};
        sibeat_monitor_push(&monitor, &pushed);
        free(window);
        free(around);
        if (uniform() < 0.1f)
            sibeat_monitor_work(&monitor);
        if (uniform() < 0.02f) {
            if (!sibeat_monitor_save(&monitor, image, sizeof image))
                exit(5);
            memset(&room, rand() % 256, sizeof room);
            memset(&monitor, rand() % 256, offsetof(sibeat_monitor, calls));
            if (sibeat_monitor_restore(&monitor, image, sizeof image))
                exit(6);
        }
        if (uniform() < 0.02f)
            sibeat_monitor_pause(&monitor, rand() % 2);
        if (uniform() < 0.01f)
            sibeat_monitor_interrupt(&monitor);
        if (uniform() < 0.002f)
            sibeat_monitor_finish(&monitor);
    }
    sibeat_monitor_finish(&monitor);
}
static int is_known(const float *values, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!isfinite(values[k]))
            return 0;
    return 1;
}
int main(void)
{
    for (int seed = 0; seed < 4; seed++) {
        srand((unsigned)seed);
        live(BEATS / 4, seed % 2);
        if (!is_known(monitor.wearer.own.middle, SIBEAT_WINDOW_SIZE) || !isfinite(monitor.wearer.own.unit))
            return 1;
        for (int k = 0; k < monitor.wearer.own.kind_count; k++)
            if (!(monitor.wearer.own.kinds[k].rr >= 0.0f))
                return 1;
        for (int k = 0; k < monitor.aligner.kind_count; k++)
            if (!is_known(&monitor.aligner.kinds[k].unit, 3))
                return 2;
        for (int k = 0; k < monitor.judge.kind_count; k++)
            if (!is_known(&monitor.judge.kinds[k].premature, 5))
                return 3;
        if (!is_known(monitor.judge.timing.heaps, SIBEAT_HEAPS_BINS) ||
            !is_known(monitor.judge.timing.lengths, SIBEAT_LENGTHS_BINS) ||
            !is_known(monitor.threshold.weights, SIBEAT_LEVELS))
            return 4;
    }
    return calls == 0;
}
"""


@pytest.mark.parametrize("beats", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_random_beats_are_neither_read_nor_written_out_of_bounds_and_leave_numbers(tmp_path, beats):
    (tmp_path / "driver.c").write_text(DRIVER)
    flags = [*STRICT, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    (tmp_path / "probe.c").write_text("int main(void) { return 0; }\n")
    probe = [need("gcc"), *flags, tmp_path / "probe.c", "-o", tmp_path / "probe"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no sanitisers: memory cannot be watched here")
    generated = [GENERATED / "sibeat_config.c", GENERATED / "sibeat_filters.c"]
    sources = [*sorted(STATIC.glob("sibeat_*.c")), *generated]
    others = ("sibeat_pathtest", "sibeat_replay", "sibeat_selftest")
    sources = [source for source in sources if source.stem not in others]
    include = ["-I", STATIC, "-I", GENERATED, f"-DBEATS={beats}"]
    compile_with("gcc", *flags, *include, "driver.c", *sources, "-lm", "-o", "driver", cwd=tmp_path)
    done = subprocess.run([tmp_path / "driver"], capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)
