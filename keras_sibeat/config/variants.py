"""The variants of an ablation: what each part of a recipe brings."""

from pathlib import Path

from keras_sibeat.config import Config, make_config, read_toml
from keras_sibeat.errors import ConfigError


def read_variants(file: Path, data: Path | None = None) -> dict[str, Config]:
    """The configurations of an ablation's file, by name: ``base``, each of the ``variants`` merged into it.

    Raises ``ConfigError`` where the file has other keys, no variants, or a configuration that is not valid.
    """
    values = read_toml(file)
    unknown = sorted(set(values) - {"base", "variants"})
    if unknown or not isinstance(values.get("variants"), dict) or not values["variants"]:
        found = f"the unknown key {unknown[0]}" if unknown else "no variants"
        raise ConfigError(f"{file}: found {found}; expected [base] and [variants.NAME].")
    stem = Path(file).stem
    return {
        name: make_config(
            {"name": f"{stem}-{name}", **_merge(values.get("base", {}), variant)},
            f"{file}: {name}",
            data=data,
        )
        for name, variant in values["variants"].items()
    }


def _merge(base, variant):
    merged = dict(base)
    for key, value in variant.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged
