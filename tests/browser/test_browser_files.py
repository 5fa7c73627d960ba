"""Files that are dropped on the page, and what it says where it cannot read or run."""

import numpy as np
import pytest

from keras_sibeat.data.synthetic import simulate_wearer

DROP = """([name, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([typeof content === "string" ? content : new Int16Array(content)], name));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
}"""
SAID = "said => ![said, 'Learning the wearer’s own beats …'].includes(message.textContent)"


@pytest.fixture
def drop(page):
    """Drops a file on the page, and returns the page when it has said something of it."""

    def drop(name, content):
        page.evaluate("document.getElementById('message').textContent = ''")
        page.evaluate(DROP, [name, content])
        page.wait_for_function(SAID, arg="")
        return page

    page.fill("#rate", "")
    return drop


def test_a_dropped_file_is_played_and_its_beats_are_named(drop):
    wearer = simulate_wearer(3, 120, 250, {"V": 0.06})
    rows = "".join(f"{n / 250:.4f};{1000 * x:.0f}\n" for n, x in enumerate(wearer.signal[:, 0]))
    page = drop("mine.csv", f"time [s];ECG [µV]\n{rows}")
    page.check("input[value='20']")
    page.wait_for_function("sibeat.player.isOver")
    assert page.inner_text("#source") == "mine.csv (ECG [µV], µV, 250 Hz)"
    found = page.evaluate("sibeat.found.beats.filter(({ kind }) => kind === 'V').map(({ time }) => time)")
    expert = wearer.annotations.samples[wearer.annotations.symbols == "V"] / 250
    assert len(found) > 3
    assert np.abs(np.subtract.outer(found, expert)).min(axis=1).max() < 0.1
    assert page.inner_text("#V") == str(len(found))
    assert page.locator("#abnormal b.V").count() >= 1


def test_raw_int16_is_played_once_its_rate_is_known(drop):
    samples = np.rint(200 * simulate_wearer(3, 90, 360).signal[:, 0]).astype(int)
    page = drop("wearer.i16", samples.tolist())
    assert page.inner_text("#message.fault").startswith(
        "wearer.i16: found no column of time; expected a rate"
    )
    page.fill("#rate", "360")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("message.textContent.includes('played at once')")
    assert page.inner_text("#source") == "wearer.i16 (raw int16, 200 steps a mV, 360 Hz)"


def rows(rate, count=500):
    return "".join(f"{n / rate:.6f},{np.sin(n):.3f}\n" for n in range(count))


TEXT = "text with a row a sample, or raw int16"
SENTENCES = {
    "empty.csv": ("", f"found an empty file; expected {TEXT}."),
    "letter.txt": ("Dear colleague,\nthank you.\n", f"found no column of numbers; expected {TEXT} (.i16)."),
    "cut.csv": ("ECG\n0.1\n0.2\nabc\n", 'found "abc" in line 4; expected a number in column 1.'),
    "bare.csv": (
        "0.1\n0.2\n",
        "found no column of time; expected a rate in Hz (type it below, then press Play).",
    ),
    "odd.csv": (
        f"time,ECG\n{rows(77)}",
        "found 77 samples a second; expected one of 125, 128, 200, 250, 256, 360, 500, 512.",
    ),
    "short.csv": (
        f"time,ECG\n{rows(250)}",
        "found 0:02 without a beat that could be judged; expected some two minutes with 60 clear ones.",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_cannot_be_read_is_told_in_a_sentence(drop, name):
    content, sentence = SENTENCES[name]
    assert drop(name, content).inner_text("#message.fault") == f"{name}: {sentence}"


READ = """async ([text, column]) => {
  const { readText } = await import("./text.js");
  const { values, rate, ...others } = readText(text, column ?? NaN, (found) => { throw new Error(found); });
  return { ...others, rate: rate || null, values: [...values.slice(0, 3)].map((value) => value || null) };
}"""
CLOCK = [n / 250 for n in range(50)]


@pytest.mark.parametrize(
    ("text", "column", "unit", "rate", "values"),
    [
        ("ECG\n1\n2\n3\n", None, "", None, [1, 2, 3]),
        ("1.5 7\n2.5 8\n", 2, "", None, [7, 8]),
        ("# device\r\nt;II (mV)\r\n0;1,5\r\n4;-2,5\r\n", 2, "mV", None, [1.5, -2.5]),
        (
            '"time","ECG_uV"\n' + "".join(f'"{t}","{n + 1}"\n' for n, t in enumerate(CLOCK)),
            None,
            "µV",
            250,
            [1, 2, 3],
        ),
        ("ms\tlead\n" + "".join(f"{1000 * t:g}\t5\n" for t in CLOCK), None, "", 250, [5, 5, 5]),
        ("clock,V\n" + "".join(f"12:00:{t:06.3f},5\n" for t in CLOCK), None, "V", 250, [5, 5, 5]),
        ("a,b\n1,\n2,NaN\n3,4\n", 2, "", None, [None, None, 4]),
        ("time,ECG\n" + "".join(f"{t + (t > 0):g},1\n" for t in CLOCK), None, "", 250, [1, None, None]),
    ],
    ids=["one column", "words", "decimal commas", "quotes", "ms", "clock", "missing", "gap"],
)
def test_texts_are_understood(page, text, column, unit, rate, values):
    read = page.evaluate(READ, [text, column])
    assert (read["unit"], read["rate"], read["values"]) == (unit, rate, values)


def test_a_browser_without_webassembly_is_told(browser, address):
    page = browser.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(address)
    page.wait_for_selector("#message.fault")
    assert page.inner_text("#message") == "This browser has no WebAssembly, in which the page computes."
    page.close()


@pytest.mark.parametrize("part", ["node_modules", "build/sibeat.wasm", "build/model.tflite"])
def test_a_part_that_does_not_load_is_told(browser, address, part):
    page = browser.new_page()
    page.route(f"**/{part}**", lambda route: route.abort())
    page.goto(address)
    page.wait_for_selector("#message.fault")
    assert f"{part} did not load (" in page.inner_text("#message").replace("LiteRT.js", "node_modules")
    page.close()
