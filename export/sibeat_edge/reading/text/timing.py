"""The rate of a text file's rows: given, stated above them, or told by one of its columns of time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.headings import SECONDS, UNSTATED
from sibeat_edge.reading.start import Start, start_of_epoch
from sibeat_edge.reading.text.clock import JUMP, WINDOW, BadClock, Pace, find_pace
from sibeat_edge.reading.text.columns import CLOCK, DATE, Column
from sibeat_edge.reading.text.epochs import ALIKE, HUNDRED, is_of_hundreds, tick_of_epoch
from sibeat_edge.reading.text.order import marks_of
from sibeat_edge.reading.text.rows import Rows
from sibeat_edge.reading.text.stamps import Stamps, is_dated, is_stamp, start_of_stamp

LOOK = 200_000  # rows by which the clock's pace is told
USUAL_RATES = 50.0, 10_000.0  # Hz, by which the unit of a time is guessed
TICKS = {1.0: "s", 1e-3: "ms", 1e-6: "µs", 1e-9: "ns", 86_400.0: "days"}
SHORTEST = 1e-12  # units of time, up to which a step of a clock is none
OF_NOW = 946_684_800.0, 4_102_444_800.0  # s since 1970, from 2000 to 2099
SLOWEST = 0.9  # Hz, below which what looks like a time of these years is a finer one since a device began
AGAIN = 0.05  # share of rows that may come twice
TWICE = 0.99  # of the rows of equal stamps hold the same where rows came twice
CONTRADICTS = 0.01  # share of a rate that a clock may differ by


@dataclass(frozen=True)
class Timing:
    """When the rows were sampled.

    Attributes:
        rate: Hz.
        places: of the clock's column and, if there is one, of that of its dates; none for rows without gaps.
        tick: s that one unit of it is; None for times of day and dates.
        decimal: of its numbers.
        pace: of the clock.
        is_given: whether the rate was given, so that it goes on where the clock cannot be read.
        warnings: what was guessed.
    """

    rate: float
    places: tuple[int, ...] = ()
    tick: float | None = None
    decimal: str = "."
    pace: Pace | None = None
    is_given: bool = False
    warnings: tuple[str, ...] = ()

    def stamps(self) -> Stamps:
        """A reader of the clock's columns."""
        return Stamps(self.tick, self.decimal, len(self.places) > 1)

    def start(self, first: Sequence[str]) -> Start | None:
        """The time of day of the ``first`` row's cells, if its stamp states one."""
        cell = first[self.places[0]] if self.places and self.places[0] < len(first) else ""
        if self.tick is None:
            return start_of_stamp(cell)
        try:
            value = float(cell.replace(self.decimal, "."))
        except ValueError:
            return None
        is_epoch = tick_of_epoch(value) == self.tick
        return start_of_epoch(value * self.tick) if is_epoch else None


@dataclass(frozen=True)
class _Clock:
    column: Column
    places: tuple[int, ...]
    tick: float | None
    pace: Pace
    seconds: float
    warnings: tuple[str, ...]
    guess: str  # of the unit of time


def find_timing(
    rows: Rows,
    lead: int,
    first: Sequence[str],
    decimal: str,
    columns: Sequence[Column],
    rate: float | None,
    stated: float | None,
) -> Timing:
    """The timing by the columns of time, and of numbers of rows, among these.

    Of several clocks the one with the least jitter is taken, but one that goes on for longer before one that
    does not know of gaps. A ``rate`` that is given, or else ``stated``, is taken where a clock agrees with it
    as far as it can tell, and before one that is not even. Without one the numbers of rows are no clock.

    Args:
        rows: of the file.
        lead: place of a column of samples, by which rows are known that came twice.
        first: cells of the first row.
        decimal: of its numbers.
        columns: clocks, counters and dates.
        rate, stated: Hz.

    Raises ``RecordError`` for a unit of time that is unknown, ``BadClock`` where no rate can be told.
    """
    known = rate or stated
    clocks: list[_Clock] = []
    faults: list[tuple[Column, Exception]] = []
    dates = [column.place for column in columns if column.kind == DATE][:1]
    for column in columns:
        if column.kind == DATE or (column.kind != CLOCK and (known is None or clocks)):
            continue
        try:
            clocks.append(_read(rows, lead, first, decimal, column, dates, known))
        except (BadClock, RecordError) as error:
            if column.kind == CLOCK:
                faults.append((column, error))
    if not clocks:
        if known is not None:
            told = tuple(
                f"took {known:g} Hz and left out column {c.name}, as it holds {_found(e)}" for c, e in faults
            )
            return Timing(known, is_given=rate is not None, warnings=told)
        if faults:
            raise faults[0][1]
        raise BadClock("no column of time; expected one")
    longest = max(clock.seconds for clock in clocks)
    best = min(
        (c for c in clocks if c.seconds > longest - max(1, longest / 100)), key=lambda c: c.pace.jitter
    )
    return _timing(best, decimal, rate, stated)


def _timing(clock, decimal, rate, stated):
    """The timing by one clock, and the rate that is known."""
    pace, warnings, name, nominal = clock.pace, list(clock.warnings), clock.column.name, rate or stated
    used = pace.named()
    if nominal is not None:
        if pace.is_of(nominal):
            used = nominal
        elif rate is not None and not pace.is_of(rate, CONTRADICTS) and not pace.is_fine:
            left_out = f"took {rate:g} Hz and left out column {name}, whose stamps are of {pace.rate:.4g} Hz"
            return Timing(rate, is_given=True, warnings=(left_out,))
        elif rate is None and not pace.is_of(nominal, CONTRADICTS):
            warnings.append(
                f"found a rate of {nominal:g} Hz above the rows; took that of column {name}, {used:g} Hz"
            )
    if clock.guess:
        unit = f"found no unit of time in column {_name(clock.column)}; took it for {clock.guess}"
        warnings.insert(0, f"{unit}, {used:.4g} Hz")
    if pace.jitter > JUMP:
        warnings.append(
            f"found stamps in column {name} that differ by up to {1000 * pace.jitter:.0f} ms from a steady "
            f"{used:.4g} Hz; smoothed them"
        )
    return Timing(used, clock.places, clock.tick, decimal, pace, rate is not None, tuple(warnings))


def _read(rows, lead, first, decimal, column, dates, known):
    """The pace of a column; ``BadClock`` for one that is no clock."""
    cell = first[column.place] if column.place < len(first) else ""
    warnings: list[str] = []
    guesses: list[str] = []
    tick, places = None, (column.place,)
    if is_stamp(cell):
        if dates and not is_dated(cell):
            places += (dates[0],)
        stamps = Stamps(None, decimal, len(places) > 1)
        values, marks = _look(rows, lead, places, stamps)
        times = stamps.seconds(values)
    else:
        values, marks = _look(rows, lead, places, Stamps(1.0, decimal))
        tick = _tick(rows, column, values, known, warnings, guesses)
        times = values * tick
        if (np.diff(values) < 0).any():  # a counter may have begun again
            times = Stamps(tick, decimal).seconds(values)
        if column.kind != CLOCK and -np.diff(times).min(initial=0) > np.ptp(times) / 2:
            raise BadClock("numbers that begin again; expected those of all rows")
    if len(times) > 2 and times[-1] < times[-2]:
        times, marks = times[:-1], marks[:-1]  # the last stamp of a file that was cut
    pace = _pace(times, marks)
    if column.kind != CLOCK and not pace.is_of(known, CONTRADICTS):
        raise BadClock("numbers that are not of the rows; expected those")
    return _Clock(column, places, tick, pace, float(times[-1] - times[0]), tuple(warnings), "".join(guesses))


def _pace(times, marks):
    """The pace of a clock; of one that goes back, or stands still now and then, in the order of its stamps.

    Only if that is even: rows then came in another order, or twice. Else the stamps jitter, or are rounded to
    steps that are longer than a sample.

    Args:
        times: of the rows, s.
        marks: of what stands in each, by which rows are known that came twice.
    """
    steps, back = np.diff(times), np.maximum.accumulate(times) - times
    stands = 0 < (steps == 0).sum() < AGAIN * len(steps)
    if not ((steps < 0).any() or stands) or back.max() >= WINDOW:
        return find_pace(times)
    order = np.argsort(times, kind="stable")
    is_again, is_alike = np.diff(times[order]) == 0, np.diff(marks[order]) == 0
    if is_again.any() and not _are_twice(is_again, is_alike):
        pace = find_pace(times)  # whose stamps tell no order
        return replace(pace, jitter=max(pace.jitter, 1 / pace.rate))
    try:
        pace = find_pace(np.unique(times))
    except BadClock:
        return find_pace(times)
    return pace if pace.is_fine else find_pace(times)


def _are_twice(is_again, is_alike):
    """Whether rows of equal stamps came twice: they hold the same, and others do not."""
    others = is_alike[~is_again]
    return bool(is_alike[is_again].mean() >= TWICE and (not len(others) or others.mean() < TWICE))


def _look(rows, lead, places, stamps):
    """The stamps of the first rows, without those that cannot be read, and marks of what the rows hold."""
    parts, seen = [], 0
    for _, values in rows.read([*places, lead], [*stamps.parsers, marks_of]):
        values = np.stack([stamps.joined(values), values[:, -1]])
        parts.append(values[:, np.isfinite(values[0])])
        seen += values.shape[1]
        if seen >= LOOK:
            break
    return np.concatenate(parts, axis=1)[:, :LOOK]


def _tick(rows, column, values, known, warnings, guesses):
    """The s that one unit of the column is: by its name, its size, the rate, or what is likely."""
    unit = column.unit.strip().casefold()
    if column.kind != CLOCK:
        return 1 / known
    if (tick := SECONDS.get(unit)) is not None:
        return tick
    first = float(values[0])
    step = _usual_step(values)
    epoch = tick_of_epoch(first)
    if epoch is not None and step is not None and _is_of_epoch(first * epoch, step * epoch, known):
        return _of_hundreds(first, step, known, guesses) or epoch
    if unit not in UNSTATED:
        raise RecordError(f"{rows.name}: found time in {column.unit!r}; expected s, ms, us or ns.")
    if step is None or step <= SHORTEST:
        return 1.0
    rates = {tick: 1 / (step * tick) for tick in TICKS}
    usual = [tick for tick, one in rates.items() if _is_usual(one)]
    if known is not None:
        fits = [tick for tick, one in rates.items() if abs(one / known - 1) <= ALIKE]
        if not fits and step == 1:
            warnings.append(
                f"found numbers of rows in column {_name(column)}; took {known:g} of them for 1 s"
            )
            return 1 / known
        if not fits and not usual:
            raise BadClock(f"no unit of time and steps of {step:.4g}; expected an even clock")
        return (fits or usual)[0]
    tick = usual[0] if usual else 1.0
    if tick != 1.0:
        guesses.append(TICKS[tick])
    return tick


def _usual_step(values):
    """The units from row to row; None for a single row."""
    if len(values) < 2:
        return None
    span = max(1, len(values) // 10)
    return float(np.median(np.diff(values))) or float(np.median(values[span:] - values[:-span])) / span


def _is_usual(rate):
    return USUAL_RATES[0] * 0.99 <= rate <= USUAL_RATES[1]


def _is_of_epoch(seconds, step, known):
    """Whether a clock of these s since 1970, and s a row, is one; else it is finer, since a device began."""
    if step <= SHORTEST:
        return True
    if known is not None and any(abs(step * known * scale - 1) <= ALIKE for scale in (1e-3, 1e-6, 1e-9)):
        return False
    return 1 / step >= (SLOWEST if OF_NOW[0] <= seconds < OF_NOW[1] else USUAL_RATES[0] * 0.99)


def _of_hundreds(first, step, known, guesses):
    """The tick of a clock of 100 ns; None for another."""
    rate = 1 / max(step * HUNDRED, SHORTEST)
    if not is_of_hundreds(first, rate, known):
        return None
    if known is None and _is_usual(rate * HUNDRED / 1e-9):
        guesses.append("100 ns")
    return HUNDRED


def _name(column):
    return column.name or column.place + 1


def _found(error):
    return str(error).split(";")[0].rpartition("found ")[2]
