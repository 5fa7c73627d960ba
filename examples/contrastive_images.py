"""NT-Xent, LARS and a view in an image model of plain Keras: handwritten digits, learnt without labels.

    python examples/contrastive_images.py --epochs 40

Prints how well a linear probe of few labels reads digits from the trained embedding, and from a random one.
"""

import argparse

import keras
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from keras_sibeat import LARS, NTXent, views

line = argparse.ArgumentParser(description="Learns digits by contrast, and prints a linear probe's accuracy.")
line.add_argument("--epochs", type=int, default=40)
line.add_argument("--labels", type=int, default=100, help="that the probe sees")
options = line.parse_args()

keras.utils.set_random_seed(0)
images, digits = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32") / 8 - 1  # in [-1, 1], as views have windows
inputs, layers = keras.Input((8, 8, 1)), keras.layers
noise = [layers.Reshape((64, 1)), views.Noise(0.3, seed=0), layers.Reshape((8, 8, 1))]
view = keras.Sequential([*noise, layers.RandomTranslation(0.15, 0.15), layers.RandomRotation(0.04)])
convolutions = [layers.Conv2D(n, 3, strides=2, padding="same", activation="relu") for n in (32, 64)]
trunk = keras.Sequential([inputs, *convolutions, layers.Flatten()])
head = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(32)])


def probe():
    embedded, n = trunk.predict(images, verbose=0), options.labels
    return LogisticRegression(max_iter=5000).fit(embedded[:n], digits[:n]).score(embedded[n:], digits[n:])


random = probe()
pair = keras.ops.stack([head(trunk(view(inputs))) for _ in range(2)], axis=1)
model = keras.Model(inputs, pair)
model.compile(LARS(3.0), loss=lambda _, pair: NTXent(0.1)(pair[:, 0], pair[:, 1]))
model.fit(images, images, batch_size=256, epochs=options.epochs, verbose=0)
print(f"linear probe: accuracy {probe():.3f}, of a random network {random:.3f}")
