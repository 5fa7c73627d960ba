"""Checks that every file of ``results/`` is what its command gives, and the pages what the files say."""

import json
import math
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_sibeat.results.commands import CommandError, names_written
from keras_sibeat.results.pages import make_pages, read_results

DIRTY = "-dirty"  # ends a commit whose sources were changed


@dataclass
class Findings:
    """What a verification found.

    Attributes:
        files: number of results.
        problems: what does not hold, a sentence each.
        skipped: what could not be checked, and why, a sentence each.

    >>> Findings(files=3).problems
    []
    """

    files: int
    problems: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def verify(folder: Path) -> Findings:
    """Check every result in ``folder``, and the pages beside it; nothing is written.

    Of each result: the name is one that its command writes, the command parses and names an existing
    configuration, there is a value for each fold and seed, means and standard deviations are those of the
    values, no folder of this machine is named, and the commits are in the history.
    """
    root, results = Path(folder).absolute().parent, read_results(folder)
    found = Findings(len(results))
    known = _history(root)
    if isinstance(known, str):
        found.skipped.append(f"Commits were not looked up: {known}.")
    for name, result in results.items():
        sentences = [
            *_check_name(name, result, root),
            *_check_counts(result),
            *_check_summaries(result),
            *_check_paths(result, root),
            *_check_commits(result, None if isinstance(known, str) else known),
        ]
        found.problems += [f"{name}.json: {sentence}" for sentence in sentences]
    for page, text in make_pages(folder).items():
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            found.problems.append(
                f"{page.name}: differs from what the results give; expected python -m keras_sibeat.results "
                "to change nothing."
            )
    return found


def _check_name(name: str, result: Mapping[str, Any], root: Path) -> Iterator[str]:
    if result.get("name") != name:
        yield f"found the name {result.get('name')!r}; expected that of the file."
    try:
        names = names_written(result["command"], root)
    except CommandError as error:
        yield str(error)
        return
    except KeyError:
        yield "found no command; expected the one that wrote it."
        return
    if name not in names:
        yield f"found a name that its command does not write; expected {', '.join(sorted(names))}."


def _check_counts(result: Mapping[str, Any]) -> Iterator[str]:
    """A value for each fold and seed, the seeds that are configured, and a checksum for each model."""
    seeds, config = result.get("seeds"), result.get("config")
    if seeds is None:
        return
    # A benchmark may name the file alone.
    if isinstance(config, dict) and (found := config["seeds"]) != seeds:
        yield f"found the seeds {seeds}; expected those configured, {found}."
    whole = len(seeds) * len(result.get("folds", [0]))
    counts = {"metrics": whole, "all_wearers": len(seeds)}
    for key, count in counts.items():
        for metric, summary in result.get(key, {}).items():
            if len(summary["values"]) != count:
                yield f"{key}: {metric}: found {len(summary['values'])} values; expected {count}."
    for table in ("conditions", "worn"):
        for name, row in result.get(table, {}).items():
            if (count := len(next(iter(row.values()))["values"])) != len(seeds):
                yield f"{name}: found {count} values; expected {len(seeds)}."
    if result.get("format", 1) >= 2 and not _is_without_models(result):
        digests = len(result.get("models_sha256", ()))
        if digests < whole:
            yield f"found {digests} checksums of models; expected {whole} or more."


def _is_without_models(result):
    """Baselines and random weights are scored by no model that is kept."""
    return result["name"].startswith("baseline-") or result["name"].endswith("-random")


def _check_summaries(value: Any, name: str = "") -> Iterator[str]:
    """All means and standard deviations, wherever they are in the result."""
    if not isinstance(value, Mapping):
        return
    if {"mean", "sd", "values"} <= set(value):
        values = value["values"]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        expected = {"mean": float(np.mean(values)), "sd": spread}
        for key, number in expected.items():
            if not math.isclose(value[key], number, rel_tol=1e-9, abs_tol=1e-12):
                yield f"{name}: found the {key} {value[key]}; expected {number}, that of its values."
        return
    for key, part in value.items():
        yield from _check_summaries(part, f"{name}: {key}" if name else key)


def _check_paths(result: Mapping[str, Any], root: Path) -> Iterator[str]:
    """No folder of the machine that made the result."""
    text = json.dumps(result)
    for folder in (f"{Path.home()}/", str(root)):
        if folder in text:
            yield f"found {folder}, a folder of this machine; expected relative paths."


def _check_commits(result: Mapping[str, Any], known: set[str] | None) -> Iterator[str]:
    keys = ["commit"] + ["measured_commit"] * (result.get("format", 1) >= 2)
    for key in keys:
        commit = result.get(key) or ""
        if not commit:
            yield f"found no {key}; expected that of the sources."
        elif commit.endswith(DIRTY):
            yield f"{key}: found {commit}; expected sources without changes."
        elif known is not None and commit not in known:
            yield f"{key}: found {commit}, which is not in the history; expected one that is."


def _history(root: Path) -> set[str] | str:
    """All commits that the checkout knows, or why they are not known."""

    def git(*arguments):
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if git("rev-parse", "--is-shallow-repository") == "true":
            return "the clone is shallow"
        if Path(git("rev-parse", "--show-toplevel")) != root.resolve():
            return "this is no checkout of its own"
        return set(git("rev-list", "--all").split())
    except (OSError, subprocess.CalledProcessError):
        return "this is no git checkout"
