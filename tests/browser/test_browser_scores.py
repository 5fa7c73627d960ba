"""What the page makes of beats: by LiteRT.js, by the firmware's C in WebAssembly, and beside Python."""

import numpy as np
import pytest

from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import score_recording

LEVELS = 5  # by which LiteRT's XNNPACK kernels may differ from the plain ones: docs/browser.md
# What LiteRT.js and the model in C make of the golden vectors.
GOLDEN = """() => {
  const { c } = sibeat.player.stream, bytes = c.input_bytes(), length = c.golden_beats();
  const inputs = new Int8Array(c.memory.buffer, c.golden_inputs(), length * bytes).slice();
  const of = (score) => Array.from({ length }, (_, beat) => score(beat * bytes));
  return {
    inputs: [...inputs],
    golden: [...new Int8Array(c.memory.buffer, c.golden_scores(), length)],
    device: of((first) => c.device_score(c.golden_inputs() + first)),
    litert: of((first) => sibeat.score(inputs.subarray(first, first + bytes))),
  };
}"""


@pytest.fixture(scope="module")
def play(page, ask, imported):
    """Plays a recording's first seconds to a stream of its own, judged by LiteRT.js or as the device does."""
    (benchmark,) = imported("benchmarks", "browser_page")
    return lambda seconds, is_device: ask(page, benchmark.PLAY, seconds, is_device)


@pytest.fixture(scope="module")
def golden(page, ask):
    return {name: np.array(values) for name, values in ask(page, GOLDEN).items()}


def test_the_c_scores_the_golden_beats_to_the_last_level(golden):
    model = Model("mitdb-wearer")
    inputs = golden["inputs"].astype(np.int8).reshape(len(golden["golden"]), -1)
    python = [model.score_raw(row[:640].reshape(320, 2).copy(), row[640:].copy()) for row in inputs]
    assert golden["device"].tolist() == golden["golden"].tolist() == python


def test_litert_scores_the_golden_beats_within_the_stated_levels(golden):
    assert len(set(golden["litert"])) > 8
    assert np.abs(golden["litert"] - golden["golden"]).max() <= LEVELS


def test_litert_scores_a_stream_within_the_stated_levels_and_names_the_same_beats(play):
    litert, device = (play(600, is_device) for is_device in (False, True))
    assert sum(litert["differences"].values()) > 1.9 * len(litert["beats"])  # it runs twice a beat at least
    assert max(abs(int(levels)) for levels in litert["differences"]) <= LEVELS
    assert [time for time, _, _ in litert["beats"]] == [time for time, _, _ in device["beats"]]
    names = (np.array([kind for _, kind, _ in played["beats"]]) for played in (litert, device))
    assert np.mean(np.not_equal(*names)) <= 0.005


def test_the_beats_are_those_of_the_scorer_in_python(page, play):
    """The whole way in WebAssembly, from samples at 250 Hz to names, beside its definition."""
    samples = np.array(page.run("[...sibeat.player.samples.subarray(0, 300 * sibeat.player.rate)]"))
    model = Model("mitdb-wearer")
    python = score_recording(model, samples, page.run("sibeat.player.rate"))
    found = play(300, True)["beats"]
    assert len(found) == len(python) > 300
    level = model.manifest["score"]["scale"]
    for (time, kind, score), beat in zip(found, python, strict=True):
        assert time == pytest.approx(beat.time, abs=0.5 / 360)
        assert kind == beat.kind
        assert (score is None) == (beat.score is None)
        assert score is None or score == pytest.approx(beat.score, abs=3.01 * level)  # a warm-up is packed


def test_the_heat_is_the_distance_from_the_wearers_own_beat_as_wide_as_a_wave(page):
    beats = page.run(
        "sibeat.found.beats.filter(({ shape }) => shape).slice(0, 50)"
        ".map(({ shape: { beat, own, heat } }) => [beat, own, heat].map((values) => [...values]))"
    )
    beat, own, heat = np.array(beats).transpose(1, 0, 2)
    assert beat.shape == (50, 320)
    assert np.allclose(np.abs(own).max(axis=1), 1, atol=0.02)
    hann = np.hanning(41)[1:-1]
    for found, square in zip(heat, np.square(beat - own), strict=True):
        expected = np.sqrt(np.convolve(square, hann / hann.sum(), "same"))
        assert np.allclose(found, np.minimum(1, expected), atol=1e-4)
