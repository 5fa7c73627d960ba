"""The whole path in C, samples in and judged beats out, beside the scorer on the same signals."""

import ctypes
import subprocess
from collections import Counter

import numpy as np
import pytest
import wfdb
from c_monitor import GENERATED
from compilers import STATIC, STRICT, compile_with, need

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ExportError
from keras_sibeat.export.agreement import differences
from keras_sibeat.export.c_filters import RATES
from keras_sibeat.export.native import ERRORS, NativeScorer, build
from sibeat_edge.beats.episodes import AlarmPolicy, Episodes
from sibeat_edge.beats.template import WARM_UP
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET
from sibeat_edge.scorer import BeatScorer, revise

RECORDED = {"mitdb": {"119": 3, "207": 5, "232": 4}, "svdb": {"802": 4, "849": 3}}  # minutes of each


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    need("gcc")
    return build(tmp_path_factory.mktemp("native"), GENERATED)


@pytest.fixture(scope="module")
def model():
    return Model(PRESET)


def play(scorer, signal, rate, size=7.3, jumps=()):
    """All beats of a signal, as judged first and last; the clock jumps by 5 s at each time of ``jumps``."""
    first, last, step = [], [], round(size * rate)
    for begin in range(0, len(signal), step):
        time = begin / rate
        time = time + 5 * sum(jump <= time for jump in jumps) if jumps else None
        found = scorer.push(signal[begin : begin + step], time)
        first, last = first + found, last + found
        revise(last, scorer.revisions)
    found = scorer.finish()
    first, last = first + found, last + found
    revise(last, scorer.revisions)
    return first, last


def ticks_of(episodes):
    return [(e.what, round(e.start * 360), e.end and round(e.end * 360)) for e in episodes]


def check(library, model, signal, rate, **options):
    """Both tell the same of a signal; the beats."""
    scorer = NativeScorer(library, rate)
    wanted = play(BeatScorer(model, rate, parts=True), signal, rate, **options)
    found = play(scorer, np.float32(signal), rate, **options)
    decisions = 0
    for ours, theirs in zip(wanted, found, strict=True):
        counts = differences(ours, theirs, model.manifest["score"])
        decisions += counts["decisions"]
        named = Counter(a.group for a, b in zip(ours, theirs, strict=True) if a.kind != b.kind)
        same = max((count - 1 for group, count in named.items() if group is not None), default=0)
        assert counts["missing"] == counts["added"] == 0, counts
        assert counts["decisions"] - same <= 2, counts  # a kind is named once, for all of its beats
        assert max(counts["more_levels"], counts["parts"]) <= 4, counts
        # Windows of a warm-up are packed, and the template that is made of them is a little off for a while.
        assert counts["one_level"] <= WARM_UP + 0.12 * len(ours) and counts["snr"] == 0
    episodes, policy, told, alarms = Episodes(), AlarmPolicy(), [], []
    for beat in wanted[0]:
        begun = episodes.push(beat)
        told, alarms = told + begun, alarms + policy.push(begun, beat.time)
    if not decisions:
        assert ticks_of(scorer.episodes) == ticks_of(told + episodes.finish())
        assert ticks_of(scorer.alarms[: len(alarms)]) == ticks_of(alarms)
    return wanted[1]


@pytest.mark.parametrize("rate", RATES)
def test_a_wearer_is_judged_alike_at_each_rate(library, model, rate):
    lead = simulate_wearer(seed=rate, seconds=110.0, rate=rate, noise_mv=0.02).signal[:, 0]
    beats = check(library, model, lead, rate)
    assert sum(beat.score is not None for beat in beats) > 40


def disturbed(seed, rate, seconds):
    """A wearer of whom the sensor moves, falls off, is swapped, saturates and misses samples."""
    draws = np.random.default_rng(seed)
    both = simulate_wearer(seed=seed, seconds=seconds, rate=rate).signal.astype(float)
    lead = both[:, 0] + draws.choice([0.0, 5.0, -150.0])  # an offset, as electrodes have
    time = np.arange(len(lead)) / rate
    lead += 0.3 * np.sin(2 * np.pi * 0.2 * time)
    for begin in draws.uniform(20, seconds - 10, 9):
        first, length = round(begin * rate), round(rate * draws.choice([0.02, 0.04, 0.3, 2, 5]))
        part, base = slice(first, first + length), lead[first]
        what = draws.integers(0, 7)
        if what == 0:
            lead[part] = np.nan
        elif what == 1:
            lead[part] = base
        elif what == 2:
            lead[part] = np.clip(40 * lead[part], base - 3, base + 3)  # at the limits of an amplifier
        elif what == 3:
            lead[part] += draws.normal(size=len(lead[part])) * 0.4
        elif what == 4:
            lead[part] += 2 * np.sin(2 * np.pi * 1.7 * time[part])
        elif what == 5:
            lead[first:] = base - (lead[first:] - base)  # the electrodes are swapped
        else:
            lead[part] = draws.choice([np.inf, -np.inf])
    return lead


@pytest.mark.parametrize("seed", range(12))
def test_what_disturbs_a_wearer_s_signal_is_told_alike(library, model, seed):
    rate = RATES[seed % len(RATES)]
    beats = check(library, model, disturbed(seed, rate, 130.0), rate)
    assert {beat.reason for beat in beats} - {"", "warm-up"}


@pytest.mark.parametrize("jumps", [(30.0,), (30.0, 95.0, 97.0)])
def test_a_clock_that_jumps_begins_a_stream_in_both(library, model, jumps):
    lead = simulate_wearer(seed=7, seconds=140.0).signal[:, 0]
    beats = check(library, model, lead, 360, size=1.0, jumps=jumps)
    assert beats[-1].time > 139 + 5 * len(jumps) - 2


def test_a_heart_that_pauses_is_told_alike(library, model):
    lead = np.array(simulate_wearer(seed=9, seconds=160.0, abnormal={}).signal[:, 0], float)
    draws = np.random.default_rng(0)
    lead[100 * 360 : 125 * 360] = 0.01 * draws.normal(size=25 * 360)
    check(library, model, lead, 360)


def test_a_recording_that_goes_on_behind_its_end_is_told_alike(library, model):
    lead = simulate_wearer(seed=11, seconds=120.0, rate=250).signal[:, 0]
    ours, theirs = BeatScorer(model, 250), NativeScorer(library, 250)
    for part in np.array_split(lead, 3):
        wanted, found = play(ours, part, 250), play(theirs, part, 250)
        counts = differences(wanted[0], found[0], model.manifest["score"])
        assert counts["missing"] == counts["added"] == counts["decisions"] == counts["more_levels"] == 0


@pytest.mark.parametrize("database, name", [(base, name) for base in RECORDED for name in RECORDED[base]])
def test_recorded_wearers_are_judged_alike(library, model, databases, database, name):
    read = wfdb.rdrecord(str(databases / database / name))
    lead = read.p_signal[: int(60 * RECORDED[database][name] * read.fs), 0]
    assert len(check(library, model, lead, int(read.fs))) > 150


@pytest.mark.parametrize("which", [0, 1])
def test_both_leads_of_a_model_are_judged_alike(beside, which):
    """One of them is missing at times."""
    library = build_beside(beside)
    leads = simulate_wearer(seed=which, seconds=100.0).signal.astype(float)
    for lead, begin in ((0, 8000), (1, 20000), (1, 30000), (0, 30005)):
        leads[begin : begin + 40 + 360 * which, lead] = np.nan
    ours = play(BeatScorer(Model(beside.content), 360), leads, 360)
    theirs = play(NativeScorer(library, 360), np.float32(leads), 360)
    counts = differences(ours[0], theirs[0], Model(beside.content).manifest["score"])
    assert counts["missing"] == counts["added"] == counts["reason"] == counts["rr"] == counts["bridged"] == 0
    assert counts["scored"] > 40 and counts["more_levels"] < 0.5 * counts["scored"]  # it was hardly trained


def build_beside(bundle):
    folder = bundle.folder.with_name("native")
    folder.mkdir(exist_ok=True)
    return build(folder, bundle.folder)


def as_told(beats):
    return [(b.time, b.score, b.kind, b.reason, b.snr, b.group, b.rr, b.why, b.above) for b in beats]


def test_neither_blocks_nor_the_samples_type_change_what_is_told(library):
    """Of one sample, of all at once; integers of 16 and 32 bits, and floats."""
    lead = simulate_wearer(seed=13, seconds=70.0, rate=128).signal[:, 0]
    counts = np.rint(lead / 0.005).astype(np.int16)
    counts[3000:3100] = -32768
    floats = np.where(counts == -32768, np.nan, counts).astype(np.float32)
    wide = counts.astype(np.int32)
    wide[3000:3100] = -(2**31)
    wanted = as_told(play(NativeScorer(library, 128, 0.005), counts, 128)[1])
    assert len(wanted) > 60
    for samples, size in ((counts, 1 / 128), (counts, 70.0), (floats, 3.0), (wide, 3.0)):
        assert as_told(play(NativeScorer(library, 128, 0.005), samples, 128, size)[1]) == wanted


def test_a_million_samples_in_one_call_are_told_as_in_many(library):
    lead = np.tile(simulate_wearer(seed=2, seconds=100.0, rate=500).signal[:, 0], 20)
    scorer = NativeScorer(library, 500)
    assert len(lead) == 10**6
    at_once = scorer.push(lead) + scorer.finish()
    assert as_told(at_once) == as_told(play(NativeScorer(library, 500), lead, 500, 60.0)[0])


def test_a_negative_gain_turns_the_lead(library, model):
    lead = simulate_wearer(seed=3, seconds=80.0).signal[:, 0]
    turned = play(NativeScorer(library, 360, -1.0), -lead, 360)
    assert as_told(turned[0]) == as_told(play(NativeScorer(library, 360), lead, 360)[0])


def error_of(library, call, *arguments):
    return ERRORS[getattr(library, f"sibeat_{call}")(*arguments)]


def test_what_is_not_allowed_is_an_error_and_leaves_the_context_alone(library):
    scorer, block = NativeScorer(library, 250), np.zeros(10, np.float32)
    scorer.push(simulate_wearer(seed=1, seconds=20.0, rate=250).signal[:, 0])
    before, at = scorer.context.raw, block.ctypes.data
    assert error_of(library, "push_f32", scorer.context, at, 0) == "NO_SAMPLES"
    assert error_of(library, "push_i16", scorer.context, None, 10) == "NULL_ARGUMENT"
    assert error_of(library, "push_i32", None, at, 10) == "NULL_ARGUMENT"
    assert error_of(library, "clock", scorer.context, 19_900_000) == "TIME_RUNS_BACK"
    assert error_of(library, "finish", None) == "NULL_ARGUMENT"
    wrong = {"version": 0, "rate": 251, "gain": 0.0}
    names = ("OTHER_VERSION", "UNSUPPORTED_RATE", "WRONG_GAIN")
    for (field, value), name in zip(wrong.items(), names, strict=True):
        kept = getattr(scorer.config, field)
        setattr(scorer.config, field, value)
        assert error_of(library, "init", scorer.context, ctypes.byref(scorer.config)) == name
        setattr(scorer.config, field, kept)
    scorer.config.gain = np.nan
    assert error_of(library, "init", scorer.context, ctypes.byref(scorer.config)) == "WRONG_GAIN"
    assert error_of(library, "init", scorer.context, None) == "NULL_ARGUMENT"
    assert error_of(library, "init", None, ctypes.byref(scorer.config)) == "NULL_ARGUMENT"
    assert scorer.context.raw == before


def test_a_context_of_zeros_is_not_pushed_to(library):
    context, block = ctypes.create_string_buffer(library.context_size()), np.zeros(4, np.float32)
    assert error_of(library, "push_f32", context, block.ctypes.data, 4) == "NOT_INITIALISED"
    assert error_of(library, "finish", context) == error_of(library, "clock", context, 0) == "NOT_INITIALISED"
    assert context.raw == bytes(len(context.raw))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, -1e30, 0.0, 1e4])
def test_a_signal_that_is_none_has_no_scored_beats(library, value):
    """And what comes afterwards is heard."""
    scorer = NativeScorer(library, 360)
    lead = simulate_wearer(seed=5, seconds=100.0).signal[:, 0]
    assert not scorer.push(np.full(40 * 360, value, np.float32))
    beats = scorer.push(lead) + scorer.finish()
    assert sum(beat.score is not None for beat in beats) > 60


def test_callbacks_may_be_left_out(library):
    scorer = NativeScorer(library, 360)
    for name in ("beat", "revised", "episode", "alarm"):
        setattr(scorer.config, name, type(getattr(scorer.config, name))())
    assert error_of(library, "init", scorer.context, ctypes.byref(scorer.config)) == "OK"
    assert scorer.push(simulate_wearer(seed=1, seconds=100.0).signal[:, 0]) == scorer.finish() == []


# Samples of all sorts, at all rates, with jumps of the clock; they fill their memory to the last byte.
FUZZ = """
#include <math.h>
#include <stdlib.h>
#include "sibeat.h"
static float uniform(void) { return (float)rand() / (float)RAND_MAX; }
static long heard;
static void on_beat(void *context, const sibeat_scored *beat)
{
    (void)context;
    heard += beat->kind + beat->reason;
    if (beat->has_score ? !isfinite(beat->score) || !isfinite(beat->timing) : !beat->reason)
        abort();
}
static float sample_of(uint32_t k, uint32_t rate, int what)
{
    const float odds[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e6f, 0.0f, 1e-30f};
    const float time = (float)(k % rate) / (float)rate - 0.5f;
    const float beat = expf(-time * time * 2000.0f) + 0.02f * uniform();
    switch (what) {
    case 0: return odds[rand() % 8];
    case 1: return 3.0f * uniform();
    case 2: return rand() % 9 ? beat : NAN;
    case 3: return 1000.0f * beat > 300.0f ? 300.0f : 1000.0f * beat;
    case 4: return 0.25f;
    default: return beat;
    }
}
int main(void)
{
    const uint32_t rates[] = {125, 128, 200, 250, 256, 360, 500, 512};
    for (unsigned seed = 0; seed < 8; seed++) {
        sibeat_context *context = malloc(sizeof *context);
        const sibeat_callbacks calls = {on_beat, 0, 0, 0, 0};
        const sibeat_config config = {SIBEAT_API_VERSION, rates[seed], 1.0f, 0, calls, 0};
        int64_t clock = 0;
        srand(seed);
        if (sibeat_init(context, &config) != SIBEAT_OK)
            return 1;
        for (int part = 0, what = 9; part < 60; part++) {
            const uint32_t count = 1 + (uint32_t)rand() % (3 * rates[seed]);
            what = part % 2 ? 9 : rand() % 9;
            float *samples = malloc(count * SIBEAT_LEADS * sizeof *samples);
            for (uint32_t k = 0; k < count * SIBEAT_LEADS; k++)
                samples[k] = sample_of(k, rates[seed], what);
            if (rand() % 8 == 0 && sibeat_clock(context, clock += rand() % 20000000) == SIBEAT_TIME_RUNS_BACK)
                clock += 600000000;
            if (sibeat_push_f32(context, samples, count) != SIBEAT_OK)
                return 2;
            free(samples);
            if (rand() % 20 == 0)
                sibeat_finish(context);
        }
        sibeat_finish(context);
        free(context);
    }
    return heard == 0;
}
"""


@pytest.mark.parametrize("which", [None, "beside"])
def test_samples_of_all_sorts_are_neither_read_nor_written_out_of_bounds(which, request, tmp_path):
    folder = request.getfixturevalue(which).folder if which else GENERATED
    flags = [*STRICT, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    (tmp_path / "probe.c").write_text("int main(void) { return 0; }\n")
    probe = [need("gcc"), *flags, tmp_path / "probe.c", "-o", tmp_path / "probe"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no sanitisers: memory cannot be watched here")
    (tmp_path / "fuzz.c").write_text(FUZZ)
    files = {file.name: file for place in (STATIC, folder) for file in place.glob("sibeat*.c")}
    include = ["-I", folder, "-I", STATIC]
    compile_with("gcc", *flags, *include, "fuzz.c", *files.values(), "-lm", "-o", "fuzz", cwd=tmp_path)
    done = subprocess.run([tmp_path / "fuzz"], capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("array", "stage"), [("filtered", 1), ("after", 2), ("told", 5), ("odd", None), (None, 0)]
)
def test_the_golden_path_tells_which_stage_differs(tmp_path, array, stage):
    """A number of a table is another one; the beats' shapes change more than one stage."""
    for file in GENERATED.glob("sibeat*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    table = tmp_path / "sibeat_golden_path.c"
    text = table.read_text()
    if array:
        begin = text.index(f"sibeat_golden_{array.replace('after', 'told')}[")
        old, new = {
            "filtered": ("e-0", "e+0"),
            "after": (" {2", " {3"),
            "told": ("'V'", "'N'"),
            "odd": (" 1,", " 0,"),
        }[array]
        text = text[:begin] + text[begin:].replace(old, new, 1)
        table.write_text(text)
    (tmp_path / "built").mkdir()
    library = build(tmp_path / "built", tmp_path)
    found = library.sibeat_pathtest(ctypes.create_string_buffer(library.context_size()), None)
    assert found == stage if stage is not None else found > 1


def test_the_demo_prints_the_beats_of_a_file_of_raw_samples(tmp_path, library):
    need("make")
    for file in [*STATIC.glob("*"), *GENERATED.glob("*")]:
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    done = subprocess.run(["make", "-C", tmp_path, "demo"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = np.rint(simulate_wearer(seed=13, seconds=80.0, rate=250).signal[:, 0] / 0.005).astype(np.int16)
    counts.tofile(tmp_path / "raw.i16")
    demo = tmp_path / "build" / "host_demo"
    done = subprocess.run([demo, tmp_path / "raw.i16", "250", "0.005"], capture_output=True, text=True)
    told = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("beat")]
    scorer = NativeScorer(library, 250, 0.005)
    beats = scorer.push(counts) + scorer.finish()
    assert [(float(row[1]), row[2].strip("-"), int(row[4])) for row in told] == [
        (int(beat.time * 360 + 0.5) * 1000 // 360 / 1000, beat.kind, beat.alarm) for beat in beats
    ]
    for wrong in ([], [tmp_path / "absent", "250", "1"], [tmp_path / "raw.i16", "251", "1"]):
        assert subprocess.run([demo, *wrong], capture_output=True).returncode == 2


def test_a_compiler_that_is_absent_or_fails_is_told(tmp_path):
    with pytest.raises(ExportError, match="no-such-cc: found none, expected a compiler"):
        build(tmp_path, GENERATED, "no-such-cc")
    need("gcc")
    with pytest.raises(ExportError, match="gcc: found errors in"):
        build(tmp_path, GENERATED, flags=["-DSIBEAT_FRONT_END_HZ=77"])
