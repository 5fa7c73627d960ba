"""A run's folder: its configuration, versions, data checksum, and a part for each fold and seed."""

import csv
import fcntl
import json
import platform
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from keras_sibeat.config import Config, first_problem
from keras_sibeat.data.protocols import Fold
from keras_sibeat.errors import RunError
from keras_sibeat.files import PARTIAL, remove_partial, whole_file, write_json

SOURCES = ("keras_sibeat", "export", "benchmarks", "configs")
Row = dict[str, float]  # of a history: one epoch's numbers by name
PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", "wfdb")


class Run:
    """The folder of one run.

    ``config.json`` holds the resolved configuration. ``run.json`` holds the command, versions, data checksum,
    the commit that trained, notes and, where the run began with networks of another, their files. A part such
    as ``fold0-seed0`` holds what the training of one fold with one seed wrote.

    >>> Run("no/such/folder")
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.RunError: no/such/folder: found no config.json; expected a run's folder.

    Args:
        folder: of a run that has been started.
        data: where its data lies now, if it has moved.

    Raises ``RunError`` where there is no run.
    """

    def __init__(self, folder: Path | str, data: Path | str | None = None) -> None:
        self.folder = Path(folder)
        try:
            self.config = Config.model_validate_json((self.folder / "config.json").read_bytes())
            self.about = json.loads((self.folder / "run.json").read_bytes())
        except FileNotFoundError as error:
            raise RunError(
                f"{self.folder}: found no {Path(error.filename).name}; expected a run's folder."
            ) from None
        except ValidationError as error:
            raise RunError(f"{self.folder / 'config.json'}: {first_problem(error)}.") from error
        except ValueError as error:
            raise RunError(
                f"{self.folder / 'run.json'}: found no JSON ({error}); expected a run's."
            ) from error
        if data is not None:
            moved = self.config.data.model_copy(update={"folder": Path(data)})
            self.config = self.config.model_copy(update={"data": moved})

    def check_data(self, folds: Mapping[int, Fold]) -> None:
        """Raise ``RunError`` unless the folds' data has the checksum of what the run was trained on."""
        trained, found = self.about["data_sha256"], next(iter(folds.values())).train.sha256
        if found != trained:
            raise RunError(
                f"{self.folder}: holds a run on data of SHA-256 {trained[:12]}…, found {found[:12]}…; "
                "expected the same data, or another run folder."
            )

    @classmethod
    def open(
        cls,
        folder: Path,
        config: Config,
        folds: Mapping[int, Fold],
        command: Sequence[str],
        started_from: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> "Run":
        """Start a run in ``folder``, or go on with the same run; raises ``RunError`` if it is another one.

        Args:
            started_from: ``file`` and ``sha256`` of the model that each stage begins with, where it does.
        """
        folder = Path(folder)
        if not (folder / "run.json").exists():
            names = [path.name for path in folder.iterdir()] if folder.exists() else []
            if any(name != "config.json" and not name.startswith(PARTIAL) for name in names):
                raise RunError(f"{folder}: found files that are no run's; expected a new or empty folder.")
            write_json(folder / "config.json", config.model_dump(mode="json"))
            train = next(iter(folds.values())).train
            about = {
                "command": shlex.join(command),
                "data_sha256": train.sha256,
                "versions": installed_versions(),
                "commit": current_commit(),
                "notes": list(train.notes),
                **({"started_from": dict(started_from)} if started_from else {}),
            }
            write_json(folder / "run.json", about)
        run = cls(folder)
        # More epochs make no other run, unless the learning rate's schedule depends on their number.
        if run.config.train.epochs < config.train.epochs and not config.contrastive:
            longer = run.config.train.model_copy(update={"epochs": config.train.epochs})
            run.config = run.config.model_copy(update={"train": longer})
        differing = _differences(run.config, config)
        if differing:
            raise RunError(
                f"{folder}: holds a run with another configuration ({differing[0]}); expected the same, "
                "or another --run folder."
            )
        run.check_data(folds)
        begun = run.about.get("started_from", {})
        for stage, now in started_from.items():
            if stage in begun and begun[stage]["sha256"] != now["sha256"]:
                raise RunError(
                    f"{now['file']}: found a start of SHA-256 {now['sha256']}; expected "
                    f"{begun[stage]['sha256']}, with which {folder / stage} began."
                )
        write_json(folder / "config.json", run.config.model_dump(mode="json"))
        return run

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run's folder; raises ``RunError`` while another process trains in it."""
        with open(self.folder / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"{self.folder}: another process trains this run; expected none.") from None
            remove_partial(self.folder)
            yield

    def parts(self) -> dict[tuple[int, int], Path]:
        """Mapping of (fold, seed) to the part's folder."""
        return part_folders(self.folder, self.config)


def parts_of(config: Config) -> list[tuple[int, int]]:
    """The (fold, seed) pairs that a configuration trains."""
    return [(fold, seed) for fold in config.protocol.folds for seed in config.seeds]


def part_folders(folder: Path, config: Config) -> dict[tuple[int, int], Path]:
    """Mapping of (fold, seed) to the part's folder, in the run's ``folder``."""
    return {part: Path(folder) / "fold{}-seed{}".format(*part) for part in parts_of(config)}


def _differences(old, new):
    old, new = old.describe(), new.describe()
    return [
        f"{section}: {old[section]} there, {new[section]} here"
        for section in old
        if old[section] != new[section]
    ]


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def current_commit() -> str:
    """The checkout's commit, with ``-dirty`` where its sources differ, or an empty string outside of one."""
    root = Path(__file__).parents[2]

    def git(*arguments):
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)  # installed inside another checkout, it is not tracked
        changed = git("status", "--porcelain", "--untracked-files=no", "--", *SOURCES)
        return git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def read_history(file: Path) -> list[Row]:
    """Rows of a history CSV, numbers as numbers; no rows where the file is not there."""
    if not Path(file).exists():
        return []
    with open(file, newline="") as lines:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(lines)]


def write_history(file: Path, rows: Sequence[Row]) -> None:
    """Write the rows as CSV, whole or not at all; floats keep every bit.

    Keras' ``CSVLogger`` only appends: it would keep epochs that a resumed run trains again, and half a line.
    """
    with whole_file(file) as partial, open(partial, "w", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
