"""Numbers and texts as C99 source."""

from collections.abc import Iterable

import numpy as np

PLAIN = set(map(chr, range(32, 127))) - set('"\\?')  # question marks may form trigraphs


def floating(value: float) -> str:
    """A float constant that is this single-precision value exactly.

    >>> floating(0.1)
    '1.00000001e-01f'
    """
    return f"{np.float32(value):.8e}f"


def integer(value: int) -> str:
    """An int constant; a negative one is in parentheses, so that no two minus signs can meet."""
    return f"({value})" if value < 0 else str(value)


def text(value: str) -> str:
    """A string constant; other than plain ASCII becomes octal escapes of its UTF-8 bytes."""
    return '"' + "".join(c if c in PLAIN else _escape(c) for c in value) + '"'


def _escape(character):
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8"))


def elements(values: bytes | np.ndarray, indent: int = 4) -> str:
    """The lines of an array's elements: of bytes, or of an array of int8, int32 or float32."""
    if isinstance(values, bytes):
        words, per_line = [f"0x{value:02x}," for value in values], 16
    elif values.dtype == np.float32:
        words, per_line = [f"{floating(value)}," for value in values], 6
    else:
        words, per_line = [f"{value}," for value in values], 16 if values.dtype == np.int8 else 8
    starts = range(0, len(words), per_line)
    return "\n".join(" " * indent + " ".join(words[first : first + per_line]) for first in starts)


def header(name: str, about: str, lines: Iterable[str]) -> str:
    """A header's source, with an include guard and C linkage for C++."""
    guard = f"{name.upper()}_H"
    begin = f"/* {about} */\n#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n"
    linkage = '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
    end = "\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
    return begin + linkage + "\n".join(lines) + end
