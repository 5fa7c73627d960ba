"""Numbers and texts as C99 source."""

import numpy as np

PLAIN = set(map(chr, range(32, 127))) - set('"\\?')  # question marks may form trigraphs


def floating(value):
    """A float constant that is this single-precision value exactly."""
    return f"{np.float32(value):.8e}f"


def integer(value):
    """An int constant; one below zero has parentheses, so that no minus can meet another."""
    return f"({value})" if value < 0 else str(value)


def text(value):
    """A string constant; what is not plain ASCII becomes octal escapes of its UTF-8."""
    return '"' + "".join(c if c in PLAIN else _escape(c) for c in value) + '"'


def _escape(character):
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8"))


def elements(values, indent=4):
    """The lines of an array's elements: bytes, or an array of int8 or float32."""
    if isinstance(values, bytes):
        words, per_line = [f"0x{value:02x}," for value in values], 16
    elif values.dtype == np.float32:
        words, per_line = [f"{floating(value)}," for value in values], 6
    else:
        words, per_line = [f"{value}," for value in values], 16
    starts = range(0, len(words), per_line)
    return "\n".join(" " * indent + " ".join(words[first : first + per_line]) for first in starts)


def header(name, about, lines):
    """A header's source: guarded, and for C++, too."""
    guard = f"{name.upper()}_H"
    begin = f"/* {about} */\n#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n"
    linkage = '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
    end = "\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
    return begin + linkage + "\n".join(lines) + end
