"""What a stamp that is a number counts since an epoch, told by its magnitude and the rate."""

# s since 1970 from 1973 to 5138 are as many as this, and in smaller units a thousand times as many each.
EPOCH = 1e8, 1e11
HUNDRED = 1e-7  # s: 100 ns
HUNDREDS = 1e17, 1e18  # such are as many years as there have been, since 1601 or since year 1
LIKELY = 49.5, 10_000.0  # Hz of an ECG
ALIKE = 0.1  # share by which a rate differs from one that is known, to tell the unit of a time


def tick_of_epoch(stamp: float) -> float | None:
    """The s that one unit of a stamp since 1970 is, told by its magnitude; None for one that is none.

    >>> [tick_of_epoch(stamp) for stamp in (1.7e9, 1.7e12, 1.7e15, 1.7e18, 5.0)]
    [1.0, 0.001, 1e-06, 1e-09, None]
    """
    return next((tick for tick in (1.0, 1e-3, 1e-6, 1e-9) if EPOCH[0] <= stamp * tick < EPOCH[1]), None)


def is_of_hundreds(stamp: float, rate: float, known: float | None) -> bool:
    """Whether a stamp counts 100 ns since year 1 or 1601, as those of .NET and Windows do, and no ns.

    Args:
        stamp: the first.
        rate: Hz of the clock if it does so.
        known: the rate, if it is known.

    >>> is_of_hundreds(639031968000000000, 250, None), is_of_hundreds(820497600000000000, 1.3, None)
    (True, False)
    """
    is_likely = LIKELY[0] <= rate <= LIKELY[1] if known is None else abs(rate / known - 1) <= ALIKE
    return HUNDREDS[0] <= stamp < HUNDREDS[1] and is_likely
