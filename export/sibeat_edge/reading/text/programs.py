"""Headings as LabChart and AcqKnowledge write them: not in one line above the rows."""

import re
from collections.abc import Sequence
from dataclasses import replace

from sibeat_edge.reading.text.line import Layout, width_of

CHANNELS = re.compile(
    r"(\d{1,3}) channels?"
)  # AcqKnowledge: behind it a line of the name and one of the unit
SIZE = re.compile(r"[-+]?[\d.,]+(?:e[-+]?\d+)?\s*", re.IGNORECASE)  # of a range, before its unit
KEYED = re.compile(r"\w[\w ]*=\s*[\t;]")  # begins a line of LabChart's


def with_programs_headings(layout: Layout, lines: Sequence[str]) -> Layout:
    """The layout with the headings and units that the lines above its rows have, if a program's own do.

    >>> lines = ["Interval=\\t0.004 s", "ChannelTitle=\\tECG", "Range=\\t10.000 mV"]
    >>> found = with_programs_headings(Layout("\\t", first=3, width=2), lines)
    >>> found.headings, found.units
    (('Time', 'ECG'), ('s', 'mV'))
    """
    names, units = _of_labchart(lines)
    clock = "Time", "s"
    if not names:
        names, units = _of_acqknowledge(lines)
        clock = next(iter(layout.headings), ""), ""  # sec, min or milliseconds
    before = layout.width - len(names)  # the clock, where that was exported, too
    if not names or before not in (0, 1):
        return layout
    headings, units = [*clock[:1][:before], *names], [*clock[1:][:before], *units]
    return replace(layout, headings=tuple(headings), units=tuple(units), apart=())


def _of_labchart(lines):
    """The names of channels and their units, given by keys that end in an equals sign; empty if none are."""
    rows = [[cell.strip() for cell in line.split("\t")] for line in lines if KEYED.match(line)]
    keyed = {cells[0]: cells[1:] for cells in rows}
    names, ranges = keyed.get("ChannelTitle=", []), keyed.get("Range=", [])
    given = keyed.get("UnitName=", [])
    size = max(width_of(names), width_of(ranges))
    units = [SIZE.sub("", cell) for cell in ranges[:size]] + [""] * (size - len(ranges))
    units = [cell or unit for cell, unit in zip([*given, *[""] * size], units, strict=False)]
    return (names + [""] * size)[:size], units


def _of_acqknowledge(lines):
    bare = [line.strip() for line in lines]
    for place, line in enumerate(bare):
        if place and (found := CHANNELS.fullmatch(line)) and "/sample" in bare[place - 1]:
            pairs = bare[place + 1 : place + 1 + 2 * int(found[1])]
            return pairs[::2], pairs[1::2]
    return [], []
