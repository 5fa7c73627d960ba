"""Reads a run's configuration from TOML, with overrides; an unknown key is an error."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from keras_sibeat.config.problems import first_place, first_problem
from keras_sibeat.config.schema import Config
from keras_sibeat.config.wording import did_you_mean, either, in_toml
from keras_sibeat.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


# A symbolic link to the repository's configs/, so that a wheel holds the very files that a checkout has.
SHIPPED = Path(__file__).parent / "shipped"


def find_config(name: str | Path) -> Path:
    """The TOML file at a path or, where there is none, the one that ships under that name.

    >>> find_config("quickstart").name
    'quickstart.toml'
    """
    shipped = SHIPPED / f"{name}.toml"
    return Path(name) if Path(name).exists() or not shipped.exists() else shipped


def read_config(
    file: Path | None = None, overrides: Iterable[str] = (), data: Path | str | None = None
) -> Config:
    """The configuration of ``file`` (TOML; the defaults without one), with ``key=value`` overrides.

    >>> read_config(overrides=["train.epochs=30"]).train.epochs
    30

    Args:
        file: path of the file, whose stem is the run's name.
        overrides: strings such as ``train.epochs=30``; the value is TOML, or else a plain string.
        data: folder of a local copy of the data, which replaces the simulator where none is configured.

    Raises:
        ConfigError: no such file, not TOML, an unknown key, or a value out of range.
    """
    if file is None:
        return make_config({}, "defaults", overrides, data)
    return make_config({"name": Path(file).stem, **read_toml(file)}, str(file), overrides, data)


def read_toml(file: Path) -> dict[str, Any]:
    """The values of a TOML file; raises ``ConfigError`` where there is no such file or no TOML in it."""
    try:
        text = Path(file).read_text(encoding="utf-8")
        return tomllib.loads(text)
    except FileNotFoundError:
        shipped = sorted(path.stem for path in SHIPPED.glob("*.toml"))
        raise ConfigError(
            f"{file}: no such file; expected a configuration in TOML, or the name of one that ships"
            f"{did_you_mean(Path(file).stem, shipped) or f': {either(shipped)}'}."
        ) from None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; expected a configuration in TOML.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: {error}; expected TOML, which is UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}{_where(text, str(error))}; expected TOML.") from error


def make_config(
    values: dict[str, Any], origin: str, overrides: Iterable[str] = (), data: Path | str | None = None
) -> Config:
    """The configuration of nested ``values``, which errors call ``origin``; the rest as ``read_config``."""
    overrides = list(overrides)
    for override in overrides:
        _apply(values, override)
    if data is not None:
        section = values.setdefault("data", {})
        if not isinstance(section, dict):
            raise ConfigError(f"{origin}: data: found {in_toml(section)}; expected a section, [data].")
        section["folder"] = str(data)
        if section.get("source", "simulator") == "simulator":
            section["source"] = "wfdb"
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        key = ".".join(map(str, first_place(error)))
        for override in overrides:
            set_key = override.partition("=")[0].strip()
            if f"{key}.".startswith(f"{set_key}.") or f"{set_key}.".startswith(f"{key}."):
                origin = f"--set {override}"
        raise ConfigError(f"{origin}: {first_problem(error)}.") from error
    if config.data.source != "simulator" and config.data.folder is None:
        raise ConfigError(f"{origin}: found no data folder; expected --data DIR (or data.folder).")
    return config


def _apply(values, override):
    # TOML reads the value alone: read as a whole, a.b = {…} would add to a section a.b, not replace it.
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override}: found no key=value; expected e.g. train.epochs=30.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {override}: {section} is a value; expected a section.")
    values[last] = value


def _where(text, told):
    """Where a file is no TOML, and why: the parser's words, and the line that it means."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", told, re.DOTALL)
    if found is None:
        return f": {told}"
    lines = text.rstrip().splitlines()
    number = min(int(found[2] or len(lines)), len(lines))
    is_double = re.match("Cannot (declare|overwrite|mutate)", found[1])
    why = "found a key or section for the second time" if is_double else found[1]
    return f", line {number}: {why} ({lines[number - 1].strip()[:60]})"
