"""What a firmware may do wrong: the bundle's C refuses it, tells it, or goes on as if nothing had been."""

import ctypes
import subprocess

import numpy as np
import pytest
from c_judge import CJudge
from c_judge import build as build_judge
from c_parts import CEpisodes
from compilers import STATIC, STRICT, need
from simulated_lives import OWN, live

from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.episodes import Episodes
from sibeat_edge.beats.judge import Judge

# Files that compute in integers alone.
INTEGERS = {"sibeat_crc", "sibeat_image", "sibeat_layer", "sibeat_selftest"}


@pytest.fixture(scope="module")
def judge_library(tmp_path_factory):
    return build_judge(tmp_path_factory.mktemp("judge"))


def compiles(*flags, source, folder):
    command = [need("gcc"), *STRICT, "-O2", *flags, "-I", folder, "-fsyntax-only", source]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast", "-ffinite-math-only"])
def test_no_file_that_knows_nan_compiles_where_floats_count_as_numbers(beside, flag):
    """Else a NaN sample would spoil every output of the filters that see it."""
    refused = []
    for source in sorted(beside.folder.glob("sibeat*.c")):
        good, told = compiles(flag, source=source, folder=beside.folder)
        assert good or "expected NaN to be kept" in told
        refused += [] if good else [source.stem]
        assert compiles(flag, "-fno-finite-math-only", source=source, folder=beside.folder)[0]
    with_floats = {file.stem for file in STATIC.glob("sibeat*.c")} - INTEGERS
    assert set(refused) == with_floats


def test_every_header_of_floats_refuses_too(beside, tmp_path):
    """So that who calls them cannot be compiled otherwise, and hand over NAN that is none."""
    for header in sorted(STATIC.glob("sibeat*.h")):
        if header.stem in INTEGERS:
            continue
        (tmp_path / "caller.c").write_text(f'#include "{header.name}"\nint one = 1;\n')
        good, _ = compiles("-ffast-math", source=tmp_path / "caller.c", folder=beside.folder)
        assert not good, header.name


def test_without_a_template_no_input_is_made(beside):
    window, made = np.zeros((320, 2), np.float32), np.full(1288, 7, np.int8)
    at = [array.ctypes.data_as(ctypes.c_void_p) for array in (window, made)]
    assert beside.library.sibeat_quantise_beside(at[0], None, at[1]) == 0
    assert beside.library.sibeat_quantise_beside(None, at[0], at[1]) == 0
    assert (made == 7).all()
    assert beside.library.sibeat_quantise_beside(at[0], at[0], at[1]) == 1 and (made[:1280] != 7).all()


def test_without_a_template_the_judge_sees_nothing(judge_library):
    judge, window = CJudge(judge_library), np.ones((320, 2), np.float32)
    assert not judge.look(window, None) and not judge.look(None, window)


def rr_of_template(library, intervals):
    state = ctypes.create_string_buffer(library.template_size())
    library.sibeat_template_start(state)
    room = ctypes.create_string_buffer(library.room_size())
    library.sibeat_template_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_float]
    window = np.float32(np.stack([OWN, -OWN], axis=1))
    for rr in intervals:
        library.sibeat_template_push(state, window.ctypes.data, 255, rr)
        while library.sibeat_template_search(state, room):
            pass
    return np.frombuffer(state.raw, np.float32)[640 + 320 + 1]  # behind both shapes and a unit


@pytest.mark.parametrize("odd", [-1e-3, -0.8, -1e9, -np.inf, np.nan])
def test_a_negative_interval_moves_no_template(beside, odd):
    usual = [0.8] * 90
    assert rr_of_template(beside.library, usual) == np.float32(0.8)
    assert rr_of_template(beside.library, usual + [odd] * 20) == np.float32(0.8)
    assert rr_of_template(beside.library, [odd] * 20 + usual) == np.float32(0.8)


@pytest.mark.parametrize("odd", [-0.8, -np.inf, np.inf, 3e38, 0.0])
def test_an_impossible_interval_is_not_known_to_the_judge(judge_library, odd):
    """What it says is what the scorer says of an interval that is not known, for ever after."""
    own, part = Judge(), CJudge(judge_library)
    for number, (seen, scores) in enumerate(live(1, 900)):
        is_odd = number % 50 == 7
        wanted = own.push(seen._replace(rr=None) if is_odd else seen, scores)
        assert part.push(seen._replace(rr=odd) if is_odd else seen, scores) == wanted
        assert part.settled() == own.settled()


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_window_that_is_no_number_has_no_score_for_the_judge(judge_library, odd):
    own, part = Judge(), CJudge(judge_library)
    for number, (seen, scores) in enumerate(live(2, 900)):
        if scores is not None and number % 40 == 3:
            spoilt = seen.view.copy()
            spoilt[200, 0] = odd
            wanted = own.push(seen._replace(view=None, is_over=False), None)
            assert part.push(seen._replace(view=spoilt), scores) == wanted
        else:
            assert part.push(seen, scores) == own.push(seen, scores)
        assert part.settled() == own.settled()


@pytest.mark.parametrize("odd", [-0.8, 0.0, np.inf, 3e38])
def test_an_impossible_interval_is_no_pause(judge_library, odd):
    own, part = Episodes(), CEpisodes(judge_library)
    for number in range(200):
        is_odd, kind = number % 9 == 4, "NNSVV"[number % 5]
        beats = [Beat(0.8 * number, 1.0, False, "", rr, kind=kind) for rr in (None if is_odd else 0.8, odd)]
        assert part.push(beats[is_odd]) == own.push(beats[0])


def test_a_judge_that_was_not_begun_says_nothing(judge_library):
    judge = CJudge(judge_library)
    ctypes.memset(judge._state, 0, len(judge._state))
    for seen, scores in live(0, 20):
        assert judge.push(seen, scores) == []
    assert judge.finish() == [] and judge.settled(at_end=True) == []
