"""Draw what each view and each shift makes of a simulated beat: ``views.png`` and ``shifts.png``.

python benchmarks/plot_augmentations.py FOLDER

By default a view changes so little that it hardly shows: here each has three times its default strength,
where it has one, and changes every window. The recorded noise is simulated, too.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from keras_sibeat.data.beats import load_beats
from keras_sibeat.data.physionet import check_files, list_records
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.sources import simulated_folder
from keras_sibeat.evaluate.plots import plot_augmentations
from keras_sibeat.layers.augmentation import rescale
from keras_sibeat.layers.shifts import SHIFTS
from keras_sibeat.layers.views import VIEWS
from sibeat_edge.beats.windows import BEFORE
from sibeat_edge.signal.filters import BandPass, process

WEARERS, SECONDS, DRAWS = 8, 60.0, 4


def normal_beats():
    """A normal beat ``(length, 2)`` of each simulated wearer, in both leads."""
    folder = simulated_folder(WEARERS, SECONDS)
    records = list_records(folder)
    paths = {record: folder / record for record in records}
    beats = load_beats(paths, check_files(folder, records), Preprocessing(leads="all"))
    rows = [np.flatnonzero((beats.records == record) & (beats.symbols == "N"))[10] for record in records]
    return beats.windows[rows]


def views():
    """Each view, stronger than by default and applied to every window."""
    noise = process(BandPass(), np.random.default_rng(0).normal(size=(20_000, 2)))
    settings = {
        "time_warp": {"ticks": 24, "probability": 1.0},
        "smooth_time_warp": {"strength": 0.36},
        "gain": {"strength": 0.15},
        "baseline_wander": {"strength": 0.12},
        "noise": {"strength": 0.03},
        "recorded_noise": {"noise": noise, "probability": 1.0},
        "lead_dropout": {"probability": 1.0},
        "rpeak_jitter": {"ticks": 9},
        "amplitude": {"strength": 0.45},
    }
    return {name: view(**settings[name], seed=3) for name, view in VIEWS.items()}


def panels(layers, beats, subject=0):
    """The panels of ``plot_augmentations``, in the first lead."""
    others = np.delete(beats, subject, axis=0)
    # Shifts mix a window with the one before it, so each copy of the beat follows another wearer's.
    windows = np.concatenate([[other, beats[subject]] for other in others[:DRAWS]])
    for name, layer in layers.items():
        changed = keras.ops.convert_to_numpy(rescale(layer(windows, training=True)))
        yield name, beats[subject, :, 0], changed[1::2, :, 0]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    beats = normal_beats()
    shifts = {name: shift(seed=5) for name, shift in SHIFTS.items()}
    for layers, file, columns in ((views(), "views.png", 4), (shifts, "shifts.png", 3)):
        plot_augmentations(list(panels(layers, beats)), folder / file, BEFORE, columns)
        Console().print(f"wrote {folder / file}")


if __name__ == "__main__":
    main()
