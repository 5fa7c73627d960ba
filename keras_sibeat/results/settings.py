"""The tables of docs/settings.md: every key of a configuration, from the models that read it."""

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from keras_sibeat.config import Config
from keras_sibeat.config.sections import Section
from keras_sibeat.config.wording import in_toml
from keras_sibeat.results.markdown import table

HEADS = ("key", "default", "allowed", "meaning")
LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}


def settings() -> str:
    """A heading and a table for each section of a configuration, the run's own keys first."""
    return "\n".join(
        f"## {heading}\n\n{table(HEADS, rows)}" for heading, rows in _sections(Config, (), "") if rows
    )


def _sections(
    model: type[Section], place: tuple[str, ...], note: str
) -> Iterator[tuple[str, list[list[str]]]]:
    """Headings and rows of a section, then those of the sections in it."""
    inner, rows = [], []
    for name, field in model.model_fields.items():
        key = field.alias or name
        section, many = _section_of(field.annotation)
        if section is None:
            rows.append(
                [f"`{key}`", _default(field), _allowed(field), " ".join((field.description or "").split())]
            )
        else:
            told = " (absent by default)" if field.default is None else ""
            inner.append((section, (*place, key, *["NAME"] * many), told))
    yield (f"`[{'.'.join(place)}]`{note}" if place else "The run"), rows
    for section, there, told in inner:
        yield from _sections(section, there, told)


def _section_of(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The section that a field holds, if it holds one, and whether it holds many by name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    if get_origin(annotation) in (Union, types.UnionType):
        found = [_section_of(part) for part in get_args(annotation)]
        return next((pair for pair in found if pair[0]), (None, False))
    if get_origin(annotation) is dict:
        return _section_of(get_args(annotation)[1])[0], True
    return None, False


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "to be given"
    if field.default is None or field.default in ((), "", {}):
        return ""
    return f"`{in_toml(field.default)}`"


def _allowed(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(limit, name):g}"
        for limit in field.metadata
        for name, sign in LIMITS.items()
        if isinstance(getattr(limit, name, None), int | float)
    ]
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return ", ".join([*(f"`{in_toml(choice)}`" for choice in choices), *limits])
