"""Compares rules on the recordings that models are developed with, decided about as by the device."""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from reporting import HERE, report

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import source_folder, source_records
from keras_sibeat.evaluate.decision_figures import summarise_decisions
from keras_sibeat.evaluate.decisions import Decided
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.files import sha256
from sibeat_edge.report.recording import PRESET

DATABASES = ("mitdb", "svdb")


def compare(
    name: str,
    about: str,
    rules: Iterable[str],
    decided: Callable[[str, Path, Path], Decided],
    shown: Sequence[str],
) -> None:
    """Parse a benchmark's command line, play each recording with each rule, count, print, and report.

    The recordings are those that configs/worn-inter.toml trains or validates with; those that test are not
    looked at.

    Args:
        name: of the result.
        about: one sentence for the command's help.
        decided: what is decided with a rule about the recording at a path, by the model at another; it runs
            in processes of its own.
        shown: names of the metrics of ``summarise_decisions`` that are kept.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("data", type=Path, help="folder of the databases' folders")
    parser.add_argument("--model", type=Path, default=PRESET, help="an int8 export; by default what ships")
    options = parser.parse_args()
    started = time.perf_counter()
    config = read_config(HERE.parent / "configs" / "worn-inter.toml", (), options.data)
    paths = {
        database: [
            source_folder(config, database) / record
            for record, role in source_records(config, database).items()
            if role != "test"
        ]
        for database in DATABASES
    }
    rows = {}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for rule, (database, those) in product(rules, paths.items()):
            found = list(pool.map(decided, [rule] * len(those), those, [options.model] * len(those)))
            metrics = summarise_decisions(found)
            rows[f"{database}: {rule}"] = summarise([{each: metrics[each] for each in shown}])
            figures = (f"{each} {metrics[each]:.3f}" for each in shown)
            print(f"{database}: {rule:48}", *figures, sep="  ", flush=True)
    result = {
        "rules": rows,
        "records": {database: [path.name for path in those] for database, those in paths.items()},
        "seconds": round(time.perf_counter() - started, 1),
    }
    report(name, result, {options.model.name: sha256(options.model)})
