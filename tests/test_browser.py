"""The page of examples/browser in Chromium: scores, beats, speed, files, and what it says when it cannot."""

import os

import numpy as np
import pytest
from browsers import chromium, served

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import score_recording

XNNPACK = 5  # levels by which LiteRT's kernels may differ from the plain ones: docs/browser.md
WAIT = 60_000  # ms, for what has no limit of its own
# What the kernels of LiteRT.js, and of the C, make of the golden vectors.
GOLDEN = """() => {
  const { c } = sibeat.player.stream;
  const bytes = c.input_bytes(), count = c.golden_beats();
  const inputs = new Int8Array(c.memory.buffer, c.golden_inputs(), count * bytes).slice();
  const of = (score) => Array.from({ length: count }, (_, at) => score(at * bytes));
  return {
    inputs: [...inputs],
    golden: [...new Int8Array(c.memory.buffer, c.golden_scores(), count)],
    plain: of((first) => c.plain_score(c.golden_inputs() + first)),
    litert: of((first) => sibeat.score(inputs.subarray(first, first + bytes))),
  };
}"""
# Play a part of the recording to a stream of its own. `level` is of LiteRT.js, or of the C's own model.
PLAY = """([seconds, plain]) => {
  const { player } = sibeat, differences = {}, beats = [];
  const stream = new player.stream.constructor(player.module, player.rate, (input) => {
    const litert = sibeat.score(input), own = stream.c.plain_score(input.byteOffset);
    differences[litert - own] = (differences[litert - own] ?? 0) + 1;
    return plain ? own : litert;
  }, (told) => {
    if (told.type === "beat") beats.push(told);
    if (told.type === "settled") Object.assign(beats[told.number], { kind: told.kind });
  });
  const begin = performance.now();
  stream.push(player.samples.subarray(0, seconds * player.rate));
  stream.finish();
  const took = (performance.now() - begin) / 1000;
  const told = beats.map(({ time, kind, score }) => ({ time, kind, score: score ?? null }));
  return { took, differences, beats: told };
}"""
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([typeof text === "string" ? text : new Int16Array(text)], name));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
}"""


@pytest.fixture(scope="module")
def address():
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def opened(browser, address, **options):
    """The page once it has judged a beat."""
    page = browser.new_page(**options)
    page.goto(address)
    page.wait_for_function("globalThis.sibeat?.player.hasJudged", timeout=WAIT)
    return page


@pytest.fixture(scope="module")
def page(browser, address):
    return opened(browser, address)


@pytest.fixture(scope="module")
def golden(page):
    return {name: np.array(values) for name, values in page.evaluate(GOLDEN).items()}


def test_the_plain_kernels_score_the_golden_beats_to_the_last_level(golden):
    model = Model("mitdb-wearer")
    inputs = golden["inputs"].astype(np.int8).reshape(len(golden["golden"]), -1)
    oracle = [model.score_raw(row[:640].reshape(320, 2).copy(), row[640:].copy()) for row in inputs]
    assert golden["plain"].tolist() == golden["golden"].tolist() == oracle


def test_litert_scores_the_golden_beats_within_the_stated_levels(golden):
    assert len(set(golden["litert"])) > 8
    assert np.abs(golden["litert"] - golden["golden"]).max() <= XNNPACK


def test_litert_scores_a_stream_within_the_stated_levels_and_names_the_same_beats(page):
    litert, plain = (page.evaluate(PLAY, [600, plain]) for plain in (False, True))
    assert sum(litert["differences"].values()) > 2 * len(litert["beats"]) * 0.9  # it runs for each beat
    assert max(abs(int(levels)) for levels in litert["differences"]) <= XNNPACK
    assert [beat["time"] for beat in litert["beats"]] == [beat["time"] for beat in plain["beats"]]
    names = [[beat["kind"] for beat in played["beats"]] for played in (litert, plain)]
    assert np.mean(np.array(names[0]) != np.array(names[1])) <= 0.005


def test_the_beats_are_those_of_the_scorer_in_python(page):
    """The whole way in WebAssembly, from samples to names, beside its definition."""
    samples = np.array(page.evaluate("[...sibeat.player.samples.subarray(0, 300 * sibeat.player.rate)]"))
    model = Model("mitdb-wearer")
    expected = score_recording(model, samples, page.evaluate("sibeat.player.rate"))
    found = page.evaluate(PLAY, [300, True])["beats"]
    assert len(found) == len(expected) > 300
    for beat, other in zip(found, expected, strict=True):
        assert beat["time"] == pytest.approx(other.time, abs=0.5 / 360)
        assert beat["kind"] == other.kind
        level = model.manifest["score"]["scale"]
        assert (beat["score"] is None) == (other.score is None)
        assert beat["score"] is None or beat["score"] == pytest.approx(other.score, abs=1.01 * level)


def test_the_first_beat_is_judged_within_5_s_of_opening(browser, address):
    page = opened(browser, address)
    assert page.evaluate("performance.now()") < 5000
    assert "60 of the wearer’s own beats: the first 0:" in page.inner_text("#message")
    page.close()


def test_it_keeps_up_with_20_times_real_time_on_one_core(address):
    core = {min(os.sched_getaffinity(0))}
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core)  # the browser inherits it
    try:
        with chromium() as browser:
            page = opened(browser, address)
            page.check("input[value='20']")
            page.wait_for_timeout(500)
            speeds = [page.evaluate(SPEED) for _ in range(3)]  # other programs take their share of the core
    finally:
        os.sched_setaffinity(0, before)
    assert max(speeds) > 0.97 * 20


SPEED = """async () => {
  const now = () => new Promise(requestAnimationFrame);
  const begin = await now(), first = sibeat.player.time;
  let end = begin;
  while (end < begin + 3000) end = await now();
  return (sibeat.player.time - first) / ((end - begin) / 1000);
}"""


def test_all_that_is_loaded_comes_from_this_computer(browser, address):
    page = browser.new_page()
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(address)
    page.wait_for_function("globalThis.sibeat?.player.hasJudged", timeout=WAIT)
    assert any(url.endswith("litert_wasm_internal.wasm") for url in loaded)
    assert [url for url in loaded if not url.startswith((address, "data:"))] == []
    page.close()


@pytest.mark.parametrize("width", [400, 900, 1600])
def test_nothing_is_wider_than_the_page(browser, address, width):
    page = opened(browser, address, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.fixture
def dropped(browser, address):
    """Drops a file on a page, and returns what the page says of it."""
    page = opened(browser, address)
    page.wait_for_function("document.getElementById('message').textContent.includes('played at once')")

    def drop(name, content):
        said = page.inner_text("#message")
        page.evaluate(DROP, [name, content])
        page.wait_for_function(
            "said => !['Learning the wearer’s own beats …', said].includes(message.textContent)", arg=said
        )
        return page

    yield drop
    page.close()


def test_a_dropped_file_is_played_and_its_beats_are_named(dropped):
    wearer = simulate_wearer(3, 120, 360, {"V": 0.06})
    rows = "\n".join(f"{n / 360:.5f};{1000 * x:.0f}" for n, x in enumerate(wearer.signal[:, 0]))
    page = dropped("mine.csv", f"time [s];ECG [µV]\n{rows}\n")
    page.check("input[value='20']")
    page.wait_for_function("sibeat.player.isOver", timeout=WAIT)
    assert page.inner_text("#source") == "mine.csv (ECG [µV], µV, 360 Hz)"
    found = page.evaluate("sibeat.found.beats.filter(({ kind }) => kind === 'V').map(({ time }) => time)")
    expert = wearer.annotations.samples[wearer.annotations.symbols == "V"] / 360
    assert len(found) > 3
    assert np.abs(np.subtract.outer(found, expert)).min(axis=1).max() < 0.1


def test_raw_int16_is_played(dropped):
    samples = np.rint(200 * simulate_wearer(3, 90, 360).signal[:, 0]).astype(int)
    page = dropped("wearer.i16", samples.tolist())
    assert "wearer.i16: found no column of time; expected a rate in Hz" in page.inner_text("#message.fault")
    page.fill("#rate", "360")
    page.click("text=Play")
    page.wait_for_function("message.textContent.includes('played at once')", timeout=WAIT)
    assert page.inner_text("#source") == "wearer.i16 (raw int16, 200 steps a mV, 360 Hz)"


SENTENCES = [
    ("empty.csv", "", "found an empty file; expected text with a row a sample, or raw int16."),
    (
        "letter.txt",
        "Dear colleague,\nthank you.\n",
        "found no column of numbers; expected text with a row a sample, or raw int16 (.i16).",
    ),
    ("cut.csv", "ECG\n0.1\n0.2\nabc\n", 'found "abc" in line 4; expected a number in column 1.'),
    (
        "bare.csv",
        "0.1\n0.2\n",
        "found no column of time; expected a rate in Hz (type it below, then press Play).",
    ),
]


@pytest.mark.parametrize(("name", "content", "sentence"), SENTENCES, ids=[row[0] for row in SENTENCES])
def test_an_unreadable_file_is_told_in_a_sentence(dropped, name, content, sentence):
    page = dropped(name, content)
    assert page.inner_text("#message.fault") == f"{name}: {sentence}"


def test_a_rate_that_the_c_does_not_take_is_told(dropped):
    rows = "\n".join(f"{n / 77:.6f},{np.sin(n):.3f}" for n in range(500))
    page = dropped("odd.csv", f"time,ECG\n{rows}\n")
    assert page.inner_text("#message.fault").startswith("found 77 samples a second; expected one of ")


def test_a_browser_without_webassembly_is_told(browser, address):
    page = browser.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(address)
    page.wait_for_selector("#message.fault", timeout=WAIT)
    assert page.inner_text("#message") == "This browser has no WebAssembly, in which the page computes."
    page.close()


@pytest.mark.parametrize("part", ["node_modules", "build/sibeat.wasm", "build/model.tflite", "build/wearer.i16"])
def test_a_part_that_does_not_load_is_told(browser, address, part):
    page = browser.new_page()
    page.route(f"**/{part}**", lambda route: route.abort())
    page.goto(address)
    page.wait_for_selector("#message.fault", timeout=WAIT)
    assert f"{part} did not load" in page.inner_text("#message").replace("LiteRT.js", "node_modules")
    page.close()
