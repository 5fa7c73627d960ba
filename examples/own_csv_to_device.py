"""From somebody's CSV of one lead without annotations to an int8 model and a scored recording.

    python examples/own_csv_to_device.py                              # a simulated wearer
    python examples/own_csv_to_device.py holter.csv --rate 250 --out runs/mine

R-peaks are detected and every beat is taken as normal. OUT gets the run, its export, and beats.csv.
"""

import argparse
from pathlib import Path

import numpy as np

from keras_sibeat import score_beats
from keras_sibeat.config import find_config, read_config
from keras_sibeat.data.opening import open_recording
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.exporting import export
from keras_sibeat.export.sources import open_sources
from keras_sibeat.train.training import train

line = argparse.ArgumentParser(description="Trains a model of one recording, exports it, scores with it.")
line.add_argument("csv", nargs="?", type=Path, help="samples in mV, a row each; one is simulated without")
line.add_argument("--rate", type=float, default=360.0, help="Hz, of a file without a column of time")
line.add_argument("--out", type=Path, default=Path("runs/own-csv"))
line.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the configuration")
options = line.parse_args()

options.out.mkdir(parents=True, exist_ok=True)
if options.csv is None:
    options.csv = options.out / "simulated.csv"
    np.savetxt(options.csv, simulate_wearer(0, seconds=3600).signal[:, 0], header="ECG", comments="")
write_recording(open_recording(options.csv, options.rate, lead="first"), options.out / "recordings")
settings = ["name=own", "data.annotator=none", "data.leads=first", *options.set]
run = train(read_config(find_config("quickstart"), settings, options.out / "recordings"), options.out / "run")
for source, folder in open_sources(run.folder):
    export(source, folder)
beats = score_beats(run.folder, options.csv, options.rate, lead="first")
beats.to_csv(options.out / "beats.csv", index=False)
print(f"{folder / 'own.tflite'}: {beats['alarm'].sum()} alarms among {len(beats)} beats of {options.csv}")
