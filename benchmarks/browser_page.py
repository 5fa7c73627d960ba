"""How soon and how fast the browser's page judges in Chromium, and how near LiteRT.js is to the device.

    python benchmarks/browser_page.py
    python benchmarks/browser_page.py --data data/mitdb --minutes 5

It prints what it measures: of the simulated wearer, and of the recordings in DATA, their first leads. Seconds
of a core are of all of the browser's processes.
"""

import argparse
import json
import sys
import threading
from collections import Counter
from math import isfinite
from pathlib import Path

import psutil
from browser import BrowserError, browsing

from sibeat_edge import read_record

sys.path.append(str(Path(__file__).parents[1] / "examples" / "browser"))
from building import BuildError, build  # noqa: E402
from serve import open_server  # noqa: E402

READY = "globalThis.sibeat?.player.hasJudged"
STATE = "new Promise(requestAnimationFrame).then((now) => [sibeat.player.time, now / 1000])"
# Play the recording's first seconds without waiting, judged by LiteRT.js or, as on the device, by the C.
PLAY = """(seconds, isDevice) => {
  const { player } = sibeat, differences = {}, beats = [];
  const score = (input) => {
    const litert = sibeat.score(input), device = stream.c.device_score(input.byteOffset);
    differences[litert - device] = (differences[litert - device] ?? 0) + 1;
    return isDevice ? device : litert;
  };
  const hear = (told) => {
    if (told.type === "beat") beats.push([told.time, told.kind, told.score ?? null]);
    if (told.type === "revised") beats[told.number][1] = told.kind;
  };
  const stream = new player.stream.constructor(player.module, player.rate, score, hear);
  stream.push(player.samples.subarray(0, seconds * player.rate));
  stream.finish();
  return { differences, beats };
}"""
ALL = """(() => {
  const { player } = sibeat;
  const stream = new player.stream.constructor(player.module, player.rate, sibeat.score, () => {});
  stream.push(player.samples);
  stream.finish();
  return player.samples.length / player.rate;
})()"""


def used():
    """Seconds of a core that the browser has taken."""
    children = psutil.Process().children(recursive=True)
    times = [child.cpu_times() for child in children if "chrom" in child.name()]
    return sum(time.user + time.system for time in times)


def loading(browse, address):
    """The page once it has judged a beat."""
    page = browse(1280)
    before = used()
    page.open(address, READY, 120)
    first, core = page.run("performance.now()") / 1000, used() - before
    print(f"first judged beat: {first:.1f} s after opening, {core:.1f} s of a core")
    return page


def speed(page, seconds):
    page.run("document.querySelector('input[value=\"20\"]').click()")
    before, (first, begin) = used(), page.run(STATE)
    page.wait(f"performance.now() / 1000 > {begin + seconds}", 10 * seconds)
    (last, end), core = page.run(STATE), used() - before
    print(f"at 20 x: {(last - first) / (end - begin):.1f} x real time, {core / (end - begin):.0%} of a core")
    page.run("document.getElementById('pause').click()")
    before = used()
    print(f"without waiting or drawing: {page.run(ALL) / (used() - before):.0f} x real time on a core")


def agreement(page, seconds, names=("simulated wearer",), samples_of=None):
    """How LiteRT.js and the model in C score and name the same recordings."""
    levels, others, beats = Counter(), 0, 0
    for name in names:
        if samples_of:
            rate, samples = samples_of(name, seconds)
            played = f"{{ rate: {rate}, samples: Float32Array.from({json.dumps(samples)}, (x) => x ?? NaN) }}"
            page.run(f"void Object.assign(sibeat.player, {played})")
        litert, device = (page.run(f"({PLAY})({seconds}, {flag})") for flag in ("false", "true"))
        pairs = list(zip(litert["beats"], device["beats"], strict=True))
        others += sum(one[1] != other[1] for one, other in pairs)
        beats += len(pairs)
        levels.update({int(difference): runs for difference, runs in litert["differences"].items()})
    runs = levels.total()
    print(f"LiteRT.js beside the model in C, {len(names)} recordings: {runs:,} runs,", end=" ")
    print(f"{levels[0] / runs:.1%} equal, at most {max(map(abs, levels))} levels apart;", end=" ")
    print(f"{others} of {beats:,} beats named otherwise")


def samples_of(path, seconds):
    record = read_record(path, lead="first")
    signal = record.signal[: round(seconds * record.rate), 0].astype(float)
    return record.rate, [x if isfinite(x) else None for x in signal.tolist()]


def main():
    line = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    line.add_argument("--seconds", type=float, default=5, help="that are played at 20 x")
    line.add_argument("--data", type=Path, help="folder of WFDB records at one of the firmware's rates")
    line.add_argument("--minutes", type=float, default=5, help="of each, that are played")
    options = line.parse_args()
    try:
        server = open_server(build(), 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with browsing() as browse:
            page = loading(browse, f"http://127.0.0.1:{server.server_port}/")
            speed(page, options.seconds)
            agreement(page, 1e9)
            if options.data:
                paths = sorted({str(file.with_suffix("")) for file in options.data.glob("*.hea")})
                agreement(page, 60 * options.minutes, paths, samples_of)
    except (BuildError, BrowserError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
