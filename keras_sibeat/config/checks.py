"""Checks of values that several sections of a configuration share."""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticKnownError

from keras_sibeat.config.wording import did_you_mean

Values = TypeVar("Values", bound=Sequence)
Names = TypeVar("Names", bound=Collection[str])


def unique(values: Values) -> Values:
    """The ``values``; raises ``ValueError`` where two are the same."""
    if len(set(values)) < len(values):
        raise ValueError("expected different values")
    return values


def known(what: str, names: Names, choices: Collection[str]) -> Names:
    """The ``names``; raises ``ValueError`` for one that is no choice among the ``what``, e.g. views."""
    for name in names:
        if name not in choices:
            hint = did_you_mean(name, choices)
            raise ValueError(f"found {name!r} among the {what}; expected some of {', '.join(choices)}{hint}")
    return names


def one_of(names: Collection[str]) -> AfterValidator:
    """Refuses any other string, as ``Literal`` does, which takes no names from elsewhere."""
    *rest, last = (repr(name) for name in names)
    expected = f"{', '.join(rest)} or {last}"

    def check(value: str) -> str:
        if value not in names:
            raise PydanticKnownError("literal_error", {"expected": expected})
        return value

    return AfterValidator(check)


def strictly(schema: Any) -> Any:
    """A pydantic schema whose numbers and booleans are those of TOML: ``true`` is no 1, and ``"3"`` no 3."""
    if isinstance(schema, dict):
        strict = {"strict": True} if schema.get("type") in ("int", "float", "bool") else {}
        return {key: strictly(part) for key, part in schema.items()} | strict
    return type(schema)(map(strictly, schema)) if isinstance(schema, list | tuple) else schema
