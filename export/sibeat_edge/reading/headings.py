"""What the name of a column or an array says: its unit, and whether it is a clock."""

import re

from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.leads import millivolts

UNIT = re.compile(r"^(.*?)\s*[(\[]\s*([^)\]]*?)\s*[)\]]$")  # a name and its unit: MLII (mV)
WORD = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_a-zA-Z]+"
)  # of a heading, camel case or not
TIMES = frozenset(
    "time times timestamp timestamps stamp datetime date datum zeit zeitstempel zeitpunkt uhrzeit elapsed "
    "clock epoch unix utc ts tm t tiempo hora fecha temps heure tempo ora tid tijd aika czas čas время 時間 "
    "時刻 时间 시간".split()
)
COUNTERS = frozenset(
    "index idx counter count packet packets nseq seq sequence sample samples frame frames row rows no nr "
    "number id unnamed".split()
)
ECG = frozenset(("ecg", "ekg", "exg"))
# A unit behind a name: ECG / V, ECG_in_V, ecg_uV. V alone may be a lead's, and counts/mV is a gain.
SUFFIX = re.compile(
    r"(?:(?<!\s)(?<!adc|adu|bit|lsb)(?<!bits|gain|step|unit)(?<!count|steps|units)(?<!counts)\s*/\s*"
    r"|[\s_]in[\s_])(?P<named>[uµμmn]?v|(?:micro|milli|nano)?volts?)$"
    r"|(?<!/)[\s_](?P<own>[uµμ]v|mv|nv|(?:micro|milli|nano)?volts?)$",
    re.IGNORECASE,
)
BRACKETS = re.compile(r"\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]")
CLOCK_SLASH = re.compile(r"(.*\S)\s*/\s*([^\W\d_]+)")  # time / ms
POWER = re.compile(
    r"[x×*]?\s*(?:10\s*(?:\^|\*\*)\s*(?P<power>[-+]?\d+)|(?P<size>\d+))\s*[*·]?\s*(?P<name>[^\d\s]+)"
)
RAISED = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")
UNSTATED = frozenset(
    ("", "no units", "no_units", "nounits", "cal", "raw", "unix", "epoch", "utc", "local", "formatted")
)
# How many s one unit is, by its name, case-folded.
SECONDS = {
    **dict.fromkeys(
        ("s", "sec", "secs", "second", "seconds", "sekunden", "sek", "segundos", "secondes"), 1.0
    ),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "milliseconds", "millisecond", "millisekunden"), 1e-3),
    **dict.fromkeys(("us", "μs", "âμs", "usec", "usecs", "micros", "microseconds", "microsecond"), 1e-6),
    **dict.fromkeys(("min", "mins", "minutes", "minuten"), 60.0),
    **dict.fromkeys(("h", "hours", "stunden"), 3600.0),
    **dict.fromkeys(("d", "days", "tage"), 86_400.0),
    **dict.fromkeys(("ns", "nsec", "nsecs", "nanos", "nanoseconds", "nanosecond"), 1e-9),
}


def words(name: str) -> list[str]:
    """The words of a heading, in lower case.

    >>> words("sensorTimestamp_ns [ns]")
    ['sensor', 'timestamp', 'ns', 'ns']
    """
    return [word.casefold() for word in WORD.findall(name)]


def name_and_unit(heading: str, below: str = "") -> tuple[str, str]:
    """The name of a column and its unit, empty where none is stated; ``below`` is a unit in the next row.

    >>> [name_and_unit(heading) for heading in ("MLII (mV)", "ecg_uV", "time_ms", "seconds", "V5 [raw]")]
    [('MLII', 'mV'), ('ecg_uV', 'uV'), ('time_ms', 'ms'), ('seconds', 'seconds'), ('V5', '')]
    """
    heading = printable(heading).strip()
    found = UNIT.match(heading)
    name, unit = (found[1], found[2]) if found else (heading, "")
    if unit.casefold() not in UNSTATED | SECONDS.keys() and millivolts(unit) is None:
        name, unit = _among_brackets(heading) or (name, unit)
    if not unit and (found := CLOCK_SLASH.fullmatch(name)) and TIMES & set(words(found[1])):
        unit = found[2] if found[2].casefold() in SECONDS else ""
    if not unit and not below and name.casefold() in SECONDS and len(name) > 1:
        unit = name  # a clock that is called by its unit: seconds, ms
    is_remark = millivolts(unit) is None and unit.casefold() not in SECONDS
    if is_remark and (suffix := SUFFIX.search(name)):
        unit = suffix["named"] or suffix["own"]
        name = name[: suffix.start()] if "/" in suffix[0] else name
    parts = words(name)
    if not unit and not below and len(parts) > 1 and parts[-1] in SECONDS and TIMES & set(parts):
        unit = parts[-1]
    if unit.casefold() in UNSTATED:
        unit = "" if below.casefold() in UNSTATED else below
    return name, unit


def _among_brackets(heading):
    """The name and the unit, in any of several brackets or beside other words in one; None if none is one."""
    for found in BRACKETS.finditer(heading):
        parts = [found[1], *(part for part in re.split(r"\s*[,;]\s*", found[1]) if len(part) > 1)]
        for unit in map(_plain_size, parts):
            if unit.casefold() in SECONDS or millivolts(unit) is not None:
                return heading[: found.start()] + heading[found.end() :], unit
    return None


def _plain_size(unit):
    """A unit with its size as a plain number: 10^-6 V, x10 µV."""
    raised = re.sub("[⁻⁺⁰¹²³⁴-⁹]+", lambda found: "^" + found[0].translate(RAISED), unit)
    found = POWER.fullmatch(raised)
    if not found:
        return unit
    return f"1e{found['power']} {found['name']}" if found["power"] else f"{found['size']} {found['name']}"


def clock_unit(heading: str) -> float | None:
    """How many s the unit is of a column that its name calls a clock, 0 where the name tells none.

    None for a name that is not that of a clock.

    >>> [clock_unit(name) for name in ("sensor timestamp [ns]", "ts", "elapsedTime", "time_ecg", "T wave")]
    [1e-09, 0.0, 0.0, None, None]
    """
    name, unit = name_and_unit(heading)
    parts = words(name)
    step = SECONDS.get(unit.casefold(), 0.0)
    if parts[-1:] == [unit.casefold()]:
        parts = parts[:-1] or parts
    is_clock = bool(TIMES & set(parts[-1:] if ECG & set(parts) else parts))
    is_clock |= unit == name != "" and name.casefold() not in ("second", "min")  # an ordinal, a minimum
    if "t" in parts and len(parts) > 1 and not (TIMES - {"t"}) & set(parts):
        is_clock = False  # the T of an ECG
    return step if is_clock and (step or unit == "" or unit.casefold() in UNSTATED) else None
