"""Protocols: which beats train, validate and test, and what may be looked at to select a model."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.errors import ConfigError, DataError

PACED = ("102", "104", "107", "217")

# de Chazal et al., IEEE TBME 51(7), 2004. Records 201 (DS1) and 202 (DS2) are of one subject.
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())

PUBLISHED = {"N": "NLR", "S": "aJASje", "V": "VE", "F": "F", "Q": "/fQ"}  # BeatGAN's code
AAMI = {"N": "NLRej", "S": "aJAS", "V": "VE", "F": "F", "Q": "/fQ"}  # ANSI/AAMI EC57
CLASS_MAPS = {"published": PUBLISHED, "aami": AAMI}

SAME_SUBJECT = ("201", "202")
MOSTLY_ABNORMAL = "232"  # most of this record's beats are supraventricular, and most of those of DS2
FOLDS = 5
HELD_OUT = 0.1  # of what does not test, validates
HELD_OUT_WEARERS = 4


@dataclass(frozen=True)
class Fold:
    """One split.

    ``train`` holds normal beats only (and the contamination, where asked for). ``validation`` may set
    thresholds and select a model: with its normal beats alone (``label_free``) or with all (``labelled``).
    ``test`` is for the final report.

    >>> from keras_sibeat.data.beats import extract_beats
    >>> from keras_sibeat.data.synthetic import simulate_wearer
    >>> fold = beatgan(extract_beats(simulate_wearer(seed=0, seconds=60.0)))[0]
    >>> bool(fold.is_abnormal(fold.train).any())
    False
    """

    train: BeatSet
    validation: BeatSet
    test: BeatSet
    normal: str
    learning_abnormal: BeatSet | None = None  # abnormal beats of the training wearers, which no part uses

    def is_abnormal(self, beats: BeatSet) -> np.ndarray:
        """``(beats,)`` mask of the beats that are not of the normal class."""
        return beats.classes != self.normal

    @property
    def validation_normals(self) -> BeatSet:
        """The validation beats that a label-free selection may look at."""
        return self.validation.take(~self.is_abnormal(self.validation))


def map_classes(beats: BeatSet, class_map: str) -> BeatSet:
    """Beats with their class from their symbol; symbols that the map lacks are left out, and noted."""
    classes = np.full(len(beats), "", dtype="U16")
    for name, symbols in CLASS_MAPS[class_map].items():
        classes[np.isin(beats.symbols, list(symbols))] = name
    known = classes != ""
    notes = [
        f"Left out {count} beats of symbol {symbol}, which the {class_map} classes lack."
        for symbol, count in zip(*np.unique(beats.symbols[~known], return_counts=True), strict=True)
    ]
    return replace(beats, classes=classes, notes=(*beats.notes, *notes)).keep(known)


def confirmed(beats: BeatSet) -> BeatSet:
    """Without the N beats that have no detected R-peak less than ``NEAR`` samples from their annotation."""
    return beats.keep((beats.classes != "N") | beats.detected)


def select_records(
    protocol: str, names: Sequence[str], train_records: Sequence[str] = (), test_records: Sequence[str] = ()
) -> list[str]:
    """The records of a database that a protocol uses; raises ``DataError`` if some are not there."""
    if protocol in ("beatgan", "leave_out"):
        return [name for name in names if name not in PACED]
    wanted = [record for side in split_records(names, train_records, test_records) for record in side]
    absent = [name for name in wanted if name not in names]
    if absent:
        raise DataError(f"Protocol {protocol}: found no record {absent[0]}; expected {len(wanted)} records.")
    return wanted


def split_records(
    names: Iterable[str], train_records: Sequence[str] = (), test_records: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The records that train and those that test.

    They are the ones given; where only one side is given, the other has the rest. Where neither is, MIT-BIH
    has DS1 and DS2, and of another database every second record tests.
    """
    names = sorted(set(names))
    if not train_records and not test_records:
        return (DS1, DS2) if set(DS1 + DS2) & set(names) else (tuple(names[::2]), tuple(names[1::2]))
    rest = [name for name in names if name not in {*train_records, *test_records}]
    return tuple(train_records or rest), tuple(test_records or rest)


def beatgan(beats: BeatSet, seed: int = 0, class_map: str = "published") -> list[Fold]:
    """BeatGAN's protocol (Zhou et al., IJCAI 2019): beats of all wearers, shuffled; returns five folds.

    Normal beats whose R-peak the detector misses are left out. A fifth of the normal beats tests, a tenth of
    the rest validates; of every abnormal class a tenth validates, the rest tests, the same in each fold.
    """
    beats = confirmed(map_classes(beats, class_map))
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(beats.classes == "N"))
    validation_abnormal, test_abnormal = [], []
    for name in list(CLASS_MAPS[class_map])[1:]:
        rows = rng.permutation(np.flatnonzero(beats.classes == name))
        cut = int(np.ceil(HELD_OUT * len(rows)))
        validation_abnormal.append(rows[:cut])
        test_abnormal.append(rows[cut:])
    folds = []
    for number in range(FOLDS):
        first, last = len(normal) * number // FOLDS, len(normal) * (number + 1) // FOLDS
        rest = np.concatenate([normal[:first], normal[last:]])
        cut = int(np.ceil(HELD_OUT * len(rest)))
        folds.append(
            Fold(
                train=beats.take(rest[cut:]),
                validation=beats.take(np.concatenate([rest[:cut], *validation_abnormal])),
                test=beats.take(np.concatenate([normal[first:last], *test_abnormal])),
                normal="N",
            )
        )
    return folds


def inter_patient(
    beats: BeatSet,
    seed: int = 0,
    class_map: str = "aami",
    train_records: Sequence[str] = (),
    test_records: Sequence[str] = (),
    all_beats: bool = False,
) -> list[Fold]:
    """The inter-patient protocol (DS1 → DS2): no wearer both trains and tests; returns one fold.

    De Chazal et al. (IEEE TBME 51(7), 2004) split MIT-BIH's 44 records without a pacemaker into DS1 and DS2,
    of 22 records each. The normal beats of DS1 train, but for four of its wearers, drawn with the seed, who
    validate with all of their beats. All classes of DS2 test. In configurations its name is
    ``inter_patient``, and in the names of results ``-inter``.

    As in ``beatgan``, an N beat counts only if the detector confirms its annotated R-peak, unless
    ``all_beats``: some annotations of N beats stand beside the R-peak, and a window cut there measures the
    annotation, not the score. Other records than DS1 and DS2 are split by ``split_records``.
    """
    beats = map_classes(beats, class_map)
    beats = beats if all_beats else confirmed(beats)
    train_records, test_records = split_records(beats.records.tolist(), train_records, test_records)
    both = sorted(set(train_records) & set(test_records))
    if both:
        raise ConfigError(
            f"Protocol inter_patient: found record {both[0]} in both parts; expected it in one."
        )
    count = min(HELD_OUT_WEARERS, len(train_records) // 2)
    held_out = np.random.default_rng(seed).choice(np.array(train_records), count, replace=False)
    learning = np.isin(beats.records, train_records) & ~np.isin(beats.records, held_out)
    fold = Fold(
        train=beats.take(learning & (beats.classes == "N")),
        validation=beats.take(np.isin(beats.records, held_out)),
        test=beats.take(np.isin(beats.records, test_records)),
        normal="N",
        learning_abnormal=beats.take(learning & (beats.classes != "N")),
    )
    return [fold]


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


def databases(beats: BeatSet, roles: Mapping[str, str], class_map: str = "aami") -> list[Fold]:
    """Records of several databases, each of which trains, validates or tests; returns one fold.

    Args:
        beats: of all of them, their records named ``database/record``.
        roles: of each record: ``train``, ``validate`` or ``test``. Of the first kind the normal beats train.
    """
    beats = confirmed(map_classes(beats, class_map))
    part = np.array([roles[name] for name in beats.records.tolist()], "U8")
    is_normal = beats.classes == "N"
    return [
        Fold(
            train=beats.take((part == "train") & is_normal),
            validation=beats.take(part == "validate"),
            test=beats.take(part == "test"),
            normal="N",
            learning_abnormal=beats.take((part == "train") & ~is_normal),
        )
    ]


def leave_out(beats: BeatSet, seed: int = 0, class_map: str = "aami", all_beats: bool = False) -> list[Fold]:
    """Four wearers test, four others validate, and the normal beats of the rest train.

    Returns a fold for each four, so that every wearer tests once: eleven folds of MIT-BIH's 44 records. The
    same beats count as in ``inter_patient``. The two records of one subject are in one four.
    """
    beats = map_classes(beats, class_map)
    beats = beats if all_beats else confirmed(beats)
    names = np.random.default_rng(seed).permutation(np.unique(beats.records)).tolist()
    if set(SAME_SUBJECT) <= set(names):
        for name in SAME_SUBJECT:
            names.remove(name)
        names = [*SAME_SUBJECT, *names]
    fours = [names[first : first + HELD_OUT_WEARERS] for first in range(0, len(names), HELD_OUT_WEARERS)]
    if len(fours) < 3:
        raise DataError(f"Protocol leave_out: found {len(names)} records, expected more than 8.")
    folds = []
    for number, tested in enumerate(fours):
        validating = np.isin(beats.records, fours[(number + 1) % len(fours)])
        testing = np.isin(beats.records, tested)
        learning = ~validating & ~testing
        folds.append(
            Fold(
                train=beats.take(learning & (beats.classes == "N")),
                validation=beats.take(validating),
                test=beats.take(testing),
                normal="N",
                learning_abnormal=beats.take(learning & (beats.classes != "N")),
            )
        )
    return folds


def series(beats: BeatSet, normal: str, test_records: Sequence[str], seed: int = 0) -> list[Fold]:
    """Whole files of one class train; the ``test_records`` and all other classes test; returns one fold.

    A tenth of the training files, drawn with the seed, validates.
    """
    is_normal = beats.classes == normal
    names = np.unique(beats.records[is_normal & ~np.isin(beats.records, test_records)])
    if len(names) < 2:
        raise DataError(f"Class {normal}: found {len(names)} files to learn from; expected at least 2.")
    absent = sorted(set(test_records) - set(beats.records[is_normal].tolist()))
    if absent:
        raise DataError(f"Class {normal}: found no file {absent[0]}; expected it among the test records.")
    if len(names) == len(np.unique(beats.records)):
        raise DataError(
            f"Class {normal}: found no file to test; expected protocol.test_records, or another class."
        )
    held_out = np.random.default_rng(seed).choice(names, int(np.ceil(HELD_OUT * len(names))), replace=False)
    learning = is_normal & np.isin(beats.records, names)
    validating = learning & np.isin(beats.records, held_out)
    return [Fold(beats.take(learning & ~validating), beats.take(validating), beats.take(~learning), normal)]


def contaminate(fold: Fold, share: float, seed: int = 0) -> Fold:
    """The fold with abnormal beats in its training set, ``share`` of it (0 to 0.5).

    They are taken out of the test, or, where wearers are kept apart, from the training wearers' own abnormal
    beats. The validation normals, which select and set the threshold, stay clean.
    """
    if not 0 <= share <= 0.5:
        raise ConfigError(f"contamination: found {share}, expected 0 to 0.5.")
    pool = fold.test if fold.learning_abnormal is None else fold.learning_abnormal
    abnormal = np.flatnonzero(fold.is_abnormal(pool))
    count = round(share / (1 - share) * len(fold.train))
    if count >= len(abnormal):
        raise DataError(
            f"contamination: {share:.1%} needs {count} abnormal beats; there are {len(abnormal)}."
        )
    moved = np.random.default_rng(seed).choice(abnormal, count, replace=False)
    train = BeatSet.join([fold.train, pool.take(moved)], fold.train.sha256)
    test = fold.test if pool is not fold.test else pool.take(np.setdiff1d(np.arange(len(pool)), moved))
    return replace(fold, train=train, test=test)
