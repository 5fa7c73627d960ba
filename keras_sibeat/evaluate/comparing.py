"""Two models on the same beats: what each separates, and how sure their difference is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import DataError
from keras_sibeat.evaluate.beat_files import KINDS, read_beats
from keras_sibeat.evaluate.runs import tabulate_run
from keras_sibeat.evaluate.wearers import DRAWN, INSIDE, draw_wearers, interval
from keras_sibeat.train.run import Run
from keras_sibeat.train.separation import separation

if TYPE_CHECKING:
    from pandas import DataFrame

KEY = ["fold", "record", "sample"]  # what tells a beat from all others
SAME = ["wearer", "class", "is_abnormal"]
METRICS = ("auc", "ap")


def compare(
    sources: Sequence[Path | str],
    data: Path | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> dict[str, Any]:
    """``compare_tables`` of two ``sources``, each the folder of a run or a file that ``--beats`` wrote.

    Args:
        data: a local copy of the runs' data.
        seed: of the bootstrap.
        console: shows how far it is.
    """
    first, second = (_open(source, data) for source in sources)
    return compare_tables(first, second, tuple(map(str, sources)), seed, console)


def compare_tables(
    first: "DataFrame",
    second: "DataFrame",
    names: Sequence[str] = ("first", "second"),
    seed: int = 0,
    console: Console | None = None,
) -> dict[str, Any]:
    """AUC and average precision of two tables of the same beats, and their paired difference.

    Of several seeds the mean counts; the beats of several folds count together. The interval holds 95 % of
    the differences in a bootstrap over wearers: each sample draws the same wearers for both tables. Of one
    wearer there is none.

    Args:
        first, second: as ``tabulate`` makes them.
        names: by which an error calls them.
        seed: of the bootstrap.
        console: shows how far it is.

    Returns ``auc`` and ``ap``, each with ``first``, ``second``, ``difference`` (second - first), ``low`` and
    ``high``, and the numbers of ``beats`` and ``wearers``.

    Raises ``DataError`` where the beats differ, or are all normal or all abnormal.

    >>> from pandas import DataFrame
    >>> beats = DataFrame({"record": ["a", "a", "b", "b"], "sample": [1, 2, 1, 2]})
    >>> beats = beats.assign(wearer=beats.record, is_abnormal=[False, True] * 2, fold=0, seed=0)
    >>> beats["class"] = ["N", "V"] * 2
    >>> worse, better = beats.assign(score=[1.0, 2.0, 3.0, 2.0]), beats.assign(score=[1.0, 2.0, 1.0, 2.0])
    >>> found = compare_tables(worse, better)["auc"]
    >>> found["first"], found["second"], found["difference"]
    (0.5, 1.0, 0.5)
    """
    beats, scores = _same_beats(first, second, names)
    is_abnormal = beats["is_abnormal"].to_numpy(bool)
    whole = [_measure(each, is_abnormal) for each in scores]
    if not all(whole):
        raise DataError(f"{names[0]}: found beats of one kind; expected normal and abnormal ones.")
    drawn: dict[str, list[float]] = {metric: [] for metric in METRICS}
    wearers = beats["wearer"].to_numpy(str)
    count = len(np.unique(wearers))
    draws = draw_wearers(wearers, seed) if count > 1 else iter(())
    is_silent = console is None or count == 1
    for _, rows in track(draws, "wearers drawn", total=DRAWN, console=console, disable=is_silent):
        found = [_measure(each[:, rows], is_abnormal[rows]) for each in scores]
        if all(found):
            for metric in METRICS:
                drawn[metric].append(found[1][metric] - found[0][metric])
    result: dict[str, Any] = {"beats": len(beats), "wearers": count}
    for metric in METRICS:
        ends = interval(drawn[metric]) if drawn[metric] else (None, None)
        values = [each[metric] for each in whole]
        result[metric] = dict(zip(("first", "second"), values, strict=True))
        result[metric] |= {"difference": values[1] - values[0], "low": ends[0], "high": ends[1]}
    return result


def print_comparison(console: Console, names: Sequence[str], result: dict[str, Any]) -> None:
    """Print what ``compare_tables`` found."""
    table = Table("metric", *names, "second - first", f"{INSIDE:.0%} of draws")
    for metric in METRICS:
        row = result[metric]
        within = "–" if row["low"] is None else f"{row['low']:+.4f} to {row['high']:+.4f}"
        table.add_row(
            metric, f"{row['first']:.4f}", f"{row['second']:.4f}", f"{row['difference']:+.4f}", within
        )
    console.print(table)
    sure = "both are drawn with the same wearers" if result["wearers"] > 1 else "one wearer has no interval"
    console.print(f"{result['beats']} beats of {result['wearers']} wearers; {sure}.", highlight=False)


def _open(source, data):
    if Path(source).suffix in KINDS:
        return read_beats(Path(source))
    run = Run(source, data)
    folds = load_folds(run.config)
    run.check_data(folds)
    return tabulate_run(run, folds)


def _same_beats(first, second, names):
    """The beats of both tables, sorted, and of each table the scores ``(seeds, beats)``."""
    beats, scores = [], []
    for table, name in zip((first, second), names, strict=True):
        table = table.sort_values([*KEY, "seed"], kind="stable")
        by_seed = [part.set_index(KEY) for _, part in table.groupby("seed")]
        if any(not part.index.equals(by_seed[0].index) for part in by_seed):
            raise DataError(f"{name}: found other beats for one seed than for another; expected the same.")
        if by_seed and by_seed[0].index.has_duplicates:
            raise DataError(f"{name}: found a beat twice; expected each once.")
        beats.append(by_seed[0] if by_seed else table.set_index(KEY))
        scores.append(np.stack([part["score"].to_numpy(float) for part in by_seed] or [np.zeros(0)]))
    for one, other, name, lacking in ((0, 1, *names), (1, 0, *names[::-1])):
        alone = beats[one].index.difference(beats[other].index)
        if len(alone):
            fold, record, sample = alone[0]
            raise DataError(
                f"{name}: found {len(alone)} beats that {lacking} lacks, the first in record {record} at "
                f"sample {sample} (fold {fold}); expected the same beats."
            )
    differs = (beats[0][SAME] != beats[1][SAME]).any(axis=1)
    if differs.any():
        _, record, sample = differs.index[int(np.argmax(differs.to_numpy()))]
        raise DataError(
            f"{names[1]}: found another class or wearer than in {names[0]} of the beat in record {record} "
            f"at sample {sample}; expected the same."
        )
    return beats[0], scores


def _measure(scores, is_abnormal):
    """The mean ``separation`` of the ``scores`` (seeds, beats); empty for beats of one kind."""
    found = [separation(each, is_abnormal) for each in scores]
    return (
        {metric: float(np.mean([each[metric] for each in found])) for metric in METRICS} if found[0] else {}
    )
