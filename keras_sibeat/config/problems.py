"""What is wrong with a configuration, in the words of TOML."""

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError

from keras_sibeat.config.schema import Config
from keras_sibeat.config.wording import did_you_mean, either, in_toml

EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text in quotes",
    "path_type": "a path in quotes",
    "missing": "a value",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "too_short": "a list of at least {min_length} value",
    "too_long": "a list of at most {max_length} values",
}
Place = tuple[str | int, ...]  # a key, section by section


def first_problem(error: ValidationError) -> str:
    """The first problem of a ``Config`` that pydantic refused, in one sentence without a stop.

    >>> try:
    ...     Config.model_validate({"train": {"jit_compile": "yes"}})
    ... except ValidationError as error:
    ...     print(first_problem(error))
    train.jit_compile: found "yes"; expected true or false
    """
    problems, place = error.errors(), first_place(error)
    first = _first(problems)
    key = ".".join(map(str, place))
    if first["type"] == "extra_forbidden":
        return _unknown_key(place)
    if first["type"] == "value_error":
        told = str(first["ctx"]["error"])
        told = told if "expected" in told else f"expected that {told}"
        found = f"found {in_toml(first['input'])}; " if told.startswith("expected") and key else ""
        found = "" if isinstance(first["input"], dict | BaseModel) else found
        return f"{key}: {found}{told}" if key else told
    choices = dict.fromkeys(
        _expected(problem, key) for problem in problems if _place(problem["loc"])[0] == place
    )
    if EXPECTED["float_type"] in choices:
        choices.pop(EXPECTED["int_type"], None)
    found = "nothing" if first["type"] == "missing" else in_toml(first["input"])
    return f"{key or 'configuration'}: found {found}; expected {either(choices)}"


def first_place(error: ValidationError) -> Place:
    """The key of the first problem, section by section."""
    return _place(_first(error.errors())["loc"])[0]


def _first(problems):
    """An unknown key, where there is one: misspelt, it lacks in its right spelling, too."""
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


def _expected(problem: Any, key: str) -> str:
    """What is expected instead, in a few words."""
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind in ("tuple_type", "list_type"):
        is_whole = isinstance(value, bool | dict) or str(value).startswith("[")
        return "a list" if is_whole else f"a list, such as {in_toml([value])}"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return f"a section, [{key}]"
    if kind == "literal_error":
        choices = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        return either(map(in_toml, choices)) + did_you_mean(str(value), choices)
    return EXPECTED[kind].format(**context) if kind in EXPECTED else str(problem["msg"])


def _unknown_key(place: Place) -> str:
    section, name = _place(place)[1], str(place[-1])
    known = list(_fields(section))
    hint = did_you_mean(name, known)
    if not hint:
        elsewhere = [path for path in _paths(Config) if path.rpartition(".")[2] == name]
        hint = f" (did you mean {either(elsewhere)}?)" if elsewhere else ""
    return f"found the unknown key {'.'.join(map(str, place))}; expected {either(known)}{hint}"


def _place(location: Sequence[str | int]) -> tuple[Place, type[BaseModel]]:
    """The keys of a problem's location, without pydantic's names of a union's parts; and its last section."""
    real: list[str | int] = []
    section: type[BaseModel] = Config
    kinds: list[Any] = [Config]
    for part in location:
        inner = [found for kind in kinds for found in [_inside(kind, part)] if found is not None]
        if inner:
            section = next((kind for kind in kinds if _is_section(kind)), section)
            real, kinds = [*real, part], [kind for found in inner for kind in found]
    return tuple(real), section


def _inside(kind, part):
    """The types that ``part`` has inside of a value of this type; None where it cannot be inside."""
    if _is_section(kind):
        fields = _fields(kind)
        return _kinds(fields[part].annotation) if part in fields else []
    holds = {tuple: int, list: int, dict: str}.get(typing.get_origin(kind))
    if holds is None or not isinstance(part, holds):
        return None
    *_, item = (item for item in typing.get_args(kind) if item is not Ellipsis)
    return _kinds(item)


def _fields(section):
    """The fields of a section by their keys in a file."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _is_section(kind):
    # In Python 3.10 list[str] is an instance of type, too.
    return isinstance(kind, type) and not typing.get_origin(kind) and issubclass(kind, BaseModel)


def _kinds(annotation: Any) -> list[Any]:
    """The types that a value may have: the parts of a union, without what an annotation adds."""
    if typing.get_origin(annotation) is Annotated:
        return _kinds(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [kind for part in typing.get_args(annotation) for kind in _kinds(part)]
    return [annotation]


def _paths(section: type[BaseModel], before: str = "") -> Iterator[str]:
    """All keys, section by section."""
    for name, field in _fields(section).items():
        yield f"{before}{name}"
        for kind in _kinds(field.annotation):
            if _is_section(kind):
                yield from _paths(kind, f"{before}{name}.")
