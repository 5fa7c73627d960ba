"""The preset's trunk, fine-tuned as a classifier of N, S, V and F beats in plain Keras; prints F1 per class.

    python examples/fine_tune_classifier.py                      # simulated wearers
    python examples/fine_tune_classifier.py --data data/mitdb    # MIT-BIH: DS1 trains, DS2 tests

No wearer both trains and tests. Wearers of DS2 have not trained the preset either.
"""

import argparse
from pathlib import Path

import keras
from sklearn.metrics import classification_report

import keras_sibeat
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.mitbih import DS1, DS2
from keras_sibeat.data.protocols import map_classes
from keras_sibeat.data.synthetic import simulate_wearer

CLASSES, ECTOPY = ("N", "S", "V", "F"), {"A": 0.08, "V": 0.1, "F": 0.04}
line = argparse.ArgumentParser(description="Fine-tunes the preset's trunk as a classifier of beats.")
line.add_argument("--data", type=Path, help="folder of MIT-BIH")
line.add_argument("--wearers", type=int, default=24, help="simulated; half of them test")
line.add_argument("--epochs", type=int, default=15)
options = line.parse_args()


def labelled(wearers):
    # The beats as the preset takes them, and each one's class by its number; Q is none of the four.
    beats = map_classes(BeatSet.join([keras_sibeat.beats(each) for each in wearers], ""), "aami")
    beats = beats.take(beats.classes != "Q")
    return beats.inputs, [CLASSES.index(name) for name in beats.classes]


keras.utils.set_random_seed(0)
names = sum(zip(DS1, DS2, strict=True), ()) if options.data else range(options.wearers)
wearers = [options.data / n if options.data else simulate_wearer(n, abnormal=ECTOPY) for n in names]
(inputs, labels), (tested, truth) = labelled(wearers[::2]), labelled(wearers[1::2])
base = keras_sibeat.load_preset("mitdb-wearer")  # "judged" is a beat's embedding, and its timing's
classes = keras.layers.Dense(len(CLASSES), activation="softmax")(base.get_layer("judged").output)
model = keras.Model(base.input, classes)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(inputs, keras.ops.array(labels), 64, options.epochs, verbose=0)
found = model.predict(tested, verbose=0).argmax(axis=1)
print(classification_report(truth, found, labels=range(4), target_names=CLASSES, zero_division=0))
