"""Names of leads, as devices and databases write them, and the units of their samples."""

import re
from collections.abc import Sequence

FIRST = "first"  # stands for the first lead of a recording, whatever its name
SEPARATORS = re.compile(r"[\s_.:-]+")
KIND = re.compile(r"^(ecg|lead)(?=[^\W\d])")  # before a lead, as EDF+ has it; ECG1 is a name
LIMB = re.compile(r"^(ml|d)(?=i{1,3}$)")  # before a limb lead: modified, its electrodes on the trunk; or DII
# In one unit, its name case-folded and in the singular, or its first eight letters, as EDF has room for; the
# micro sign also as UTF-8 or as DOS's that was read as Latin-1, or lost.
MILLIVOLTS = {
    **dict.fromkeys(("v", "volt"), 1e3),
    **dict.fromkeys(("mv", "мв", "mvolt", "millivol", "millivolt"), 1.0),
    **dict.fromkeys(
        (
            "uv",
            "μv",
            "âμv",
            "æv",
            "\ufffdv",
            "мкв",
            "mcv",
            "microv",
            "uvolt",
            "μvolt",
            "microvol",
            "microvolt",
        ),
        1e-3,
    ),
    **dict.fromkeys(("nv", "nanovolt"), 1e-6),
}
STEP = re.compile(r"\s*(/|per)\s*(bit|lsb|counts?|digit|adu|step)$")  # behind the size of a converter's step
SIZED = re.compile(r"(?P<size>\d+(?:[.,]\d+)?(?:e[-+]?\d+)?)\s*[*x]?\s*(?P<name>[^\d\s/]+)")


def plain(name: str) -> str:
    """The name of a lead as it is compared: without case, separators or the word ECG, EKG or Lead before it.

    MLII and DII are II: a modified limb lead differs from the limb lead only in where on the body its
    electrodes are. A number is no limb lead: ``ECG1`` is the first of a device's leads, whatever it is.

    >>> [plain(name) for name in ("ECG II", "MLII", "Lead-II", "dII", "aVR", "ECG 1", "ekg1")]
    ['ii', 'ii', 'ii', 'ii', 'avr', 'ecg1', 'ecg1']
    """
    bare = SEPARATORS.sub("", name.strip().casefold()).replace("ekg", "ecg")
    return LIMB.sub("", KIND.sub("", bare))


def find_lead(wanted: str, names: Sequence[str]) -> int | None:
    """The place of the lead ``wanted`` among the ``names``, or None; a name letter by letter comes first.

    >>> find_lead("ii", ["V5", "MLII"]), find_lead("first", ["ECG", "ECG"]), find_lead("V1", ["V5"])
    (1, 0, None)
    """
    if wanted in names:
        return names.index(wanted)
    if wanted == FIRST and names:
        return 0
    plains = [plain(name) for name in names]
    return plains.index(plain(wanted)) if plain(wanted) in plains else None


def millivolts(unit: str, sized: bool = True) -> float | None:
    """How many mV one ``unit`` is, None for what is no unit.

    A unit is V, mV, µV or nV. Before it may stand how many steps of the samples it has, as in WFDB headers;
    or, if it may be ``sized``, how many of it a step has, as in some headings.

    >>> millivolts("uV"), millivolts("V"), millivolts("200/mV"), millivolts("mmHg")
    (0.001, 1000.0, 0.005, None)
    >>> millivolts("10 uV"), millivolts("0.5mV/LSB"), millivolts("10 uV", sized=False)
    (0.01, 0.5, None)
    """
    unit = unit.strip().casefold().replace("volts", "volt")
    if sized:
        unit = STEP.sub("", unit)
        if (found := SIZED.fullmatch(unit)) is not None:
            return MILLIVOLTS.get(found["name"], 0.0) * float(found["size"].replace(",", ".")) or None
    steps, _, name = unit.rpartition("/")
    factor = MILLIVOLTS.get(name.strip())
    if factor is None or not steps:
        return factor
    try:
        return factor / float(steps) if float(steps) > 0 else None
    except ValueError:
        return None
