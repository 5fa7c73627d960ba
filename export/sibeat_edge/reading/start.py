"""When a recording began, as far as its file states it, and the time of day of what happens in it."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

DATE = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{2}|\d{4})")
TIME = re.compile(r"(\d{1,2})[:.](\d{2})[:.](\d{2})(\.\d{0,9})?")
EDF_CENTURY = 85  # years of two digits from this one on are of the last century, by EDF's specification
ANONYMOUS = date(1985, 1, 1)  # what anonymisers of EDF files write for any date


@dataclass(frozen=True)
class Start:
    """The time of day at which a recording begins, as its file has it.

    Attributes:
        clock: s since midnight.
        day: of the year, or None where the file states the time alone.
        zone: ``UTC`` where the time is known to be that, else empty: the recorder's own clock.

    >>> start = Start(86_390.0, date(2024, 2, 28))
    >>> start.told(), start.at(5), start.at(65.25, tenths=True)
    ('28 February 2024, 23:59:50', '23:59:55', '00:00:55.2 +1 d')
    """

    clock: float
    day: date | None = None
    zone: str = ""

    def at(self, seconds: float, tenths: bool = False) -> str:
        """The time of day ``seconds`` behind the start, with the number of midnights that lie between."""
        step = 10 if tenths else 1
        whole, part = divmod(round((self.clock + seconds) * step), step)
        days, rest = divmod(whole, 86_400)
        text = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}" + (f".{part}" if tenths else "")
        return f"{text} +{days} d" if days else text

    def told(self) -> str:
        """The date, as far as it is known, and the time of day."""
        day = f"{self.day.day} {self.day:%B %Y}, " if self.day else ""
        return f"{day}{self.at(0)}{f' {self.zone}' if self.zone else ''}"


def start_of(time: str, day: str) -> Start | None:
    """The start by ``h:m:s`` and ``d/m/y`` (or points for both), as headers of WFDB and EDF have them.

    None where there is no such time, or the midnight of 1 January 1985, which stands for an unknown one.

    >>> start_of("14:03:22.5", "28/02/2024"), start_of("00.00.00", "01.01.85"), start_of("", "")
    (Start(clock=50602.5, day=datetime.date(2024, 2, 28), zone=''), None, None)
    """
    found = TIME.fullmatch(time.strip())
    if found is None:
        return None
    clock = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) + float(found[4] or 0)
    known = _day(day.strip())
    if clock >= 86_400 or (known == ANONYMOUS and clock == 0):
        return None
    return Start(clock, known)


def start_of_epoch(seconds: float) -> Start:
    """The start by s since 1970.

    >>> start_of_epoch(1709164802.5).told()
    '29 February 2024, 00:00:02 UTC'
    """
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    clock = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return Start(clock, moment.date(), "UTC")


def _day(text):
    found = DATE.fullmatch(text)
    if found is None:
        return None
    year = int(found[3])
    if len(found[3]) == 2:
        year += 1900 if year >= EDF_CENTURY else 2000
    try:
        return date(year, int(found[2]), int(found[1]))
    except ValueError:
        return None
