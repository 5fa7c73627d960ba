"""Writes a benchmark's result, with the command that was run, versions, commit and checksums."""

import shlex
import sys
from pathlib import Path

from keras_sibeat.results.writing import write_result
from keras_sibeat.train.run import current_commit, installed_versions

HERE = Path(__file__).parent


def command_run(arguments: list[str] | None = None) -> str:
    """The command line of the running benchmark, to be run again in the repository's folder.

    >>> command_run(["/somewhere/benchmarks/holter.py", "a record", "--hours", "1"])
    "python benchmarks/holter.py 'a record' --hours 1"
    """
    script, *options = arguments or sys.argv
    return shlex.join(["python", f"benchmarks/{Path(script).name}", *options])


def report(name: str, result: dict, models: dict[str, str] | None = None) -> None:
    """Write ``results/NAME.json`` and the pages made of it.

    Args:
        result: what was measured; versions in it replace those of this environment.
        models: SHA-256 of every model that it depends on, by the file's name.
    """
    commit = current_commit()
    about = {
        "command": command_run(),
        "versions": installed_versions(),
        "commit": commit,
        "measured_commit": commit,
        "models_sha256": models or {},
    }
    write_result(HERE.parent / "results", name, {**about, **result})
