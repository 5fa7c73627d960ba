"""The scores of test beats as a table, a row a beat, in a CSV or Parquet file."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.errors import ConfigError, DataError
from sibeat_edge.files import whole_file

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = (
    *("record", "wearer", "sample", "time", "symbol", "class", "is_abnormal", "score", "alarm"),
    *("fold", "seed"),
)
TEXTS = ("record", "wearer", "symbol", "class")
KINDS = (".csv", ".parquet")


def tabulate(
    beats: BeatSet, scores: np.ndarray, alarms: np.ndarray, normal: str, fold: int = 0, seed: int = 0
) -> "DataFrame":
    """The test ``beats`` of a fold with their ``scores`` and ``alarms``, both ``(beats,)``, a row each.

    Returns a table of the ``COLUMNS``: ``sample`` is the R-peak at 360 Hz (of series, the window's first
    sample), ``time`` its seconds.

    >>> from keras_sibeat.data.beats import extract_beats
    >>> from keras_sibeat.data.synthetic import simulate_wearer
    >>> beats = extract_beats(simulate_wearer(seed=0, seconds=20.0))
    >>> tabulate(beats, np.zeros(len(beats)), np.zeros(len(beats), bool), "N").record[0]
    'seed0'
    """
    from pandas import DataFrame

    columns = {
        "record": beats.records,
        "wearer": beats.persons,
        "sample": beats.samples,
        "time": beats.times,
        "symbol": beats.symbols,
        "class": beats.classes,
        "is_abnormal": beats.classes != normal,
        "score": np.asarray(scores, np.float64),
        "alarm": np.asarray(alarms, bool),
        "fold": np.full(len(beats), fold),
        "seed": np.full(len(beats), seed),
    }
    return DataFrame({name: columns[name] for name in COLUMNS})


def join_tables(tables: Iterable["DataFrame"]) -> "DataFrame":
    """One table of several."""
    from pandas import concat

    return concat(tables, ignore_index=True)


def check_beats_file(file: Path) -> None:
    """Raise ``ConfigError`` unless a table may be written to ``file``: a new one, or a table itself."""
    file = Path(file)
    if file.suffix not in KINDS:
        raise ConfigError(f"--beats {file}: found the extension {file.suffix!r}; expected .csv or .parquet.")
    if not file.exists():
        return
    try:
        read_beats(file)
    except (DataError, OSError):
        raise ConfigError(
            f"--beats {file}: found a file that is no table of beats; expected a new one, as this may be "
            "someone's input."
        ) from None


def write_beats(table: "DataFrame", file: Path) -> None:
    """Write a table of ``tabulate`` as ``.csv`` or ``.parquet``, whole or not at all.

    Raises what ``check_beats_file`` does, and ``ConfigError`` where Parquet lacks its package.
    """
    check_beats_file(file)
    with whole_file(Path(file)) as partial:
        if Path(file).suffix == ".csv":
            table.to_csv(partial, index=False)
        else:
            _needs_pyarrow(file)
            table.to_parquet(partial, engine="pyarrow", index=False)


def read_beats(file: Path) -> "DataFrame":
    """The table that ``write_beats`` wrote.

    Raises ``DataError`` for a file that is missing, or no such table.
    """
    import pandas

    file = Path(file)
    try:
        if file.suffix == ".parquet":
            _needs_pyarrow(file)
            table = pandas.read_parquet(file, engine="pyarrow")
        else:
            texts, missing = dict.fromkeys(TEXTS, str), {"time": [""]}
            table = pandas.read_csv(file, dtype=texts, keep_default_na=False, na_values=missing)
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; expected a table of beats.") from None
    except ValueError as error:  # of pandas, and of what reads Parquet
        told = str(error).splitlines()[0]
        raise DataError(
            f"{file}: found no table ({told}); expected beats, as --beats writes them."
        ) from error
    if tuple(table.columns) != COLUMNS:
        raise DataError(
            f"{file}: found the columns {', '.join(map(str, table.columns[:12]))}; expected "
            f"{', '.join(COLUMNS)}, as --beats writes them."
        )
    return table


def _needs_pyarrow(file):
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"{file}: found no pyarrow, which Parquet needs; expected pip install 'keras_sibeat[tables]', or "
            "a .csv file."
        ) from error
