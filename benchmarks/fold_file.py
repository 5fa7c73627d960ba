"""Write the fold that a configuration trains on as the file that ``beatgan_torch.py`` reads.

python benchmarks/fold_file.py configs/beatgan.toml --data DIR fold.npz
"""

import argparse
from pathlib import Path

import numpy as np

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import DataError, command
from keras_sibeat.files import whole_file


def fold_arrays(fold):
    """A ``Fold`` as arrays, beats in the protocol's order.

    ``train`` (N, length) and ``test`` (M, length) are float32, ``labels`` (M,) int64, 1 for an abnormal beat.
    """
    channels = fold.train.windows.shape[2]
    if channels != 1:
        raise DataError(f"The fold has {channels} leads; expected one, which the peer's networks take.")
    labels = fold.is_abnormal(fold.test).astype("int64")
    return {"train": fold.train.windows[:, :, 0], "test": fold.test.windows[:, :, 0], "labels": labels}


@command
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="TOML file, whose first fold is written")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("file", type=Path, metavar="OUT.npz")
    options = parser.parse_args()
    config = read_config(options.config, data=options.data)
    arrays = fold_arrays(load_folds(config)[config.protocol.folds[0]])
    with whole_file(options.file) as partial:
        np.savez(partial, **arrays)
    abnormal = int(arrays["labels"].sum())
    print(
        f"{len(arrays['train'])} beats to train, {len(arrays['test'])} to test, {abnormal} of them abnormal"
    )


if __name__ == "__main__":
    main()
