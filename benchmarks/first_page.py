"""What the README shows: a simulated recording, and a strip of it with what ``sibeat score`` finds.

python benchmarks/first_page.py            # draws docs/pictures/strip.svg from examples/simulated.csv
python benchmarks/first_page.py --simulate # writes examples/simulated.csv anew before
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from sibeat_edge import read_record, score_file
from sibeat_edge.report.figures import ALARM, EARLY

ROOT = Path(__file__).parents[1]
RECORDING, PICTURE = ROOT / "examples" / "simulated.csv", ROOT / "docs" / "pictures" / "strip.svg"
SECONDS, RATE = 330.0, 128.0
ABNORMAL = {"V": 0.03, "A": 0.05}  # share of the beats that are premature: ventricular, atrial
BEGIN, END = 44, 66  # s of the strip, which is drawn in two rows
COLOURS = {"N": "0.35", "S": EARLY, "V": ALARM}
NAMES = {"N": "normal for this wearer", "S": "supraventricular: premature", "V": "ventricular: another shape"}


def simulate(file):
    """Write a simulated wearer's lead as a text: whole µV at 128 Hz."""
    from keras_sibeat.data.synthetic import simulate_wearer

    signal = simulate_wearer(seed=0, seconds=SECONDS, rate=RATE, abnormal=ABNORMAL).signal[:, 0]
    head = "# A simulated wearer, made by benchmarks/first_page.py\n# Sampling rate: 128 Hz\nMLII (uV)"
    np.savetxt(file, np.round(1000 * signal), fmt="%d", header=head, comments="")


def draw(recording, picture):
    """Draw the strip, each beat under its name."""
    record, scored = read_record(recording), score_file(recording)
    signal = record.signal[:, 0]
    time = np.arange(len(signal)) / record.rate
    settings = {"svg.hashsalt": "sibeat", "svg.fonttype": "none", "font.family": "sans-serif"}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(7, 4.2), layout="constrained", facecolor="white")
        rows = figure.subplots(2, 1)
        span = (END - BEGIN) // len(rows)
        for row, axis in enumerate(rows):
            first = BEGIN + row * span
            _paper(axis, first, first + span, signal)
            part = (time >= first) & (time <= first + span)
            axis.plot(time[part], signal[part], color="k", linewidth=0.9)
            for beat in scored.beats:
                if first + 0.1 < beat.time < first + span - 0.1:
                    _name(axis, beat, time, signal)
        for place, (kind, text) in enumerate(NAMES.items()):
            left = (0.02, 0.33, 0.67)[place]
            told = f"{kind}  {text}"
            figure.text(left, 0.015, told, color=COLOURS[kind], fontsize=9, weight="bold")
        figure.get_layout_engine().set(rect=(0, 0.07, 1, 0.93))
        figure.savefig(picture, metadata={"Date": None})


def _paper(axis, begin, end, signal):
    """ECG paper: 0.2 s and 0.5 mV a large square."""
    low, high = np.floor(2 * signal.min()) / 2, np.ceil(2 * signal.max()) / 2
    axis.set(xlim=(begin, end), ylim=(low, high))
    axis.set_xticks(np.arange(5 * begin, 5 * end + 1) / 5, minor=True)
    axis.set_xticks(range(begin, end + 1))
    axis.set_yticks(np.arange(low, high + 0.01, 0.5))
    axis.grid(which="both", color="#f0b8b8", linewidth=0.5)
    axis.tick_params(which="both", length=0, labelsize=10, pad=5)
    axis.set_ylabel("mV", fontsize=10)
    axis.xaxis.set_major_formatter("{x:.0f} s")
    axis.spines[:].set_color("#f0b8b8")


def _name(axis, beat, time, signal):
    near = (time > beat.time - 0.15) & (time < beat.time + 0.3)
    colour = COLOURS[beat.kind]
    if beat.alarm:
        axis.plot(time[near], signal[near], color=colour, linewidth=1.6)
    weight = "bold" if beat.alarm else "normal"
    top = axis.get_ylim()[1] - 0.25
    axis.text(beat.time, top, beat.kind, color=colour, weight=weight, ha="center", va="center", fontsize=12)


def main(arguments=None):
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulate", action="store_true", help="write the recording anew before")
    parser.add_argument("--recording", type=Path, default=RECORDING)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args(arguments)
    if options.simulate:
        simulate(options.recording)
    draw(options.recording, options.picture)


if __name__ == "__main__":
    main()
