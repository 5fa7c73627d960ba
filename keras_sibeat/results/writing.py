"""Writes a result as JSON, and makes the pages anew."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from keras_sibeat.config import Config
from keras_sibeat.errors import RunError
from keras_sibeat.files import whole_file, write_json
from keras_sibeat.results.pages import renew_pages
from keras_sibeat.train.run import Run


def write_result(folder: Path | str, name: str, result: Mapping[str, Any]) -> None:
    """Write ``folder/name.json`` and make the pages beside ``folder`` anew.

    Raises ``RunError`` where the file reports another configuration or other data: a result is replaced by
    the same run's only.
    """
    folder = Path(folder)
    file = folder / f"{name}.json"
    if file.exists():
        old = json.loads(file.read_text(encoding="utf-8"))
        pairs = {key: [row.get(key) for row in (old, result)] for key in ("config", "data_sha256")}
        pairs["config"] = [_complete(config) for config in pairs["config"]]
        differing = [key for key, (before, now) in pairs.items() if before != now]
        if differing:
            raise RunError(
                f"{file}: reports a run with another {differing[0]}; expected the same run, "
                "another name (--set name=NAME when training), or no such file."
            )
    write_json(file, {"name": name, **result})
    renew_pages(folder)


def _complete(config):
    """A result's configuration with the defaults of settings that came after it."""
    try:
        return Config.model_validate(config).model_dump(mode="json")
    except ValidationError:
        return config


def copy_strips(run: Run, folder: Path) -> None:
    """Copy the heat strips of a run's first part, where it has any, into the folder of the results."""
    first = next(iter(run.parts().values()))
    for file in first.glob("plots/strip-*.png"):
        with whole_file(folder / f"{run.config.name}-{file.name}") as partial:
            shutil.copyfile(file, partial)
