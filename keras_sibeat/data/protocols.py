"""Protocols: which beats train, validate and test, and what may be looked at to select a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.wearers import records_by_wearer
from keras_sibeat.errors import ConfigError, DataError

PUBLISHED = {"N": "NLR", "S": "aJASje", "V": "VE", "F": "F", "Q": "/fQ"}  # BeatGAN's code
AAMI = {"N": "NLRej", "S": "aJAS", "V": "VE", "F": "F", "Q": "/fQ"}  # ANSI/AAMI EC57
CLASS_MAPS = {"published": PUBLISHED, "aami": AAMI}

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
    train_records: Sequence[str],
    test_records: Sequence[str],
    seed: int = 0,
    class_map: str = "aami",
    all_beats: bool = False,
) -> list[Fold]:
    """The inter-patient protocol (DS1 → DS2): no wearer both trains and tests; returns one fold.

    De Chazal et al. (IEEE TBME 51(7), 2004) split MIT-BIH's 44 records without a pacemaker into DS1 and DS2,
    of 22 records each. The normal beats of DS1 train, but for four of its wearers, drawn with the seed, who
    validate with all of their beats; of fewer than eight wearers half do. All classes of DS2 test. In
    configurations its name is ``inter_patient``, and in the names of results ``-inter``.

    As in ``beatgan``, an N beat counts only if the detector confirms its annotated R-peak, unless
    ``all_beats``: some annotations of N beats stand beside the R-peak, and a window cut there measures the
    annotation, not the score.

    Args:
        beats: of all these records.
        train_records, test_records: as ``splits.split_records`` gives them.
        seed: of who validates.
        class_map: name of the classes.
        all_beats: keep the N beats that the detector does not confirm.

    Raises ``DataError`` where one wearer alone trains, as nobody is left to validate.
    """
    beats = map_classes(beats, class_map)
    beats = beats if all_beats else confirmed(beats)
    held_out = held_out_records(beats.worn_by, train_records, seed)
    learning = np.isin(beats.records, train_records) & ~np.isin(beats.records, held_out)
    fold = Fold(
        train=beats.take(learning & (beats.classes == "N")),
        validation=beats.take(np.isin(beats.records, held_out)),
        test=beats.take(np.isin(beats.records, test_records)),
        normal="N",
        learning_abnormal=beats.take(learning & (beats.classes != "N")),
    )
    return [fold]


def held_out_records(worn_by: Mapping[str, str], train_records: Sequence[str], seed: int = 0) -> list[str]:
    """The records that validate under ``inter_patient``, of those that are to train.

    Args:
        worn_by: the wearer of each record.
        train_records, seed: as ``inter_patient`` takes them.

    Raises ``DataError`` where one wearer alone trains, as nobody is left to validate.
    """
    trained = records_by_wearer(worn_by, train_records)
    count = min(HELD_OUT_WEARERS, len(trained) // 2)
    if not count:
        raise DataError(
            f"Protocol inter_patient: found {len(trained)} wearers to train; expected 2 or more, as some of "
            "them validate."
        )
    drawn = np.random.default_rng(seed).choice(np.array(list(trained)), count, replace=False)
    return [record for wearer in drawn for record in trained[wearer]]


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
    same beats count as in ``inter_patient``. All records of a wearer are in one four. The first four has the
    wearers of several records, and is the one that may be less than four.

    Raises ``DataError`` for fewer than nine wearers.
    """
    beats = map_classes(beats, class_map)
    beats = beats if all_beats else confirmed(beats)
    names = np.random.default_rng(seed).permutation(np.unique(beats.records)).tolist()
    wearers = sorted(records_by_wearer(beats.worn_by, names).values(), key=lambda worn: len(worn) == 1)
    if len(wearers) <= 2 * HELD_OUT_WEARERS:
        raise DataError(f"Protocol leave_out: found {len(wearers)} wearers, expected more than 8.")
    first = len(wearers) % HELD_OUT_WEARERS or HELD_OUT_WEARERS
    bounds = pairwise((0, *range(first, len(wearers) + 1, HELD_OUT_WEARERS)))
    fours = [[name for worn in wearers[begin:end] for name in worn] for begin, end in bounds]
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
