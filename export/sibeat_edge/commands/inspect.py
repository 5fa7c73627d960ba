"""``sibeat inspect``: what was understood of recordings, and how each was told, without scoring them."""

import argparse
import json
import sys
from typing import Any

from sibeat_edge.commands.arguments import positive

MOST_GAPS = 5  # that are listed


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the ``commands`` of a parser."""
    inspect = commands.add_parser(
        "inspect",
        help="say what is understood of a recording, without scoring it",
        description="Says what is understood of recordings, and how each was told: format, leads, rate, "
        "units, length, gaps, missing samples, range of values.",
        epilog="example: sibeat inspect ride.csv --rate 130 --unit uV",
    )
    inspect.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="a recording, as sibeat score takes it; - is standard input",
    )
    inspect.add_argument(
        "--lead", action="append", metavar="NAME", help="as for sibeat score; repeat for several leads"
    )
    inspect.add_argument("--rate", type=positive, metavar="HZ", help="rate of a file that states none")
    inspect.add_argument(
        "--unit", metavar="UNIT", help="unit of a file that states none: mV, uV, V or 200/mV"
    )
    inspect.add_argument("--json", action="store_true", help="a line of JSON for each file")
    inspect.set_defaults(run=_inspect)


def _inspect(options):
    from sibeat_edge.errors import EdgeError, sentence
    from sibeat_edge.reading.inspecting import inspect

    code = 0
    for number, file in enumerate(options.files):
        try:
            found = inspect(file, options.lead, options.rate, unit=options.unit)
        except (EdgeError, OSError) as error:
            code = 2
            if options.json:
                print(json.dumps({"path": file, "error": sentence(error)}))
            print(f"error: {sentence(error)}", file=sys.stderr)
            continue
        if options.json:
            print(json.dumps(as_dict(found)))
        else:
            sys.stdout.write(("\n" if number else "") + as_text(found))
    return code


def as_dict(found: Any) -> dict[str, Any]:
    """An ``Inspection`` as JSON holds it."""
    leads = [dict(vars(lead)) for lead in found.leads]
    gaps = [{"start": start, "seconds": seconds} for start, seconds in found.gaps]
    return {**vars(found), "leads": leads, "gaps": gaps, "taken": list(found.taken)}


def as_text(found: Any) -> str:
    """An ``Inspection`` as lines of text."""
    told = found.told
    rates = sorted({lead.rate for lead in found.leads})
    rows = [
        ("format", f"{found.format}, by {told['format']}"),
        ("rate", f"{', '.join(f'{rate:g}' for rate in rates)} Hz, by {told['rate']}"),
        ("units", f"by {told['units']}"),
        ("length", f"{_clock(found.seconds)} ({found.seconds:g} s)"),
        ("gaps", _gaps(found)),
        ("leads", f"{len(found.leads)}, named by {told['leads']}"),
    ]
    width = max(len(lead.name) for lead in found.leads)
    rows += [("", f"{lead.name:<{width}}  {_lead(lead)}") for lead in found.leads]
    refuses = "needs --lead" if "(--lead NAME" in found.refusal else "refuses"
    takes = f"takes {', '.join(found.taken)}"
    rows.append(("score", takes if found.taken else f"{refuses}: {found.refusal}"))
    rows += [("warning", warning) for warning in found.warnings]
    if found.cut:
        rows.append(("cut", found.cut))
    return f"{found.path}\n" + "".join(f"  {name:<8}{words}".rstrip() + "\n" for name, words in rows)


def _lead(lead):
    unit = "mV" if lead.in_millivolts else lead.unit
    if lead.lowest is None:
        return f"{lead.unit}, no value in {lead.samples} samples"
    missing = f", {lead.missing} of {lead.samples} samples missing" if lead.missing else ""
    return f"{lead.unit}, {lead.lowest:.4g} to {lead.highest:.4g} {unit}{missing}".strip()


def _gaps(found):
    if not found.gaps:
        return "none"
    listed = [f"{seconds:.3g} s at {_clock(start)}" for start, seconds in found.gaps[:MOST_GAPS]]
    more = ", …" if len(found.gaps) > MOST_GAPS else ""
    whole = sum(seconds for _, seconds in found.gaps)
    return f"{len(found.gaps)}, together {whole:.4g} s: {', '.join(listed)}{more}"


def _clock(seconds):
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02d}:{tenths % 600 / 10:04.1f}"
