"""Words of the sentences that tell what is wrong: values as TOML has them, choices, and the nearest name."""

import difflib
import json
from collections.abc import Iterable


def in_toml(value: object) -> str:
    """A value as TOML has it.

    >>> in_toml(True), in_toml(["a", 1.5]), in_toml({"a": 1})
    ('true', '["a", 1.5]', '{a = 1}')
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {in_toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(in_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value if isinstance(value, bool | int | str) else str(value), ensure_ascii=False)


def either(choices: Iterable[str]) -> str:
    """The choices as a sentence lists them.

    >>> either(["a", "b", "c"]), either(["a"])
    ('a, b or c', 'a')
    """
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """`` (did you mean …?)`` where one of the choices is near, else nothing.

    >>> did_you_mean("epoch", ["epochs", "width"])
    ' (did you mean epochs?)'
    """
    near = difflib.get_close_matches(name, list(choices), 1)
    return f" (did you mean {near[0]}?)" if near else ""
