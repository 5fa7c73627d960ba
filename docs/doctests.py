"""A Griffe extension: the examples in docstrings become blocks of code."""

import re

import griffe

EXAMPLE = re.compile(r"^>>> (?:.+\n?)+", re.M)


class Doctests(griffe.Extension):
    """Puts a fence around each example, which ends at a blank line, as doctest has it."""

    def on_object(self, *, obj, **kwargs):
        """Change the docstring of one object."""
        if obj.docstring:
            text = EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", obj.docstring.value)
            obj.docstring.value = text
