"""Are our networks the published ones? The PyTorch peer's weights, copied into ours, must compute the same.

python benchmarks/torch_weights.py --torch-python PATH/TO/python

``--torch-python`` is the interpreter of an environment with ``beatgan_torch.py``'s requirements. Writes
results/bench-torch-weights.json; fails unless parameter counts and outputs agree.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from reporting import HERE, report

from keras_sibeat.models.networks import conv_discriminator, conv_generator
from keras_sibeat.models.size import count_parameters

PARAMETERS = {"generator": 1_908_800, "discriminator": 703_488}
TOLERANCE = 1e-4


def copy_weights(state, network):
    """Set the weights of a Keras ``network`` to a torch ``state``: a mapping of names to arrays.

    Both keep the networks' order, and normalisation has the same four arrays in the same order (gamma, beta,
    moving mean, moving variance). A kernel's axes are reversed: Conv1d's (out, in, tap) becomes Conv1D's
    (tap, in, out), ConvTranspose1d's (in, out, tap) becomes Conv1DTranspose's (tap, out, in).
    """
    arrays = [array for name, array in state.items() if not name.endswith("num_batches_tracked")]
    network.set_weights([array.transpose() for array in arrays])


def compare(peer):
    """Parameter counts, and the largest absolute difference of each output, given the peer's export."""
    networks = {"generator": conv_generator(), "discriminator": conv_discriminator()}
    for name, network in networks.items():
        state = {key: peer[key] for key in peer if key.startswith(f"{name}/")}
        copy_weights(state, network)
    beats = peer["beats"].transpose(0, 2, 1)
    logit, features = networks["discriminator"].predict(beats, verbose=0)
    ours = {
        "rebuilt": networks["generator"].predict(beats, verbose=0).transpose(0, 2, 1),
        "features": features.transpose(0, 2, 1),
        "logit": logit[:, 0],
        "probability": 1 / (1 + np.exp(-logit[:, 0])),
    }
    parameters = {name: count_parameters(network) for name, network in networks.items()}
    return parameters, {name: float(np.abs(value - peer[name]).max()) for name, value in ours.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", required=True, metavar="PATH", help="a Python that has torch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "peer.npz"
        subprocess.run([options.torch_python, HERE / "beatgan_torch.py", "export-weights", file], check=True)
        with np.load(file) as arrays:
            peer = dict(arrays)
    parameters, differences = compare(peer)
    agree = parameters == PARAMETERS and max(differences.values()) < TOLERANCE
    print(*(f"{name}: {count:,} parameters" for name, count in parameters.items()), sep="\n")
    largest = {name: float(np.abs(peer[name]).max()) for name in differences}
    for name, value in differences.items():
        print(f"{name}: largest difference {value:.1e}, of values up to {largest[name]:.2f}")
    result = {
        "parameters": parameters,
        "largest_difference": differences,
        "largest_value": largest,
        "tolerance": TOLERANCE,
        "agree": agree,
    }
    report("bench-torch-weights", result)
    if not agree:
        sys.exit(f"expected {PARAMETERS} parameters and differences below {TOLERANCE}.")


if __name__ == "__main__":
    main()
