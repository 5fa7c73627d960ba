"""Which records of a folder a protocol uses, and which of them train and which test."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keras_sibeat.data import mitbih
from keras_sibeat.data.mitbih import DS1, DS2, PACED
from keras_sibeat.data.wearers import records_by_wearer
from keras_sibeat.errors import ConfigError, DataError


def select_records(
    protocol: str,
    wearers: Mapping[str, str],
    train_records: Sequence[str] = (),
    test_records: Sequence[str] = (),
) -> list[str]:
    """The records of a folder that a protocol uses.

    ``beatgan`` and ``leave_out`` use all but those of MIT-BIH's wearers of a pacemaker, ``inter_patient``
    those of ``split_records``, whose errors it raises.

    Args:
        protocol: its name.
        wearers: of each record, as ``wearers.name_wearers`` gives them.
        train_records, test_records: as those of ``split_records``.
    """
    if protocol in ("beatgan", "leave_out"):
        paced = {mitbih.wearer_of(number) for number in PACED}
        return [name for name, wearer in wearers.items() if wearer not in paced]
    return [record for side in split_records(wearers, train_records, test_records) for record in side]


def split_records(
    wearers: Mapping[str, str], train_records: Sequence[str] = (), test_records: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The records that train and those that test.

    They are the ones given; where only one side is given, the other has the rest. Where neither is, MIT-BIH
    has DS1 and DS2, and of other records those of every second wearer test.

    Raises ``DataError`` for a record that is not there, or a MIT-BIH that is not whole, and ``ConfigError``
    for a record on both sides.

    >>> split_records({"a1": "a", "a2": "a", "b1": "b"})
    (('a1', 'a2'), ('b1',))
    """
    if not train_records and not test_records:
        return _default_split(wearers)
    both = sorted(set(train_records) & set(test_records))
    if both:
        raise ConfigError(
            f"Protocol inter_patient: found record {both[0]} in both parts; expected it in one."
        )
    absent = [name for name in (*train_records, *test_records) if name not in wearers]
    if absent:
        raise DataError(
            f"Protocol inter_patient: found no record {absent[0]}; expected some of {_listed(wearers)}."
        )
    rest = tuple(name for name in sorted(wearers) if name not in {*train_records, *test_records})
    return tuple(train_records or rest), tuple(test_records or rest)


def _default_split(wearers):
    own = {Path(name).name: name for name in wearers if is_of_mitbih(name, wearers)}
    if {*DS1, *DS2} & set(own):
        absent = [number for number in (*DS1, *DS2) if number not in own]
        if absent:
            raise DataError(
                f"Protocol inter_patient: found {len(own)} records of MIT-BIH, but no record {absent[0]}; "
                "expected the 44 records of DS1 and DS2, or train_records and test_records."
            )
        return tuple(own[number] for number in DS1), tuple(own[number] for number in DS2)
    grouped = list(records_by_wearer(wearers, sorted(wearers)).values())
    train, test = (tuple(name for records in grouped[first::2] for name in records) for first in (0, 1))
    return train, test


def is_of_mitbih(name: str, wearers: Mapping[str, str]) -> bool:
    """Whether a record, one of those whose ``wearers`` are known, is one of MIT-BIH's own."""
    return wearers.get(name) == mitbih.wearer_of(Path(name).name)


def describe_lists(wearers: Mapping[str, str], used: Sequence[str], is_listed: bool) -> list[str]:
    """What a user should know of how MIT-BIH's lists apply to a folder's records.

    Args:
        wearers: of each record of the folder.
        used: the records that the protocol uses.
        is_listed: whether the user has listed them.
    """
    told, others = [], [name for name in wearers if not is_of_mitbih(name, wearers)]
    strangers = [name for name in others if Path(name).name in mitbih.RECORDS]
    if strangers:
        told.append(
            f"Records {_listed(strangers)}: named as some of MIT-BIH's, but not of 360 Hz and 650,000 "
            "samples, as those are; its lists do not apply to them."
        )
    left_out = [name for name in others if name not in used]
    if left_out and not is_listed:
        told.append(f"Left out {len(left_out)} records that are in neither DS1 nor DS2: {_listed(left_out)}.")
    return told


def chosen(names: Sequence[str], patterns: Iterable[str]) -> list[str]:
    """The ``names`` that one of the ``patterns`` fits; ``DS1`` and ``DS2`` stand for de Chazal's records.

    Raises ``DataError`` for a pattern that fits none.

    >>> chosen(["100", "101", "802"], ["DS1", "8*"])
    ['101', '802']
    """
    found = set()
    for pattern in patterns:
        fits = set({"DS1": DS1, "DS2": DS2}.get(pattern, fnmatch.filter(names, pattern))) & set(names)
        if not fits:
            raise DataError(f"Protocol databases: found no record {pattern}; expected some of that name.")
        found |= fits
    return [name for name in names if name in found]


def _listed(names):
    shown = list(names)[:10]
    return ", ".join(shown) + ", …" * (len(names) > len(shown))
