"""The bundle's judge against the scorer's: the first and the last verdict on every beat."""

import importlib
import re
import subprocess
from collections import Counter

import numpy as np
import pytest
import wfdb
from c_judge import SOURCES, CJudge, build
from compilers import CORTEX, STATIC, STRICT, compile_with, need
from simulated_lives import live

from keras_sibeat.export.firmware_readme import JUDGE_BYTES
from sibeat_edge import scorer
from sibeat_edge.beats.judge import LATER, Judge
from sibeat_edge.beats.kinds import KINDS
from sibeat_edge.beats.windows import BEFORE
from sibeat_edge.report.recording import PRESET

MOST_BYTES = 6 * 1024
STREAMS, BEATS = 12, 2000
# Random beats, with values that are not known, in windows that fill their memory to the last byte.
DRIVER = """
#include <math.h>
#include <stdlib.h>
#include "sibeat_judge.h"
static float uniform(void) { return (float)rand() / (float)RAND_MAX; }
static float maybe(float value) { return uniform() < 0.1f ? NAN : value; }
static sibeat_judge judge;
static void live(int centre, int length, int leads, int beats)
{
    sibeat_verdict verdict;
    sibeat_judge_init(&judge, centre, length, leads);
    for (int beat = 0; beat < beats; beat++) {
        const size_t size = (size_t)(length * leads - leads + 1);
        float *window = malloc(size * sizeof *window), *own = malloc(size * sizeof *own);
        const float height = uniform() < 0.05f ? 0.0f : 10.0f * uniform();
        for (size_t k = 0; k < size; k++) {
            window[k] = height * uniform();
            own[k] = uniform() < 0.01f ? 0.0f : height * (float)(k / (size_t)leads == (size_t)centre);
        }
        const int has_score = uniform() < 0.8f;
        float work[SIBEAT_LOOK_FLOATS];
        sibeat_look look;
        const sibeat_seen seen = {maybe(2.0f * uniform()), maybe(60.0f * uniform() - 20.0f),
            has_score && sibeat_judge_look(&judge, window, own, work, &look) ? &look : 0,
            3.0f * uniform() - 1.0f, 3.0f * uniform() - 1.0f,
            maybe(3.0f * uniform()), 1.0f, uniform() < 0.4f};
        if (seen.look)
            sibeat_judge_needs_shape(&look);
        sibeat_judge_push(&judge, &seen, &verdict);
        free(window);
        free(own);
        if (uniform() < 0.05f)
            sibeat_judge_finish(&judge, &verdict);
        while (uniform() < 0.9f && sibeat_judge_settle(&judge, 0, &verdict))
            ;
    }
    while (sibeat_judge_settle(&judge, 1, &verdict))
        ;
}
int main(void)
{
    live(140, 320, 1, 5000);
    live(140, 320, 2, 2000);
    live(0, 1, 1, 500);
    live(20, 60, 3, 500);
    live(59, 60, 1, 500);
    live(0, 200, 1, 500);
    return 0;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """The same with every float a double."""
    return build(tmp_path_factory.mktemp("double"), double=True)


@pytest.fixture(scope="module")
def lives():
    return [live(seed, BEATS) for seed in range(STREAMS)]


@pytest.fixture(scope="module")
def wanted(lives):
    """The scorer's verdicts on them."""
    return [judged(Judge(), beats) for beats in lives]


def judged(judge, beats, pauses=0.01):
    """The first and the last verdicts on beats; no beat follows soon on some of them."""
    first, last, draws = [], [], np.random.default_rng(len(beats))
    for seen, scores in beats:
        first += judge.push(seen, scores)
        last += judge.settled()
        if draws.random() < pauses:
            first += judge.finish()
            last += judge.settled()
    first += judge.finish()
    last += judge.settled(at_end=True)
    assert len(first) == len(last) == len(beats)
    return first + last


def differences(wanted, found):
    pairs = enumerate(zip(wanted, found, strict=True))
    return [(number % (len(wanted) // 2), *pair) for number, pair in pairs if pair[0] != pair[1]]


def test_in_double_every_verdict_is_the_scorer_s(exact, lives, wanted):
    """So that what differs in float32 does so by rounding alone."""
    for beats, verdicts in zip(lives, wanted, strict=True):
        assert differences(verdicts, judged(CJudge(exact), beats)) == []


def test_in_float_nearly_every_verdict_is_the_scorer_s(library, lives, wanted):
    """But for the numbers of kinds: one that is begun or not by rounding moves all that follow."""
    found = []
    for beats, verdicts in zip(lives, wanted, strict=True):
        verdicts, others = (
            [verdict._replace(group=None) for verdict in told]
            for told in (verdicts, judged(CJudge(library), beats))
        )
        found += differences(verdicts, others)
    assert STREAMS * BEATS > 20_000 and len(found) <= 0.0005 * 2 * STREAMS * BEATS, found


@pytest.mark.parametrize("before, after", [(60, 100), (30, 40), (140, 30), (5, 180), (12, 20)])
def test_a_shorter_window_is_judged_as_by_the_scorer(library, before, after):
    part = slice(BEFORE - before, BEFORE + after)
    beats = [
        (seen._replace(view=seen.view[part]) if scores else seen, scores) for seen, scores in live(3, 600)
    ]
    found = judged(CJudge(library, before, before + after), beats)
    assert differences(judged(Judge(before), beats), found) == []


def test_only_odd_beats_need_a_third_score(library, lives):
    judge, own = CJudge(library), lives[0]
    judged(judge, own)
    scored = sum(scores is not None for _, scores in own)
    assert 0.05 * scored < judge.asked < 0.7 * scored


def test_in_the_lives_everything_happens(lives, wanted):
    """Else the C would be compared where nothing does."""
    kinds, irregular, revised, groups = Counter(), 0, 0, 0
    for found in wanted:
        kinds.update((verdict.kind, verdict.why) for verdict in found)
        irregular += sum(verdict.is_irregular for verdict in found)
        pairs = zip(found[:BEATS], found[BEATS:], strict=True)
        revised += sum(first.kind != last.kind for first, last in pairs)
        groups += sum((verdict.group or 0) >= 2 * KINDS for verdict in found)
    assert set(kinds) == {("", ""), ("N", ""), ("S", "timing"), ("V", "shape"), ("V", "both")}
    assert min(kinds.values()) > 500 and irregular > 2000 and revised > 100 and groups > 1000
    assert all(len(beats) == BEATS for beats in lives)


def test_who_does_not_ask_in_time_loses_the_oldest_last_verdicts(library, lives):
    judge, wanted = CJudge(library), judged(Judge(), lives[0][:900], pauses=0)[-LATER - 1 :]
    for seen, scores in lives[0][:900]:
        judge.push(seen, scores)
    judge.finish()
    assert judge.settled(at_end=True) == wanted and len(wanted) == LATER + 1


class Watched(Judge):
    """A judge beside whom another one hears the same."""

    def __init__(self, centre, other):
        super().__init__(centre)
        self.other, self.found = other, ([], [])

    def push(self, beat, scores):
        return self._note(super().push(beat, scores), self.other.push(beat, scores))

    def finish(self):
        return self._note(super().finish(), self.other.finish())

    def settled(self, at_end=False):
        return self._note(super().settled(at_end), self.other.settled(at_end))

    def _note(self, own, others):
        assert len(own) == len(others)
        for list_of, verdicts in zip(self.found, (own, others), strict=True):
            list_of += verdicts
        return own


@pytest.mark.parametrize("name", ["119", "208"])
def test_recorded_wearers_are_judged_as_by_the_scorer(library, mitdb, monkeypatch, name):
    judges = []

    def watched(centre):
        judges.append(Watched(centre, CJudge(library, centre)))
        return judges[-1]

    monkeypatch.setattr(scorer, "Judge", watched)
    scorer.score_recording(PRESET, wfdb.rdrecord(str(mitdb / name)).p_signal[:, 0], 360)
    own, others = judges[0].found
    assert own == others and len(own) > 3500 and len({verdict.kind for verdict in own}) >= 3


def test_the_judge_is_as_large_as_is_told(library, beside):
    assert library.judge_size() == JUDGE_BYTES <= MOST_BYTES
    told = (beside.folder / "README.md").read_text(encoding="utf-8")
    assert f"Of it the judge | {JUDGE_BYTES:,} |" in told and "sibeat_judge" in told


def test_a_model_without_a_wearer_is_told_nothing_of_a_judge(single):
    assert "judge" not in (single.folder / "README.md").read_text(encoding="utf-8")


def test_no_memory_is_allocated(library, tmp_path):
    need("nm")
    compile_with("gcc", *STRICT, "-c", *SOURCES, cwd=tmp_path)
    done = subprocess.run(["nm", "-u", *tmp_path.glob("*.o")], capture_output=True, text=True, check=True)
    assert "sqrtf" in done.stdout and not re.search(r"\b(m|c|re)alloc|free|alloca\b", done.stdout)


def test_a_cortex_m4_never_computes_in_double(tmp_path):
    flags = [*CORTEX, "-O2", "-Wdouble-promotion", "-Wconversion", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
    compile_with("arm-none-eabi-gcc", *flags, "-c", *SOURCES, cwd=tmp_path)
    need("arm-none-eabi-nm")
    command = ["arm-none-eabi-nm", "-u", *tmp_path.glob("*.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "expf" in done.stdout and "__aeabi_d" not in done.stdout
    assert "__aeabi_f2lz" not in done.stdout  # libgcc's float to int64 computes in double


def test_nothing_is_read_or_written_out_of_bounds(tmp_path):
    (tmp_path / "driver.c").write_text(DRIVER)
    flags = [*STRICT, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    if subprocess.run([need("gcc"), *flags, probe, "-o", tmp_path / "probe"], capture_output=True).returncode:
        pytest.skip("no sanitisers: memory cannot be watched here")
    compile_with("gcc", *flags, "-I", STATIC, "driver.c", *SOURCES, "-lm", "-o", "driver", cwd=tmp_path)
    done = subprocess.run([tmp_path / "driver"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def constants(stem):
    """Module, name and value of each constant that a C file has in common with Python."""
    module = None
    for line in (STATIC / f"{stem}.c").read_text(encoding="utf-8").splitlines():
        if said := re.match(r"/\* As in (sibeat_edge(\.\w+)+)", line):
            module = said[1]
        elif module and (said := re.match(r"#define (\w+) \(?(-?[\d.]+(?:e\d+)?)f?\)?", line)):
            yield module, said[1], float(said[2])
        elif not line:
            module = None


COUNTS = {"shape": 11, "timing": 46, "judge": 35, "align": 12, "stretch": 6, "threshold": 3, "episodes": 13}


@pytest.mark.parametrize("stem", [*COUNTS, "quality"])
def test_the_constants_are_python_s(stem):
    names = []
    for module, name, value in constants(f"sibeat_{stem}"):
        python = importlib.import_module(module)
        short, names = re.sub("^(HEAPS|LENGTHS|BELIEVED|SIZES)_", "", name), [*names, name]
        if name in ("HEAPS_UPPER", "HEAPS_LOWER"):  # bins
            wanted = np.searchsorted(python._CENTRES, getattr(python, short))
        elif hasattr(python, name):
            wanted = getattr(python, name)
        elif place := re.fullmatch(r"(\w+)_(BEFORE|AFTER)", name):
            wanted = getattr(python, place[1])[place[2] == "AFTER"]
        else:
            wanted = getattr(python, short)
        assert value == pytest.approx(wanted, rel=1e-6), name
    assert len(names) >= COUNTS.get(stem, 5)
