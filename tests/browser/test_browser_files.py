"""Files that are dropped on the page, and what it says where it cannot read or run."""

import numpy as np
import pytest
from waiting import LONG

from keras_sibeat.data.synthetic import simulate_wearer

DROP = """(name, content) => {
  const data = new DataTransfer();
  data.items.add(new File([typeof content === "string" ? content : new Int16Array(content)], name));
  message.textContent = rate.value = "";
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
}"""
SAID = "!['', 'Learning the wearer’s own beats …'].includes(message.textContent)"
FASTEST = "document.querySelector('input[value=\"20\"]').click()"


@pytest.fixture
def drop(page, ask):
    """Drops a file on the page, and returns what the page says of it."""

    def drop(name, content):
        ask(page, DROP, name, content)
        page.wait(SAID, LONG)
        return page.run("message.textContent")

    return drop


def test_a_dropped_file_is_played_and_its_beats_are_named(page, drop):
    wearer = simulate_wearer(3, 120, 250, {"V": 0.06})
    rows = "".join(f"{n / 250:.4f};{1000 * x:.0f}\n" for n, x in enumerate(wearer.signal[:, 0]))
    assert "played at once" in drop("mine.csv", f"time [s];ECG [µV]\n{rows}")
    page.run(FASTEST)
    page.wait("sibeat.player.isOver", LONG)
    assert page.run("source.textContent") == "mine.csv (ECG [µV], µV, 250 Hz)"
    found = page.run("sibeat.found.beats.filter(({ kind }) => kind === 'V').map(({ time }) => time)")
    expert = wearer.annotations.samples[wearer.annotations.symbols == "V"] / 250
    assert len(found) > 3
    assert np.abs(np.subtract.outer(found, expert)).min(axis=1).max() < 0.1
    page.wait(f"V.textContent === '{len(found)}'")
    assert page.run("document.querySelectorAll('#abnormal b.V').length") == min(12, len(found))


def test_raw_int16_is_played_once_its_rate_is_known(page, drop):
    samples = np.rint(200 * simulate_wearer(3, 90, 360).signal[:, 0]).astype(int)
    said = drop("wearer.i16", samples.tolist())
    assert said.startswith("wearer.i16: found no column of time; expected a rate in Hz")
    page.run("rate.value = '360', own.requestSubmit()")
    page.wait("message.textContent.includes('played at once')", LONG)
    assert page.run("source.textContent") == "wearer.i16 (raw int16, 200 steps a mV, 360 Hz)"


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
def test_what_cannot_be_read_is_told_in_a_sentence(page, drop, name):
    content, sentence = SENTENCES[name]
    assert drop(name, content) == f"{name}: {sentence}"
    assert page.run("message.className") == "fault"


READ = """async (text, column) => {
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
def test_texts_are_understood(page, ask, text, column, unit, rate, values):
    read = ask(page, READ, text, column)
    assert (read["unit"], read["rate"], read["values"]) == (unit, rate, values)
