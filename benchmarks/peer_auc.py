"""Train the PyTorch peer on a configuration's first fold and report it as results/peer-torch.json.

python benchmarks/peer_auc.py configs/beatgan.toml --data DIR --torch-python PATH/TO/python [--epochs 10]
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from fold_file import fold_arrays
from reporting import HERE, report

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import command
from keras_sibeat.evaluate.summary import summarise


def train_peer(python, arrays, epochs, seed=0):
    """Run the peer; returns what it wrote: its epochs, versions and threads."""
    with tempfile.TemporaryDirectory() as folder:
        fold, report = Path(folder, "fold.npz"), Path(folder, "peer.json")
        np.savez(fold, **arrays)
        script = [python, HERE / "beatgan_torch.py", "train", "--fold", fold, "--json", report]
        subprocess.run([*script, "--epochs", str(epochs), "--seed", str(seed)], check=True)
        return json.loads(report.read_text())


@command
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="TOML file, whose first fold is trained on")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--torch-python", required=True, metavar="PATH", help="a Python that has torch")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    config = read_config(options.config, data=options.data)
    number = config.protocol.folds[0]
    fold = load_folds(config)[number]
    peer = train_peer(options.torch_python, fold_arrays(fold), options.epochs)
    last = peer["epochs"][-1]
    result = {
        "protocol": config.protocol.name,
        "folds": [number],
        "seeds": [peer["seed"]],
        "selection": "last epoch",
        "metrics": summarise([{"auc": last["test_auc"], "ap": last["test_ap"]}]),
        "data_sha256": fold.train.sha256,
        "versions": peer["versions"],
        "seconds": round(sum(row["seconds"] for row in peer["epochs"]), 1),
        "history": {f"fold{number}-seed{peer['seed']}": peer["epochs"]},
    }
    report("peer-torch", result)


if __name__ == "__main__":
    main()
