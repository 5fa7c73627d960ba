"""The rate that the lines above the rows of a text file state."""

import re
from collections.abc import Iterator, Sequence

HERTZ = r"(?:hertz|hercios?|hertsiä|hz|герц|гц|赫茲|赫兹|ヘルツ|헤르츠|هرتز|הרץ|χερτζ|เฮิรตซ์|हर्ट्ज़)"
EACH = r"sps\b|s/s\b|(?:samples?|abtastungen|muestras|points?|pts)\s*(?:/|per|pro|por)\s*s(?:ec\w*|ek\w*)?\b"
TIME = r"(?P<part>milli|micro|[muµμ]|)(?P<time>s(?:ec(?:ond)?s?)?)\b"
PARTS = {"": 1.0, "milli": 1e-3, "m": 1e-3, **dict.fromkeys(("micro", "u", "µ", "μ"), 1e-6)}
# A number that is not the end of a word, and its unit.
NUMBER = re.compile(
    rf"(?<![^\W_])(?P<value>[0-9]+(?:[.,][0-9]+)*)(?:\s*(?P<kilo>k)?(?P<hertz>{HERTZ})|\s*(?P<each>{EACH})"
    rf"|\s*{TIME}(?P<sample>\s*(?:/|per)\s*sample)?)?",
    re.IGNORECASE,
)
SAMPLING = re.compile(
    r"sampl|abtast|[ée]chantillon|muestreo|campion|amostra|bemonster|próbkow|дискр|采样|採樣|サンプ|샘플|örnekl"
    r"|vzork|näyte|(?<![^\W_])(?:sps|fs)(?![^\W_])",
    re.IGNORECASE,
)
FREQUENCY = re.compile(
    r"rate|freq|fréq|frec|frek|частот|頻|频|率|レート|주파|hz|hertz|per sec|pro sek|/s\b"
    r"|(?<![^\W_])(?:sps|fs)(?![^\W_])",
    re.IGNORECASE,
)
INTERVAL = re.compile(r"interval|period", re.IGNORECASE)
OF_KEY = re.compile(rf"[(\[]\s*{TIME}\s*[)\]]\W*$", re.IGNORECASE)  # the unit of an interval, in its key
ALONE = re.compile(r"\W*interval\W*", re.IGNORECASE)
RESAMPLED = re.compile(r"(?:down|re|up)[ -]?sampl|decimat", re.IGNORECASE)
FROM = re.compile(r"\bfrom\s*$", re.IGNORECASE)
# What else is in Hz: edges of filters, other sensors, and lights.
OTHER = re.compile(
    r"filter|notch|band|cut|pass|mains|netz|line|light|gyr|ppg|bvp|gsr|atem|spo2|heart|herz|pulse?\b|screen"
    r"|display|clock|takt|cpu|stim|carrier|excit|(?<![^\W_])(?:(?:led|imu|eda|hr)(?![^\W_])|acc|mag|resp|temp)",
    re.IGNORECASE,
)
ECG = re.compile(r"(?<![^\W_])(?:ecg|ekg|exg)", re.IGNORECASE)
# A key of a rate that does not say of what, and one that says it in a word that is not known.
BARE = re.compile(
    r"\W*(?:(?:data|output|signal|acquisition|record(?:ing|er)|device|scan|adc|e[ck]g|lead(?:\s+\w+)?|holter|system"
    r"|channel|waveform|stream)[\s_-]*)*"
    r"(?:rate|freq(?:uency|uenz|)|fréquence|frecuencia|frequenza|frequência)(?:\s+of(?:\s+the)?\s+(?:e[ck]g|signal|data))?"
    rf"\s*(?P<hertz>[(\[]\s*{HERTZ}\s*[)\]])?\s*(?P<mark>[;\t,:=])?\W*",
    re.IGNORECASE,
)
QUALIFIED = re.compile(r"(?<![^\W_])(?:rate|freq|frequency)(?![^\W_])", re.IGNORECASE)
KEY = re.compile(r"\D+[;\t,:=]\W*")
RATES = 1, 100_000  # Hz
LEAST = 50  # Hz, below which a number with three decimals has a mark of thousands
NO_PULSE = 200  # above the rate of any heart
LONGEST_LINE = 1000  # characters of a line that are looked at


def find_rate(lines: Sequence[str]) -> float | None:
    """The rate in Hz that lines state, None if they state none or several of equal right.

    A number is a rate where words of sampling stand before it or, if nothing else is in Hz, behind it. One
    that was resampled to goes before others, then that of an ECG; that of another sensor is none. The
    interval of samples comes next, and last a number in Hz behind a word that is not known.

    >>> find_rate(["Filter: 0.05-150 Hz; Sampling rate: 500 Hz", "Duration: 30 s"])
    500.0
    >>> find_rate(["Sampled at 1 kHz, downsampled to 250 Hz"]), find_rate(["Sampling interval: 4 ms"])
    (250.0, 250.0)
    >>> find_rate(["LED frequency: 500 Hz"]), find_rate(["rate,250"]), find_rate(["Rate: 72"])
    (None, 250.0, None)
    """
    found: list[tuple[int, float]] = []
    for line in lines:
        found += _stated(line[:LONGEST_LINE].strip().lstrip("#%/ "))
    found = [(order, rate) for order, rate in found if RATES[0] <= rate <= RATES[1]]
    first = min((order for order, _ in found), default=None)
    rates = {rate for order, rate in found if order == first}
    return rates.pop() if len(rates) == 1 else None


def names_hertz(line: str) -> bool:
    """Whether a line is a key and a number in Hz, whatever that is of."""
    line = line[:LONGEST_LINE].strip()
    numbers = list(_numbers(line))
    return (
        len(numbers) == 1
        and _is_last(line, numbers[0][1])
        and bool(numbers[0][1]["hertz"] and KEY.fullmatch(numbers[0][0]))
    )


def _stated(line):
    """The rates of a line in Hz, each behind its order: the lowest goes before others."""
    found, numbers = [], list(_numbers(line))
    for before, number in numbers:
        words = list(SAMPLING.finditer(before))
        since = re.split(r"[;,|\t]", before[: words[-1].start()])[-1] if words else ""
        clause = since + before[words[-1].start() :] if words else before
        is_other = bool(OTHER.search(clause) and not ECG.search(clause))
        unit = number if number["time"] else OF_KEY.search(before)
        if unit:
            is_interval = bool(words and INTERVAL.search(clause)) or ALONE.fullmatch(before)
            if number["sample"] or (is_interval and not is_other):
                found.append((3, _of_interval(number["value"], PARTS[unit["part"].casefold()])))
        elif is_other or FROM.search(before):
            continue
        elif number["each"] or (words and (number["hertz"] or FREQUENCY.search(before))):
            order = 0 if RESAMPLED.search(clause) else 1 if ECG.search(clause) else 2
            found.append((order, _hertz(before, number)))
        elif _is_last(line, number) and (key := BARE.fullmatch(before)):
            rate = _hertz(before, number)
            is_rate = key["hertz"] or number["hertz"] or (key["mark"] and rate >= NO_PULSE)
            found += [(4, rate)] if is_rate else []
        elif names_hertz(line) and not QUALIFIED.search(before):
            found.append((4, _hertz(before, number)))
    if not found and SAMPLING.search(line) and not OTHER.search(line):
        found = [(2, _hertz(before, number)) for before, number in numbers if number["hertz"]]
    return found


def _numbers(line: str) -> Iterator[tuple[str, re.Match]]:
    """Each number of a line, behind the text between the one before and it."""
    begin = 0
    for number in NUMBER.finditer(line):
        before = line[begin : number.start()]
        yield before, number
        if not FROM.search(before):
            begin = number.end()


def _is_last(line, number):
    return not re.search(r"\w", line[number.end() :])


def _hertz(before, number):
    """A number in Hz; 0 for two numbers without a unit in cells of their own."""
    text, kilo = number["value"], number["kilo"]
    if "," in text and before.rstrip(' "').endswith(",") and not (number["hertz"] or number["each"]):
        return 0.0
    value = _value(text)
    is_marked = re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", text) and value < LEAST and not kilo
    return value * 1000 if is_marked or kilo else value


def _value(text):
    """The number of a text, of whose marks the last may be that of decimals and the others of thousands."""
    marks = re.findall("[.,]", text)
    if len(marks) > 1:
        text = text.replace(marks[0], "")
    return float(text.replace(",", "."))


def _of_interval(text, scale):
    """The rate of an interval in Hz: a whole number where the interval may be that, rounded."""
    value = _value(text)
    if not value:
        return 0.0
    rate, digits = 1 / (value * scale), text.replace(",", ".").lstrip("0.")
    step = 10.0 ** -len(text.replace(",", ".").partition(".")[2])
    is_rounded = len(digits.replace(".", "")) >= 3 and not digits.endswith("0")
    whole = max(1, round(rate))
    if is_rounded and abs(1 / (whole * scale) - value) <= step / 2:
        return float(whole)
    return round(rate, 9)
