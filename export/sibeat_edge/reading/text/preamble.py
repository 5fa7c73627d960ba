"""What device headers state above the numbers: rate, unit, lead and columns.

Apple Watch (in any language), OpenSignals (BITalino, biosignalsplux), OpenBCI, and whoever names a rate in
words. A line may also hold the wearer's name: of what is read here only numbers, units and the names of
standard leads leave this module.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sibeat_edge.reading.leads import millivolts
from sibeat_edge.reading.text.rates import LONGEST_LINE, find_rate, names_hertz

PERSONAL = re.compile(
    r"^\W*(?:(?:first|last|full|patient'?s?|subject'?s?|vor|nach|user|sur|family|given)?[ _-]?"
    r"na(?:me|am|mn|vn)n?"
    r"|patient|subject|wearer|user|pr[ée]nom|nom|nombre|apellidos?|nome|cognome|sobrenome|imi[ęe]|nazwisko"
    r"|nazwa|nimi|jm[ée]no|ad[ıi]?|isim|név|nume|prénume|имя|фамилия|ім.я|όνομα|姓名|名前|氏名|名稱|名称|이름|성명|"
    r"שם|الاسم|ชื่อ|tên|नाम|date of birth|birth ?date|dob|geburtsdatum|date de naissance)\b",
    re.IGNORECASE,
)
LEAD = re.compile(r"^(?:\w+[\s.:-]+)?(I{1,3}|aV[RLF]|V[1-6])(?:\s*\w+)?$")
NAMED = re.compile(r"(?<![A-Za-z])(I{1,3}|aV[RLF]|V[1-6])(?![A-Za-z0-9])")  # in a value that is one of a lead
TIME_KEY = re.compile(r"time|zeit|stamp|^m?s(ec)?s?$|sec|h:mm|^t$", re.IGNORECASE)
LEAD_KEY = re.compile(
    r"^\W*(?:lead|ableitung|d[ée]rivation|derivaci[óo]n|derivazione|deriva[çc][ãa]o|avledning|afleiding"
    r"|odprowadzenie|elvezet|kytkent|derivasyon|отведение|誘導|导联|導聯|導程|유도)",
    re.IGNORECASE,
)
# OpenSignals: mV of a step, (V / 2^bits) / gain, of the ECG sensors of its devices.
BITALINO, PLUX = (3.3, 1100), (3.0, 1019)  # supply in V, gain
LONGEST = 65_536  # characters of a header of JSON


@dataclass(frozen=True)
class Preamble:
    """What the lines before the numbers state; empty or None what they do not.

    Attributes:
        rate: Hz.
        unit: of the samples, as ``millivolts`` takes it.
        lead: name of a standard lead.
        headings: of the columns.
        leads: those of the columns that are an ECG; empty if nothing is said of it.
        warning: what was assumed.

    >>> read_preamble(["Name,Erika", "Abtastrate,512 Hertz", "Ableitung,Ableitung I", "Einheit,\u00b5V"])
    Preamble(rate=512.0, unit='\u00b5V', lead='Lead I', headings=(), leads=(), warning='')
    """

    rate: float | None = None
    unit: str = ""
    lead: str = ""
    headings: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    warning: str = ""


def read_preamble(lines: Sequence[str]) -> Preamble:
    """What these lines, comments among them, state."""
    for line in lines:
        if line.lstrip("# ").startswith("{") and (found := _opensignals(line.lstrip("# "))):
            return found
        if line.startswith("#datatype"):  # InfluxDB's table, whose first columns are of the query
            return Preamble(find_rate(lines), leads=("_value",))
    rate, is_openbci = find_rate(lines), any("openbci" in line.casefold() for line in lines[:5])
    unit, lead = _unit_and_lead([cells_of(line) for line in lines])
    return Preamble(rate, "uV" if is_openbci else unit, lead)


def states(line: str) -> bool:
    """Whether a line states something of the recording or its wearer, and so is no row of headings.

    >>> [states(line) for line in ("Name,Erika", "Unit,mV", "Sample Rate;512 hertz", "time,MLII", "s,mV")]
    [True, True, True, False, False]
    """
    cells = cells_of(line)
    if len(cells) != 2 or not all(cells):
        return False
    key, value = cells
    is_unit = (
        millivolts(value, sized=False) is not None and "volt" not in value.casefold()
    )  # Volts may be a heading
    is_of_unit = is_unit and not TIME_KEY.search(key) and millivolts(key) is None
    return bool(
        PERSONAL.match(key) or LEAD_KEY.match(key) or is_of_unit or names_hertz(line) or find_rate([line])
    )


def cells_of(line: str) -> list[str]:
    """The key and the value of a line, and what else its beginning has; a quoted cell is one."""
    bare = line[:LONGEST_LINE].strip().lstrip("#%/ ")
    return [
        cell.strip().strip("\"'").strip()
        for cell in re.split(r"\s*[;\t,:=]\s*(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", bare)
    ]


def _unit_and_lead(rows):
    unit, lead = "", ""
    for place, cells in enumerate(rows):
        if len(cells) == 2 and cells[0] and millivolts(cells[1], sized=False) is not None and cells[1]:
            unit = cells[1]
            beside = rows[max(place - 1, 0) : place] + rows[place + 1 : place + 2]
            values = [row[1] for row in beside if len(row) == 2 and not PERSONAL.match(row[0])]
            lead = next((f"Lead {found[1]}" for value in values if (found := LEAD.match(value))), lead)
    for cells in rows:
        if len(cells) == 2 and LEAD_KEY.match(cells[0]) and (found := NAMED.search(cells[1])):
            lead = f"Lead {found[1]}"
    return unit, lead


def _opensignals(text):
    """What OpenSignals' header of JSON states; None if it is none."""
    try:
        devices = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    device = (
        next((one for one in devices.values() if isinstance(one, dict)), None)
        if isinstance(devices, dict)
        else None
    )
    if device is None:
        return None
    columns = [str(name) for name in _list(device.get("column"))]
    sensors = [str(name).upper() for name in _list(device.get("sensor"))]
    analog = [name for name in columns if re.fullmatch(r"(A|CH)\d+", name)]
    leads = tuple(name for name, sensor in zip(analog, sensors, strict=False) if "ECG" in sensor)
    rate, bits = (
        device.get("sampling rate"),
        dict(zip(analog, _list(device.get("resolution"))[-len(analog) or None :], strict=False)),
    )
    known = [bits.get(name) for name in leads or analog]
    unit, warning = "", ""
    if leads and device.get("convertedValues") == 1:
        unit = "mV"  # the program has converted its counts
    elif leads and known and isinstance(known[0], int) and 6 <= known[0] <= 24:
        volts, gain = PLUX if "plux" in str(device.get("device", "")).casefold() else BITALINO
        steps = 2 ** known[0] * gain / (1000 * volts)
        unit = f"{steps:.9g}/mV"
        name = "biosignalsplux" if gain == PLUX[1] else "BITalino"
        warning = f"found counts of an ECG sensor; took {steps:.4g} of them for 1 mV, as {name} has it"
    is_rate = isinstance(rate, (int, float)) and not isinstance(rate, bool) and 1 <= rate <= 100_000
    return Preamble(
        float(rate) if is_rate else None, unit, "", tuple(columns), leads or tuple(analog), warning
    )


def _list(value):
    return value if isinstance(value, list) else []
