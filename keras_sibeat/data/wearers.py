"""Who wore which recording, so that no wearer is in two parts of a split."""

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_sibeat.data import mitbih
from keras_sibeat.errors import ConfigError, DataError

ROLES = {"train": "to train", "validate": "to validate", "test": "to test"}


def name_wearers(
    paths: Mapping[str, Path], rule: str | None = None, folder: Path | str = "."
) -> dict[str, str]:
    """The wearer of each record, by the records' names and in their order.

    Args:
        paths: of the records, without extension, by the records' names.
        rule: how a record's name says who wears it: a regular expression whose one group is the wearer's
            name, or the path of a CSV file with the columns ``record`` and ``wearer``. Without a rule each
            record has a wearer of its own. MIT-BIH's records need none (``mitbih.wearer_of``).
        folder: that the CSV file's path is within.

    Raises ``DataError`` for a record that the rule gives no wearer, or a file that cannot be read.
    """
    known = {name: mitbih.wearer_of(number) for name, number in mitbih.find_own(paths).items()}
    others = [name for name in paths if name not in known]
    if rule is None:
        known |= {name: name for name in others}
    elif is_table(rule):
        known |= _from_table(Path(folder) / rule, others)
    else:
        known |= _from_pattern(rule, others)
    return {name: known[name] for name in paths}


def is_table(rule: str) -> bool:
    """Whether a rule is the path of a CSV file, not a regular expression."""
    return rule.endswith(".csv")


def _from_pattern(pattern, names):
    found = {}
    for name in names:
        match = re.search(pattern, name)
        if not (match and match[1]):
            raise DataError(f"data.wearer: found no wearer in the name of record {name}, by {pattern!r}.")
        found[name] = match[1]
    return found


def _from_table(file, names):
    try:
        with open(file, newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, skipinitialspace=True)
            if not {"record", "wearer"} <= set(reader.fieldnames or ()):
                found = ", ".join(reader.fieldnames or ()) or "none"
                raise DataError(f"{file}: found the columns {found}; expected record and wearer.")
            rows = [(row["record"], row["wearer"]) for row in reader]
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; expected the columns record and wearer.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: {error}; expected CSV.") from error
    known: dict[str, str] = {}
    for record, wearer in rows:
        if known.setdefault(record, wearer) != wearer:
            raise DataError(
                f"{file}: found record {record} of {known[record]} and of {wearer}; expected one."
            )
    for name in names:
        if not known.get(name):
            raise DataError(f"{file}: found no wearer of record {name}; expected a row of it.")
    return {name: known[name] for name in names}


def records_by_wearer(wearers: Mapping[str, str], records: Iterable[str]) -> dict[str, list[str]]:
    """The ``records`` of each wearer, in their order.

    >>> records_by_wearer({"a1": "a", "b1": "b", "a2": "a"}, ["a1", "b1", "a2"])
    {'a': ['a1', 'a2'], 'b': ['b1']}
    """
    grouped: dict[str, list[str]] = {}
    for record in records:
        grouped.setdefault(wearers.get(record, record), []).append(record)
    return grouped


def check_apart(roles: Mapping[str, str], wearers: Mapping[str, str]) -> list[str]:
    """Raise ``ConfigError`` where the records of one wearer have several roles.

    De Chazal's split of MIT-BIH is published with one such wearer, in DS1 and in DS2; that is told, not
    refused.

    Args:
        roles: of each record: ``train``, ``validate`` or ``test``.
        wearers: of each record.

    Returns sentences to be told.
    """
    told = []
    for wearer, records in records_by_wearer(wearers, roles).items():
        by_role: dict[str, str] = {}
        for record in records:
            by_role.setdefault(roles[record], record)
        if len(by_role) < 2:
            continue
        found = " and ".join(f"{record} {ROLES[role]}" for role, record in by_role.items())
        if wearer == mitbih.wearer_of("201"):
            told.append(f"Records 201 and 202 are of one wearer: found {found}, as DS1 and DS2 have them.")
        else:
            raise ConfigError(
                f"Wearer {wearer}: found record {found}; expected all of a wearer's records in one part."
            )
    return told
